package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
	"kandashub/topics/outcomes"
)

type traceCmd struct {
	kafkaFlags
	outputFlag
	Deadline    time.Duration `env:"HUB_DEADLINE" default:"24h" help:"From an application's first message to its end, as the hubs have it (${default}); 0s: none."`
	Application string        `arg:"" help:"The application's id."`
}

// A way is all that is known of an application.
type way struct {
	Application string           `json:"application"`
	Open        bool             `json:"open"`    // it waits somewhere: for its turn, a pause or a person
	Seconds     float64          `json:"seconds"` // from the first event to the last
	Waits       []outcomes.Wait  `json:"waits"`   // every place at which it waits, the most pressing first
	Chains      []outcomes.Chain `json:"chains"`  // the messages from outside, with what followed of each
	Events      []step           `json:"events"`
}

// A step is an event with its times as programs read them.
type step struct {
	outcomes.Event
	AfterSeconds  float64 `json:"after_seconds"`            // since the event before; clocks differ, so it may be below 0
	WaitedSeconds float64 `json:"waited_seconds,omitempty"` // for a pause, so far or in all
}

// events are the events of a way.
func (w way) events() []outcomes.Event {
	events := make([]outcomes.Event, len(w.Events))
	for i := range w.Events {
		events[i] = w.Events[i].Event
	}
	return events
}

// Run prints the way of an application. It asks no hub: the outcomes, what is not
// finished, the dead letters, what operators want and the audit are read from Kafka.
// Why a hub has paused a route by itself is known of what has passed; of this moment
// its console and its metrics tell it.
func (c *traceCmd) Run(ctx context.Context, stdout io.Writer, s surroundings) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		w, err := c.find(ctx, d, s)
		if err != nil {
			return err
		}
		if len(w.Events) == 0 {
			return fmt.Errorf("nothing is known of such an application: %w", errNothing)
		}
		if err := c.print(stdout, w, func(t io.Writer) { tableWay(t, w, time.Now()) }); err != nil {
			return err
		}
		fmt.Fprintf(s.stderr, "%d events in %s\n", len(w.Events), span(w))
		return nil
	})
}

func (c *traceCmd) find(ctx context.Context, d *desk, s surroundings) (way, error) {
	unfinished, whole, err := inspect.Unfinished(ctx, d.Cluster, d.agreed, c.Application)
	if err != nil {
		return way{}, err
	}
	if !whole {
		fmt.Fprintln(s.stderr, "a route is so far behind that not everything that waits there was looked at")
	}
	all, err := s.history(ctx, d, c.Application)
	if err != nil {
		return way{}, err
	}
	all = outcomes.WithUnfinished(all, unfinished)
	letters, err := lettersOf(ctx, d, c.Application)
	if err != nil {
		return way{}, err
	}
	records, err := control.ReadAudit(ctx, d.Cluster)
	if err != nil {
		return way{}, err
	}
	wanted, err := d.wanted(ctx)
	if err != nil {
		return way{}, err
	}
	now := outcomes.Now{At: time.Now(), Pauses: wanted.Reasons()}
	events := outcomes.Timeline(c.Application, all, letters, records, now)
	return wayOf(c.Application, events, outcomes.Deadlines(all, c.Deadline, now.At)), nil
}

// history reads what became of an application's messages, and shows on a terminal
// how far it has come.
func (s surroundings) history(ctx context.Context, d *desk, application string) ([]outcomes.Outcome, error) {
	bar := s.newBar(100)
	if bar != nil {
		defer func() { _ = bar.Finish() }()
	}
	return outcomes.FindHistory(ctx, d.Cluster, application, func(read, end int64) {
		if bar != nil && end > 0 {
			_ = bar.Set(int(100 * read / end))
		}
	})
}

// lettersOf returns all dead letters of an application, also those that are
// resolved.
func lettersOf(ctx context.Context, d *desk, application string) (letters []topics.Letter, err error) {
	var mu sync.Mutex
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(8)
	for _, route := range d.Routes {
		each.Go(func() error {
			log := topics.NewLetterLog(d.Cluster, topics.Route{Name: route})
			if err := log.Read(ctx); err != nil {
				return fmt.Errorf("route %s: %w", route, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, l := range log.Letters() {
				if string(l.Record.Key) == application {
					letters = append(letters, l)
				}
			}
			return nil
		})
	}
	return letters, each.Wait()
}

// wayOf sums up the events of an application.
func wayOf(application string, events []outcomes.Event, deadlines []outcomes.Deadline) way {
	w := way{Application: observability.MaskID(application), Waits: outcomes.Waits(events), Chains: outcomes.Chains(events, deadlines), Events: []step{}}
	if w.Waits == nil {
		w.Waits = []outcomes.Wait{}
	}
	w.Open = len(w.Waits) > 0
	for _, e := range events {
		w.Events = append(w.Events, step{Event: e, AfterSeconds: e.After.Seconds(), WaitedSeconds: e.Waited.Seconds()})
	}
	if n := len(events); n > 0 {
		w.Seconds = events[n-1].At.Sub(events[0].At).Seconds()
	}
	return w
}

// span is how long a way has taken.
func span(w way) string {
	return time.Duration(w.Seconds * float64(time.Second)).Round(time.Millisecond).String()
}
