package topics

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// lane is one application in one partition number. Its messages run one after
// another: parked ones first, then those of the sources by order of arrival.
type lane struct {
	key       string
	decisions []*decision // of people, about its dead letters: carried out first
	queue     []*entry    // read from the sources, not finished
	toPark    []*entry    // on their way to the parked topic, after what is being appended

	busy      bool        // a series of its messages is being delivered, or a decision
	recalled  atomic.Bool // something is to come before the rest of that series
	began     time.Time   // the message that is being delivered
	stuck     bool        // it has been told that the delivery runs on past its lease
	ready     bool        // it stands in the partition's list of ready lanes
	appending bool
	timer     *time.Timer // set while the head waits

	through int64 // offset of the parked entry finished last, if that is still to be noted
	noting  bool  // such a note is being written

	// How the head has failed so far.
	attempts int
	since    time.Time     // of its first failure
	last     time.Time     // of its latest failure
	failing  time.Duration // since then, the time in which the route was paused left out
	epoch    int           // of the gate at the latest failure
	tries    *tries        // at it or at an earlier head
}

// entry is one message of a lane and where it was read.
type entry struct {
	stream   *stream
	offset   int64
	record   *Record   // nil for a parked entry: fetched when it is due
	tries    *tries    // at it until it was parked
	decision *decision // set where it is no message, but a decision
}

func (p *partition) lane(key string) *lane {
	l := p.lanes[key]
	if l == nil {
		l = &lane{key: key, through: -1}
		p.lanes[key] = l
	}
	return l
}

// diverts says whether new messages of a key go to the parked topic.
func (p *partition) diverts(key string) bool {
	k := p.index.keys[key]
	return k != nil && (len(k.parked) > 0 || k.appending > 0 || p.holds(k))
}

// holds says whether a dead letter holds the key; k may be nil.
func (p *partition) holds(k *waitingKey) bool {
	return k != nil && k.letters > 0 && !p.delivery.Route.FollowersPass
}

// head returns what the lane is to deliver next, or nil.
func (p *partition) head(l *lane) *entry {
	for len(l.decisions) > 0 {
		d := l.decisions[0]
		if p.undone(d) { // by an earlier owner
			l.decisions = l.decisions[1:]
			p.settle(p.dead, d.record.Offset)
			continue
		}
		if known := p.index.letters[d.letter]; d.action != DecideUndo && known != nil && len(known.offsets) > 0 {
			d.lies = known.offsets[0] // a stand-in may have taken its place
		}
		return &entry{stream: p.dead, offset: d.record.Offset, record: d.record, decision: d}
	}
	if k := p.index.keys[l.key]; k != nil {
		if p.holds(k) {
			return nil
		}
		if len(k.parked) > 0 {
			return &entry{stream: p.parked, offset: k.parked[0].offset}
		}
	}
	if len(l.queue) > 0 {
		return l.queue[0]
	}
	// What another owner parked late comes last, when its message is finished.
	if k := p.index.keys[l.key]; k != nil && len(k.late) > 0 && k.appending == 0 && k.late[0].origin < k.late[0].source.tracker.read {
		return &entry{stream: p.parked, offset: k.late[0].offset}
	}
	return nil
}

// schedule makes a lane ready if it has something to do now, and forgets one
// that has nothing at all.
func (p *partition) schedule(l *lane) {
	if l.busy {
		l.recalled.Store(true)
		return
	}
	if l.ready || l.timer != nil {
		return
	}
	if len(l.queue) > 0 && p.holds(p.index.keys[l.key]) {
		p.park(l) // a held key must not hold back the window
	}
	if p.head(l) != nil {
		l.ready = true
		p.ready = append(p.ready, l)
		return
	}
	if len(l.queue) == 0 && len(l.toPark) == 0 && !l.appending && !l.noting {
		delete(p.lanes, l.key)
	}
}

// maxSeries bounds how many messages of a lane go before other lanes.
const maxSeries = 16

// dispatch delivers the head of the lane that has been ready longest, and what
// stands behind it. It has been given one of the route's slots.
func (p *partition) dispatch(ctx context.Context) {
	l := p.ready[0]
	p.ready[0] = nil
	p.ready = p.ready[1:]
	l.ready = false
	e := p.head(l)
	if e == nil {
		p.limiter.done()
		p.schedule(l)
		return
	}
	entries := []*entry{e}
	if len(l.queue) > 1 && e == l.queue[0] {
		entries = slices.Clone(l.queue[:min(len(l.queue), maxSeries)])
	}
	l.busy, l.began, l.stuck = true, time.Now(), false
	l.recalled.Store(false)
	p.running++
	wakes, tries := p.wakes, l.tries.of(e)
	p.crew.run(ctx.Done(), func() { p.guard(func() { p.deliver(ctx, l, entries, tries, wakes) }) })
}

