package main

import (
	"fmt"
	"strings"
	"time"
)

// tables are the parts of a report that have something to say.
func (r *report) tables() (tables []*table) {
	for _, t := range []*table{
		throughput(r.Throughput), cost("Cost of throughput", r.Throughput), latencyTable(r.Latency), keysTable(r.Keys),
		growthTable(r.Growth), cost("Cost of growth", r.Growth), idleTable(r.Idle), sightTable(r.Sight),
	} {
		if len(t.rows) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

// A pair is one cell with all runs of both subjects in it.
type pair struct {
	cell              cell
	limit, usual, hub []result // that did not fail
	failed            int
}

// pairs puts the runs of each cell together, in the order of the cells.
func pairs(results []result) (out []*pair) {
	byCell := map[cell]*pair{}
	for _, r := range results {
		p := byCell[r.Cell]
		if p == nil {
			p = &pair{cell: r.Cell}
			byCell[r.Cell] = p
			out = append(out, p)
		}
		switch {
		case r.Error != "":
			p.failed++
		case r.Subject == subjectLimit:
			p.limit = append(p.limit, r)
		case r.Subject == subjectUsual:
			p.usual = append(p.usual, r)
		default:
			p.hub = append(p.hub, r)
		}
	}
	return out
}

// of is the median of one figure.
func of(results []result, figure func(result) float64) float64 {
	var values []float64
	for _, r := range results {
		values = append(values, figure(r))
	}
	return median(values)
}

func rate(r result) float64 { return r.Rate }

// ratio of two figures, as text.
func ratio(a, b float64) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// wrong is what went wrong in all runs together.
func wrong(results []result) string {
	var sum wrongs
	for _, r := range results {
		sum = sum.plus(r.Wrong)
	}
	return sum.String()
}

// runs says how often both subjects ran, and how often that failed.
func (p *pair) runs() string {
	s := fmt.Sprintf("%d", max(len(p.limit), len(p.hub)))
	if p.failed > 0 {
		s += fmt.Sprintf(" (%d failed)", p.failed)
	}
	return s
}

func throughput(results []result) *table {
	t := &table{title: "Throughput", head: []string{"cell", "runs", "limit /s", "usual /s", "hub /s", "hub/limit", "hub/usual", "hub, each second", "hub wrong", "limit wrong"},
		note: "Messages a second from the first call to the last, medians. Limit: kafka-go's lower half, as the hub uses it; usual: its Reader and Writer. Wrong: lost/doubled/out of order/overlapping, in all runs; the limit program promises nothing."}
	for _, p := range pairs(results) {
		limit, usual, hub := of(p.limit, rate), of(p.usual, rate), of(p.hub, rate)
		t.add(p.cell.String(), p.runs(), perSecondOf(limit), perSecondOf(usual), perSecondOf(hub), ratio(hub, limit), ratio(hub, usual), seconds(p.hub), wrong(p.hub), wrong(p.limit))
	}
	return t
}

// perSecondOf is a rate as text.
func perSecondOf(rate float64) string {
	if rate == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", rate)
}

// seconds are the effects in each of the first seconds of the last run.
func seconds(results []result) string {
	if len(results) == 0 {
		return "–"
	}
	const shown = 5
	counts := results[len(results)-1].PerSecond
	s := strings.Trim(fmt.Sprint(counts[:min(shown, len(counts))]), "[]")
	if len(counts) > shown {
		s += " …"
	}
	return s
}

// cost is what a message costs.
func cost(title string, results []result) *table {
	t := &table{title: title, head: []string{"cell", "CPU limit", "CPU usual", "CPU hub", "hub/limit", "+ Kafka", "+ Redis", "+ target", "peak limit", "peak hub",
		"allocations limit", "allocations hub", "bytes limit", "bytes hub"},
		note: "CPU in ms per 1,000 messages, what Kafka, Redis and the target use beside the hub, most memory held, allocations per message; medians."}
	for _, p := range pairs(results) {
		processor := func(r result) float64 { return r.CPU.Subject }
		peak := func(r result) float64 { return float64(r.Peak) }
		objects := func(r result) float64 { return r.Objects }
		allocated := func(r result) float64 { return r.Bytes }
		ms := func(f func(result) float64) string { return fmt.Sprintf("%.1f", of(p.hub, f)) }
		usual := "–"
		if len(p.usual) > 0 {
			usual = fmt.Sprintf("%.1f", of(p.usual, processor))
		}
		t.add(p.cell.String(), fmt.Sprintf("%.1f", of(p.limit, processor)), usual, ms(processor), ratio(of(p.hub, processor), of(p.limit, processor)),
			ms(func(r result) float64 { return r.CPU.Kafka }), ms(func(r result) float64 { return r.CPU.Redis }), ms(func(r result) float64 { return r.CPU.Target }),
			size(int(of(p.limit, peak))), size(int(of(p.hub, peak))),
			fmt.Sprintf("%.0f", of(p.limit, objects)), fmt.Sprintf("%.0f", of(p.hub, objects)),
			size(int(of(p.limit, allocated))), size(int(of(p.hub, allocated))))
	}
	return t
}

func latencyTable(results []result) *table {
	t := &table{title: "Added latency", head: []string{"cell", "subject", "to the system p50", "p99", "p99.9", "max", "whole p50", "p99", "p99.9", "max", "CPU/1000", "wrong"},
		note: "At a fixed rate: from before a message is sent to the call, and on to where its reply can be read, without the target's own time. CPU in ms per 1,000 messages; wrong as above."}
	for _, r := range results {
		row := []string{r.Cell.String(), r.Subject}
		for _, q := range []*quantile{r.ToSystem, r.Whole} {
			if q == nil {
				q = &quantile{}
			}
			for _, d := range []time.Duration{q.P50, q.P99, q.P999, q.Max} {
				row = append(row, fmt.Sprintf("%.2f ms", d.Seconds()*1000))
			}
		}
		t.add(append(row, fmt.Sprintf("%.1f", r.CPU.Subject), r.Wrong.String())...)
	}
	return t
}

func keysTable(results []keysResult) *table {
	t := &table{title: "Order by key", head: []string{"keys", "first to last", "from the start", "Parallel Consumer", "in series", "series/hub", "Kafka"},
		note: "10,000 messages in one partition, a handler that sleeps 0 to 5 ms at random, 100 at once, in the order of each key: seconds. Parallel Consumer's figures are its README's, of another machine."}
	s := func(d time.Duration) string {
		if d == 0 {
			return "–"
		}
		return fmt.Sprintf("%.3f", d.Seconds())
	}
	for _, r := range results {
		t.add(fmt.Sprint(r.Keys), s(r.FromFirst), s(r.FromRun), s(r.Published), s(r.InSeries), ratio(r.InSeries.Seconds(), r.FromFirst.Seconds()), r.Kafka)
	}
	return t
}

func growthTable(results []result) *table {
	t := throughput(results)
	t.title = "Growth"
	t.note = "The standard cell with other numbers of applications and partitions, and with a backlog, of which the first messages are measured. Cost should stay as it is."
	return t
}

func idleTable(results []idleResult) *table {
	t := &table{title: "Idle", head: []string{"Kafka", "CPU hub", "CPU Kafka", "CPU Redis", "resident", "peak"}, note: "A hub with all routes and nothing to do; CPU in ms a second."}
	for _, r := range results {
		t.add(r.Kafka, fmt.Sprintf("%.1f", r.CPU.Subject), fmt.Sprintf("%.1f", r.CPU.Kafka), fmt.Sprintf("%.1f", r.CPU.Redis), size(int(r.Resident)), size(int(r.Peak)))
	}
	return t
}
