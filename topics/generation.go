package topics

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics/failpoint"
)

const (
	// reportEvery is how often a partition refreshes its gauges.
	reportEvery = 5 * time.Second
	// commitEvery is the shortest time between two commits. One after another
	// they would keep the broker busy; what a crash has to read again is dropped
	// by its claims.
	commitEvery = 50 * time.Millisecond
)

// generation is one assignment of partitions to this member. All that it holds
// is thrown away whole when it ends.
type generation struct {
	ctx         context.Context
	overtime    context.Context // see term
	stop        func(error)     // ends the route for good
	cluster     *Cluster
	delivery    *Delivery
	limiter     *limiter // of the route's calls at once
	crew        crew
	bytes       *atomic.Int64 // held in memory, of the process
	count       int           // partitions of each of the route's topics
	window      int           // messages per partition and topic
	windowBytes int64
	fetcher     *fetcher
	committer   *committer
	partitions  []*partition

	// The ways out of a partition: Delivery.carry, Producer.Append and
	// Cluster.readAt. Tests of the order in a partition play them.
	carry   func(context.Context, *series)
	write   func(ctx context.Context, topic string, partition int, records ...kafka.Record) (int64, error)
	fetchAt func(ctx context.Context, topic string, partition int, offset int64) (*Record, error)
}

// serve handles the assigned partitions until ctx ends, then drains, commits
// and returns. A returned error stops the route for good.
func (c *Consumer) serve(ctx context.Context, gen *kafka.Generation) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := &generation{
		ctx: ctx, overtime: newTerm(ctx, c.Delivery.Timing.Lease).overtime, stop: func(err error) { cancel(errStop{err}) }, cluster: c.Cluster, delivery: c.Delivery, limiter: c.limiter, crew: crew{make(chan func())},
		bytes: c.Bytes, count: c.Partitions, window: c.Window, windowBytes: c.WindowBytes,
		committer: &committer{gen: gen, dirtied: make(chan struct{}, 1), consumer: c},
		carry:     c.Delivery.carry, write: c.Delivery.Producer.Append, fetchAt: c.Cluster.readAt,
	}
	if err := c.checkTopics(ctx); errors.Is(err, errPartitions) {
		return err
	}
	if err := g.assign(gen.Assignments, c.Delivery.Route); err != nil {
		return err
	}
	failpoint.Hit(failpoint.Assigned, c.Delivery.Route.Name)
	g.committer.streams = g.fetcher.streams
	c.Delivery.Metrics.Assigned(len(g.partitions))

	c.Delivery.Gate.forget()
	var working, serving sync.WaitGroup
	for _, p := range g.partitions {
		working.Go(func() { g.guard(func() { p.run(ctx) }) })
	}
	serving.Go(func() { g.guard(func() { g.committer.run(ctx) }) })
	serving.Go(func() { c.Delivery.Gate.watch(ctx, g.wake) })
	serving.Go(func() {
		g.guard(func() {
			if err := g.fetcher.run(ctx); err != nil {
				g.stop(err)
			}
		})
	})
	<-ctx.Done()
	working.Wait() // drained: what has finished is in the trackers
	serving.Wait()
	if g.committer.commit() {
		g.committer.commit() // what has moved since those that had to wait
	}
	for _, p := range g.partitions {
		c.Delivery.Metrics.ForgetPartition(p.number)
	}
	c.Delivery.Metrics.Assigned(0) // until it is a member again, nobody's may be what was its
	var stop errStop
	if errors.As(context.Cause(ctx), &stop) {
		return stop
	}
	return nil
}

// guard runs f, a part of the route's own machinery. A panic there is a mistake
// of ours that a message has brought out, perhaps again and again: it ends the
// route, and the process and its other routes live.
func (g *generation) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			g.delivery.Metrics.Panic("route")
			// The panic's value may hold anything, personal data too.
			g.delivery.Log.Error("panic", "route", g.delivery.Route.Name, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			g.stop(fmt.Errorf("the hub panicked (%T): its log holds the stack", p))
		}
	}()
	f()
}

// wake looks again at a gate that may have opened.
func (g *generation) wake() {
	for _, p := range g.partitions {
		p.post(p.unblock)
	}
}

