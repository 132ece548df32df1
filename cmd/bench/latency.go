package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// quantile are points of a distribution of times.
type quantile struct {
	P50  time.Duration `json:"p50_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	Max  time.Duration `json:"max_ns"`
}

func quantileOf(times []time.Duration) *quantile {
	slices.Sort(times)
	return &quantile{P50: percentile(times, 0.5), P99: percentile(times, 0.99), P999: percentile(times, 0.999), Max: percentile(times, 1)}
}

// latencies waits for the replies and fills in what the way to the system and
// the whole way took.
func (t *trial) latencies(ctx context.Context, r *result) error {
	select {
	case <-t.replies.all:
	case <-ctx.Done():
		return fmt.Errorf("waiting for all replies: %w", context.Cause(ctx))
	}
	arrived, answered, err := t.target.Times(ctx)
	if err != nil {
		return err
	}
	var there, whole []time.Duration
	for i, sent := range t.sent {
		there = append(there, time.Duration(arrived[i]-sent))
		whole = append(whole, time.Duration(t.replies.read[i]-sent-(answered[i]-arrived[i])))
	}
	r.ToSystem, r.Whole = quantileOf(there), quantileOf(whole)
	return nil
}

type latencyCmd struct {
	settings
	Rate     int             `default:"1000" help:"Messages a second (${default})."`
	For      time.Duration   `default:"20s" help:"How long (${default})."`
	Latency  []time.Duration `default:"0s,20ms" help:"Of the target (${default})."`
	Adapter  []string        `default:"json,soap" enum:"json,soap" help:"Formats (${default})."`
	Kafka    []string        `default:"standin" enum:"standin,real" help:"Kinds of Kafka (${default})."`
	Replicas []int           `default:"1" help:"Numbers of hubs (${default})."`
}

// Run is `bench latency`.
func (c *latencyCmd) Run(ctx context.Context) error { return c.settings.bench(ctx, c) }

func (c *latencyCmd) measure(ctx context.Context, l *lab, out *report) error {
	var cells []cell
	for _, kind := range c.Kafka {
		for _, replicas := range c.Replicas {
			for _, adapter := range c.Adapter {
				for _, latency := range c.Latency {
					cell := standard()
					cell.Kafka, cell.Replicas, cell.System, cell.Latency = kind, replicas, systemOf(adapter), latency
					cell.PerSecond, cell.Messages = c.Rate, int(float64(c.Rate)*c.For.Seconds())
					cells = append(cells, cell)
				}
			}
		}
	}
	return l.all(ctx, cells, func(cell) int { return 1 }, func(r result) { out.Latency = append(out.Latency, r) })
}
