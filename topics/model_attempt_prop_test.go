package topics

// attempts takes an attempt one step on. It goes on after its hub has lost the
// partition, but then writes nothing to our own topics.
func (m *model) attempts(s *modelState, h int) {
	hub := s.hubs[h]
	at := hub.at
	switch at.stage {
	case hasClaimed:
		if hub.mode == hubDraining {
			m.gives(s, h, "begins nothing new", false)
			return
		}
		m.says(s, h)
	case hasUncertain:
		m.asked(s, h)
	case hasSent:
		m.leaves(s, h)
	case calling:
		m.hears(s, h)
	case givingBack:
		m.gives(s, h, "gives the claim back", true)
	case answeredStage:
		m.owned(s, h, "keeps the answer", stepAnswered, func(n *modelState) { n.hubs[h].at.stage = publishing })
	case publishing:
		n := *s
		n.published |= 1 << at.message
		m.owned(&n, h, "publishes and is done", stepDone, func(n *modelState) { n.finish(h, m) })
	case dying, dyingLate:
		m.dies(s, h)
	case burying:
		m.buries(s, h)
	case resolving:
		m.resolves(s, h)
	}
}

// owned takes a step at the claim; where another owner has it, the attempt ends.
func (m *model) owned(s *modelState, h int, what string, step claimStep, then func(*modelState)) {
	n := *s
	at := n.hubs[h].at
	got := m.book.step(n.claims[at.message], step, stepArg{token: at.token, letter: at.letter})
	n.claims[at.message] = got.record
	if got.ok {
		then(&n)
	} else {
		n.hubs[h].at = attempt{}
		what += ": lost"
	}
	m.emit(what, h, n)
}

func (m *model) says(s *modelState, h int) {
	if m.mutant == callsWithoutSent {
		n := *s
		n.hubs[h].at.stage = hasSent
		m.emit("calls without a word", h, n)
		return
	}
	m.owned(s, h, "says sent", stepSent, func(n *modelState) { n.hubs[h].at.stage = hasSent })
}

// asked is what becomes of a message that an earlier owner may have sent. By the
// time that it may be asked, no call of an earlier owner is on its way.
func (m *model) asked(s *modelState, h int) {
	msg := s.hubs[h].at.message
	settled := s.orphans[msg] == 0
	for o := range s.hubs {
		settled = settled && (o == h || s.hubs[o].at.stage != calling || s.hubs[o].at.message != msg)
	}
	if !settled && m.mutant != asksTooEarly {
		m.gives(s, h, "is too early to ask", false)
		return
	}
	n := *s
	switch {
	case !m.asks:
		n.hubs[h].at.stage, n.hubs[h].at.unsure = dying, true
		m.emit("can ask nobody", h, n)
	case n.effects[msg] > 0:
		n.hubs[h].at.stage = answeredStage
		m.emit("hears that it arrived", h, n)
	default:
		m.says(s, h)
	}
}

// leaves lets the first byte leave, or surely fail.
func (m *model) leaves(s *modelState, h int) {
	n := *s
	at := &n.hubs[h].at
	if !at.lease && m.mutant != noLeaseGuard {
		at.stage = givingBack
		m.emit("sends nothing after its lease", h, n)
		return
	}
	if n.left.outages > 0 {
		fails := n
		fails.left.outages--
		fails.hubs[h].at.stage = givingBack
		m.emit("is not connected", h, fails)
	}
	if m.book.done(n.claims[at.message]) {
		n.broken = "a done message is not called again"
	}
	at.stage = calling
	m.emit("calls", h, n)
}

// hears is what comes of a call.
func (m *model) hears(s *modelState, h int) {
	msg := s.hubs[h].at.message
	n := *s
	n.act(msg)
	n.hubs[h].at.stage = answeredStage
	m.emit("is answered", h, n)
	if s.left.refusals > 0 {
		n := *s
		n.left.refusals--
		n.hubs[h].at.stage = dying
		m.emit("is refused", h, n)
	}
	if s.left.unclear > 0 {
		n := *s
		n.left.unclear--
		n.orphans[msg]++
		if m.mutant == unclearIsUnavailable {
			n.hubs[h].at.stage = givingBack
		} else {
			n.hubs[h].at = attempt{} // the claim goes on saying sent
		}
		m.emit("gets no answer", h, n)
	}
}

