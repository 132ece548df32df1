package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

type runCmd struct {
	settings
	Latency  []time.Duration `default:"0s,5ms,20ms,100ms" help:"Of the target (${default})."`
	Body     []int           `default:"1,10,100" help:"Of a message, KiB (${default})."`
	Adapter  []string        `default:"json,soap" enum:"json,soap" help:"Formats (${default})."`
	Replicas []int           `default:"1,3" help:"Numbers of hubs (${default})."`
	Kafka    []string        `default:"standin,real" enum:"standin,real" help:"Kinds of Kafka (${default})."`
	Messages int             `help:"In each cell; 0: as many as take about five seconds, 20,000 at most."`
	Repeat   int             `default:"3" help:"How often the standard cells are run (${default}); the others once, unless --full."`
	Quick    bool            `help:"The standard cells alone: 1 KiB at 0 and 20 ms, one hub."`
	Full     bool            `help:"Every combination; else several hubs, and Apache Kafka, only at 1 KiB and 0 and 20 ms."`
	All      bool            `help:"Everything else, too: latency, keys, growth, idle."`
}

// Run is `bench run`.
func (c *runCmd) Run(ctx context.Context) error { return c.settings.bench(ctx, c) }

func (c *runCmd) measure(ctx context.Context, l *lab, out *report) error {
	c.Kafka = l.there(c.Kafka)
	cells := c.cells(l.Workers)
	err := l.all(ctx, cells, func(cell cell) int {
		if c.Full || narrow(cell) && cell.Replicas == 1 && cell.Kafka == c.Kafka[0] {
			return c.Repeat
		}
		return 1
	}, func(r result) { out.Throughput = append(out.Throughput, r) })
	if !c.All {
		return err
	}
	for _, part := range []measuring{
		&latencyCmd{Rate: 1000, For: 10 * time.Second, Latency: []time.Duration{0, 20 * time.Millisecond}, Adapter: c.Adapter, Kafka: c.Kafka, Replicas: []int{1}},
		&keysCmd{Kafka: c.Kafka[0], Keys: publishedKeys(), Messages: 10_000},
		&growthCmd{Applications: []int{10, 100, 1_000, 10_000, 100_000}, Partitions: []int{1, 8, 64}, Backlog: []int{20_000, 100_000, 1_000_000}},
		&idleCmd{For: 10 * time.Second, Kafka: c.Kafka[:1]},
	} {
		err = errors.Join(err, part.measure(ctx, l, out))
	}
	return err
}

// narrow says whether a cell is one of those at which everything is measured.
func narrow(c cell) bool {
	return c.Body == 1<<10 && (c.Latency == 0 || c.Latency == 20*time.Millisecond)
}

// there are the kinds of Kafka that can be had: without a real one, the rest is
// measured all the same. One alone that is missing is an error later.
func (l *lab) there(kinds []string) (out []string) {
	for _, kind := range kinds {
		if kind == kafkaReal && l.RealKafka == "" && len(kinds) > 1 {
			fmt.Fprintln(os.Stderr, "bench: no Apache Kafka is known (KAFKA_BROKERS): its cells are left out")
			continue
		}
		out = append(out, kind)
	}
	return out
}

// cells are the combinations that are asked for.
func (c *runCmd) cells(workers int) (cells []cell) {
	for i, kind := range c.Kafka {
		for _, replicas := range c.Replicas {
			for _, adapter := range c.Adapter {
				for _, kib := range c.Body {
					for _, latency := range c.Latency {
						cell := standard()
						cell.Kafka, cell.Replicas, cell.System, cell.Body, cell.Latency = kind, replicas, systemOf(adapter), kib<<10, latency
						first := i == 0 && replicas == 1
						if !c.Full && !first && !narrow(cell) || c.Quick && (!first || !narrow(cell)) {
							continue
						}
						cell = cell.sized(workers)
						if c.Messages > 0 {
							cell.Messages = c.Messages
						}
						cells = append(cells, cell)
					}
				}
			}
		}
	}
	return cells
}

// subjects of a cell, in the order of their turns.
func subjects(c cell) []string {
	if narrow(c) && c.Replicas == 1 {
		return []string{subjectLimit, subjectUsual, subjectHub}
	}
	return []string{subjectLimit, subjectHub}
}

// all measures cells: the limit program and the hub take turns, so that what the
// machine does besides hits both.
func (l *lab) all(ctx context.Context, cells []cell, repeat func(cell) int, take func(result)) error {
	var turns []turn
	for _, c := range cells {
		for range repeat(c) {
			for _, name := range subjects(c) {
				turns = append(turns, turn{name, c})
			}
		}
	}
	return l.take(ctx, turns, take)
}

// A turn is one run that is to come.
type turn struct {
	subject string
	cell    cell
}

// take runs one after the other. What fails does not stop the rest.
func (l *lab) take(ctx context.Context, turns []turn, take func(result)) error {
	var failed error
	for i, t := range turns {
		r, err := l.measure(ctx, t.subject, t.cell)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.Error = err.Error()
			failed = errors.Join(failed, fmt.Errorf("%s, %s: %w", t.subject, t.cell, err))
		}
		if err == nil && t.subject != subjectLimit && t.subject != subjectUsual && r.Wrong != (wrongs{}) {
			failed = errors.Join(failed, fmt.Errorf("%s, %s: lost/doubled/out of order/overlapping: %s", t.subject, t.cell, r.Wrong))
		}
		fmt.Fprintf(os.Stderr, "%d/%d %s, %s: %s\n", i+1, len(turns), t.subject, t.cell, r.said())
		take(r)
	}
	return failed
}

// said is a result in one line.
func (r result) said() string {
	if r.Error != "" {
		return r.Error
	}
	s := fmt.Sprintf("%.0f/s, %.0f ms of CPU per 1,000", r.Rate, r.CPU.Subject)
	if r.ToSystem != nil {
		s += fmt.Sprintf(", to the system %s (p99 %s)", r.ToSystem.P50.Round(10*time.Microsecond), r.ToSystem.P99.Round(10*time.Microsecond))
	}
	return s
}
