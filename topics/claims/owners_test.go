package claims

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// releases: the call surely did not happen.
var releases = map[string]func(s *story){
	"release before sent": func(s *story) {
		s.ok(s.store.Release(s.ctx, s.claim(New)))
		s.claim(New)
	},
	"release after sent": func(s *story) {
		s.ok(s.store.Release(s.ctx, s.sent()))
		s.claim(New)
	},
	"release of a claim that was taken over unsent": func(s *story) {
		s.claim(New)
		s.crash()
		s.ok(s.store.Release(s.ctx, s.claim(New)))
		s.claim(New)
	},
	"release of an uncertain claim": func(s *story) {
		s.sent()
		s.crash()
		s.ok(s.store.Release(s.ctx, s.uncertain(testLease)))
		s.uncertain(testLease)
	},
	"release after sending an uncertain one again": func(s *story) {
		s.sent()
		s.crash()
		c := s.uncertain(testLease)
		s.later(10 * time.Second)
		s.ok(s.store.Sent(s.ctx, c))
		s.ok(s.store.Release(s.ctx, c))
		s.lost(s.store.Sent(s.ctx, c))
		s.uncertain(testLease + 10*time.Second)
	},
	"release twice": func(s *story) {
		c := s.sent()
		s.ok(s.store.Release(s.ctx, c))
		s.ok(s.store.Release(s.ctx, c))
		s.lost(s.store.Sent(s.ctx, c))
		s.sent()
		s.lost(s.store.Release(s.ctx, c))
		s.crash()
		c = s.uncertain(testLease)
		s.ok(s.store.Release(s.ctx, c))
		s.ok(s.store.Release(s.ctx, c))
		s.uncertain(testLease)
	},
	"release of an answered claim ends its lease only": func(s *story) {
		c := s.sent()
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		s.ok(s.store.Release(s.ctx, c))
		s.ok(s.store.Release(s.ctx, s.claim(Answered)))
		s.claim(Answered)
	},
}

// lateSteps: an owner that wakes up after its lease.
var lateSteps = map[string]func(s *story){
	"nobody took over": func(s *story) {
		for _, finish := range []func(*Claim) error{
			func(c *Claim) error { return s.store.Answered(s.ctx, c, []byte("reply")) },
			func(c *Claim) error { return s.store.Done(s.ctx, c) },
			func(c *Claim) error { return s.store.Dead(s.ctx, c, "L1") },
			func(c *Claim) error { return s.store.Release(s.ctx, c) },
		} {
			c := s.sent()
			s.crash()
			s.lost(s.store.Sent(s.ctx, c))
			s.ok(finish(c))
			s.req.ID += "+"
		}
	},
	"another owner took over": func(s *story) {
		c := s.sent()
		s.crash()
		owner := s.uncertain(testLease)
		s.refused(c)
		s.ok(s.store.Sent(s.ctx, owner))
		s.ok(s.store.Answered(s.ctx, owner, []byte("reply")))
		s.lost(s.store.Answered(s.ctx, c, []byte("other")))
		s.lost(s.store.Dead(s.ctx, c, "L1"))
		s.ok(s.store.Done(s.ctx, c)) // answered: anyone may finish
		s.lost(s.store.Answered(s.ctx, c, []byte("other")))
		s.ok(s.store.Done(s.ctx, owner))
		s.claim(Done)
	},
	"another owner took over what was not sent": func(s *story) {
		c := s.claim(New)
		s.crash()
		s.claim(New)
		s.refused(c)
	},
	"a step that arrives late changes nothing": func(s *story) {
		c := s.sent()
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		s.lost(s.store.Sent(s.ctx, c))
		s.ok(s.store.Done(s.ctx, c))
		s.lost(s.store.Sent(s.ctx, c))
		s.lost(s.store.Answered(s.ctx, c, []byte("reply")))
		s.lost(s.store.Dead(s.ctx, c, "L1"))
		s.lost(s.store.Release(s.ctx, c))
		s.claim(Done)
	},
	"the owner of a dead letter": func(s *story) {
		c := s.sent()
		s.ok(s.store.Dead(s.ctx, c, "L1"))
		s.ok(s.store.Dead(s.ctx, c, "L1"))
		s.lost(s.store.Dead(s.ctx, c, "L2"))
		s.refused(c)
		if c := s.claim(Dead); c.Letter != "L1" {
			s.Errorf("letter %q", c.Letter)
		}
	},
}

// refused: no step of c's owner is accepted.
func (s *story) refused(c *Claim) {
	s.Helper()
	s.lost(s.store.Sent(s.ctx, c))
	s.lost(s.store.Release(s.ctx, c))
	s.lost(s.store.Answered(s.ctx, c, []byte("late")))
	s.lost(s.store.Done(s.ctx, c))
	s.lost(s.store.Dead(s.ctx, c, "late"))
}

// On a clock that runs by itself the lease ends, and not before its owner has
// given up.
func TestLeaseEndsByItself(t *testing.T) {
	for name, srv := range map[string]func(t *testing.T) *server{
		"in process": func(t *testing.T) *server { return &server{rdb: client(t, miniredis.RunT(t).Addr())} },
		"real":       func(t *testing.T) *server { return real(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, srv(t))
			s.store.cfg.Lease = 50 * time.Millisecond
			c := s.claim(New)
			eventually(t, "the lease ends", func() bool {
				next, err := s.store.Claim(s.ctx, s.req)
				s.ok(err)
				if next.Verdict == New && time.Now().Before(c.Lease) {
					t.Error("taken over while the owner may act")
				}
				return next.Verdict != Busy
			})
		})
	}
}
