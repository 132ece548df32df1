package adapters_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kandashub/adapters"
	"kandashub/topics"
)

// A breaker tells people its state, its failures, and when it tries again.
func TestBreakerStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := adapters.NewBreaker(adapters.BreakerConfig{System: "kandas", Operation: "register", Failures: 2, OpenFor: time.Minute})
		fail := func(err error) {
			done, _, ok := b.Admit()
			if !ok {
				t.Fatal("not admitted")
			}
			done(err)
		}
		fail(nil)
		if s := b.Status(); s.State != "closed" || s.Failures != 0 || s.Opens != 2 || !s.LastAt.IsZero() || s.System != "kandas" || s.Operation != "register" {
			t.Errorf("%+v", s)
		}
		began := time.Now()
		fail(topics.Fail(topics.Uncertain, "http_503", "x"))
		if s := b.Status(); s.Failures != 1 || s.LastCode != "http_503" || !s.LastAt.Equal(began) || !s.Probe.IsZero() {
			t.Errorf("%+v", s)
		}
		fail(topics.Fail(topics.Unavailable, "connect", "x"))
		if s := b.Status(); s.State != "open" || !s.Probe.Equal(began.Add(time.Minute)) || s.LastCode != "connect" {
			t.Errorf("%+v", s)
		}
		b.Force(adapters.ForceOpen)
		if s := b.Status(); s.State != "open" || s.Forced != adapters.ForceOpen || !s.Probe.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}
