package topics_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// lossNotes are what the hubs of a test know of losses.
type lossNotes struct {
	mu       sync.Mutex
	reports  int
	accepted time.Time
}

func (n *lossNotes) Report(context.Context, string, ...int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports++
	return nil
}

func (n *lossNotes) Accepted() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.accepted
}

func (n *lossNotes) accept() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.accepted = time.Now()
}

func (n *lossNotes) reported() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.reports
}

// flush takes away everything that Redis knows of the bench's route.
func (b *bench) flush() {
	b.t.Helper()
	keys, err := b.rdb.Keys(b.t.Context(), "{"+b.route.Name+":*").Result()
	if err == nil && len(keys) > 0 {
		err = b.rdb.Del(b.t.Context(), keys...).Err()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// Redis loses its data while a C2 message has perhaps arrived: the route waits
// for a person, and asks before it calls anything older than the acceptance.
func TestLostClaimsStopAndThenAreAskedAbout(t *testing.T) {
	b := newBench(t, topics.C2)
	notes := &lossNotes{}
	b.losses = notes
	asked := make(chan string, 10)
	b.route.Operation.Ask = func(_ context.Context, m topics.Message, _ time.Time) ([]topics.Reply, bool, error) {
		asked <- m.ID
		return nil, m.ID == "app-1", nil // app-1 had arrived
	}
	b.failing(func(m topics.Message, _ int) error {
		if m.ID == "app-1" {
			return topics.Fail(topics.Uncertain, "timeout", "no answer")
		}
		return nil
	})
	b.send("app", 0)
	b.start()
	b.awaitEffects("app", 0)
	b.awaitCommitted()
	b.flush()
	b.send("app", 1, 2)
	servertest.Eventually(t, "the loss is reported and the route paused", func() bool {
		return notes.reported() > 0 && b.observed(topics.PauseClaims)
	})
	if n := b.calls.Load(); n != 1 {
		t.Fatalf("%d calls although claims are lost, want 1 from before", n)
	}
	notes.accept()
	if _, err := b.store.Learn(t.Context(), b.route.Name); err != nil {
		t.Fatal(err)
	}
	b.gate.Resume(topics.PauseClaims)
	b.awaitEffects("app", 0, 2)
	b.awaitCommitted()
	if first, second := <-asked, <-asked; first != "app-1" || second != "app-2" {
		t.Errorf("asked about %s and %s", first, second)
	}
	b.send("app", 3) // newer than the acceptance
	b.awaitEffects("app", 0, 2, 3)
	if len(asked) > 0 {
		t.Errorf("%s was asked about although it is new", <-asked)
	}
}

// A system that recognises a repeat bears the loss.
func TestLostClaimsOfC1GoOn(t *testing.T) {
	b := newBench(t, topics.C1)
	notes := &lossNotes{}
	b.losses = notes
	b.send("app", 0)
	b.start()
	b.awaitEffects("app", 0)
	b.awaitCommitted()
	b.flush()
	b.send("app", 1)
	b.awaitEffects("app", 0, 1)
	if notes.reported() == 0 || b.observed(topics.PauseClaims) {
		t.Errorf("%d reports, paused: %t", notes.reported(), b.observed(topics.PauseClaims))
	}
}

// What was to be called once is sent back to where it is looked up again.
func TestLostClaimsOfC3AreStale(t *testing.T) {
	b := newBench(t, topics.C3)
	notes := &lossNotes{}
	notes.accept()
	b.losses = notes
	b.route.Operation.Stale = func(m topics.Message, _, lost time.Time) ([]topics.Reply, bool) {
		return []topics.Reply{{Topic: b.route.Writes[0], Type: "test.stale.v1", Data: order{9}}}, m.Time.Before(lost)
	}
	old := message("app", 0)
	old.Time = notes.Accepted().Add(-time.Second)
	if err := b.produce.Publish(t.Context(), b.route.Sources[0], old); err != nil {
		t.Fatal(err)
	}
	b.send("app", 1)
	b.start()
	b.awaitEffects("app", 1)
	b.awaitCommitted()
}

// Whoever cannot write the loss down does not go on.
func TestLossThatCannotBeReported(t *testing.T) {
	b := newBench(t, topics.C1)
	b.losses = mute{}
	b.send("app", 0)
	stop := b.start()
	b.awaitEffects("app", 0)
	b.awaitCommitted()
	b.flush()
	b.send("app", 1)
	servertest.Eventually(t, "the claim is made again", func() bool {
		n, err := b.rdb.Keys(t.Context(), "{"+b.route.Name+":*}:n").Result()
		return err == nil && len(n) > 0
	})
	stop()
	b.awaitEffects("app", 0)
}

// mute writes nothing down until the hub ends.
type mute struct{}

func (mute) Report(ctx context.Context, _ string, _ ...int) error {
	<-ctx.Done()
	return ctx.Err()
}
func (mute) Accepted() time.Time { return time.Time{} }
