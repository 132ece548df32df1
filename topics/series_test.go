package topics_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// queued sends an application's messages before the hub starts, so that they stand
// one behind the other when the first is begun.
func (b *bench) queued(application string, n int) {
	b.t.Helper()
	b.send(application, upTo(n)...)
}

// Another owner has taken a message over while its reply was written: the next one
// waits until that owner, or the lease, has ended.
func TestSeriesEndsWhereAClaimIsLost(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(func(m topics.Message, n int) error {
		if n == 1 && len(b.effects[m.Subject]) == 1 {
			b.takeOver(2 * time.Second)
		}
		return nil
	})
	b.queued("app", 4)
	b.start()
	b.awaitEffects("app", 0, 1, 1, 2, 3) // a C1 system bears the repeat
	b.awaitCommitted()
}

// takeOver gives the claims that say sent to another owner, whose lease is long.
func (b *bench) takeOver(lease time.Duration) {
	ctx := b.t.Context()
	now, err := b.rdb.Time(ctx).Result()
	if err != nil {
		b.t.Error(err)
	}
	for key, v := range b.claims() {
		if !strings.HasPrefix(v, "s|") {
			continue
		}
		f := strings.SplitN(v, "|", 8)
		f[2], f[3] = "another", strconv.FormatInt(now.Add(lease).UnixMilli(), 10)
		if err := b.rdb.Set(ctx, key, strings.Join(f, "|"), 0).Err(); err != nil {
			b.t.Error(err)
		}
	}
}

// Redis goes away between the reply of one message and the claim of the next. What
// was done is not done again once it is back.
func TestSeriesWaitsForRedis(t *testing.T) {
	for _, effect := range []topics.Effect{topics.C1, topics.C3} {
		t.Run(effect.String(), func(t *testing.T) {
			b := newBench(t, effect)
			l := b.throughLink()
			b.failing(func(m topics.Message, n int) error {
				if n == 1 {
					l.set(true)
				}
				return nil
			})
			b.queued("app", 4)
			b.start()
			servertest.Eventually(t, "the route is paused", func() bool { return b.observed("redis") })
			b.failing(nil)
			l.set(false)
			b.awaitEffects("app", 0, 1, 2, 3)
			b.awaitCommitted()
			if n := b.end(b.route.DeadTopic()); n != 0 {
				t.Errorf("%d letters", n)
			}
		})
	}
}

// A message in the middle dies: the one before it is finished, those behind it are
// held.
func TestSeriesEndsAtALetter(t *testing.T) {
	for code, fail := range map[string]func() error{
		"http_422": func() error { return topics.Fail(topics.Rejected, "http_422", "refused") },
		"panic":    func() error { panic("in the middle") },
	} {
		t.Run(code, func(t *testing.T) {
			b := newBench(t, topics.C2)
			b.failing(func(m topics.Message, n int) error {
				if n == 2 {
					return fail()
				}
				return nil
			})
			b.queued("app", 5)
			b.start()
			if l := b.letters(1)[0]; l.Code != code || !l.Holds {
				t.Errorf("letter %+v", l)
			}
			b.awaitParked(2)
			b.awaitEffects("app", 0, 1)
			b.awaitCommitted()
			if n := len(b.read(b.route.Writes[0])); n != 2 {
				t.Errorf("%d replies", n)
			}
		})
	}
}

// Untrusted records and repeats in the middle of a series neither stop it nor come
// to a call.
func TestSeriesPassesWhatNeedsNoCall(t *testing.T) {
	b := newBench(t, topics.C2)
	b.send("app", 0, 1)
	conflict := message("app", 1)
	conflict.Data = []byte(`{"n":99}`)
	if err := b.produce.Publish(t.Context(), b.route.Sources[0], conflict); err != nil {
		t.Fatal(err)
	}
	b.send("app", 0, 1, 2)
	b.start()
	b.awaitEffects("app", 0, 1, 2)
	b.awaitCommitted()
	if got := b.letters(1)[0]; got.Code != "conflict" {
		t.Errorf("letter %+v", got)
	}
	if n := b.calls.Load(); n != 3 {
		t.Errorf("%d calls", n)
	}
}

// occupied starts a hub whose one place at the system is taken by the message of the
// application slow, until end is closed.
func (b *bench) occupied() (end chan struct{}) {
	b.workers = 1
	begun, end := make(chan struct{}), make(chan struct{})
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		if m.Subject == "slow" {
			close(begun)
			<-end
		}
		return do(ctx, m)
	}
	b.start()
	b.send("slow", 0)
	<-begun
	return end
}

// A message that waits for a place at its system gives its claim back while the lease
// still is long enough for a call, and claims again.
func TestNoWaitForAPlaceOutlivesTheLease(t *testing.T) {
	b := newBench(t, topics.C1)
	end := b.occupied()
	slow := b.claims()
	b.send("app", 0)
	owners := map[string]bool{}
	servertest.Eventually(t, "it has been claimed three times", func() bool {
		for key, record := range b.claims() {
			if _, other := slow[key]; !other {
				owners[strings.Split(record, "|")[2]] = true
			}
		}
		return len(owners) >= 3
	})
	if n := b.calls.Load(); n != 0 {
		t.Errorf("%d calls without a place", n)
	}
	close(end)
	b.awaitEffects("slow", 0)
	b.awaitEffects("app", 0)
	b.awaitCommitted()
}

// A message that waits for a place is not called once its route is paused.
func TestNoCallAfterAWaitIntoAPause(t *testing.T) {
	b := newBench(t, topics.C1)
	end := b.occupied()
	b.send("app", 0)
	servertest.Eventually(t, "the second one is claimed", func() bool { return len(b.claims()) == 2 })
	b.gate.Hold("operator", time.Now(), time.Time{})
	close(end)
	b.awaitEffects("slow", 0)
	servertest.Eventually(t, "its claim is given back", func() bool { return len(b.claims()) == 1 })
	if n := b.seen("app"); len(n) != 0 {
		t.Errorf("called in a pause: %v", n)
	}
	b.gate.Resume(topics.PauseOperator)
	b.awaitEffects("app", 0)
	b.awaitCommitted()
}

// claims are the records of claims in Redis, by key.
func (b *bench) claims() map[string]string {
	all, err := b.rdb.Keys(b.t.Context(), "*"+b.route.Name+"*").Result()
	if err != nil {
		b.t.Error(err)
	}
	records := map[string]string{}
	for _, key := range all {
		if v, _ := b.rdb.Get(b.t.Context(), key).Result(); strings.Contains(v, "|") {
			records[key] = v
		}
	}
	return records
}
