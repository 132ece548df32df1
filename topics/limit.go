package topics

import (
	"sync"
	"sync/atomic"
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
// Whoever wants to call takes from tokens, and holds a permit then. Libraries
// for this (failsafe-go's adaptive limiter, for one) look once a second and are
// asked for permits one by one; here a route has to be at its speed within a few
// answers, and a partition waits for a token and for other things together.
type limiter struct {
	tokens chan struct{}
	report *observability.RouteMetrics
	after  atomic.Int64 // permits whose call has ended and whose message has not

	mu      sync.Mutex
	most    int
	limit   int
	owed    int  // tokens that are out and do not come back
	doubles bool // it has never had to shrink
	least   time.Duration
	windows int // since the last probe
	probe   int // its step
	resume  int // the limit after it

	// The window: answers since the limit was looked at last.
	calls int
	took  time.Duration
	full  bool // somebody may have waited for a token
}

func newLimiter(most int, m *observability.RouteMetrics) *limiter {
	l := &limiter{tokens: make(chan struct{}, most), most: most, doubles: true, report: m}
	l.set(min(limitStart, most))
	return l
}

// set changes the limit. l.mu is held, or nobody else knows l yet.
func (l *limiter) set(limit int) {
	for ; l.limit < limit; l.limit++ {
		if l.owed > 0 {
			l.owed--
		} else {
			l.tokens <- struct{}{}
		}
	}
	for ; l.limit > limit; l.limit-- {
		select {
		case <-l.tokens:
		default:
			l.owed++
		}
	}
	l.report.ConcurrencyLimit(limit)
}

// done gives a token back.
func (l *limiter) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back()
}

// called notes a call, which took so long, and gives its token back if freed.
func (l *limiter) called(took time.Duration, freed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if freed {
		l.back()
	}
	if took <= 0 {
		return
	}
	l.calls++
	l.took += took
	if l.calls >= l.limit {
		l.look()
	}
}

func (l *limiter) back() {
	l.full = l.full || len(l.tokens) == 0
	if l.owed > 0 {
		l.owed--
	} else {
		l.tokens <- struct{}{}
	}
}

// A permit is the right of one goroutine to carry messages of a lane: first it
// holds a token, and after the call it does not: what follows burdens Kafka and
// Redis, and not the system. But where these are slow, so that as many messages
// as may be called at once stand between their call and their end, it keeps it.
type permit struct {
	limiter *limiter
	token   bool
	after   bool // it has given its token back, and counts among those after their call
}

// called tells of a call that took so long; zero: there was none.
func (p *permit) called(took time.Duration) {
	freed := p.token && p.limiter.after.Add(1) <= int64(p.limiter.most)
	if freed {
		p.token, p.after = false, true
	} else if p.token {
		p.limiter.after.Add(-1)
	}
	p.limiter.called(took, freed)
}

// again asks for one more message, without waiting.
func (p *permit) again() bool {
	if !p.token {
		select {
		case <-p.limiter.tokens:
			p.token = true
			p.rest()
		default:
		}
	}
	return p.token
}

// rest ends what came after a call.
func (p *permit) rest() {
	if p.after {
		p.after = false
		p.limiter.after.Add(-1)
	}
}

// end gives back what is held.
func (p *permit) end() {
	p.rest()
	if p.token {
		p.token = false
		p.limiter.done()
	}
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
		if l.owed == 0 {
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
