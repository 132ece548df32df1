package topics

import "math/bits"

// The bounds of the model: one key in one partition number, two hubs that own it
// in turn or, where one does not know yet that it has lost it, at once.
const (
	modelMessages  = 3
	modelParked    = 7
	modelDead      = 9
	modelLetters   = 4
	modelDecisions = 3
)

// A budget is how often each thing may go wrong in one run of the model.
type budget struct {
	crashes   uint8 // a hub ends at any step
	takeovers uint8 // the partition is given to the other hub, which the old one may not know
	outages   uint8 // a call surely fails
	refusals  uint8 // a message can never succeed
	unclear   uint8 // a call brings no answer
	lostAcks  uint8 // a record is written, and its writer does not learn of it
	parks     uint8 // a failing key is parked
	late      uint8 // a record lands after its writer has ended
	decisions uint8 // people decide of a letter
	expiries  uint8 // a lease ends
}

// Records of the parked topic: entries, and notes that cover them.
type parkedNote struct {
	through bool
	value   uint8 // of an entry its message, of a note the offset it covers
	foreign bool  // another key's entry, which nobody finishes
	writer  uint8 // which owner wrote it
	end     uint8 // of a note: where the topic ended when its writer took over
}

// covers says whether a note covers an entry: one that lay there when the note's
// writer took over, or that it wrote itself.
func (n parkedNote) covers(o uint8, e parkedNote, m mutant) bool {
	return n.through && o <= n.value && !e.foreign && !e.through && (o < n.end || e.writer == n.writer || m == notesCoverAll)
}

// Records of the dead topic.
type deadNote struct {
	kind  uint8 // deadLetter, deadDecision, deadResolved
	value uint8 // a letter, or a decision
}

const (
	deadLetter uint8 = iota + 1
	deadDecision
	deadResolved
)

// A lateAppend is a request whose writer has ended: it may land at any time.
type lateAppend struct {
	topic    uint8 // 0 none, 1 parked, 2 dead
	from, to uint8 // messages to park
	note     deadNote
}

// modelState is all there is: what Redis, the topics and the system hold, and what
// the hubs have in memory. Equal states are equal values.
type modelState struct {
	messages  uint8 // of the source
	room      uint8 // of the parked and of the dead topic
	claims    [modelMessages]claimRecord
	effects   [modelMessages]uint8
	orphans   [modelMessages]uint8 // calls on their way of which nobody waits for the answer
	published uint8                // bits of messages: their reply is written
	decided   uint8                // ... a person's decision has ended them

	passed [modelMessages]uint8 // bits of followers that had begun when its discard was taken back

	parked      [modelParked]parkedNote
	dead        [modelDead]deadNote
	nParked     uint8
	nDead       uint8
	late        [2]lateAppend
	letters     uint8 // how many have been named
	letterOf    [modelLetters]uint8
	uncertain   uint8                 // bits of letters: of the class uncertain
	actedBy     [modelLetters]uint8   // the decision that acted on it, plus one
	decisions   uint8                 // how many have been written
	decisionOf  [modelDecisions]uint8 // its letter
	decidesWhat [modelDecisions]uint8 // one of the decisions of the model
	undoes      [modelDecisions]uint8 // of an undo: the discard
	again       [modelDecisions]uint8 // of an undo: the letter that comes of it

	committed [3]uint8 // source, parked, dead
	current   uint8    // the hub whose commits count
	left      budget
	hubs      [2]modelHub
	cut       bool // a bound was met: what is missing may come from that
	broken    string
}

// modelHub is what a hub has in memory of the partition.
type modelHub struct {
	mode              hubMode
	owner, start, end uint8    // which owner this is, where its source began, where the parked topic ended then
	source, park, die uint8    // read up to
	queue, toPark     [2]uint8 // messages from, to
	appending         [2]uint8
	entries           uint16 // bits of offsets: the index
	late              uint16 // ... and what another owner has parked since, which goes last
	finSource         uint8
	finParked         uint16
	finDead           uint16
	letters           uint8                 // bits: known
	resolved          uint8                 // bits
	waiting           [modelDecisions]uint8 // decisions to be carried out: their offset plus one
	note              uint8                 // offset plus one: a note on its way
	noteNext          uint8
	at                attempt
}

type hubMode uint8

const (
	hubOff hubMode = iota
	hubOn
	hubDraining // it has lost the partition and knows it
)

