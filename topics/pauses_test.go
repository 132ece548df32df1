package topics_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/servertest"
)

// link is a network to a server that can be cut and mended.
type link struct {
	net.Listener
	to string

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func newLink(t *testing.T, to string) *link {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{Listener: ln, to: to}
	t.Cleanup(func() {
		_ = ln.Close()
		l.set(true)
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			l.join(c)
		}
	}()
	return l
}

func (l *link) join(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := net.Dial("tcp", l.to)
	if l.cut || err != nil {
		_ = c.Close()
		return
	}
	l.conns = append(l.conns, c, s)
	go func() { _, _ = io.Copy(s, c) }()
	go func() { _, _ = io.Copy(c, s) }()
}

// set cuts the network, with all that runs over it, or mends it.
func (l *link) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if cut {
		for _, c := range l.conns {
			_ = c.Close()
		}
		l.conns = nil
	}
}

// throughLink puts a link between the hub and its Redis.
func (b *bench) throughLink() *link {
	rdb := servertest.Redis(b.t)
	l := newLink(b.t, rdb.Options().Addr)
	through := redis.NewClient(&redis.Options{Addr: l.Addr().String(), MaxRetries: -1, DisableIdentity: true})
	b.t.Cleanup(func() { _ = through.Close() })
	b.store = claims.NewStore(through, claims.Config{Lease: b.timing.Lease, Keep: time.Hour})
	b.t.Cleanup(b.store.Close)
	return l
}

func TestRedisAwayPausesTheRoute(t *testing.T) {
	b := newBench(t, topics.C2)
	l := b.throughLink()
	b.start()
	b.send("app", 0)
	b.awaitEffects("app", 0)
	l.set(true)
	b.send("app", 1, 2)
	b.send("other", 0)
	servertest.Eventually(t, "the route is paused", func() bool { return b.observed("redis") })
	if n := b.calls.Load(); n != 1 {
		t.Errorf("%d calls without claims", n-1)
	}
	l.set(false)
	b.awaitEffects("app", 0, 1, 2)
	b.awaitEffects("other", 0)
	b.awaitCommitted()
	if n := b.end(b.route.ParkedTopic()) + b.end(b.route.DeadTopic()); n != 0 {
		t.Errorf("%d parked or dead", n)
	}
}

// Redis goes away during a call whose answer nobody could ask for again.
func TestAnswerIsKeptOnceRedisIsBack(t *testing.T) {
	b := newBench(t, topics.C3)
	l := b.throughLink()
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		if m.ID == "app-0" {
			l.set(true)
		}
		return do(ctx, m)
	}
	b.start()
	b.send("app", 0, 1)
	servertest.Eventually(t, "the route is paused", func() bool { return b.observed("redis") })
	l.set(false)
	b.awaitEffects("app", 0, 1)
	b.awaitCommitted()
	if n := b.end(b.route.DeadTopic()); n != 0 {
		t.Errorf("%d letters, although the answer was known", n)
	}
}

// A wrong setting pauses the whole route; one probe at a time looks whether it
// is mended.
func TestWrongSettingPausesWithOneProbe(t *testing.T) {
	for _, reason := range []string{topics.PauseAuth, topics.PauseTarget} {
		t.Run(reason, func(t *testing.T) {
			b := newBench(t, topics.C2)
			b.workers = 1
			var running, most atomic.Int32
			var mended atomic.Bool
			do := b.route.Operation.Do
			b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
				if !mended.Load() {
					most.Store(max(most.Load(), running.Add(1)))
					defer running.Add(-1)
					b.calls.Add(1)
					return nil, &topics.Failure{Class: topics.Unavailable, Code: "http_401", Pause: reason, Err: io.EOF}
				}
				return do(ctx, m)
			}
			for n := range 20 {
				b.send(fmt.Sprint("app-", n), 0)
			}
			b.start()
			servertest.Eventually(t, "three probes", func() bool { return b.calls.Load() >= 3 })
			if !b.observed(reason) {
				t.Error("the route does not say why it is paused")
			}
			mended.Store(true)
			for n := range 20 {
				b.awaitEffects(fmt.Sprint("app-", n), 0)
			}
			b.awaitCommitted()
			if n := b.end(b.route.ParkedTopic()) + b.end(b.route.DeadTopic()); n != 0 || most.Load() > 1 {
				t.Errorf("%d parked or dead, %d probes at once", n, most.Load())
			}
		})
	}
}

