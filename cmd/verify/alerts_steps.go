package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/proxy"
	"kandashub/mocks"
)

// A step is one thing that a trial does.
type step = func(ctx context.Context, w *watch) error

func both(steps ...step) step {
	return func(ctx context.Context, w *watch) error {
		for _, s := range steps {
			if err := s(ctx, w); err != nil {
				return err
			}
		}
		return nil
	}
}

// nothing is a step of its own where all has been done before.
func nothing(context.Context, *watch) error { return nil }

// again repeats a step until it succeeds: some things may be done only after a
// while.
func again(s step) step {
	return func(ctx context.Context, w *watch) error {
		ctx, cancel := context.WithTimeoutCause(ctx, clearWithin, fmt.Errorf("%s have passed", clearWithin))
		defer cancel()
		var last error
		err := until(ctx, 500*time.Millisecond, func() bool {
			last = s(ctx, w)
			return last == nil
		})
		if err != nil {
			return errors.Join(err, last)
		}
		return nil
	}
}

// flow begins the load that flows throughout.
func (w *watch) flow(ctx context.Context) error {
	if err := w.world.Ask(ctx, http.MethodPut, "kandas", "/_loose", map[string]bool{"on": true}, nil); err != nil {
		return err
	}
	w.send(ctx, load.Plan{Run: "flow", Fresh: true, Notices: 20_000, Applications: 40, Channels: []string{"migration", "egov", "statecorp"}, Signed: 0.2, Seed: 1}, 20)
	return nil
}

// send sends a plan in the background, until ctx ends.
func (w *watch) send(ctx context.Context, p load.Plan, rate float64) {
	d := load.NewDriver(p, rate, w.kafka)
	w.loads.Go(func() { _ = d.Run(ctx) }) // what it could not send is no matter of the alerts
}

// poisoned is how many messages poison sends that can only become letters.
const poisoned = 60

// poison sends them, each beside a good one.
func poison(ctx context.Context, w *watch) error {
	p := load.Plan{Run: "bad", Fresh: true, Notices: poisoned, Applications: 5, Channels: []string{"migration"}, Poison: 1, Seed: 2}
	return load.NewDriver(p, 100, w.kafka).Run(ctx)
}

func refuse(system string) step {
	return func(_ context.Context, w *watch) error {
		return w.world.SystemProxy(system).Set(proxy.Toxic{Refuse: true})
	}
}

func accept(system string) step {
	return func(_ context.Context, w *watch) error { return w.world.SystemProxy(system).Clear() }
}

func faulty(system string, f mocks.Fault) step {
	return func(ctx context.Context, w *watch) error { return w.world.SetFault(ctx, system, f) }
}

func well(system string) step {
	return func(ctx context.Context, w *watch) error { return w.world.SetFault(ctx, system) }
}

// hubctl does what a person would.
func hubctl(args ...string) step {
	return func(ctx context.Context, w *watch) error {
		_, err := w.world.Hubctl(ctx, append(slices.Clone(args), "--who", "verify", "--why", "a fault that was injected")...)
		return err
	}
}

// decide decides all letters of a route, of which there are at least so many: some
// may still be on their way while the first are decided of, and one that is left
// holds its application, which is a fault of its own.
func decide(route, action string, atLeast int) step {
	decided := 0
	return again(func(ctx context.Context, w *watch) error {
		n, _, err := decideAll(ctx, w.world.Hubctl, route, action, "a fault that was injected")
		if err == nil {
			decided += n
			return fmt.Errorf("%d letters of %s are decided, and more may come", decided, route)
		}
		if errors.Is(err, errNoLetter) && decided >= atLeast {
			return nil
		}
		return fmt.Errorf("%d letters of %s are decided: %w", decided, route, err)
	})
}

// restart ends one hub in good order and starts it again, with more settings.
func restart(hub int, env ...string) step {
	return func(ctx context.Context, w *watch) error {
		h := w.world.Hubs[hub]
		if err := h.Term(ctx); err != nil {
			return err
		}
		if err := h.Start(env...); err != nil {
			return err
		}
		return readyAll(ctx, w)
	}
}

// restartAll does so with all hubs at once.
func restartAll(env ...string) step {
	return func(ctx context.Context, w *watch) error {
		if err := endAll(ctx, w); err != nil {
			return err
		}
		for _, h := range w.world.Hubs {
			if err := h.Start(env...); err != nil {
				return err
			}
		}
		return readyAll(ctx, w)
	}
}

func endAll(ctx context.Context, w *watch) error {
	for _, h := range w.world.Hubs {
		if err := h.Term(ctx); err != nil {
			return err
		}
	}
	return nil
}

func killAll(_ context.Context, w *watch) error {
	for _, h := range w.world.Hubs {
		h.Kill()
	}
	return nil
}

func startAll(ctx context.Context, w *watch) error {
	for _, h := range w.world.Hubs {
		if err := h.Start(); err != nil {
			return err
		}
	}
	return readyAll(ctx, w)
}

func readyAll(ctx context.Context, w *watch) error {
	ctx, cancel := context.WithTimeoutCause(ctx, clearWithin, fmt.Errorf("hubs are not ready, and %s have passed", clearWithin))
	defer cancel()
	for _, h := range w.world.Hubs {
		if err := h.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startWithout takes a topic away while no hub runs, and starts them: hubs that
// run would take it for data that were lost.
func startWithout(topic string) step {
	return both(endAll, func(ctx context.Context, w *watch) error {
		if _, err := kadm.NewClient(w.kafka).DeleteTopics(ctx, topic); err != nil {
			return err
		}
		for _, h := range w.world.Hubs {
			if err := h.Start(); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeTopics makes the topics that are missing.
func makeTopics(ctx context.Context, w *watch) error {
	_, err := w.world.Hubctl(ctx, "topics", "create", "--replication=1")
	return err
}

// sends sends some messages at a rate, and does not wait until all are sent.
func sends(p load.Plan, rate float64) step {
	return func(ctx context.Context, w *watch) error {
		w.send(ctx, p, rate)
		return nil
	}
}

// behind waits until the oldest message of a route has waited for some seconds.
func behind(route string, seconds int) step {
	return func(ctx context.Context, w *watch) error {
		ctx, cancel := context.WithTimeoutCause(ctx, fireWithin, errors.New("the route does not fall behind"))
		defer cancel()
		query := fmt.Sprintf(`job_route:hub_consumer_lag_seconds:max{route=%q} > %d`, route, seconds)
		return until(ctx, 250*time.Millisecond, func() bool {
			found, err := w.prometheus.Series(ctx, query)
			return err == nil && len(found) > 0
		})
	}
}

// background begins something that goes on until it is ended.
func background(do func(ctx context.Context, w *watch)) (begin, end step) {
	var stop context.CancelFunc
	var done sync.WaitGroup
	begin = func(ctx context.Context, w *watch) error {
		ctx, stop = context.WithCancel(ctx)
		done.Go(func() { do(ctx, w) })
		return nil
	}
	end = func(context.Context, *watch) error {
		stop()
		done.Wait()
		return nil
	}
	return begin, end
}
