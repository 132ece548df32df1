package topics

import (
	"slices"

	"kandashub/topics/claims"
)

// What a person decides in the model, by their places in decisionsOfModel; an undo
// is none of these, but a step of its own.
const (
	modelReplay    uint8 = iota
	modelReplayAsk       // what a replay of an uncertain letter is at the claim
	modelDiscard
	modelAnswer // at the claim it is a Finish
	modelUndo
)

// A mutant is one way to build the protocol wrongly.
type mutant string

// A model steps through all that can happen. Each step is a piece that the real
// thing can not be interrupted in: one script, one record that lands, one commit,
// one thing that the system does. What a hub does in memory goes with it.
type model struct {
	book    *scriptBook
	asks    bool // C2: the system can be asked. Else C3
	zombies bool // a hub may go on for a while with a partition that another one has
	pinned  bool // an entry of another key lies first in the parked topic and is never finished
	mutant  mutant
	out     func(what string, h int, next modelState)
}

// steps tells out of each state that can be next.
func (m *model) steps(s *modelState) {
	for h := range s.hubs {
		hub := &s.hubs[h]
		if hub.mode == hubOff {
			m.takeover(s, h)
			continue
		}
		if hub.mode == hubOn {
			m.reads(s, h)
			m.begins(s, h)
			m.lands(s, h)
			if s.current != uint8(h) {
				m.notices(s, h)
			}
		}
		m.attempts(s, h)
		m.commits(s, h)
		m.crashes(s, h)
	}
	m.world(s)
	m.decides(s)
}

// emit hands a state on, with what follows by itself.
func (m *model) emit(what string, h int, next modelState) {
	for i := range next.hubs {
		next.hubs[i].tidy()
	}
	m.out(what, h, next)
}

func (m *model) reads(s *modelState, h int) {
	hub := s.hubs[h]
	if hub.source < s.messages {
		n := *s
		n.read(h, m)
		m.emit("reads the source", h, n)
	}
	if hub.park < s.nParked {
		n := *s
		n.readParked(h, m)
		m.emit("reads the parked topic", h, n)
	}
	if hub.die < s.nDead {
		n := *s
		n.readDead(h)
		m.emit("reads the dead topic", h, n)
	}
}

func (s *modelState) read(h int, m *model) {
	hub := &s.hubs[h]
	msg := hub.source
	hub.source++
	to := &hub.queue
	if empty(hub.queue) && hub.diverts() && m.mutant != followersDelivered {
		to = &hub.toPark
	}
	if empty(*to) {
		to[0] = msg
	}
	to[1] = msg + 1
}

func (s *modelState) readParked(h int, m *model) {
	hub := &s.hubs[h]
	o := hub.park
	r := s.parked[o]
	hub.park++
	switch {
	case r.foreign:
	case r.through:
		for i := range r.value + 1 {
			if r.covers(i, s.parked[i], m.mutant) {
				hub.entries &^= 1 << i
				hub.late &^= 1 << i
				hub.finParked |= 1 << i
			}
		}
	case o >= hub.end && r.writer != hub.owner && r.value >= hub.start && m.mutant != lateEntriesCount:
		if m.mutant == latePassedOver {
			hub.finParked |= 1 << o
		} else {
			hub.late |= 1 << o // this owner reads its message from the source
		}
	case hub.finParked>>o&1 == 0:
		hub.entries |= 1 << o
	}
}

func (s *modelState) readDead(h int) {
	hub := &s.hubs[h]
	o := hub.die
	r := s.dead[o]
	hub.die++
	switch r.kind {
	case deadLetter:
		if hub.letters |= 1 << r.value; hub.resolved>>r.value&1 == 1 {
			hub.finDead |= 1 << o
		}
	case deadResolved:
		s.resolve(hub, r.value)
	case deadDecision:
		letter := s.decisionOf[r.value]
		if s.decidesWhat[r.value] != modelUndo && (hub.letters>>letter&1 == 0 || hub.resolved>>letter&1 == 1) {
			hub.finDead |= 1 << o
			return
		}
		hub.waiting[slices.Index(hub.waiting[:], 0)] = o + 1
	}
}

