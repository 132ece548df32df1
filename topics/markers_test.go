package topics_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// A person finds out that a message has called nobody, and another one may go on for
// the same person. But the message was taken up again meanwhile, and calls: then the
// other one waits for what comes of that, as for any holder, or one person gets two
// IINs.
func TestVoidedCallThatIsMadeAfterAll(t *testing.T) {
	for name, again := range map[string]bool{"it is not taken up again": false, "it is taken up again": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, topics.C3)
			b.timing.Call = 500 * time.Millisecond
			marker := []string{servertest.Unique("person")}
			mark := func() time.Time {
				at, held, err := b.store.Mark(t.Context(), marker, "father-0")
				if err != nil || held != nil {
					t.Fatalf("held by %v, %v", held, err)
				}
				return at
			}
			asked := mark()
			taken := asked
			for again && !taken.After(asked) {
				taken = mark()
			}
			var mu sync.Mutex
			var since []time.Time
			op := &b.route.Operation
			op.Settle = 100 * time.Millisecond
			op.Markers = func(topics.Message) ([]string, error) { return marker, nil }
			op.Freed = func(topics.Message, []topics.Reply) bool { return false }
			op.Voided = func(topics.Message) []topics.VoidedCall {
				return []topics.VoidedCall{{MessageID: "father-0", Since: asked}}
			}
			op.Taken = func(_ topics.Message, holder string, at time.Time) ([]topics.Reply, error) {
				mu.Lock()
				defer mu.Unlock()
				if since = append(since, at); holder != "father-0" {
					t.Errorf("the marker is said to be of %s", holder)
				}
				return nil, nil
			}
			b.start()
			b.send("mother", 0)
			if !again {
				b.awaitEffects("mother", 0)
			}
			b.awaitCommitted()
			mu.Lock()
			defer mu.Unlock()
			if n := len(b.seen("mother")); again == (n > 0) {
				t.Errorf("%d calls", n)
			}
			if again != (len(since) == 1 && since[0].Equal(taken)) {
				t.Errorf("asked about what began at %s, want %s", since, taken)
			}
		})
	}
}

// What a hub that stood still takes back is not what the next owner of the same message
// has begun.
func TestMarkersAreTakenBackAsTheyWere(t *testing.T) {
	b := newBench(t, topics.C3)
	marker := []string{servertest.Unique("person")}
	b.route.Operation.Markers = func(topics.Message) ([]string, error) { return marker, nil }
	b.route.Operation.Freed = func(topics.Message, []topics.Reply) bool { return false }
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		before, _, err := b.store.Mark(ctx, marker, m.ID) // the next owner
		for at := before; err == nil && !at.After(before); {
			at, _, err = b.store.Mark(ctx, marker, m.ID)
		}
		if err != nil {
			return nil, err
		}
		if m.Subject == "refused" {
			return nil, topics.Fail(topics.Rejected, "http_422", "refused")
		}
		return do(ctx, m)
	}
	b.start()
	b.send("refused", 0)
	servertest.Eventually(t, "the letter is there", func() bool { return len(b.read(b.route.DeadTopic())) == 1 })
	if _, held, err := b.store.Mark(t.Context(), marker, "another"); err != nil || held == nil || held.MessageID != "refused-0" {
		t.Errorf("the marker is held by %+v (%v)", held, err)
	}
}