// act is one effect at the system.
func (s *modelState) act(msg uint8) {
	s.effects[msg]++
	if s.effects[msg] > 1 {
		s.broken = "one effect for each message"
	}
	for before := range msg {
		if s.effects[before] == 0 && s.decided>>before&1 == 0 && s.passed[before]>>msg&1 == 0 {
			s.broken = "effects in order"
		}
	}
}

// gives gives the claim back. A key whose head fails may then be parked.
func (m *model) gives(s *modelState, h int, what string, failed bool) {
	hub := s.hubs[h]
	end := func(n *modelState) { n.hubs[h].at = attempt{} }
	m.owned(s, h, what, stepRelease, end)
	if failed && hub.mode == hubOn && hub.at.from == fromSource && s.left.parks > 0 {
		m.owned(s, h, "fails for long", stepRelease, func(n *modelState) {
			end(n)
			n.left.parks--
			n.hubs[h].moveToPark()
			if m.mutant == parkedBeforeItLies {
				for msg := n.hubs[h].toPark[0]; msg < n.hubs[h].toPark[1]; msg++ {
					n.hubs[h].finSource |= 1 << msg
				}
			}
		})
	}
}

// dies has the claim say dead, with a letter's name; then the letter is written.
func (m *model) dies(s *modelState, h int) {
	n := *s
	at := &n.hubs[h].at
	if at.stage == dying {
		if n.letters == modelLetters {
			m.cut(s)
			return
		}
		at.letter = n.letters
		n.letters++
		n.letterOf[at.letter] = at.message
		if at.unsure {
			n.uncertain |= 1 << at.letter
		}
		if m.mutant == letterBeforeClaim {
			at.stage = burying
			m.emit("writes the letter first", h, n)
			return
		}
	}
	m.owned(&n, h, "says dead", stepDead, func(n *modelState) {
		if n.hubs[h].at.stage == dyingLate {
			n.buried(h, m)
			return
		}
		n.hubs[h].at.stage = burying
	})
}

// buries writes the letter, but only while the hub does not know that it has lost
// the partition: the next owner meets the claim and writes it.
func (m *model) buries(s *modelState, h int) {
	n := *s
	if n.hubs[h].mode == hubDraining {
		n.hubs[h].at = attempt{}
		m.emit("leaves the letter to the next owner", h, n)
		return
	}
	if !n.append(deadNote{deadLetter, n.hubs[h].at.letter}) {
		m.cut(s)
		return
	}
	if n.left.lostAcks > 0 {
		lost := n
		lost.left.lostAcks--
		m.emit("writes the letter, and does not learn of it", h, lost)
	}
	if m.mutant == letterBeforeClaim {
		n.hubs[h].at.stage = dyingLate
	} else {
		n.buried(h, m)
	}
	m.emit("writes the letter", h, n)
}

// buried holds the key by a letter of its own, and finishes its message.
func (s *modelState) buried(h int, m *model) {
	hub := &s.hubs[h]
	hub.letters |= 1 << hub.at.letter
	s.finish(h, m)
}

// append appends to the dead topic.
func (s *modelState) append(d deadNote) bool {
	if s.nDead == s.room {
		return false
	}
	s.dead[s.nDead] = d
	s.nDead++
	return true
}

// resolves writes that a decision has been carried out.
func (m *model) resolves(s *modelState, h int) {
	n := *s
	hub := &n.hubs[h]
	if hub.mode == hubDraining {
		hub.at = attempt{}
		m.emit("leaves the decision to the next owner", h, n)
		return
	}
	if !n.append(deadNote{deadResolved, hub.at.old}) {
		m.cut(s)
		return
	}
	if n.actedBy[hub.at.old] == 0 {
		n.broken = "what is resolved was decided"
	}
	if n.left.lostAcks > 0 {
		lost := n
		lost.left.lostAcks--
		m.emit("writes resolved, and does not learn of it", h, lost)
	}
	n.resolve(hub, hub.at.old)
	hub.decided()
	m.emit("writes resolved", h, n)
}
