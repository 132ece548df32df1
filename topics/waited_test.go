package topics_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// A message that failed while the breaker was closed, then stood before the open one
// and then passed tells both, in order; one that came meanwhile tells the breaker
// alone, and one that comes afterwards nothing.
func TestAMessageTellsForWhichPausesItWaited(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	breaker := &switchable{changed: make(chan struct{})}
	b.breaker, b.reports, b.timing.ParkAfter = breaker, r, time.Hour
	b.failing(func(_ topics.Message, n int) error {
		if b.calls.Load() == 3 {
			breaker.set(true) // as a third failure does
		}
		return topics.Fail(topics.Unavailable, "connect", "refused")
	})
	b.start()
	b.send("egov-1", 0)
	servertest.Eventually(t, "the breaker is open", func() bool { return b.observed(topics.PauseBreaker) })
	b.send("egov-2", 0)
	servertest.Eventually(t, "both wait", func() bool { return len(unfinished(t, b, "egov-1")) == 1 && len(unfinished(t, b, "egov-2")) == 1 })
	if o := unfinished(t, b, "egov-2")[0]; o.Result != topics.ResultNone || o.ID != "egov-2-0" || o.Route != b.route.Name || o.Written.IsZero() ||
		o.Topic != b.route.Sources[0] || !o.Finished.IsZero() || o.Application != "egov-2" {
		t.Errorf("what waits is %+v", o)
	}
	b.failing(nil)
	breaker.set(false)
	r.await(t, "egov-1", 0, topics.ResultDelivered)
	r.await(t, "egov-2", 0, topics.ResultDelivered)
	servertest.Eventually(t, "the pause has ended", func() bool { return !b.observed(topics.PauseBreaker) })
	b.send("egov-1", 1)
	r.await(t, "egov-1", 1, topics.ResultDelivered)

	b.awaitCommitted() // nothing more is reported
	for _, o := range r.all {
		switch {
		case o.ID == "egov-1-1":
			if o.Pauses != nil {
				t.Errorf("it came after the pause, and tells of %+v", o.Pauses)
			}
			continue
		case len(o.Pauses) != 1 || o.Pauses[0].Reason != topics.PauseBreaker || !o.Pauses[0].Until.After(o.Pauses[0].Since):
			t.Errorf("%s waited for %+v and was read at %s", o.ID, o.Pauses, o.Read)
			continue
		}
		p := o.Pauses[0]
		before := len(o.Tries)
		for before > 0 && !o.Tries[before-1].Began.Before(p.Since) {
			before--
		}
		if want := map[string]int{"egov-1-0": 3, "egov-2-0": 0}[o.ID]; len(o.Tries) != want || before != want {
			t.Errorf("%s: %d tries before the pause %+v, want %d: %+v", o.ID, before, p, want, o.Tries)
		}
	}
	if got := unfinished(t, b, "egov-1"); len(got) != 0 {
		t.Errorf("unfinished in the end: %+v", got)
	}
}

// unfinished are the messages of an application that the route has not finished.
func unfinished(t *testing.T, b *bench, application string) []topics.Outcome {
	t.Helper()
	found, whole, err := topics.ReadUnfinished(t.Context(), b.cluster, b.route, application, nil)
	if err != nil || !whole {
		t.Fatalf("all of it: %t, %v", whole, err)
	}
	return found
}

// A parked message tells the pauses until it was parked, and in the end those after
// that; a replayed one those after the decision.
func TestPausesAreToldOnce(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	breaker := &switchable{changed: make(chan struct{})}
	b.breaker, b.reports = breaker, r
	pause := func() {
		t.Helper()
		breaker.set(true)
		servertest.Eventually(t, "the route is paused", func() bool { return b.observed(topics.PauseBreaker) })
		breaker.set(false)
		servertest.Eventually(t, "the route goes on", func() bool { return !b.observed(topics.PauseBreaker) })
	}
	b.failing(func(topics.Message, int) error { return topics.Fail(topics.Rejected, "http_422", "refused") })
	b.start()
	b.send("egov-1", 0)
	l := b.letters(1)[0]
	b.failing(nil)
	pause()
	b.send("egov-1", 1) // parked behind the letter
	r.await(t, "egov-1", 1, topics.ResultParked)
	pause()
	b.decide(l, topics.DecideReplay, servertest.Unique("d"))
	r.await(t, "egov-1", 0, topics.ResultRejected, topics.ResultDelivered)
	r.await(t, "egov-1", 1, topics.ResultParked, topics.ResultDelivered)
	b.awaitCommitted() // nothing more is reported
	var got []string
	for _, o := range r.all {
		for _, p := range o.Pauses {
			got = append(got, o.ID+" "+o.Result+" "+p.Reason)
		}
	}
	if want := []string{"egov-1-1 delivered breaker"}; !slices.Equal(got, want) {
		t.Errorf("told are %q, want %q", got, want)
	}
}

// Of an application whose key says more than the message, and of names that the
// contract does not have, nothing is told.
func TestWhatIsUnfinishedTellsNoNames(t *testing.T) {
	b := newBench(t, topics.C1)
	m := message("egov-1", 0)
	m.Type = "Secretova"
	if err := b.produce.Publish(t.Context(), b.route.Sources[1], m); err != nil {
		t.Fatal(err)
	}
	found, _, err := topics.ReadUnfinished(t.Context(), b.cluster, b.route, "egov-1", func(name string) bool { return name == "test" })
	if err != nil || len(found) != 1 || found[0].Type != "" || found[0].Source != "test" || found[0].ID != m.ID {
		t.Errorf("%+v, %v", found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := topics.ReadUnfinished(ctx, b.cluster, b.route, "egov-1", nil); err == nil {
		t.Error("no error without Kafka")
	}
}
