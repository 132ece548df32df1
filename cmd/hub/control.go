package main

import (
	"context"
	"fmt"
	"os"
	"reflect"

	"golang.org/x/sync/errgroup"

	"kandashub/adapters"
	"kandashub/topics"
	"kandashub/topics/control"
)

// A steered route is a route with what an operator can hold: its gate, which its
// consumer has, and its breaker.
type steered struct {
	*topics.Consumer
	breaker *adapters.Breaker
}

// controlled runs routes as hub.control says, until ctx ends. None begins before
// that topic has been read to its end: a route that an operator has paused must
// not call anybody first.
func (h *hub) controlled(ctx context.Context, routes ...steered) error {
	var running errgroup.Group
	running.Go(func() error { return h.control.Run(ctx) })
	running.Go(func() error { h.watchRedis(ctx); return nil })
	tally := control.NewTally(h.cluster)
	tally.Metrics, tally.Log = h.metrics, h.log
	running.Go(func() error { return tally.Run(ctx) })
	h.log.Info("reading hub.control: no route begins before that")
	if err := h.control.Caught(ctx); err != nil {
		return running.Wait() // ctx has ended
	}
	h.control.Watch(h.steer(ctx, routes))
	for _, r := range routes {
		running.Go(func() error {
			if h.learn(ctx, r) != nil {
				return nil // ctx has ended
			}
			// A route that must stop does not take the others along.
			if err := r.Run(ctx); err != nil {
				h.log.Error("the route has stopped for good; the others go on", "route", r.Delivery.Route.Name, "error", err.Error())
			}
			return nil
		})
	}
	return running.Wait()
}

// steer returns what brings a new state to the routes.
func (h *hub) steer(ctx context.Context, routes []steered) func(control.State) {
	var known control.State
	begun := false // the first state comes before any route begins
	return func(s control.State) {
		for _, r := range routes {
			name := r.Delivery.Route.Name
			if p, ok := s.Pauses[name]; ok {
				r.Delivery.Gate.Hold(p.Owner, p.Since, p.Until)
			} else {
				r.Delivery.Gate.Resume(topics.PauseOperator)
			}
			force := s.Breakers[name].Force
			r.breaker.Force(force)
			if force != known.Breakers[name].Force {
				h.log.Info("breaker forced", "route", name, "state", force)
			}
		}
		h.metrics.ClaimsLost(s.Loss.Standing())
		if !reflect.DeepEqual(s.Loss, known.Loss) {
			h.log.Warn("loss of claims", "state", s.Loss.Standing())
			h.losses.changed(ctx, s.Loss, routes, begun)
		}
		known, begun = s, true
	}
}

// hubName is what this process is called in what it writes to hub.control.
func hubName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "hub"
	}
	return fmt.Sprintf("%s.%d", host, os.Getpid())
}
