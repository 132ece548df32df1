package control

import (
	"cmp"
	"context"
	"time"
)

// LongestHold is for how long a pause or a held breaker may be asked for. A pause may
// also have no end; a breaker that was forgotten is worse than one that has to be held
// again.
const LongestHold = 7 * 24 * time.Hour

// lasts refuses what would hold for too long. endless says that it may hold without an
// end, which d of zero asks for.
func lasts(d time.Duration, endless bool) error {
	switch {
	case d == 0 && endless:
	case d <= 0:
		return refuse("hold_short", "it must hold for a while: say how long, up to %s", LongestHold)
	case d > LongestHold:
		return refuse("hold_long", "it can be held for %s at most, and held again then", LongestHold)
	}
	return nil
}

// beforeBreaker is how operators have a route's breaker.
func (s State) beforeBreaker(route string) string {
	switch s.Breakers[route].Force {
	case ForceOpen:
		return BeforeHeldOpen
	case ForceClosed:
		return BeforeHeldClosed
	}
	return BeforeByItself
}

// beforeRoute is how operators have a route.
func (s State) beforeRoute(route string) string {
	if _, ok := s.Pauses[route]; ok {
		return BeforePaused
	}
	return BeforeRunning
}

// until is when something that holds for d ends; zero where d is zero.
func until(since time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return since.Add(d)
}

// ForceBreaker holds the breaker of a route's operation open or closed, for d, which
// is at most LongestHold.
func (c *Commands) ForceBreaker(ctx context.Context, o Order, route, to string, d time.Duration) error {
	since := time.Now().UTC()
	step := AuditRecord{Action: "force breaker " + to, Object: about(route), Until: until(since, d)}
	return c.carryStep(ctx, o, step, func(ctx context.Context, o Order, end *AuditRecord) (string, error) {
		if err := cmp.Or(c.known(route), lasts(d, false)); err != nil {
			return "", err
		}
		state, err := c.now(ctx)
		if err != nil {
			return "", err
		}
		end.Before = state.beforeBreaker(route)
		b := Breaker{Route: route, Force: to, Owner: o.Who, Why: o.Why, Since: since, Until: step.Until}
		return "", c.Store.Put(ctx, BreakerKey(route), b)
	})
}

// ReleaseBreaker lets a breaker work by itself again.
func (c *Commands) ReleaseBreaker(ctx context.Context, o Order, route string) error {
	return c.carryStep(ctx, o, AuditRecord{Action: actionRelease, Object: about(route)}, func(ctx context.Context, _ Order, end *AuditRecord) (string, error) {
		state, err := c.now(ctx)
		if err != nil {
			return "", err
		}
		end.Before = state.beforeBreaker(route)
		if _, ok := state.Breakers[route]; !ok {
			return "", refuse("breaker_not_held", "no operator holds the breaker of route %s", route)
		}
		return "", c.Store.Put(ctx, BreakerKey(route), nil)
	})
}