// resolve ends a letter in a hub's memory.
func (s *modelState) resolve(hub *modelHub, letter uint8) {
	hub.resolved |= 1 << letter
	for o := range hub.die {
		if d := s.dead[o]; d.kind == deadLetter && d.value == letter {
			hub.finDead |= 1 << o
		}
	}
}

// begins begins an attempt at the head of the lane: decisions first, then what
// is parked, then what came from the source.
func (m *model) begins(s *modelState, h int) {
	hub := s.hubs[h]
	if hub.at.stage != idle {
		return
	}
	n := *s
	at := &n.hubs[h].at
	switch {
	case hub.waiting[0] != 0:
		*at = attempt{from: fromDead, offset: hub.waiting[0] - 1}
		m.carryOut(n, h)
		return
	case hub.holds() && m.mutant != lettersHoldNothing:
		return
	case !empty(hub.queue) && m.mutant == followersDelivered:
		*at = attempt{from: fromSource, offset: hub.queue[0], message: hub.queue[0]}
	case hub.entries != 0:
		o := first(hub.entries)
		*at = attempt{from: fromParked, offset: o, message: s.parked[o].value}
	case !empty(hub.queue):
		*at = attempt{from: fromSource, offset: hub.queue[0], message: hub.queue[0]}
	case hub.late != 0 && empty(hub.toPark) && empty(hub.appending) && s.parked[first(hub.late)].value < hub.source:
		o := first(hub.late)
		*at = attempt{from: fromParked, offset: o, message: s.parked[o].value}
	default:
		return
	}
	m.claim(n, h)
}

// carryOut has the claim say what a decision may do.
func (m *model) carryOut(n modelState, h int) {
	at := &n.hubs[h].at
	d := n.dead[at.offset].value
	at.old = n.decisionOf[d]
	at.message = n.letterOf[at.old]
	what := n.decidesWhat[d]
	if what == modelUndo {
		m.undo(n, h, d)
		return
	}
	kind := what
	if what == modelReplay && n.uncertain>>at.old&1 == 1 {
		kind = modelReplayAsk
	}
	got := m.book.step(n.claims[at.message], stepDecide, stepArg{letter: at.old, decision: d, kind: kind})
	if m.mutant == decisionsActBlindly {
		got = claimed{record: n.claims[at.message], ok: true}
	}
	n.claims[at.message] = got.record
	if got.ok {
		if other := n.actedBy[at.old]; other != 0 && other != d+1 {
			n.broken = "at most one decision acts"
		}
		n.actedBy[at.old] = d + 1
	}
	if what == modelReplay {
		m.claim(n, h)
		return
	}
	if got.ok {
		n.decided |= 1 << at.message
	}
	at.stage = resolving
	m.emit("carries out a decision", h, n)
}

// undo has the claim say dead again, with the letter that is to be written.
func (m *model) undo(n modelState, h int, d uint8) {
	at := &n.hubs[h].at
	got := m.book.step(n.claims[at.message], stepUndo, stepArg{letter: at.old, decision: n.undoes[d], again: n.again[d]})
	if m.mutant == undoesBlindly {
		got = claimed{record: n.claims[at.message], ok: true}
	}
	n.claims[at.message] = got.record
	if !got.ok {
		n.hubs[h].decided()
		m.emit("undoes nothing", h, n)
		return
	}
	n.decided &^= 1 << at.message
	for follower := at.message + 1; follower < n.messages; follower++ {
		if n.claims[follower] != 0 {
			n.passed[at.message] |= 1 << follower // what has followed meanwhile has passed
		}
	}
	if n.uncertain>>at.old&1 == 1 && m.mutant != undoForgetsClass {
		n.uncertain |= 1 << n.again[d]
	}
	at.letter, at.stage = n.again[d], burying
	m.emit("undoes a discard", h, n)
}

