package topics

// takeover gives the partition to a hub that is off. The other one may be off
// too, or go on for a while as if it still had it.
func (m *model) takeover(s *modelState, h int) {
	if s.left.takeovers == 0 || !m.zombies && s.hubs[1-h].mode != hubOff {
		return
	}
	n := *s
	n.left.takeovers--
	n.current = uint8(h)
	hub := modelHub{mode: hubOn, owner: s.left.takeovers, start: n.committed[0], end: n.nParked, source: n.committed[0], park: n.committed[1], die: n.committed[2]}
	hub.finSource = 1<<hub.source - 1
	hub.finParked = 1<<hub.park - 1
	hub.finDead = 1<<hub.die - 1
	n.hubs[h] = hub
	if m.mutant != sourcesBeforeIndex {
		for n.hubs[h].park < n.nParked { // before it reads its sources
			n.readParked(h, m)
		}
		for n.hubs[h].die < n.nDead {
			n.readDead(h)
		}
	}
	m.emit("takes the partition over", h, n)
}

// notices has a hub learn that it has lost the partition. What it was writing
// may land later.
func (m *model) notices(s *modelState, h int) {
	n := *s
	hub := &n.hubs[h]
	n.orphanAppends(hub)
	at := hub.at
	*hub = modelHub{mode: hubDraining, at: at}
	m.emit("learns that it has lost the partition", h, n)
}

// orphanAppends leaves what a hub is writing to land later, or never.
func (s *modelState) orphanAppends(hub *modelHub) {
	add := func(l lateAppend) {
		for i := range s.late {
			if s.late[i].topic == 0 && s.left.late > 0 {
				s.left.late--
				s.late[i] = l
				return
			}
		}
	}
	if !empty(hub.appending) {
		add(lateAppend{topic: 1, from: hub.appending[0], to: hub.appending[1]})
	}
	switch {
	case hub.mode != hubOn:
	case hub.at.stage == burying:
		add(lateAppend{topic: 2, note: deadNote{deadLetter, hub.at.letter}})
	case hub.at.stage == resolving:
		add(lateAppend{topic: 2, note: deadNote{deadResolved, hub.at.old}})
	}
}

func (m *model) commits(s *modelState, h int) {
	if s.current != uint8(h) || s.hubs[h].mode != hubOn {
		return
	}
	n := *s
	hub := &s.hubs[h]
	for topic := range n.committed {
		n.committed[topic] = s.position(hub, topic)
	}
	if m.mutant == commitsWhatIsRead {
		n.committed = [3]uint8{hub.source, hub.park, hub.die}
	}
	if n.committed != s.committed {
		m.emit("commits", h, n)
	}
}

// crashes ends a hub at any step. A next owner must be left to come.
func (m *model) crashes(s *modelState, h int) {
	if s.left.crashes == 0 || s.left.takeovers == 0 && s.current == uint8(h) {
		return
	}
	n := *s
	n.left.crashes--
	hub := &n.hubs[h]
	n.orphanAppends(hub)
	if hub.at.stage == calling {
		n.orphans[hub.at.message]++
	}
	*hub = modelHub{}
	m.emit("crashes", h, n)
}

// world is what happens by itself: late records land, late calls arrive or are
// lost, leases end, and so do done markers.
func (m *model) world(s *modelState) {
	for i, l := range s.late {
		n := *s
		n.late[i] = lateAppend{}
		if l.topic == 1 && n.park([2]uint8{l.from, l.to}, 0) || l.topic == 2 && n.append(l.note) {
			m.emit("a late record lands", -1, n)
		}
	}
	for msg := range s.messages {
		if s.orphans[msg] > 0 {
			n := *s
			n.orphans[msg]--
			m.emit("a late call is lost", int(msg), n)
			n.act(msg)
			m.emit("a late call arrives", int(msg), n)
		}
		r := s.claims[msg]
		switch {
		case !m.book.alive(r):
		case s.left.expiries == 0:
			m.cut(s)
		default:
			n := *s
			n.left.expiries--
			n.claims[msg] = m.book.step(r, stepExpire, stepArg{}).record
			for h := range n.hubs {
				if n.hubs[h].at.message == msg {
					n.hubs[h].at.lease = false
				}
			}
			m.emit("a lease ends", int(msg), n)
		}
	}
	m.forgets(s)
}

// forgets ends a done marker. That is days after its message can not be read
// from the source any more; whoever owns the partition has nothing to do.
func (m *model) forgets(s *modelState) {
	hub := s.hubs[s.current]
	quiet := hub.mode == hubOn && hub.at.stage == idle && hub.entries|hub.late == 0 && empty(hub.queue) && empty(hub.toPark) && empty(hub.appending) &&
		hub.note == 0 && hub.park == s.nParked && s.hubs[1-s.current].mode == hubOff && s.late == [2]lateAppend{}
	if !m.pinned || !quiet {
		return
	}
	for msg := range s.messages {
		r := s.claims[msg]
		if m.book.done(r) && s.committed[0] > msg && s.recoverableOnlyByNote(msg) {
			n := *s
			n.claims[msg] = m.book.step(r, stepForget, stepArg{}).record
			m.emit("a done marker ends", int(msg), n)
		}
	}
}

// recoverableOnlyByNote says whether no letter of the message lies where a next
// owner would read it.
func (s *modelState) recoverableOnlyByNote(msg uint8) bool {
	for o := s.committed[2]; o < s.nDead; o++ {
		if d := s.dead[o]; d.kind == deadLetter && s.letterOf[d.value] == msg {
			return false
		}
	}
	return true
}

// decides is a person who decides of a letter, perhaps beside another person.
func (m *model) decides(s *modelState) {
	if s.left.decisions == 0 {
		return
	}
	for letter := range s.letters {
		seen := false
		for _, d := range s.dead[:s.nDead] {
			seen = seen || d == (deadNote{deadLetter, letter})
		}
		if !seen || s.resolvedInTopic(letter) {
			continue
		}
		for _, what := range []uint8{modelReplay, modelDiscard, modelAnswer} {
			n := *s
			n.left.decisions--
			n.decisionOf[n.decisions], n.decidesWhat[n.decisions] = letter, what
			if !n.append(deadNote{deadDecision, n.decisions}) {
				m.cut(s)
				return
			}
			n.decisions++
			m.emit("a person decides", int(letter), n)
		}
	}
	m.undoes(s)
}

// undoes is a person who takes a discard back, perhaps before it was carried out.
func (m *model) undoes(s *modelState) {
	for d := range s.decisions {
		if s.decidesWhat[d] != modelDiscard {
			continue
		}
		n := *s
		u := n.decisions
		if n.letters == modelLetters || !n.append(deadNote{deadDecision, u}) {
			m.cut(s)
			return
		}
		n.left.decisions--
		n.decisionOf[u], n.decidesWhat[u], n.undoes[u], n.again[u] = s.decisionOf[d], modelUndo, d, n.letters
		n.letterOf[n.letters] = s.letterOf[s.decisionOf[d]]
		n.letters++
		n.decisions++
		m.emit("a person takes a discard back", int(d), n)
	}
}