// switchable is a breaker that the test opens and closes.
type switchable struct {
	mu      sync.Mutex
	open    bool
	changed chan struct{}
}

func (s *switchable) Admit() (func(error), time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return func(error) {}, time.Hour, !s.open
}

func (s *switchable) Open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *switchable) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *switchable) set(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
	close(s.changed)
	s.changed = make(chan struct{})
}

// While the breaker is open nothing is called, parked or counted, and its
// closing is noticed at once although it said to ask again in an hour.
func TestOpenBreakerHoldsEverything(t *testing.T) {
	b := newBench(t, topics.C2)
	s := &switchable{changed: make(chan struct{})}
	b.breaker = s
	b.timing.ParkAfter = time.Nanosecond
	b.window = 3
	b.failing(unavailable("stuck"))
	b.start()
	b.send("stuck", 0)
	b.send("app", 0)
	b.awaitEffects("app", 0)
	for n := 1; b.end(b.route.ParkedTopic()) == 0; n++ {
		b.send("other", n)
	}
	s.set(true)
	servertest.Eventually(t, "the route is paused", func() bool { return b.observed("breaker") })
	parked, effects := b.end(b.route.ParkedTopic()), b.calls.Load()
	held := b.bytes.Load()
	for n := range 10 {
		b.send(fmt.Sprint("late-", n), 0)
	}
	servertest.Eventually(t, "messages wait in memory", func() bool { return b.bytes.Load() > held })
	if p := b.end(b.route.ParkedTopic()); p != parked || b.calls.Load() > effects+int64(b.workers) {
		t.Errorf("%d parked and %d called behind an open breaker", p-parked, b.calls.Load()-effects)
	}
	b.failing(nil)
	s.set(false)
	for n := range 10 {
		b.awaitEffects(fmt.Sprint("late-", n), 0)
	}
	b.awaitEffects("stuck", 0)
	b.awaitCommitted()
}

// A breaker that opens and closes all the time never leaves a partition asleep.
func TestFlickeringBreakerWakesEverybody(t *testing.T) {
	b := newBench(t, topics.ReadOnly)
	s := &switchable{changed: make(chan struct{})}
	b.breaker = s
	b.start()
	for round := range 30 {
		s.set(true)
		for a := range 8 {
			b.send(fmt.Sprint("app-", a), round)
		}
		s.set(false)
	}
	for a := range 8 {
		b.awaitEffects(fmt.Sprint("app-", a), upTo(30)...)
	}
	b.awaitCommitted()
}

// Topics that are missing, or have another number of partitions, keep the route
// waiting with that reason; it starts when they are right.
func TestRouteWaitsForItsTopics(t *testing.T) {
	b := newBench(t, topics.C1)
	b.route.Sources = append(b.route.Sources, b.route.Name+".late")
	b.start()
	b.send("app", 0)
	servertest.Eventually(t, "the route is paused", func() bool { return b.observed(topics.PausePartitions) })
	servertest.CreateTopics(t, b.brokers, testPartitions, b.route.Name+".late")
	b.awaitEffects("app", 0)
	b.awaitCommitted()
	if b.observed(topics.PausePartitions) {
		t.Error("still paused")
	}
}

func TestRouteRefusesAnotherNumberOfPartitions(t *testing.T) {
	b := newBench(t, topics.C1)
	b.route.Sources = append(b.route.Sources, b.route.Name+".other")
	servertest.CreateTopics(t, b.brokers, testPartitions+1, b.route.Name+".other")
	b.start()
	b.send("app", 0)
	servertest.Eventually(t, "the route is paused", func() bool { return b.observed(topics.PausePartitions) })
	b.awaitEffects("app")
}

