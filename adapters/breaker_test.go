package adapters_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kandashub/adapters"
	"kandashub/observability"
	"kandashub/topics"
)

var (
	noAnswer = topics.Fail(topics.Unavailable, "connect", "refused")
	unclear  = topics.Fail(topics.Uncertain, "timeout", "no answer")
	slowDown = topics.Fail(topics.Unavailable, "http_429", "slow down")
	refusal  = topics.Fail(topics.Rejected, "http_422", "no")
	badLogin = &topics.Failure{Class: topics.Unavailable, Code: "http_401", Pause: "auth"}
	tooLate  = topics.Fail(topics.Unavailable, "lease_over", "too late")
)

func newBreaker(t *testing.T) *adapters.Breaker {
	return adapters.NewBreaker(adapters.BreakerConfig{
		System: "test", Operation: "try", Failures: 3, OpenFor: time.Minute,
		Metrics: observability.NewMetrics(prometheus.NewRegistry()),
	})
}

func admit(t *testing.T, b *adapters.Breaker) func(error) {
	t.Helper()
	done, _, ok := b.Admit()
	if !ok {
		t.Fatal("call is not admitted")
	}
	return done
}

func refuse(t *testing.T, b *adapters.Breaker) time.Duration {
	t.Helper()
	_, wait, ok := b.Admit()
	if ok {
		t.Fatal("call is admitted")
	}
	if wait <= 0 {
		t.Fatalf("wait is %s: the caller would spin", wait)
	}
	return wait
}

// closedAgain returns a breaker that has opened and whose probe has succeeded.
func closedAgain(t *testing.T) *adapters.Breaker {
	b := newBreaker(t)
	for range 3 {
		admit(t, b)(noAnswer)
	}
	time.Sleep(refuse(t, b))
	admit(t, b)(nil)
	return b
}

func TestBreakerCountsWhatDidNotAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		outcomes []error
		open     bool
	}{
		"unavailable":                {[]error{noAnswer, noAnswer, noAnswer}, true},
		"uncertain":                  {[]error{unclear, unclear, unclear}, true},
		"an answer between":          {[]error{noAnswer, noAnswer, nil, noAnswer, noAnswer}, false},
		"a refusal between":          {[]error{noAnswer, noAnswer, refusal, noAnswer, noAnswer}, false},
		"429 is an answer":           {[]error{noAnswer, noAnswer, slowDown, noAnswer, noAnswer}, false},
		"429 only":                   {[]error{slowDown, slowDown, slowDown, slowDown}, false},
		"wrong settings only":        {[]error{badLogin, badLogin, badLogin, badLogin}, false},
		"canceled only":              {[]error{context.Canceled, context.Canceled, context.Canceled}, false},
		"canceled between":           {[]error{noAnswer, noAnswer, context.Canceled, noAnswer}, true},
		"lease over between":         {[]error{noAnswer, noAnswer, tooLate, noAnswer}, true},
		"wrong settings, in between": {[]error{noAnswer, noAnswer, badLogin, noAnswer}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBreaker(t)
			for _, err := range tc.outcomes {
				admit(t, b)(err)
			}
			if b.Open() != tc.open {
				t.Errorf("open is %t, want %t", b.Open(), tc.open)
			}
		})
	}
}

func TestBreakerOpensAndProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t)
		changed := b.Changed()
		for range 3 {
			admit(t, b)(noAnswer)
		}
		<-changed // else the bubble would deadlock
		if wait := refuse(t, b); wait > time.Minute+time.Microsecond {
			t.Errorf("wait is %s, want a minute", wait)
		}
		time.Sleep(20 * time.Second)
		if wait := refuse(t, b); wait > 40*time.Second+time.Microsecond {
			t.Errorf("wait after 20 s is %s, want 40 s", wait)
		}
		time.Sleep(refuse(t, b))

		probe := admit(t, b)
		refuse(t, b) // one probe only
		if !b.Open() {
			t.Error("half open counts as closed")
		}
		probe(unclear)
		time.Sleep(refuse(t, b)) // open again

		canceled := admit(t, b)
		refuse(t, b)
		changed = b.Changed()
		canceled(context.Canceled)
		<-changed // the probe's place is free again
		admit(t, b)(nil)
		if b.Open() {
			t.Error("still open after a good probe")
		}
	})
}

func TestBreakerStartsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := closedAgain(t)
		for limit := 1; limit <= 128; limit *= 2 {
			running := make([]func(error), limit)
			for i := range running {
				running[i] = admit(t, b)
			}
			refuse(t, b)
			changed := b.Changed()
			running[0](nil)
			<-changed // a waiter is told of the free place
			for _, done := range running[1:] {
				done(nil)
			}
		}
		for range 1000 {
			admit(t, b) // no limit any more
		}
	})
}

// A failure in a slow start neither adds a place nor loses one.
func TestBreakerSlowStartKeepsItsPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := closedAgain(t)
		first := admit(t, b)
		refuse(t, b)
		first(noAnswer)
		first(nil) // a second time is ignored
		admit(t, b)
		refuse(t, b)
	})
}

// Calls that were under way when the breaker opened end later, and say nothing
// of its new state.
func TestBreakerIgnoresCallsOfAnEarlierState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t)
		old := admit(t, b)
		for range 3 {
			admit(t, b)(noAnswer)
		}
		old(nil)
		if !b.Open() {
			t.Error("a late success closed the breaker")
		}
		time.Sleep(refuse(t, b))
		admit(t, b)(nil)
		admit(t, b)
		refuse(t, b) // the old call's end has freed no place
	})
}

func TestBreakerForcedOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t)
		before := admit(t, b)
		changed := b.Changed()
		b.Force(adapters.ForceOpen)
		<-changed
		before(nil) // an answer to an earlier call closes nothing
		for range 3 {
			time.Sleep(refuse(t, b)) // no probe either
		}
		if !b.Open() {
			t.Error("forced open, and not open")
		}
		changed = b.Changed()
		b.Force("")
		<-changed // whoever waits is told
		startsSlowly(t, b)
	})
}

func TestBreakerForcedClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t)
		for range 3 {
			admit(t, b)(noAnswer)
		}
		refuse(t, b)
		b.Force(adapters.ForceClosed)
		during := make([]func(error), 500)
		for i := range during {
			during[i] = admit(t, b)
		}
		for _, done := range during[:400] {
			done(noAnswer)
		}
		if b.Open() {
			t.Error("opened although it is forced closed")
		}
		b.Force("")
		for _, done := range during[400:] {
			done(noAnswer)
		}
		if b.Open() {
			t.Error("opened by calls from before its release")
		}
		startsSlowly(t, b)
		b.Force(adapters.ForceOpen)
		b.Force(adapters.ForceClosed)
		admit(t, b)
	})
}

// startsSlowly makes sure that one call goes through and then two, and that the
// breaker counts again from nothing.
func startsSlowly(t *testing.T, b *adapters.Breaker) {
	t.Helper()
	first := admit(t, b)
	refuse(t, b)
	first(nil)
	second, third := admit(t, b), admit(t, b)
	refuse(t, b)
	second(noAnswer)
	third(noAnswer)
	if b.Open() {
		t.Error("counts what was before")
	}
	admit(t, b)(noAnswer)
	if !b.Open() {
		t.Error("does not count any more")
	}
}