// deliver carries entries of a lane: a decision, a parked message, or a series from
// the source; tries are those at the first of them so far. It runs on a goroutine of
// the crew.
func (p *partition) deliver(ctx context.Context, l *lane, entries []*entry, tries *tries, wakes int) {
	p.delivery.Metrics.Inflight(1)
	defer func() {
		p.limiter.done()
		p.delivery.Metrics.Inflight(-1)
	}()
	s := &series{
		tries:    tries,
		overtime: p.overtime,
		limiter:  p.limiter,
		more:     func() bool { return !l.recalled.Load() && ctx.Err() == nil },
	}
	told := 0
	s.tell = func(out outcome, last bool) {
		e := entries[told]
		told++
		p.post(func() {
			if out.kind == paused && p.wakes == wakes { // else the gate may have opened meanwhile
				p.block(out.after)
			}
			p.outcome(l, e, out, last)
		})
	}
	e := entries[0]
	if e.decision != nil {
		s.tell(p.carryOut(ctx, e.decision, tries), true)
		return
	}
	for _, e := range entries {
		s.records = append(s.records, e.record)
	}
	if e.record == nil {
		r, err := p.fetchAt(ctx, e.stream.topic, p.number, e.offset)
		switch {
		case err != nil && ctx.Err() != nil:
			s.tell(outcome{kind: stopped}, true)
			return
		case err != nil:
			p.delivery.Log.Warn("a parked message cannot be read", "route", p.delivery.Route.Name, "error", err.Error())
			s.tell(outcome{kind: waiting, after: p.delivery.Timing.BackoffLeast}, true)
			return
		}
		s.records[0] = r
	}
	p.carry(ctx, s)
}

// outcome takes what an attempt has come to. Unless it is the last of its series,
// the next message is under way.
func (p *partition) outcome(l *lane, e *entry, out outcome, last bool) {
	if last {
		p.running--
		l.busy = false
	} else {
		l.began, l.stuck = time.Now(), false
	}
	if out.try != nil {
		l.tries = l.tries.of(e).with(e, *out.try)
	}
	if out.resolves != "" {
		p.resolved(out.resolves)
	}
	switch out.kind {
	case finished:
		p.delivery.Metrics.Attempts(l.attempts + 1)
		p.complete(l, e)
	case held:
		p.index.bury(l.key, out.letter, true, out.offset, time.Now())
		p.complete(l, e)
	case retry:
		p.failed(l, e, out.after)
	case waiting:
		p.wait(l, out.after)
		p.parkHolders()
	case paused:
	case stopped:
		return
	}
	if last {
		p.schedule(l)
	}
}

// complete marks an entry as finished.
func (p *partition) complete(l *lane, e *entry) {
	l.attempts, l.failing, l.since = 0, 0, time.Time{}
	switch e.stream {
	case p.dead:
		l.decisions = l.decisions[1:]
		p.settle(p.dead, e.offset)
		return
	case p.parked:
	default:
		p.hold(-e.record.size())
		l.queue[0] = nil
		l.queue = l.queue[1:]
		p.settle(e.stream, e.offset)
		p.openStreams()
		return
	}
	p.index.remove(l.key, e.offset)
	p.settle(p.parked, e.offset)
	if p.parked.tracker.next <= e.offset {
		l.through = max(l.through, e.offset)
		p.sayThrough(l)
	}
	p.index.tidy(l.key)
}

// failed counts a failure and waits for its backoff, or parks the key.
func (p *partition) failed(l *lane, e *entry, after time.Duration) {
	t := p.delivery.Timing
	now := time.Now()
	epoch, answered := p.delivery.Gate.state()
	if l.since.IsZero() {
		l.since = now
	} else if l.epoch == epoch {
		l.failing += now.Sub(l.last)
	}
	l.last, l.epoch = now, epoch
	l.attempts++
	if len(l.queue) > 0 && e == l.queue[0] && l.failing >= t.ParkAfter && answered.After(l.since) && !p.delivery.Gate.paused() {
		p.park(l)
	}
	if after == 0 {
		after = backoff(l.attempts, t.BackoffLeast, t.BackoffMost)
	}
	p.wait(l, after)
	p.parkHolders()
}

// wait keeps a lane from being ready for a while, never for so short that it
// would spin.
func (p *partition) wait(l *lane, after time.Duration) {
	l.timer = time.AfterFunc(max(after, p.delivery.Timing.BackoffLeast/10, time.Millisecond), func() {
		p.post(func() {
			l.timer = nil
			p.schedule(l)
		})
	})
}

// block stops dispatching until the gate may be open again.
func (p *partition) block(after time.Duration) {
	if p.blocked {
		return
	}
	p.blocked = true
	p.probe = time.AfterFunc(max(after, 10*time.Millisecond), func() { p.post(p.unblock) })
}

// unblock dispatches again: the gate may have opened.
func (p *partition) unblock() {
	p.wakes++
	if p.blocked {
		p.blocked = false
		p.probe.Stop()
	}
}