// Partitions are added under a running route: keys now go to other partitions
// than before, so nothing more is read.
func TestAddedPartitionsStopTheRoute(t *testing.T) {
	b := newBench(t, topics.C2)
	b.send("app", 0)
	b.start()
	b.awaitEffects("app", 0)
	b.awaitCommitted()
	resp, err := b.cluster.Client.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{
		{Name: b.route.Sources[0], Count: testPartitions + 1},
	}})
	if err != nil || resp.Errors[b.route.Sources[0]] != nil {
		t.Fatalf("adding a partition: %v %v", err, resp)
	}
	servertest.Eventually(t, "the route is paused", func() bool { return b.observed(topics.PausePartitions) })
	b.send("app", 1)
	if n := b.lag(); n != 1 {
		t.Errorf("%d messages wait, want 1", n)
	}
	b.awaitEffects("app", 0)
}

// What an operator paused stays paused when the breaker closes, when members
// come and when they drain and go. Nothing is called, parked or dead meanwhile.
func TestOperatorsPauseOutlivesBreakerAndDrain(t *testing.T) {
	b := newBench(t, topics.C2)
	s := &switchable{changed: make(chan struct{})}
	b.breaker = s
	first := b.consumer()
	b.run(first)
	gate := first.Delivery.Gate
	b.send("app", 0)
	b.awaitEffects("app", 0)
	gate.Hold("duty", time.Now(), time.Time{})
	s.set(true)
	b.send("app", 1)
	b.send("other", 0)
	servertest.Eventually(t, "messages wait in memory", func() bool { return b.bytes.Load() > 0 })
	s.set(false)

	second := b.consumer()
	second.Delivery.Gate.Hold("duty", time.Now(), time.Time{})
	stop, _ := b.run(second)
	b.awaitAssignment(2)
	if err := stop(); err != nil {
		t.Error(err)
	}
	b.awaitAssignment(1)
	servertest.Eventually(t, "messages wait in memory again", func() bool { return b.bytes.Load() > 0 })
	if n := b.calls.Load(); n != 1 || !b.observed(topics.PauseOperator) {
		t.Errorf("%d calls while an operator has paused the route", n-1)
	}
	gate.Resume(topics.PauseOperator)
	b.awaitEffects("app", 0, 1)
	b.awaitEffects("other", 0)
	b.awaitCommitted()
	if n := b.end(b.route.ParkedTopic()) + b.end(b.route.DeadTopic()); n != 0 {
		t.Errorf("%d parked or dead", n)
	}
}

// An operator's pause that expires lets the route go on by itself.
func TestOperatorsPauseExpires(t *testing.T) {
	b := newBench(t, topics.C1)
	c := b.consumer()
	until := time.Now().Add(300 * time.Millisecond)
	c.Delivery.Gate.Hold("duty", time.Now(), until)
	var early atomic.Bool
	do := c.Delivery.Route.Operation.Do
	c.Delivery.Route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		early.Store(early.Load() || time.Now().Before(until))
		return do(ctx, m)
	}
	b.send("app", 0, 1)
	b.run(c)
	b.awaitEffects("app", 0, 1)
	if early.Load() {
		t.Error("called before the pause ended")
	}
}

// awaitAssignment waits until so many members share the route's partitions.
func (b *bench) awaitAssignment(members int) {
	b.t.Helper()
	servertest.Eventually(b.t, "the group is settled", func() bool {
		resp, err := b.cluster.Client.DescribeGroups(b.t.Context(), &kafka.DescribeGroupsRequest{GroupIDs: []string{b.route.Group()}})
		return err == nil && resp.Groups[0].GroupState == "Stable" && len(resp.Groups[0].Members) == members
	})
}
