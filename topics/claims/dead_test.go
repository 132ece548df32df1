package claims

import (
	"testing"
	"time"
)

// deadLetters: what a person decides.
var deadLetters = map[string]func(s *story){
	"replay": func(s *story) {
		s.dead("L1")
		s.decide("L2", Replay, false)
		s.decide("L1", Replay, true)
		s.decide("L1", Replay, false)
		s.decide("L1", Finish, false)
		s.claim(New)
	},
	"replay that asks": func(s *story) {
		s.dead("L1")
		s.later(time.Minute)
		s.decide("L1", ReplayAsk, true)
		s.decide("L1", ReplayAsk, false)
		s.ok(s.store.Release(s.ctx, s.uncertain(time.Minute)))
		s.uncertain(time.Minute)
	},
	"replay that asks, of a letter that was never sent": func(s *story) {
		s.ok(s.store.Dead(s.ctx, s.claim(New), "L1"))
		s.later(time.Minute)
		s.decide("L1", ReplayAsk, true)
		s.uncertain(time.Minute) // since it died
	},
	"finish": func(s *story) {
		s.dead("L1")
		s.decide("L1", Finish, true)
		s.decide("L1", Finish, false)
		s.decide("L1", Replay, false)
		s.claim(Done)
		s.later(2 * time.Hour)
		s.claim(New)
	},
	"the effect is done: a replay publishes only": func(s *story) {
		for _, d := range []Decision{Replay, ReplayAsk} {
			c := s.sent()
			s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
			s.ok(s.store.Dead(s.ctx, c, "L1"))
			s.claim(Dead)
			s.decide("L1", d, true)
			if c := s.claim(Answered); string(c.Reply) != "reply" {
				s.Errorf("reply %q", c.Reply)
			}
			s.req.ID += "+"
		}
	},
	"dead again under another letter": func(s *story) {
		s.dead("L1")
		s.decide("L1", Replay, true)
		s.dead("L2")
		s.decide("L1", Finish, false)
		if c := s.claim(Dead); c.Letter != "L2" {
			s.Errorf("letter %q", c.Letter)
		}
	},
	"a decision that is carried out again acts again": func(s *story) {
		for _, d := range []Decision{Replay, ReplayAsk, Finish} {
			s.dead("L1")
			s.req.DecisionID = "d1"
			s.decide("L1", d, true)
			s.decide("L1", d, true)
			s.req.DecisionID = "d2"
			s.decide("L1", d, false)
			s.req.DecisionID = "d1"
			s.decide("L2", d, false)
			if d == Finish {
				s.claim(Done)
				s.decide("L1", d, true)
			} else {
				c, err := s.store.Claim(s.ctx, s.req)
				s.ok(err)
				s.decide("L1", d, false) // a new owner has claimed it since
				s.ok(s.store.Sent(s.ctx, c))
			}
			s.req.ID, s.req.DecisionID = s.req.ID+"+", ""
		}
	},
	"a look whether a decision has acted": func(s *story) {
		for _, d := range []Decision{Replay, ReplayAsk, Finish, Discard} {
			s.req.DecisionID = "d1"
			s.decided("L1", d, false) // there is no claim
			s.dead("L1")
			s.decided("L1", d, false)
			if c := s.claim(Dead); c.Letter != "L1" { // and it has changed nothing
				s.Errorf("letter %q", c.Letter)
			}
			s.decide("L1", d, true)
			s.decided("L1", d, true)
			s.decided("L2", d, false)
			s.req.DecisionID = "d2"
			s.decided("L1", d, false)
			s.req.ID += "+"
		}
	},
	"discard and undo": func(s *story) {
		s.dead("L1")
		s.later(time.Minute)
		s.req.DecisionID = "d1"
		s.undo("L1", "L2", false) // nothing was discarded
		s.decide("L1", Discard, true)
		s.claim(Done)
		s.undo("L0", "L2", false) // another letter
		s.req.DecisionID = "d2"
		s.undo("L1", "L2", false) // another discard
		s.req.DecisionID = "d1"
		s.undo("L1", "L2", true)
		s.undo("L1", "L2", true)  // carried out again
		s.undo("L1", "L3", false) // undone already
		s.decide("L1", Discard, false)
		if c := s.claim(Dead); c.Letter != "L2" {
			s.Errorf("letter %q", c.Letter)
		}
		s.later(2 * time.Hour) // it waits for ever
		s.decide("L2", ReplayAsk, true)
		s.uncertain(time.Minute + 2*time.Hour) // since it was sent, not since the undo
	},
	"undo of what was discarded once more": func(s *story) {
		s.dead("L1")
		s.req.DecisionID = "d1"
		s.decide("L1", Discard, true)
		s.undo("L1", "L2", true)
		s.decide("L2", Discard, true)
		s.undo("L1", "L2", false) // late
		s.claim(Done)
		s.undo("L2", "L3", true)
		s.decide("L3", Replay, true)
		s.undo("L2", "L3", false)
		s.ok(s.store.Done(s.ctx, s.claim(New)))
		s.undo("L2", "L3", false)
		s.claim(Done)
	},
	"nothing to undo": func(s *story) {
		s.req.DecisionID = "d1"
		s.undo("L1", "L2", false)
		s.dead("L1")
		s.decide("L1", Finish, true) // answered
		s.undo("L1", "L2", false)
		s.req.ID += "+"
		c := s.sent()
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		s.ok(s.store.Dead(s.ctx, c, "L1"))
		s.decide("L1", Discard, true) // the reply is gone
		s.undo("L1", "L2", false)
		s.claim(Done)
		s.req.ID += "+"
		s.dead("L1")
		s.decide("L1", Discard, true)
		s.later(2 * time.Hour) // the marker has ended
		s.undo("L1", "L2", false)
		if _, err := s.store.Undo(s.ctx, s.req, "L1", "a|b"); err == nil {
			s.Error("the id of a letter with | was taken")
		}
	},
	"nothing to decide": func(s *story) {
		s.decide("L1", Replay, false)
		c := s.claim(New)
		s.decide("L1", Replay, false)
		s.ok(s.store.Sent(s.ctx, c))
		s.decide("L1", Finish, false)
		s.ok(s.store.Done(s.ctx, c))
		s.decide("L1", Finish, false)
		if _, err := s.store.Decide(s.ctx, s.req, "L1", "shrug"); err == nil {
			s.Error("an unknown decision was taken")
		}
		if err := s.store.Dead(s.ctx, c, "a|b"); err == nil {
			s.Error("the id of a letter with | was taken")
		}
	},
}

