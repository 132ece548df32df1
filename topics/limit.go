package topics

import (
	"context"
	"sync"
	"time"

	"kandashub/observability"
)

// Where a limiter begins, how far it goes down by itself, and what it takes for
// a sign of a crowded system: the slack is what a busy machine of ours adds.
const (
	limitStart = 64
	limitLeast = 16
	growBelow  = 5 * time.Millisecond
	shrinkFrom = 15 * time.Millisecond

	// probeEvery is after how many windows the limiter looks what calls take when
	// they are few: else it could not tell a system that has become slower from
	// one that it crowds itself.
	probeEvery = 200
	probePart  = 4
)

// The steps of such a look.
const (
	noProbe  = iota
	draining // until the calls have ended that were made among many
	probing
)

// A limiter finds out how many calls a system bears at once, as TCP Vegas finds
// its window: by comparing what calls take now with what they take when they are
// few.
// While they take about as long, the limit grows (at first it doubles); once they
// take twice as long, they only queue at the system, and it shrinks. It stays
// between limitLeast and most.
//
// Two things are counted. A message that is under way holds a slot, from before its
// claim to its end; while its system is called it holds a place, too. There are
// twice as many slots as places, so that the system has always something to do
// while other messages are claimed, or their replies written.
//
// Libraries for this (failsafe-go's adaptive limiter, for one) look once a second
// and are asked for permits one by one; here a route has to be at its speed within
// a few answers, and a partition waits for a slot and for other things together.
type limiter struct {
	slots  semaphore
	places semaphore
	report *observability.RouteMetrics

	mu      sync.Mutex
	most    int
	limit   int  // of places
	doubles bool // it has never had to shrink
	least   time.Duration
	windows int // since the last probe
	probe   int // its step
	resume  int // the limit after it

	// The window: answers since the limit was looked at last.
	calls int
	took  time.Duration
	full  bool // somebody may have waited for a place
}

// slotsPerPlace is how many messages are under way for each that may be called.
const slotsPerPlace = 2

func newLimiter(most int, m *observability.RouteMetrics) *limiter {
	l := &limiter{slots: newSemaphore(slotsPerPlace * most), places: newSemaphore(most), most: most, doubles: true, report: m}
	l.set(min(limitStart, most))
	return l
}

// set changes the limit. l.mu is held, or nobody else knows l yet.
func (l *limiter) set(limit int) {
	l.limit = limit
	l.places.resize(limit)
	l.slots.resize(slotsPerPlace * limit)
	l.report.ConcurrencyLimit(limit)
}

// done gives a slot back.
func (l *limiter) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots.give()
}

// What waiting for a place comes to.
type admission int

const (
	entered admission = iota
	tooLate           // none was free in time
	ended             // ctx has ended
)

// enter waits for a place until a time, or until ctx ends.
func (l *limiter) enter(ctx context.Context, until time.Time) admission {
	wait := time.Until(until)
	if wait <= 0 {
		return tooLate
	}
	select {
	case <-l.places.free:
		return entered
	default:
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-l.places.free:
		return entered
	case <-late.C:
		return tooLate
	case <-ctx.Done():
		return ended
	}
}

// leave gives a place back; took is how long the call was, or zero if there was
// none.
func (l *limiter) leave(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = l.full || len(l.places.free) == 0
	l.places.give()
	if took <= 0 {
		return
	}
	l.calls++
	l.took += took
	if l.calls >= l.limit {
		l.look()
	}
}

// A semaphore is a number of things that are free or taken, and may change. Its
// methods are called one at a time; free is received from at any time.
type semaphore struct {
	free chan struct{}
	size int
	owed int // taken ones that do not come back
}

func newSemaphore(most int) semaphore { return semaphore{free: make(chan struct{}, most)} }

func (s *semaphore) resize(size int) {
	for ; s.size < size; s.size++ {
		s.give()
	}
	for ; s.size > size; s.size-- {
		select {
		case <-s.free:
		default:
			s.owed++
		}
	}
}

func (s *semaphore) give() {
	if s.owed > 0 {
		s.owed--
		return
	}
	s.free <- struct{}{}
}

// look ends a window.
func (l *limiter) look() {
	now := l.took / time.Duration(l.calls)
	if l.least == 0 || now < l.least {
		l.least = now
	}
	l.windows++
	switch {
	case l.probe == draining:
		if l.places.owed == 0 {
			l.probe = probing
		}
	case l.probe == probing:
		l.least, l.probe, l.windows = now, noProbe, 0
		l.set(l.resume)
	case l.windows >= probeEvery && l.limit > limitLeast:
		l.probe, l.resume = draining, l.limit
		l.set(max(limitLeast, l.limit/probePart))
	case now > 2*l.least+shrinkFrom:
		l.doubles = false
		l.set(max(min(limitLeast, l.most), l.limit-max(1, l.limit/8)))
	case l.full && now < l.least+l.least/2+growBelow:
		more := max(1, l.limit/8)
		if l.doubles {
			more = l.limit
		}
		l.set(min(l.most, l.limit+more))
	}
	l.calls, l.took, l.full = 0, 0, false
}

// A crew is the goroutines on which attempts run. One that has ended its attempt
// takes the next: a new goroutine for each would grow its stack anew, which took
// 8 % of a busy hub's CPU.
type crew struct{ jobs chan func() }

// run runs job on a goroutine that is free, or on a new one, which stays until
// ended.
func (c crew) run(ended <-chan struct{}, job func()) {
	select {
	case c.jobs <- job:
		return
	default:
	}
	go func() {
		for {
			job()
			select {
			case job = <-c.jobs:
			case <-ended:
				return
			}
		}
	}()
}
