package topics

import (
	"context"
	"time"

	"kandashub/topics/failpoint"
)

// partition is number p of a route's topics in one generation: source, parked
// and dead together, with the lanes that run from them. One goroutine owns all
// of it; others post functions to it.
type partition struct {
	*generation
	number  int
	sources []*stream
	parked  *stream
	owner   uint64 // names this partition in this generation, among all its owners
	dead    *stream

	// ends of parked and dead when the partition was assigned: the index is
	// whole once both have been read that far.
	parkedEnd, deadEnd int64
	indexed            bool

	index   index
	lanes   map[string]*lane
	ready   []*lane // in the order in which they became ready
	running int
	held    int64                      // bytes of what the lanes hold
	blocked bool                       // the route is paused: nothing is dispatched
	wakes   int                        // how often the gate may have opened
	probe   *time.Timer                // set while blocked: when to ask the gate again
	strays  bool                       // a message of another partition's key has been met
	early   map[*stream]map[int64]bool // offsets we wrote and finished before they arrived

	events chan func()
	gone   chan struct{} // closed when the goroutine has ended
}

// post hands f to the partition's goroutine. After its end f is dropped: the
// next owner starts from the committed offset.
func (p *partition) post(f func()) {
	select {
	case p.events <- f:
	case <-p.gone:
	}
}

// run owns the partition until ctx ends, then drains.
func (p *partition) run(ctx context.Context) {
	defer close(p.gone)
	defer func() { p.bytes.Add(-p.held) }() // what was not finished is dropped with the partition
	report := time.NewTicker(reportEvery)
	defer report.Stop()
	p.openStreams()
	p.checkIndexed()
	for {
		var slots <-chan struct{}
		if p.indexed && !p.blocked && len(p.ready) > 0 {
			slots = p.limiter.slots.free
		}
		select {
		case f := <-p.events:
			f()
		case <-slots:
			p.dispatch(ctx)
		case <-report.C:
			p.report()
		case <-ctx.Done():
			p.drain()
			return
		}
	}
}

// drain gives running calls their budget and takes what they come to. What
// runs on after it finishes under its lease and never commits.
func (p *partition) drain() {
	failpoint.Hit(failpoint.Draining, p.delivery.Route.Name)
	over := time.NewTimer(p.delivery.Timing.Drain)
	defer over.Stop()
	for p.running > 0 {
		select {
		case f := <-p.events:
			f()
		case <-over.C:
			return
		}
	}
}

// arrive takes records of a source topic.
func (p *partition) arrive(s *stream, recs []*Record) {
	failpoint.Hit(failpoint.Fetched, p.delivery.Route.Name)
	for _, r := range recs {
		s.tracker.see(r.Offset, r.Time)
		r.disown()
		p.hold(r.size())
		p.delivery.Metrics.Consumed(s.topic, len(r.Value))
		p.warnOfStray(r)
		l := p.lane(string(r.Key))
		e := &entry{stream: s, offset: r.Offset, record: r}
		// What stands in the queue goes first: an earlier owner's append may
		// have reached the parked topic after we read these from the source.
		if len(l.queue) == 0 && p.diverts(l.key) {
			l.toPark = append(l.toPark, e)
			p.index.of(l.key).appending++
			p.appendNext(l)
			continue
		}
		l.queue = append(l.queue, e)
		if !l.busy {
			p.schedule(l)
		}
	}
	p.openStreams()
	p.parkHolders()
}