// decided marks the decision that the hub is at as finished.
func (h *modelHub) decided() {
	h.finDead |= 1 << h.at.offset
	copy(h.waiting[:], h.waiting[1:])
	h.waiting[len(h.waiting)-1] = 0
	h.at = attempt{}
}

// claim claims the message of an attempt that has just been begun.
func (m *model) claim(n modelState, h int) {
	at := &n.hubs[h].at
	r := n.claims[at.message]
	at.token = m.book.token(r, h)
	got := m.book.step(r, stepClaim, stepArg{token: at.token})
	if m.mutant == takeoverForgetsSent && got.verdict == claims.Uncertain {
		got.verdict = claims.New
	}
	n.claims[at.message] = got.record
	at.lease = true
	switch got.verdict {
	case claims.New:
		at.stage = hasClaimed
	case claims.Uncertain:
		at.stage = hasUncertain
	case claims.Answered:
		at.stage = publishing
	case claims.Dead:
		at.stage, at.letter = burying, got.letter
		if m.mutant == deadIsDropped {
			n.finish(h, m)
		}
	case claims.Done:
		n.finish(h, m)
	default: // busy: it waits
		n.hubs[h].at = attempt{}
	}
	m.emit("claims: "+got.verdict.String(), h, n)
}

// finish marks the entry of an attempt as finished.
func (s *modelState) finish(h int, m *model) {
	hub := &s.hubs[h]
	at := hub.at
	switch at.from {
	case fromSource:
		hub.queue[0]++
		hub.finSource |= 1 << at.offset
	case fromParked:
		hub.entries &^= 1 << at.offset
		hub.late &^= 1 << at.offset
		hub.finParked |= 1 << at.offset
		if s.position(hub, 1) <= at.offset && m.mutant != noNotes {
			hub.noteNext = max(hub.noteNext, at.offset+1)
		}
	case fromDead:
		if s.decidesWhat[s.dead[at.offset].value] == modelUndo {
			hub.decided()
			return
		}
		hub.at.stage = resolving
		return
	}
	hub.at = attempt{}
}

// lands lets a hub's own appends land. Its writer may not learn of it, and
// writes them once more.
func (m *model) lands(s *modelState, h int) {
	hub := s.hubs[h]
	if !empty(hub.appending) {
		n := *s
		base := n.nParked
		if n.park(hub.appending, hub.owner) {
			if n.left.lostAcks > 0 {
				lost := n
				lost.left.lostAcks--
				m.emit("parks, and does not learn of it", h, lost)
			}
			n.appended(h, base)
			m.emit("parks", h, n)
		} else {
			m.cut(s)
		}
	}
	if hub.note != 0 {
		n := *s
		if n.nParked < n.room {
			n.parked[n.nParked] = parkedNote{through: true, value: hub.note - 1, writer: hub.owner, end: hub.end}
			n.nParked++
			n.hubs[h].note = 0
			m.emit("notes what is finished", h, n)
		} else {
			m.cut(s)
		}
	}
}

// cut notes that a bound keeps a step from being taken.
func (m *model) cut(s *modelState) { s.cut = true }

// park appends messages to the parked topic.
func (s *modelState) park(r [2]uint8, writer uint8) bool {
	if s.nParked+r[1]-r[0] > s.room {
		return false
	}
	for msg := r[0]; msg < r[1]; msg++ {
		s.parked[s.nParked] = parkedNote{value: msg, writer: writer}
		s.nParked++
	}
	return true
}

// appended takes over what has been parked.
func (s *modelState) appended(h int, base uint8) {
	hub := &s.hubs[h]
	for i := range hub.appending[1] - hub.appending[0] {
		if o := base + i; hub.finParked>>o&1 == 0 { // not yet read, or read and not finished
			hub.entries |= 1 << o
		}
		hub.finSource |= 1 << (hub.appending[0] + i)
	}
	hub.appending = [2]uint8{}
}
