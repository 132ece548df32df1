package topics

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Breaker protects one operation. adapters.Breaker is one.
type Breaker interface {
	// Admit asks to make one call. When ok, done must be called once with the
	// call's outcome; context.Canceled means that no call was made. Otherwise
	// wait says when to ask again, unless Changed comes first.
	Admit() (done func(error), wait time.Duration, ok bool)
	Open() bool
	Changed() <-chan struct{}
}

// The reasons for which a route is paused.
const (
	PauseBreaker    = "breaker"     // its operation does not answer
	PauseAuth       = "auth"        // the system refuses our credentials
	PauseTarget     = "target"      // the system's address or certificate is wrong
	PauseRedis      = "redis"       // no claims, no calls
	PauseKafka      = "kafka"       // a reply cannot be published
	PauseDead       = "dead"        // a dead letter cannot be written
	PausePartitions = "partitions"  // topics are missing or differ in their number of partitions
	PauseClaims     = "claims_lost" // Redis has lost claims
)

// Gate says whether a route may call its operation: only while the set of
// reasons against it is empty. It stands before the breaker, which is one of
// the reasons.
type Gate struct {
	breaker Breaker
	observe func(reason string, on bool)
	now     func() time.Time

	mu       sync.Mutex
	reasons  map[string]*pause
	changed  chan struct{}
	epoch    int       // how often the route has been paused
	answered time.Time // when the operation answered last
	broken   bool      // the breaker was open when watch looked last
}

// pause is one reason. Once until has passed, one call goes through as a
// probe; a zero until waits for Resume.
type pause struct {
	since   time.Time
	until   time.Time
	probing bool
}

// NewGate returns a gate before b. observe is told of each reason that comes or
// goes; it may be nil.
func NewGate(b Breaker, observe func(reason string, on bool)) *Gate {
	if observe == nil {
		observe = func(string, bool) {}
	}
	return &Gate{breaker: b, observe: observe, now: time.Now, reasons: map[string]*pause{}, changed: make(chan struct{})}
}

// Pause adds a reason, or renews it, for d; zero means until Resume.
func (g *Gate) Pause(reason string, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.reasons[reason]
	if p == nil {
		p = &pause{since: g.now()}
		g.reasons[reason] = p
		g.epoch++
		g.observe(reason, true)
	}
	p.probing = false
	p.until = time.Time{}
	if d > 0 {
		p.until = g.now().Add(d)
	}
}

// Resume takes a reason away.
func (g *Gate) Resume(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.reasons[reason]; ok {
		g.remove(reason)
	}
}

func (g *Gate) remove(reason string) {
	delete(g.reasons, reason)
	g.observe(reason, false)
	close(g.changed)
	g.changed = make(chan struct{})
}

// Admit asks to handle one message. It answers as Breaker.Admit does.
func (g *Gate) Admit() (done func(error), wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	var probes []string
	for reason, p := range g.reasons {
		switch {
		case p.until.IsZero() || p.probing:
			return nil, time.Second, false
		case now.Before(p.until):
			return nil, p.until.Sub(now), false
		}
		probes = append(probes, reason)
	}
	admitted, wait, ok := g.breaker.Admit()
	if !ok {
		return nil, wait, false
	}
	for _, reason := range probes {
		g.reasons[reason].probing = true
	}
	return func(err error) {
		admitted(err)
		g.settle(probes, err)
	}, 0, true
}

// settle ends a call: an answer is noted, and a probe that met no new pause
// lifts its reason, if a call was made at all.
func (g *Gate) settle(probes []string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.answered = g.now()
	}
	for _, reason := range probes {
		p := g.reasons[reason]
		if p == nil || !p.probing {
			continue
		}
		p.probing = false
		if !errors.Is(err, context.Canceled) {
			g.remove(reason)
		}
	}
}

// paused says whether any reason stands, the breaker's included.
func (g *Gate) paused() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.reasons) > 0 || g.breaker.Open()
}

// state returns how often the route has been paused, and when its operation
// answered last.
func (g *Gate) state() (epoch int, answered time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.epoch, g.answered
}

// watch calls wake at once and whenever the gate may have opened, until ctx
// ends.
func (g *Gate) watch(ctx context.Context, wake func()) {
	for ctx.Err() == nil {
		// The channels are taken before wake is called: what changes after that
		// is seen by the next turn.
		breaker := g.breaker.Changed()
		changed := g.look()
		wake()
		select {
		case <-breaker:
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// look notes whether the breaker is open, and returns the channel that is closed
// when a reason goes.
func (g *Gate) look() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if open := g.breaker.Open(); open != g.broken {
		g.broken = open
		g.observe(PauseBreaker, open)
		if open {
			g.epoch++
		}
	}
	return g.changed
}