// An attempt is at one entry of the lane.
type attempt struct {
	stage   stage
	from    uint8 // fromSource, fromParked, fromDead
	message uint8
	offset  uint8
	token   uint8
	letter  uint8 // about to be written
	old     uint8 // the letter that the decision is of
	lease   bool
	unsure  bool // nobody can say whether it was carried out
}

const (
	fromSource uint8 = iota
	fromParked
	fromDead
)

type stage uint8

const (
	idle          stage = iota
	hasClaimed          // the verdict was new
	hasUncertain        // an earlier owner may have called
	hasSent             // the claim says sent: nothing has left yet
	calling             // the first byte has left
	givingBack          // surely no effect
	answeredStage       // the answer is here
	publishing          // the claim keeps the answer
	dying               // the claim is to say dead
	burying             // the letter is to be written
	dyingLate           // the letter is written, the claim says nothing: only where the model is broken so
	resolving           // a decision is carried out, and that is to be written
)

func (h *modelHub) holds() bool { return h.letters&^h.resolved != 0 }

func empty(r [2]uint8) bool { return r[0] == r[1] }

// diverts says whether a message that arrives goes to the parked topic.
func (h *modelHub) diverts() bool {
	return h.entries != 0 || !empty(h.toPark) || !empty(h.appending) || h.holds()
}

// moveToPark moves the queue behind what is on its way to the parked topic.
func (h *modelHub) moveToPark() {
	if empty(h.queue) {
		return
	}
	if empty(h.toPark) {
		h.toPark = h.queue
	} else {
		h.toPark[1] = h.queue[1]
	}
	h.queue = [2]uint8{}
}

// tidy does what follows by itself in memory.
func (h *modelHub) tidy() {
	if h.mode == hubDraining && h.at.stage == idle {
		*h = modelHub{}
		return
	}
	if h.mode == hubOn && h.at.stage == idle && h.holds() {
		h.moveToPark() // a held key must not hold back the window
	}
	if empty(h.appending) && !empty(h.toPark) {
		h.appending, h.toPark = h.toPark, [2]uint8{}
	}
	if empty(h.toPark) {
		h.toPark = [2]uint8{}
	}
	if empty(h.queue) {
		h.queue = [2]uint8{}
	}
	if h.note == 0 {
		h.note, h.noteNext = h.noteNext, 0
	}
}

// position is what a hub may commit of a topic.
func (s *modelState) position(h *modelHub, topic int) uint8 {
	at := s.committed[topic]
	switch topic {
	case 0:
		for at < h.source && h.finSource>>at&1 == 1 {
			at++
		}
	case 1:
		for at < h.park && (s.parked[at].through || h.finParked>>at&1 == 1) {
			at++
		}
	case 2:
		for at < h.die && (s.dead[at].kind == deadResolved || h.finDead>>at&1 == 1) {
			at++
		}
	}
	return at
}

// resolvedInTopic says whether the dead topic says that a letter is resolved.
func (s *modelState) resolvedInTopic(letter uint8) bool {
	for _, d := range s.dead[:s.nDead] {
		if d.kind == deadResolved && d.value == letter {
			return true
		}
	}
	return false
}

// recoverable says whether a next owner would find the message: in the source,
// parked and not covered by a note, or as a letter that nobody has decided.
func (s *modelState) recoverable(m uint8, broken mutant) bool {
	if s.committed[0] <= m {
		return true
	}
	for o := s.committed[1]; o < s.nParked; o++ {
		if s.parked[o].through || s.parked[o].foreign || s.parked[o].value != m {
			continue
		}
		covered := false
		for _, n := range s.parked[o:s.nParked] {
			covered = covered || n.covers(o, s.parked[o], broken)
		}
		if !covered {
			return true
		}
	}
	for o := s.committed[2]; o < s.nDead; o++ {
		if d := s.dead[o]; d.kind == deadLetter && s.letterOf[d.value] == m && !s.resolvedInTopic(d.value) {
			return true
		}
	}
	return s.undone(m)
}

// undone says whether an undo that a next owner would carry out makes the message
// a letter again.
func (s *modelState) undone(m uint8) bool {
	for o := s.committed[2]; o < s.nDead; o++ {
		d := s.dead[o]
		if d.kind == deadDecision && s.decidesWhat[d.value] == modelUndo && s.letterOf[s.again[d.value]] == m && !s.resolvedInTopic(s.again[d.value]) {
			return true
		}
	}
	return false
}

func (s *modelState) settled(m uint8) bool { return (s.published|s.decided)>>m&1 == 1 }

// first returns the lowest bit of a set of offsets.
func first(set uint16) uint8 { return uint8(bits.TrailingZeros16(set)) }
