package topics_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// unavailable makes every call for one application fail, surely without effect.
func unavailable(application string) func(topics.Message, int) error {
	return func(m topics.Message, _ int) error {
		if m.Subject == application {
			return topics.Fail(topics.Unavailable, "connect", "refused")
		}
		return nil
	}
}

// together returns n applications whose messages lie in one partition.
func together(n int) []string {
	var out []string
	for i := 0; len(out) < n; i++ {
		if a := fmt.Sprintf("app-%d", i); topics.PartitionOf([]byte(a), testPartitions) == 0 {
			out = append(out, a)
		}
	}
	return out
}

func (b *bench) sendTo(source int, application string, n int) {
	b.t.Helper()
	if err := b.produce.Publish(b.t.Context(), b.route.Sources[source], message(application, n)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) awaitParked(n int) {
	b.t.Helper()
	servertest.Eventually(b.t, fmt.Sprint(n, " parked"), func() bool { return b.end(b.route.ParkedTopic()) >= int64(n) })
}

// A key that waits for hours must not keep others from being read.
func TestHeldBackWindowIsParked(t *testing.T) {
	for _, of := range []string{"messages", "bytes"} {
		t.Run(of, func(t *testing.T) {
			b := newBench(t, topics.C2)
			b.timing.ParkAfter = time.Hour
			apps := together(60)
			b.failing(unavailable(apps[0]))
			for n, a := range apps {
				b.send(a, n)
			}
			c := b.consumer()
			c.Window = 10
			if of == "bytes" {
				c.Window, c.WindowBytes = 1000, 1
			}
			stop, _ := b.run(c)
			for n, a := range apps[1:] {
				b.awaitEffects(a, n+1)
			}
			b.failing(nil)
			b.awaitEffects(apps[0], 0)
			b.awaitCommitted()
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The head of the queue is of one source and holds back the window of another.
func TestWindowHeldBackByAnotherSourcesHeadIsParked(t *testing.T) {
	b := newBench(t, topics.C2)
	b.timing.ParkAfter = time.Hour
	b.window = 5
	apps := together(20)
	b.failing(unavailable(apps[0]))
	b.start()
	b.sendTo(0, apps[0], 0)
	servertest.Eventually(t, "the head is read", func() bool { return b.bytes.Load() > 0 })
	b.sendTo(1, apps[0], 1)
	for n, a := range apps[1:] {
		b.sendTo(1, a, n)
	}
	for n, a := range apps[1:] {
		b.awaitEffects(a, n)
	}
	b.failing(nil)
	b.awaitEffects(apps[0], 0, 1)
	b.awaitCommitted()
}

func TestTwoSourcesAndParkedShareALane(t *testing.T) {
	b := newBench(t, topics.C2)
	var running, overlaps atomic.Int32
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		if m.Subject == "app" && running.Add(1) > 1 {
			overlaps.Add(1)
		}
		defer func() {
			if m.Subject == "app" {
				running.Add(-1)
			}
		}()
		return do(ctx, m)
	}
	b.failing(unavailable("app"))
	b.start()
	b.sendTo(0, "app", 0)
	for n := 0; b.end(b.route.ParkedTopic()) == 0; n++ {
		b.send("other", n)
	}
	for n := 1; n < 8; n++ {
		b.sendTo(n%2, "app", n)
		b.awaitParked(n + 1)
	}
	b.failing(nil)
	for n := 8; n < 16; n++ { // while the parked ones come back
		b.sendTo(0, "app", n)
	}
	b.awaitEffects("app", upTo(16)...)
	b.awaitCommitted()
	if n := overlaps.Load(); n > 0 {
		t.Errorf("%d calls for one application ran beside another", n)
	}
}

func TestFollowersPassADeadLetterWhereTheRouteSaysSo(t *testing.T) {
	b := newBench(t, topics.C1)
	b.route.FollowersPass = true
	b.failing(refuse("app", 1))
	stop := b.start()
	b.send("app", 0, 1, 2)
	b.awaitEffects("app", 0, 2)
	b.letters(1)
	stop()
	b.start()
	b.send("app", 3)
	b.awaitEffects("app", 0, 2, 3)
	b.awaitCommitted()
	if n := b.end(b.route.ParkedTopic()); n != 0 {
		t.Errorf("%d records parked", n)
	}
}

// One message is always admitted, however large, and what a hub held goes with
// it.
func TestMessagesLargerThanTheWindow(t *testing.T) {
	b := newBench(t, topics.C2)
	c := b.consumer()
	c.Window, c.WindowBytes = 1, 1
	stop, _ := b.run(c)
	for n := range 10 {
		b.send("app", n)
		b.send(fmt.Sprint("other-", n), 0)
	}
	b.awaitEffects("app", upTo(10)...)
	if err := stop(); err != nil {
		t.Error(err)
	}
	b.timing.ParkAfter = time.Hour
	b.failing(unavailable("app"))
	b.send("app", 10)
	end := b.start()
	servertest.Eventually(t, "the message is held", func() bool { return b.bytes.Load() > 0 })
	end()
	if n := b.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are held after the end", n)
	}
}

// More than one produce request takes moves to the parked topic in order.
func TestManyLargeMessagesAreParkedInOrder(t *testing.T) {
	b := newBench(t, topics.ReadOnly)
	b.timing.ParkAfter = time.Hour
	padding := make([]byte, 200_000)
	for i := range padding {
		padding[i] = 'a' + byte(i%26)
	}
	b.failing(unavailable("app"))
	for n := range 12 {
		m := message("app", n)
		m.Data = fmt.Appendf(nil, `{"n":%d,"padding":%q}`, n, padding)
		if err := b.produce.Publish(t.Context(), b.route.Sources[0], m); err != nil {
			t.Fatal(err)
		}
	}
	c := b.consumer()
	c.WindowBytes = 2 << 20
	b.run(c)
	b.awaitParked(10)
	b.failing(nil)
	b.awaitEffects("app", upTo(12)...)
	b.awaitCommitted()
}

// A done marker of the claims ends before a parked topic does: the notes in the
// topic itself say what is finished, also where the key still waits.
func TestFinishedParkedEntriesOutliveTheirClaims(t *testing.T) {
	b := newBench(t, topics.C3)
	apps := together(2)
	b.failing(func(m topics.Message, n int) error { return unavailable(m.Subject)(m, n) })
	stop := b.start()
	for n := range 3 {
		b.send(apps[0], n)
		b.send(apps[1], n)
	}
	servertest.Eventually(t, "reading", func() bool { return b.bytes.Load() > 0 })
	stop()
	b.window = 1 // whoever waits is parked
	b.start()
	b.awaitParked(6)
	b.failing(func(m topics.Message, n int) error {
		if m.Subject == apps[1] && n == 1 {
			return topics.Fail(topics.Rejected, "http_422", "refused")
		}
		return unavailable(apps[0])(m, n)
	})
	b.awaitEffects(apps[1], 0)
	b.letters(1)
	b.awaitParked(7) // six entries, and at least one note
	servertest.Eventually(t, "the notes cover the first two", func() bool { return b.through(apps[1]) >= 2 })
}

// through counts how many parked entries of a key its last note covers.
func (b *bench) through(application string) int {
	var entries, covered int
	for _, m := range b.read(b.route.ParkedTopic()) {
		if string(m.Key) != application {
			continue
		}
		switch header(m, "hub_kind") {
		case "parked":
			entries++
		case "through":
			covered = 0
			for _, e := range b.read(b.route.ParkedTopic()) {
				if string(e.Key) == application && header(e, "hub_kind") == "parked" && fmt.Sprintf("%020d", e.Offset) <= fmt.Sprintf("%020s", header(m, "hub_offset")) {
					covered++
				}
			}
		}
	}
	return min(covered, entries)
}
