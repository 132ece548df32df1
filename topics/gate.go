package topics

import (
	"cmp"
	"context"
	"errors"
	"slices"
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
	PauseOperator   = "operator"    // somebody wants it
)

// OwnerHub owns the reasons that the hub finds and lifts by itself.
const OwnerHub = "hub"

// A Pause is one reason why a route calls nobody.
type Pause struct {
	Reason string
	Owner  string // OwnerHub, or who wants it
	Since  time.Time
	Until  time.Time // an operator's ends then, of others a probe is due; zero: it waits to be lifted
}

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
	epoch    int       // how often the route has been paused, or has gone on
	answered time.Time // when the operation answered last
	broken   bool      // the breaker was open when it was looked at last
	brokenAt time.Time // since then
	past     history
}

// pause is one reason. Once until has passed, one call goes through as a
// probe; a zero until waits for Resume. An operator's is never probed: it just
// ends.
type pause struct {
	Pause
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
	p := g.add(reason)
	p.probing = false
	p.Until = time.Time{}
	if d > 0 {
		p.Until = g.now().Add(d)
	}
}

// Hold is an operator's pause, under the reason PauseOperator. Only Resume lifts
// it, or its expiry: nothing that the hub finds out does. A zero until waits for
// Resume. A second Hold replaces the first.
func (g *Gate) Hold(owner string, since, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !until.IsZero() && !g.now().Before(until) {
		if g.reasons[PauseOperator] != nil {
			g.remove(PauseOperator, until)
		}
		return
	}
	p := g.add(PauseOperator)
	p.Owner, p.Since, p.Until = owner, since, until
}

// add returns a reason, made if it did not stand.
func (g *Gate) add(reason string) *pause {
	p := g.reasons[reason]
	if p == nil {
		p = &pause{Pause: Pause{Reason: reason, Owner: OwnerHub, Since: g.now()}}
		g.reasons[reason] = p
		g.epoch++
		g.observe(reason, true)
	}
	return p
}

// Reasons returns why the route calls nobody now, sorted by name; none while it
// runs.
func (g *Gate) Reasons() []Pause {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	var out []Pause
	for _, p := range g.reasons {
		out = append(out, p.Pause)
	}
	if g.breaker.Open() {
		since := g.brokenAt
		if !g.broken {
			since = g.now() // nobody has looked yet
		}
		out = append(out, Pause{Reason: PauseBreaker, Owner: OwnerHub, Since: since})
	}
	slices.SortFunc(out, func(a, b Pause) int { return cmp.Compare(a.Reason, b.Reason) })
	return out
}

// expire ends an operator's pause whose time is over. Whoever waits is told when
// to ask again, so nothing has to happen at that moment.
func (g *Gate) expire() {
	if p := g.reasons[PauseOperator]; p != nil && !p.Until.IsZero() && !g.now().Before(p.Until) {
		g.remove(PauseOperator, p.Until)
	}
}

// Resume takes a reason away.
func (g *Gate) Resume(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.reasons[reason]; ok {
		g.remove(reason, g.now())
	}
}

func (g *Gate) remove(reason string, at time.Time) {
	g.past.add(reason, g.reasons[reason].Since, at)
	delete(g.reasons, reason)
	g.epoch++
	g.observe(reason, false)
	close(g.changed)
	g.changed = make(chan struct{})
}

// Admit asks to handle one message. It answers as Breaker.Admit does.
func (g *Gate) Admit() (done func(error), wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	now := g.now()
	var probes []string
	for reason, p := range g.reasons {
		switch {
		case p.Until.IsZero() || p.probing:
			return nil, time.Second, false
		case now.Before(p.Until):
			return nil, p.Until.Sub(now), false
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

// settle ends a call: an answer is noted, and whether it has opened or closed the
// breaker, and a probe that met no new pause lifts its reason, if a call was made at
// all.
func (g *Gate) settle(probes []string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.answered = g.now()
	}
	if err != nil || g.broken {
		g.lookAtBreaker()
	}
	for _, reason := range probes {
		p := g.reasons[reason]
		if p == nil || !p.probing {
			continue
		}
		p.probing = false
		if !errors.Is(err, context.Canceled) {
			g.remove(reason, g.now())
		}
	}
}

// paused says whether any reason stands, the breaker's included.
func (g *Gate) paused() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	return len(g.reasons) > 0 || g.breaker.Open()
}

// state returns how often the route has been paused or has gone on, and when its
// operation answered last.
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
	g.lookAtBreaker()
	return g.changed
}

// lookAtBreaker notes whether the breaker is open. g.mu is held.
func (g *Gate) lookAtBreaker() {
	open := g.breaker.Open()
	if open == g.broken {
		return
	}
	now := g.now()
	if g.broken {
		g.past.add(PauseBreaker, g.brokenAt, now)
	}
	g.broken, g.brokenAt = open, now
	g.epoch++
	g.observe(PauseBreaker, open)
}