// assign builds the partitions from what the group has given us. Offsets that
// were never committed become the start of the log.
func (g *generation) assign(assigned map[string][]kafka.PartitionAssignment, route Route) error {
	ask := map[string][]int{}
	numbers := map[int]map[string]int64{}
	for topic, ps := range assigned {
		for _, a := range ps {
			ask[topic] = append(ask[topic], a.ID)
			if numbers[a.ID] == nil {
				numbers[a.ID] = map[string]int64{}
			}
			numbers[a.ID][topic] = a.Offset
		}
	}
	g.fetcher = &fetcher{cluster: g.cluster, metrics: g.delivery.Metrics, log: func(msg string, err error) {
		g.delivery.Log.Warn(msg, "route", route.Name, "error", err.Error())
	}}
	if len(ask) == 0 {
		return nil
	}
	first, end, err := g.bounds(ask)
	if err != nil {
		return nil // the generation has ended: nothing is read
	}
	for n, offsets := range numbers {
		if n >= g.count {
			return fmt.Errorf("%w: partition %d was assigned, and %d are expected (HUB_PARTITIONS)", errPartitions, n, g.count)
		}
		p := &partition{
			generation: g, number: n, index: newIndex(), lanes: map[string]*lane{}, early: map[*stream]map[int64]bool{},
			events: make(chan func(), 256), gone: make(chan struct{}), owner: rand.Uint64(),
		}
		for topic, offset := range offsets {
			if offset < 0 {
				offset = first[topic][n]
			}
			if offset > end[topic][n] {
				return errStop{fmt.Errorf("%s/%d ends at offset %d, but %d is committed: the topic was made again; delete the group's offsets once you know that nothing is missing",
					topic, n, end[topic][n], offset)}
			}
			p.add(topic, offset, end[topic][n], route)
		}
		if p.parked == nil || p.dead == nil || len(p.sources) != len(route.Sources) {
			return fmt.Errorf("partition %d of route %s was assigned without all of its topics", n, route.Name)
		}
		g.partitions = append(g.partitions, p)
	}
	return nil
}

// bounds asks for offsets until the broker answers or the generation ends.
func (g *generation) bounds(ask map[string][]int) (first, end map[string]map[int]int64, err error) {
	for attempt := 1; ; attempt++ {
		if first, end, err = g.cluster.Bounds(g.ctx, ask); err == nil {
			return first, end, nil
		}
		if sleep(g.ctx, backoff(attempt, 50*time.Millisecond, time.Second)) != nil {
			return nil, nil, err
		}
	}
}

// add makes the stream of one topic.
func (p *partition) add(topic string, offset, end int64, route Route) {
	s := &stream{topic: topic, partition: p.number, tracker: newTracker(offset)}
	s.next.Store(offset)
	s.position.Store(offset)
	s.start, s.committed = offset, offset
	var take func([]*Record)
	switch topic {
	case route.ParkedTopic():
		p.parked, p.parkedEnd = s, end
		take = p.arriveParked
	case route.DeadTopic():
		p.dead, p.deadEnd = s, end
		take = p.arriveDead
	default:
		p.sources = append(p.sources, s)
		take = func(recs []*Record) { p.arrive(s, recs) }
	}
	s.deliver = func(recs []*Record, next int64) {
		p.post(func() {
			take(recs)
			p.passed(s, next)
			p.checkIndexed()
		})
	}
	p.fetcher.streams = append(p.fetcher.streams, s)
}

// committer commits what is finished, as often as the last commit allows,
// inside the generation and never backwards, once its outcomes are written.
type committer struct {
	gen      *kafka.Generation
	consumer *Consumer
	streams  []*stream
	dirtied  chan struct{}

	// Positions that wait for the outcomes of their messages, and the mark of
	// these. They are kept until they are committed: later ones would wait for later
	// outcomes, and while messages come in that might never end.
	waiting map[string]map[int]int64
	mark    uint64
}

func (c *committer) dirty() {
	select {
	case c.dirtied <- struct{}{}:
	default:
	}
}

func (c *committer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.dirtied:
			for attempt := 1; !c.commit(); attempt++ {
				if sleep(ctx, backoff(attempt, 50*time.Millisecond, 2*time.Second)) != nil {
					return
				}
			}
			if sleep(ctx, commitEvery) != nil {
				return
			}
		}
	}
}

// moved are the positions that are not committed yet.
func (c *committer) moved() map[string]map[int]int64 {
	moved := map[string]map[int]int64{}
	for _, s := range c.streams {
		if at := s.position.Load(); at > s.committed {
			if moved[s.topic] == nil {
				moved[s.topic] = map[int]int64{}
			}
			moved[s.topic][s.partition] = at
		}
	}
	return moved
}

// commit writes positions that have moved, and says whether it could.
func (c *committer) commit() (ok bool) {
	d := c.consumer.Delivery
	if c.waiting == nil {
		moved := c.moved()
		if len(moved) == 0 {
			return true
		}
		c.waiting = moved
		if d.Outcomes != nil {
			c.mark = d.Outcomes.Mark()
		}
	}
	moved := c.waiting
	if err := d.flushOutcomes(c.mark); err != nil {
		d.Log.Warn("offsets are not committed yet: the outcomes of their messages are not written", "route", d.Route.Name, "error", err.Error())
		return false
	}
	failpoint.Hit(failpoint.Committing, d.Route.Name)
	start := time.Now()
	if err := c.gen.CommitOffsets(moved); err != nil {
		d.Metrics.Commit("error")
		d.Log.Warn("offsets could not be committed; their messages may be read again", "route", d.Route.Name, "error", err.Error())
		return false
	}
	d.Metrics.KafkaOp("commit", time.Since(start))
	d.Metrics.Commit("ok")
	failpoint.Hit(failpoint.Committed, d.Route.Name)
	c.waiting = nil
	for _, s := range c.streams {
		if at, ok := moved[s.topic][s.partition]; ok {
			s.committed = at
		}
	}
	return true
}