func testMarkers(t *testing.T, srv *server) {
	s := tell(t, srv)
	unique := newToken()
	document, names, other := unique+"-document", unique+"-names", unique+"-other"
	later := func(d time.Duration) { srv.later(t, d, markerKeys([]string{document, names, other})...) }
	mark := func(id, holder string, age time.Duration, markers ...string) (at time.Time) {
		t.Helper()
		at, held, err := s.store.Mark(s.ctx, markers, id)
		s.ok(err)
		switch {
		case held == nil && holder == "":
		case held == nil || held.MessageID != holder:
			t.Fatalf("held by %+v, want %q", held, holder)
		case held.Age < age || held.Age > age+30*time.Second:
			t.Fatalf("held for %s, want %s", held.Age, age)
		}
		if (holder == "") == at.IsZero() {
			t.Fatalf("held by %q, written at %s", holder, at)
		}
		return at
	}
	first := mark("m1", "", 0, document, names)
	later(time.Minute)
	mark("m2", "m1", time.Minute, other, names) // one of them is enough
	mark("m3", "", 0, other)                    // and m2 has left nothing behind
	mark("m2", "m3", 0, document, other)        // of two holders the youngest
	again := mark("m1", "", 0, document, names) // still its own, and younger
	mark("m2", "m1", 0, document)

	s.ok(s.store.Unmark(s.ctx, []string{document, names, other}, "m1", first)) // what was found out then
	mark("m2", "m1", 0, document)                                              // is not true of what began later
	s.ok(s.store.Unmark(s.ctx, []string{document, names, other}, "m1", again)) // only its own
	mark("m2", "m3", 0, other)
	mark("m2", "", 0, document, names)
	s.ok(s.store.Unmark(s.ctx, []string{document, names}, "m1", again.Add(time.Hour)))
	mark("m1", "m2", 0, names)
	for _, key := range markerKeys([]string{document, names, other}) {
		if d, err := srv.rdb.PTTL(s.ctx, key).Result(); err != nil || d != -1 {
			t.Errorf("a marker expires in %s (%v)", d, err)
		}
	}
	if _, _, err := s.store.Mark(s.ctx, nil, "m1"); err == nil {
		t.Error("no marker at all was marked")
	}
}
