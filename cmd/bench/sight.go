package main

import (
	"context"
	"fmt"
	"time"
)

// sightCmd measures what it takes to see the hub at work. The first hub counts
// nothing: it is built with the tag uncounted, for metrics have no switch. The
// next ones add metrics, traces as they are by default (one in a hundred, and all
// that failed; the target takes them), and outcomes.
type sightCmd struct {
	settings
	Latency  []time.Duration `default:"0s" help:"Of the target (${default})."`
	Adapter  []string        `default:"json" enum:"json,soap" help:"Formats (${default})."`
	Messages int             `default:"60000" help:"In each run (${default})."`
	Repeat   int             `default:"7" help:"How often each hub runs (${default})."`
}

// sights are the hubs, each with one thing more than the one before.
func sights() []string {
	return []string{subjectBlind, subjectCounted, subjectTraced, subjectAll}
}

// Run is `bench sight`.
func (c *sightCmd) Run(ctx context.Context) error { return c.settings.bench(ctx, c) }

func (c *sightCmd) measure(ctx context.Context, l *lab, out *report) error {
	var turns []turn
	for _, adapter := range c.Adapter {
		for _, latency := range c.Latency {
			cell := standard()
			cell.System, cell.Latency, cell.Messages = systemOf(adapter), latency, c.Messages
			for n := range c.Repeat {
				for i := range sights() {
					if n%2 == 1 {
						i = len(sights()) - 1 - i // a machine that slows down must not favour the first
					}
					turns = append(turns, turn{sights()[i], cell})
				}
			}
		}
	}
	return l.take(ctx, turns, func(r result) { out.Sight = append(out.Sight, r) })
}

// seen is the program of a hub, and the settings that make it visible.
func (l *lab) seen(name string) (program string, env []string) {
	const noOutcomes = "HUB_OUTCOMES=false"
	traces := "HUB_OTLP=http://" + l.target.Admin
	switch name {
	case subjectBlind:
		return "hub-uncounted", []string{noOutcomes}
	case subjectCounted:
		return "hub", []string{noOutcomes}
	case subjectTraced:
		return "hub", []string{traces, noOutcomes}
	case subjectAll:
		return "hub", []string{traces}
	}
	return "hub", nil
}

func sightTable(results []result) *table {
	t := &table{title: "What it takes to see", head: []string{"cell", "hub", "runs", "/s", "of the first", "CPU, ms per 1,000", "of the first", "+ Kafka", "+ Redis", "wrong"},
		note: "The same hub with metrics, traces (one in a hundred) and outcomes added one by one, in turns; medians. Wrong: lost/doubled/out of order/overlapping, in all runs."}
	byCell := map[cell]map[string][]result{}
	var cells []cell
	for _, r := range results {
		if byCell[r.Cell] == nil {
			byCell[r.Cell] = map[string][]result{}
			cells = append(cells, r.Cell)
		}
		if r.Error == "" {
			byCell[r.Cell][r.Subject] = append(byCell[r.Cell][r.Subject], r)
		}
	}
	processor := func(r result) float64 { return r.CPU.Subject }
	for _, c := range cells {
		first := byCell[c][subjectBlind]
		for _, name := range sights() {
			own := byCell[c][name]
			t.add(c.String(), name, fmt.Sprint(len(own)), perSecondOf(of(own, rate)), ratio(of(own, rate), of(first, rate)),
				fmt.Sprintf("%.1f", of(own, processor)), ratio(of(own, processor), of(first, processor)),
				fmt.Sprintf("%.1f", of(own, func(r result) float64 { return r.CPU.Kafka })),
				fmt.Sprintf("%.1f", of(own, func(r result) float64 { return r.CPU.Redis })), wrong(own))
		}
	}
	return t
}