// warnOfStray says, once in a generation, that a producer chooses partitions in
// another way than the hub does. Its messages are handled, but two producers
// that differ have no order between them.
func (p *partition) warnOfStray(r *Record) {
	if p.strays || len(r.Key) == 0 || PartitionOf(r.Key, p.count) == p.number {
		return
	}
	p.strays = true
	p.delivery.Log.Warn("messages lie in another partition than that of their key: the producer must use murmur2 (librdkafka: partitioner=murmur2_random)",
		"route", p.delivery.Route.Name, "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
}

// arriveParked takes records of the parked topic: entries, and our own notes
// of what is finished.
func (p *partition) arriveParked(recs []*Record) {
	s := p.parked
	for _, r := range recs {
		s.tracker.see(r.Offset, r.Time)
		key := string(r.Key)
		switch kind, _ := r.header(headerKind); kind {
		case kindParked:
			if p.early[s][r.Offset] {
				delete(p.early[s], r.Offset)
				p.settle(s, r.Offset)
				continue
			}
			if source, origin := p.late(r); source != nil {
				k := p.index.of(key)
				k.late = append(k.late, lateEntry{parkedEntry{r.Offset, r.writer()}, source, origin})
			} else {
				p.index.add(key, r.Offset, r.writer())
			}
			p.schedule(p.lane(key))
		case kindThrough:
			p.passThrough(key, r)
			p.settle(s, r.Offset)
		default:
			p.settle(s, r.Offset) // nothing that we wrote
		}
	}
}

// arriveDead takes records of the dead topic.
func (p *partition) arriveDead(recs []*Record) {
	s := p.dead
	for _, r := range recs {
		s.tracker.see(r.Offset, r.Time)
		id, _ := r.header("hub_letter")
		switch kind, _ := r.header(headerKind); kind {
		case kindLetter:
			holds, _ := r.header("hub_holds")
			resolved := p.index.bury(string(r.Key), id, holds == "true", r.Offset, r.Time)
			if !resolved && r.isLost() {
				p.replaced(id, r.Offset)
			}
			if resolved {
				p.settle(s, r.Offset)
			} else if l := p.lanes[string(r.Key)]; l != nil {
				p.schedule(l) // an earlier owner's letter, late: it holds what we have read since
			}
		case kindResolved:
			p.resolved(id)
			p.settle(s, r.Offset)
		case kindDecision:
			p.decided(r)
		case kindRefused:
			p.refused(r)
			p.settle(s, r.Offset)
		default:
			p.settle(s, r.Offset)
		}
	}
}

// resolved ends a letter: its followers may go on.
func (p *partition) resolved(letter string) {
	key, offsets := p.index.resolve(letter)
	for _, o := range offsets {
		p.settle(p.dead, o)
	}
	if key != "" {
		p.schedule(p.lane(key))
	}
}

// passed notes how far a stream has been read.
func (p *partition) passed(s *stream, next int64) {
	if s.tracker.passed(next) {
		p.moved(s)
	}
}

// moved tells the committer that a stream has a higher offset to commit.
func (p *partition) moved(s *stream) {
	s.position.Store(s.tracker.next)
	p.committer.dirty()
}

// checkIndexed opens the sources once parked and dead have been taken in up to
// the ends they had at assignment. What the fetcher has read is not enough: it
// may still be on its way here.
func (p *partition) checkIndexed() {
	if p.indexed || p.parked.tracker.read < p.parkedEnd || p.dead.tracker.read < p.deadEnd {
		return
	}
	p.indexed = true
	failpoint.Hit(failpoint.Indexed, p.delivery.Route.Name)
	p.openStreams()
}

// openStreams says which streams have room: parked and dead always, a source
// while the window has, and always for one message.
func (p *partition) openStreams() {
	changed := false
	set := func(s *stream, open bool) {
		if s.open.Swap(open) != open && open {
			changed = true
		}
	}
	set(p.parked, true)
	set(p.dead, true)
	for _, s := range p.sources {
		set(s, p.indexed && !p.full(s))
	}
	if changed {
		p.fetcher.kick()
	}
}

// full says whether a source has no room for one more message.
func (p *partition) full(s *stream) bool {
	span := s.tracker.span()
	return span >= p.window || span > 0 && p.bytes.Load() >= p.windowBytes
}

// hold counts bytes held in memory, for the process; release with a negative n.
func (p *partition) hold(n int64) {
	p.held += n
	p.bytes.Add(n)
}

// settle marks an offset as finished, now or when it arrives.
func (p *partition) settle(s *stream, offset int64) {
	if offset >= s.tracker.read {
		if p.early[s] == nil {
			p.early[s] = map[int64]bool{}
		}
		p.early[s][offset] = true
		return
	}
	if s.tracker.finish(offset) {
		p.moved(s)
	}
}

// report refreshes the gauges of this partition, and looks after what no event
// tells of.
func (p *partition) report() {
	m := p.delivery.Metrics
	for _, s := range p.sources {
		_, oldest, _ := s.tracker.lowest()
		m.Lag(s.topic, p.number, max(0, s.high.Load()-s.next.Load())+int64(s.tracker.span()), oldest)
	}
	letters, oldest, parked, keys := p.index.count()
	_, since, _ := p.parked.tracker.lowest()
	m.Parked(p.number, parked, keys, since)
	m.AtRisk(p.number, p.atRisk(time.Now()))
	m.Dead(p.number, letters, oldest)
	m.Stuck(p.number, p.watchdog())
	p.replaceLost()
}

// atRisk counts what has been read, is not delivered, and has less than a fifth of
// its deadline left since it was written.
func (p *partition) atRisk(now time.Time) (messages int) {
	deadline := p.delivery.Timing.Deadline
	if deadline == 0 {
		return 0
	}
	for _, s := range append([]*stream{p.parked}, p.sources...) {
		messages += s.tracker.unfinished(now.Add(-deadline / 5 * 4))
	}
	return messages
}

// watchdog counts the attempts that run on past their lease, and says so of
// each once: a call that does not heed its deadline holds its application and a
// worker, and neither Kafka nor Redis would notice.
func (p *partition) watchdog() (stuck int) {
	for _, l := range p.lanes {
		if !l.busy || time.Since(l.began) <= p.delivery.Timing.Lease {
			continue
		}
		stuck++
		if !l.stuck {
			l.stuck = true
			p.delivery.Log.Error("an attempt runs on past its lease", "route", p.delivery.Route.Name, "application", l.key,
				"since", l.began.UTC().Format(time.RFC3339))
		}
	}
	return stuck
}
