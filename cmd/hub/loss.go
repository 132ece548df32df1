package main

import (
	"context"
	"sync"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// losses is what this hub knows of claims that Redis has lost, as hub.control
// has it.
type losses struct {
	hub *hub

	mu       sync.Mutex
	accepted time.Time
	turn     int // raised by each change: an older one must not resume what a newer one pauses
}

// retryLoss is how long what needs Kafka or Redis waits before it tries again.
const retryLoss = 500 * time.Millisecond

// Report implements topics.Losses.
func (l *losses) Report(ctx context.Context, route string, tags ...int) error {
	return l.again(ctx, "a loss of claims cannot be written down, trying again", func() error {
		return l.hub.control.ReportLoss(ctx, control.Loss{At: time.Now().UTC(), Route: route, Tags: tags})
	})
}

// Accepted implements topics.Losses.
func (l *losses) Accepted() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}

// changed takes over a loss that has been noticed or accepted. The routes whose
// effects no system recognises wait from the one to the other. Before routes have
// begun their counters are left alone: each learns its own, and must find missing
// what Redis has lost since.
func (l *losses) changed(ctx context.Context, loss control.Loss, routes []steered, begun bool) {
	l.mu.Lock()
	l.turn++
	turn := l.turn
	if !loss.AcceptedAt.IsZero() {
		// By our own clock, if that of whoever accepted is ahead of it: what we
		// write from now on is newer than the loss.
		l.accepted = loss.AcceptedAt
		if now := time.Now(); now.Before(l.accepted) {
			l.accepted = now
		}
	}
	l.mu.Unlock()
	if loss.Standing() {
		for _, r := range routes {
			if e := r.Delivery.Route.Operation.Effect; e == topics.C2 || e == topics.C3 {
				r.Delivery.Gate.Pause(topics.PauseClaims, 0)
			}
		}
	}
	if begun {
		go l.learn(ctx, turn, loss.Standing(), routes)
	}
}

// learn takes over the counters as the loss has left them: the next claims must
// not show the same loss again. An accepted one is then over.
func (l *losses) learn(ctx context.Context, turn int, standing bool, routes []steered) {
	for _, r := range routes {
		if l.hub.learnCounters(ctx, r.Delivery.Route.Name) != nil {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if standing || l.turn != turn {
		return
	}
	for _, r := range routes {
		r.Delivery.Gate.Resume(topics.PauseClaims)
	}
}

func (l *losses) again(ctx context.Context, what string, do func() error) error {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		l.hub.log.Error(what, "error", err.Error())
		select {
		case <-time.After(retryLoss):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// learn reads a route's counters before its first claim. Counters that are
// missing although the route has been at work are a loss. Whether it has is asked
// first: another hub that begins at the same time writes the counters before it
// commits anything.
func (h *hub) learn(ctx context.Context, r steered) error {
	gate, route := r.Delivery.Gate, r.Delivery.Route
	gate.Pause(topics.PauseRedis, 0)
	defer gate.Resume(topics.PauseRedis)
	var worked bool
	err := h.losses.again(ctx, "the committed offsets cannot be read, trying again", func() (err error) {
		worked, err = h.committed(ctx, route)
		return err
	})
	if err != nil {
		return err
	}
	var missing []int
	err = h.losses.again(ctx, "the counters of the claims cannot be read, trying again", func() (err error) {
		missing, err = h.claims.Learn(ctx, route.Name)
		return err
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	if worked {
		h.log.Error("redis has lost claims", "route", route.Name, "count", len(missing))
		if err := h.losses.Report(ctx, route.Name, missing...); err != nil {
			return err
		}
	}
	return h.losses.again(ctx, "the counters of the claims cannot be begun, trying again", func() error {
		return h.claims.Begin(ctx, route.Name, missing)
	})
}

// learnCounters takes over the counters of a route after a loss.
func (h *hub) learnCounters(ctx context.Context, route string) error {
	return h.losses.again(ctx, "the counters of the claims cannot be read, trying again", func() error {
		missing, err := h.claims.Learn(ctx, route)
		if err != nil {
			return err
		}
		return h.claims.Begin(ctx, route, missing)
	})
}

// committed says whether the route's group has committed any offset of its
// sources.
func (h *hub) committed(ctx context.Context, route topics.Route) (bool, error) {
	ask := map[string][]int{}
	for _, t := range route.Sources {
		for p := range h.cfg.Partitions {
			ask[t] = append(ask[t], p)
		}
	}
	offsets, err := h.cluster.Committed(ctx, route, ask)
	for _, of := range offsets {
		if len(of) > 0 {
			return true, err
		}
	}
	return false, err
}

var _ topics.Losses = (*losses)(nil)
