package control

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Pause keeps a route from calling its system, for d, which is at most LongestHold, or
// until it is resumed where d is zero. What it reads waits.
func (c *Commands) Pause(ctx context.Context, o Order, route string, d time.Duration) error {
	return c.pause(ctx, o, actionPause, route, d, func(context.Context) (string, error) { return "", nil })
}

// pause pauses a route, and does what is to follow.
func (c *Commands) pause(ctx context.Context, o Order, action, route string, d time.Duration, then func(context.Context) (string, error)) error {
	since := time.Now().UTC()
	step := AuditRecord{Action: action, Object: about(route), Until: until(since, d)}
	return c.carryStep(ctx, o, step, func(ctx context.Context, o Order, end *AuditRecord) (string, error) {
		if err := cmp.Or(c.known(route), lasts(d, true)); err != nil {
			return "", err
		}
		state, err := c.now(ctx)
		if err != nil {
			return "", err
		}
		end.Before = state.beforeRoute(route)
		p := Pause{Route: route, Owner: o.Who, Why: o.Why, Since: since, Until: step.Until}
		if err := c.Store.Put(ctx, PauseKey(route), p); err != nil {
			return "", err
		}
		return then(ctx)
	})
}

// Resume ends an operator's pause. The hub's own reasons stay.
func (c *Commands) Resume(ctx context.Context, o Order, route string) error {
	return c.carryStep(ctx, o, AuditRecord{Action: actionResume, Object: about(route)}, func(ctx context.Context, _ Order, end *AuditRecord) (string, error) {
		state, err := c.now(ctx)
		if err != nil {
			return "", err
		}
		end.Before = state.beforeRoute(route)
		if _, ok := state.Pauses[route]; !ok {
			return "", refuse("pause_none", "no operator has paused route %s", route)
		}
		return "", c.Store.Put(ctx, PauseKey(route), nil)
	})
}

// Quiet is what Drain looks at to know that nothing is under way.
type Quiet struct {
	// Count returns how often messages of a route have been claimed, by all hubs
	// together: it is [kandashub/topics/claims.Store.Count].
	Count func(ctx context.Context, route string) (int64, error)

	// Lease is the hubs' HUB_LEASE: no call outlives it.
	Lease time.Duration
}

// pollQuiet is how often Drain looks.
const pollQuiet = 250 * time.Millisecond

// Drain pauses a route as Pause does, and returns once no call of its system can
// be under way any more, on any hub: nothing was claimed for a whole lease. (A hub
// that cannot read hub.control does not know of the pause; what a system was sent
// it may go on with for HUB_SETTLE_C2 or C3.) Cut off, it leaves the route paused.
func (c *Commands) Drain(ctx context.Context, o Order, route string, d time.Duration, q Quiet) error {
	return c.pause(ctx, o, actionDrain, route, d, func(ctx context.Context) (string, error) {
		waited, err := q.await(ctx, route)
		if err != nil {
			return "", fmt.Errorf("route %s is paused, but it is not known whether a call is under way: %w", route, err)
		}
		return "quiet after " + waited.Round(time.Second).String(), nil
	})
}

// await returns once the count has stood still for a lease.
func (q Quiet) await(ctx context.Context, route string) (waited time.Duration, err error) {
	began := time.Now()
	tick := time.NewTicker(pollQuiet)
	defer tick.Stop()
	for known, since := int64(-1), began; ; {
		// The time is taken before the question: what is claimed while it is under
		// way may be in the answer or not.
		asked := time.Now()
		count, err := q.Count(ctx, route)
		switch {
		case err != nil:
			return 0, err
		case count != known:
			known, since = count, time.Now()
		case asked.Sub(since) >= q.Lease:
			return time.Since(began), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
