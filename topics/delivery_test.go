package topics_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

func TestEachMessageOnceInOrder(t *testing.T) {
	for _, effect := range []topics.Effect{topics.ReadOnly, topics.C1, topics.C2, topics.C3} {
		t.Run(effect.String(), func(t *testing.T) {
			b := newBench(t, effect)
			const applications, each = 20, 20
			for n := range each {
				for a := range applications {
					b.send(fmt.Sprintf("app-%d", a), n, n) // each twice
				}
			}
			b.start()
			for a := range applications {
				b.awaitEffects(fmt.Sprintf("app-%d", a), upTo(each)...)
			}
			b.awaitCommitted()
			ids := map[string]int{}
			for _, m := range b.read(b.route.Writes[0]) {
				ids[header(m, "ce_id")]++
				if header(m, "ce_source") != topics.SourceHub || header(m, "ce_roottime") == "" {
					t.Fatalf("reply without source or root time: %v", m.Headers)
				}
			}
			if len(ids) != applications*each {
				t.Errorf("%d replies, want %d", len(ids), applications*each)
			}
			if n := len(b.read(b.route.DeadTopic())); n != 0 {
				t.Errorf("%d dead letters", n)
			}
		})
	}
}

func TestUnavailableWaitsInItsLane(t *testing.T) {
	b := newBench(t, topics.C2)
	b.timing.ParkAfter = time.Hour
	failures := 0
	b.failing(func(m topics.Message, n int) error {
		if m.Subject == "slow" && n == 1 && failures < 5 {
			failures++
			return topics.Fail(topics.Unavailable, "connect", "refused")
		}
		return nil
	})
	b.start()
	b.send("slow", 0, 1, 2)
	b.send("fast", 0, 1, 2)
	b.awaitEffects("fast", 0, 1, 2)
	b.awaitEffects("slow", 0, 1, 2)
	b.awaitCommitted()
	if n := len(b.read(b.route.ParkedTopic())); n != 0 {
		t.Errorf("%d records parked", n)
	}
}

func TestKeyIsParkedAndComesBackInOrder(t *testing.T) {
	b := newBench(t, topics.C2)
	refuse := func(m topics.Message, n int) error {
		if m.Subject == "stuck" {
			return topics.Fail(topics.Unavailable, "connect", "refused")
		}
		return nil
	}
	b.failing(refuse)
	stop := b.start()
	b.send("stuck", 0, 1, 2)
	for n := 0; len(b.read(b.route.ParkedTopic())) < 3; n++ {
		b.send("other", n) // its operation answers others
	}
	b.send("stuck", 3) // follows into the parked topic
	servertest.Eventually(t, "the follower is parked", func() bool { return len(b.read(b.route.ParkedTopic())) >= 4 })
	b.awaitCommitted()
	// The next owner builds its index from the parked topic.
	stop()
	b.start()
	b.send("stuck", 4)
	servertest.Eventually(t, "the next one is parked", func() bool { return len(b.read(b.route.ParkedTopic())) >= 5 })
	b.failing(nil)
	b.awaitEffects("stuck", 0, 1, 2, 3, 4)
	b.send("stuck", 5)
	b.awaitEffects("stuck", 0, 1, 2, 3, 4, 5)
	b.awaitCommitted()
}

func TestRejectedIsADeadLetterThatHoldsItsKey(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(func(m topics.Message, n int) error {
		if m.Subject == "bad" && n == 1 {
			return topics.Fail(topics.Rejected, "http_422", "refused")
		}
		return nil
	})
	stop := b.start()
	b.send("bad", 0, 1, 2)
	b.send("good", 0, 1, 2)
	b.awaitEffects("good", 0, 1, 2)
	b.awaitEffects("bad", 0)
	servertest.Eventually(t, "letter and follower", func() bool {
		return len(b.read(b.route.DeadTopic())) == 1 && len(b.read(b.route.ParkedTopic())) == 1
	})
	letter := b.read(b.route.DeadTopic())[0]
	if header(letter, "hub_kind") != "letter" || header(letter, "hub_code") != "http_422" || header(letter, "hub_class") != topics.LetterRejected ||
		header(letter, "ce_id") != "bad-1" || string(letter.Key) != "bad" || string(letter.Value) != `{"n":1}` {
		t.Errorf("letter is %s %v", letter.Value, letter.Headers)
	}
	b.awaitCommitted()
	stop()
	b.start() // the letter still holds its key
	b.send("bad", 3)
	b.send("good", 3)
	b.awaitEffects("good", 0, 1, 2, 3)
	servertest.Eventually(t, "the next follower is parked", func() bool { return len(b.read(b.route.ParkedTopic())) == 2 })
	b.awaitEffects("bad", 0)
}

