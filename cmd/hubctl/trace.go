package main

import (
	"context"
	"fmt"
	"io"
	"strings"
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
	Events      []outcomes.Event `json:"events"`

	Deadlines []outcomes.Deadline `json:"deadlines,omitempty"` // of each chain of messages, the most urgent first
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
		if err := c.print(stdout, w, func(t io.Writer) { tableWay(t, w) }); err != nil {
			return err
		}
		where := "nothing of it waits"
		if w.Open {
			where = "it waits: see the events that are marked so"
		}
		fmt.Fprintf(s.stderr, "%d events in %s; %s\n", len(w.Events), span(w), where)
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
	w := wayOf(c.Application, outcomes.Timeline(c.Application, all, letters, records, now))
	w.Deadlines = outcomes.Deadlines(all, c.Deadline, now.At)
	return w, nil
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
func wayOf(application string, events []outcomes.Event) way {
	w := way{Application: observability.MaskID(application), Events: events}
	for _, e := range events {
		w.Open = w.Open || e.Open
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

func tableWay(t io.Writer, w way) {
	fmt.Fprintln(t, "TIME\tAFTER\tEVENT\tROUTE\tAT\tMESSAGE\tMORE")
	for _, e := range outcomes.Brief(w.Events) {
		at, kind := e.System, e.Kind
		if kind == outcomes.EventAttempt {
			kind += fmt.Sprintf(" %d", e.Attempts)
		}
		if e.Operation != "" {
			at += ": " + e.Operation
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.UTC().Format("2006-01-02T15:04:05.000Z"), e.After.Round(time.Millisecond), kind,
			dash(e.Route), dash(at), dash(e.Message), strings.Join(more(e), ", "))
	}
	tableDeadlines(t, w.Deadlines)
}

// more is what else is to be said of an event.
func more(e outcomes.Event) (out []string) {
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+value)
		}
	}
	if e.Open {
		add("", "WAITS")
	}
	switch {
	case e.Kind == outcomes.EventAttempt:
		add("took ", e.Took.Round(time.Millisecond).String())
	case e.Attempts > 1, e.Attempts > 0 && e.Code != "":
		add("", fmt.Sprintf("attempt %d", e.Attempts))
	}
	add("", pauseOf(e))
	add("", e.Action)
	add("by ", e.Who)
	add("code ", e.Code)
	add("letter ", e.Letter)
	if e.Kind == outcomes.EventWritten {
		add("to ", e.Topic)
		add("", e.Type)
	}
	add("", e.Reason)
	return out
}

// pauseOf tells of a pause: why, since when, and where it has ended, until when and
// how long the message has waited for it.
func pauseOf(e outcomes.Event) string {
	switch {
	case e.Pause == "":
		return ""
	case e.Kind == outcomes.EventResumed:
		return fmt.Sprintf("%s from %s to %s, it waited %s", pauseWord(e.Pause), when(e.Since, "-"), when(e.Until, "-"), e.Waited.Round(time.Millisecond))
	case e.Waited > 0:
		return fmt.Sprintf("%s since %s, it waits for %s so far", pauseWord(e.Pause), when(e.Since, "-"), e.Waited.Round(time.Second))
	}
	return pauseWord(e.Pause) + " since " + when(e.Since, "-")
}

// pauseWord names the reason of a pause.
func pauseWord(reason string) string {
	if reason == topics.PauseBreaker {
		return "breaker open"
	}
	return "pause (" + strings.ReplaceAll(reason, "_", " ") + ")"
}

// tableDeadlines tells how each chain of messages stands to its deadline, in a
// picture and in words.
func tableDeadlines(t io.Writer, deadlines []outcomes.Deadline) {
	if len(deadlines) == 0 {
		return
	}
	fmt.Fprintln(t, "\nBEGAN\tBY\tDEADLINE\t\tGONE\tLEFT\tSTATE")
	for _, d := range deadlines {
		state := strings.ReplaceAll(d.State(), "_", " ")
		if d.Open {
			state += ", waits"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", when(d.From, "-"), dash(d.Source), when(d.Until, "-"), picture(d),
			d.Gone().Round(time.Second), d.Left().Round(time.Second), state)
	}
}

// picture is a bar of the time that has gone, with the deadline as |.
func picture(d outcomes.Deadline) string {
	const width = 20
	whole := max(d.Gone(), d.All())
	gone, until := int(width*d.Gone()/whole), int(width*d.All()/whole)
	bar := strings.Repeat("#", max(0, gone)) + strings.Repeat(".", width-max(0, gone))
	return "[" + bar[:until] + "|" + bar[until:] + "]"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
