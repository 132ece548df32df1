package adapters

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"kandashub/observability"
	"kandashub/topics"
)

// slowStart is the number of concurrent calls from which a breaker that closed
// again limits no more.
const slowStart = 128

// What an operator may force a breaker to be.
const (
	ForceOpen   = "open"
	ForceClosed = "closed"
)

// BreakerConfig says when a breaker opens, and for how long.
type BreakerConfig struct {
	System, Operation string        // metric labels
	Failures          int           // so many in a row open it; default 5
	OpenFor           time.Duration // then one probe goes through; default 10 s
	Metrics           *observability.Metrics
}

// A Breaker stops the calls of one operation while its system does not answer:
// closed, everything passes; open, nothing; half open, one probe; and after the
// probe's success a slow start, at first one call at a time, then two, four and
// so on. It has no goroutine and no timer: what is due happens in Admit. It is
// safe for concurrent use.
//
// Only "did not answer" counts as a failure. An answer is a success: a refusal
// of the message too, and 429, which slows the caller by its Retry-After. What
// says nothing of the system's health counts as neither: our own cancellation,
// a lease that was over, and wrong settings (auth, target), which pause the
// route by themselves.
//
// An operator may force it: see Force.
type Breaker struct {
	cfg BreakerConfig

	mu      sync.Mutex // held around every call of two
	two     *gobreaker.TwoStepCircuitBreaker[any]
	forced  string // ForceOpen, ForceClosed, or empty
	state   gobreaker.State
	until   time.Time     // open: when the probe is due
	changed chan struct{} // closed at the next change
	refused bool          // someone waits for a free slot
	failed  lastFailure   // for people

	// Slow start; limit 0: none. Calls are counted per period between two
	// changes of state, because those of an earlier period may end late.
	period, limit, running, successes int
}

// NewBreaker returns a closed breaker.
func NewBreaker(cfg BreakerConfig) *Breaker {
	if cfg.Failures <= 0 {
		cfg.Failures = 5
	}
	if cfg.OpenFor <= 0 {
		cfg.OpenFor = 10 * time.Second
	}
	b := &Breaker{cfg: cfg, changed: make(chan struct{})}
	b.two = b.fresh()
	b.publish()
	return b
}

// fresh returns what counts for us, closed and with nothing counted.
func (b *Breaker) fresh() *gobreaker.TwoStepCircuitBreaker[any] {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		MaxRequests:   1,
		Timeout:       b.cfg.OpenFor,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(b.cfg.Failures) },
		IsSuccessful:  func(err error) bool { return health(err) == up },
		IsExcluded:    func(err error) bool { return health(err) == unknown },
		OnStateChange: func(_ string, _, to gobreaker.State) { b.enter(to) },
	})
}

// Force holds the breaker open, so that it admits nothing and sends no probe, or
// closed, so that it admits everything and counts nothing. An empty string
// releases it: it is closed then, with a slow start and nothing counted. Calls
// that were under way say nothing of what comes after.
func (b *Breaker) Force(to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if to == b.forced {
		return
	}
	b.forced = to
	b.two = b.fresh()
	if to == ForceOpen {
		b.enter(gobreaker.StateOpen)
		return
	}
	b.enter(gobreaker.StateClosed)
}

// Admit asks to make one call. When ok, done must be called once with the
// call's outcome, on every path; context.Canceled means that none was made.
// Otherwise wait says when to ask again, unless Changed comes first.
func (b *Breaker) Admit() (done func(err error), wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.forced {
	case ForceOpen:
		b.reject()
		return nil, b.cfg.OpenFor, false
	case ForceClosed:
		return func(error) {}, 0, true
	}
	if b.limit > 0 && b.running >= b.limit {
		b.refused = true
		return nil, b.cfg.OpenFor, false
	}
	settle, err := b.two.Allow()
	switch {
	case errors.Is(err, gobreaker.ErrOpenState):
		b.reject()
		// The half-open state begins after until, not at it.
		return nil, max(time.Until(b.until), 0) + time.Nanosecond, false
	case err != nil: // half open, and the probe is under way
		b.reject()
		b.refused = true
		return nil, b.cfg.OpenFor, false
	}
	b.running++
	return b.settleOnce(b.two, settle, b.period), 0, true
}

func (b *Breaker) settleOnce(two *gobreaker.TwoStepCircuitBreaker[any], settle func(error), period int) func(error) {
	called := false
	return func(err error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if called {
			return
		}
		called = true
		if two != b.two {
			return // it has been forced meanwhile
		}
		b.note(err)
		settle(err) // may enter another state
		if period != b.period {
			return
		}
		b.running--
		if b.limit > 0 && health(err) == up {
			b.grow()
		}
		if b.refused {
			b.notify()
		}
	}
}

// grow doubles the limit of a slow start once as many calls as it allows at a
// time have succeeded.
func (b *Breaker) grow() {
	if b.successes++; b.successes < b.limit {
		return
	}
	b.successes = 0
	if b.limit *= 2; b.limit > slowStart {
		b.limit = 0
	}
}

// Open says whether the breaker keeps calls back: open, half open or forced open.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state != gobreaker.StateClosed
}

// Changed returns a channel that is closed once a call may be admitted that was
// not before, and at every change of state.
func (b *Breaker) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// enter runs under both mutexes, ours and gobreaker's.
func (b *Breaker) enter(to gobreaker.State) {
	b.state = to
	b.period++
	b.limit, b.running, b.successes = 0, 0, 0
	switch to {
	case gobreaker.StateOpen:
		b.until = time.Now().Add(b.cfg.OpenFor)
	case gobreaker.StateClosed:
		b.limit = 1
	}
	b.publish()
	b.notify()
}

func (b *Breaker) notify() {
	b.refused = false
	close(b.changed)
	b.changed = make(chan struct{})
}

// reject counts a call that is kept back.
func (b *Breaker) reject() { b.cfg.Metrics.System(b.cfg.System).Rejected(b.cfg.Operation) }

func (b *Breaker) publish() {
	name := strings.ReplaceAll(b.state.String(), "-", "_") // closed, half_open, open
	if b.forced != "" {
		name = "forced_" + b.forced
	}
	b.cfg.Metrics.Breaker(b.cfg.System, b.cfg.Operation, name)
}

// What an outcome says of the system's health.
type healthKind int

const (
	unknown healthKind = iota
	up
	down
)

func health(err error) healthKind {
	if err == nil {
		return up
	}
	f := topics.FailureOf(err)
	switch {
	case errors.Is(err, context.Canceled) || f.Pause != "" || f.Code == "lease_over":
		return unknown
	case f.Code == "http_429":
		return up
	case f.Class == topics.Unavailable || f.Class == topics.Uncertain:
		return down
	case strings.HasPrefix(f.Code, "http_") || strings.HasPrefix(f.Code, "soap_"):
		return up // the system read the message and refused it
	}
	return unknown // we refused the message: nobody was called
}