func TestWhatCannotBeTrustedHoldsNothing(t *testing.T) {
	b := newBench(t, topics.C1)
	b.start()
	ctx := t.Context()
	raw := func(key, value string, headers ...kafka.Header) {
		p := topics.PartitionOf([]byte(key), testPartitions)
		if _, err := b.produce.Append(ctx, b.route.Sources[0], p, kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte(value)), Headers: headers}); err != nil {
			t.Fatal(err)
		}
	}
	good := message("app", 0)
	raw("app", "rubbish")
	raw("app", "{", good.Headers()...)
	raw("other", `{"n":0}`, good.Headers()...)
	b.send("app", 0)
	conflict := message("app", 0)
	conflict.Data = []byte(`{"n":99}`)
	if err := b.produce.Publish(ctx, b.route.Sources[0], conflict); err != nil {
		t.Fatal(err)
	}
	b.send("app", 1)
	b.awaitEffects("app", 0, 1)
	b.awaitCommitted()
	codes := map[string]int{}
	for _, m := range b.read(b.route.DeadTopic()) {
		codes[header(m, "hub_code")]++
		if header(m, "hub_holds") != "false" || header(m, "hub_class") != topics.LetterUntrusted {
			t.Errorf("letter %v", m.Headers)
		}
	}
	want := map[string]int{"not_cloudevent": 1, "not_json": 1, "key_subject": 1, "conflict": 1}
	if fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("letters %v, want %v", codes, want)
	}
}

func TestUncertainC2IsAskedBeforeItIsRepeated(t *testing.T) {
	for _, arrived := range []bool{true, false} {
		t.Run(fmt.Sprint("arrived=", arrived), func(t *testing.T) {
			b := newBench(t, topics.C2)
			asked, reset := 0, false
			b.route.Operation.Ask = func(_ context.Context, m topics.Message, sent time.Time) ([]topics.Reply, bool, error) {
				b.mu.Lock()
				defer b.mu.Unlock()
				asked++
				if asked == 1 {
					return nil, false, topics.Fail(topics.Unavailable, "connect", "refused")
				}
				return []topics.Reply{{Topic: b.route.Writes[0], Type: "test.done.v1", Data: order{0}}}, arrived, nil
			}
			b.failing(func(m topics.Message, n int) error {
				if n == 0 && !reset {
					reset = true
					if arrived {
						b.effects[m.Subject] = append(b.effects[m.Subject], n)
					}
					return topics.Fail(topics.Uncertain, "reset", "connection reset")
				}
				return nil
			})
			b.start()
			b.send("app", 0, 1)
			b.awaitEffects("app", 0, 1)
			b.awaitCommitted()
			if asked != 2 {
				t.Errorf("asked %d times", asked)
			}
			if n := len(b.read(b.route.Writes[0])); n != 2 {
				t.Errorf("%d replies", n)
			}
		})
	}
}

func TestPanicIsADeadLetter(t *testing.T) {
	b := newBench(t, topics.C2)
	b.failing(func(m topics.Message, n int) error {
		if m.Subject == "bad" {
			panic("personal data")
		}
		return nil
	})
	b.start()
	b.send("bad", 0)
	b.send("good", 0)
	b.awaitEffects("good", 0)
	b.awaitCommitted()
	letters := b.read(b.route.DeadTopic())
	if len(letters) != 1 || header(letters[0], "hub_class") != topics.LetterUncertain || header(letters[0], "hub_code") != "panic" {
		t.Errorf("letters: %v", letters)
	}
}

func TestMembersComeAndGo(t *testing.T) {
	b := newBench(t, topics.C3)
	const applications, each = 30, 30
	stop1 := b.start()
	var sending sync.WaitGroup
	sending.Go(func() {
		for n := range each {
			for a := range applications {
				b.send(fmt.Sprintf("app-%d", a), n)
			}
		}
	})
	b.awaitSome(100)
	b.start()
	b.awaitSome(300)
	b.start()
	b.awaitSome(500)
	stop1()
	sending.Wait()
	for a := range applications {
		b.awaitEffects(fmt.Sprintf("app-%d", a), upTo(each)...)
	}
	b.awaitCommitted()
}
