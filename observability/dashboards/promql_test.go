package dashboards

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// Grafana's own variables stand for lengths of time that no query gives as numbers.
const (
	rateInterval = 77 * time.Second
	rangeShown   = 99 * time.Second
)

var grafanaTimes = strings.NewReplacer("$__rate_interval", rateInterval.String(), "$__range", rangeShown.String())

// parse parses a query.
func parse(t *testing.T, expr string) parser.Expr {
	t.Helper()
	e, err := parser.ParseExpr(grafanaTimes.Replace(expr))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return e
}

// walk calls f with every part of an expression and what it lies in, outermost
// first.
func walk(e parser.Node, f func(e parser.Node, in []parser.Node)) {
	parser.Inspect(e, func(e parser.Node, in []parser.Node) error {
		if e != nil { // nil closes a part
			f(e, in)
		}
		return nil
	})
}

// resultLabels are the labels that an expression's series have.
func resultLabels(e parser.Node, known map[string][]string) []string {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return labelsOf(e.Name, known)
	case *parser.MatrixSelector:
		return resultLabels(e.VectorSelector, known)
	case *parser.ParenExpr:
		return resultLabels(e.Expr, known)
	case *parser.BinaryExpr:
		if e.LHS.Type() == parser.ValueTypeScalar {
			return resultLabels(e.RHS, known)
		}
		return resultLabels(e.LHS, known)
	case *parser.Call:
		var labels []string
		for _, a := range e.Args {
			labels = append(labels, resultLabels(a, known)...)
		}
		if e.Func.Name == "histogram_quantile" {
			labels = without(labels, "le")
		}
		return labels
	case *parser.AggregateExpr:
		inner := resultLabels(e.Expr, known)
		switch {
		case e.Without:
			return without(inner, e.Grouping...)
		case e.Op == parser.TOPK && len(e.Grouping) == 0:
			return inner
		}
		return e.Grouping
	}
	return nil
}

func without(labels []string, drop ...string) []string {
	return slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(drop, l) })
}

// faults finds what is wrong with a query, by the rules of Grafana's linter for
// dashboards and some of our own: every metric exists and has the labels that are
// named, every one is filtered by $job and, unless recorded, by $instance, and
// counters stand in rate or increase over a time that Grafana chooses.
func faults(e parser.Node, known map[string][]string, windows ...time.Duration) (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	walk(e, func(e parser.Node, in []parser.Node) {
		switch e := e.(type) {
		case *parser.VectorSelector:
			if labelsOf(e.Name, known) == nil {
				fault("no such metric: %s", e.Name)
				return
			}
			found = append(found, filterFaults(e, known)...)
			found = append(found, counterFaults(e.Name, in)...)
		case *parser.MatrixSelector:
			if !slices.Contains(windows, e.Range) {
				fault("a window of %s, not of Grafana's choice", e.Range)
			}
		case *parser.AggregateExpr:
			inner := resultLabels(e.Expr, known)
			for _, l := range e.Grouping {
				if !slices.Contains(inner, l) {
					fault("%s by or without %s, which what is in it does not have", e.Op, l)
				}
			}
		}
	})
	return found
}

func filterFaults(e *parser.VectorSelector, known map[string][]string) (found []string) {
	labels := labelsOf(e.Name, known)
	by := map[string]string{}
	for _, m := range e.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			continue
		}
		by[m.Name] = m.Value
		if !slices.Contains(labels, m.Name) {
			found = append(found, fmt.Sprintf("%s has no label %s", e.Name, m.Name))
		}
	}
	if _, ok := foreign[e.Name]; ok {
		return found
	}
	for _, l := range []string{"job", "instance"} {
		if slices.Contains(labels, l) && by[l] != "$"+l {
			found = append(found, fmt.Sprintf("%s is not filtered by $%s", e.Name, l))
		}
	}
	return found
}

// counterFaults says where a counter is not, or something else is, in rate or
// increase.
func counterFaults(name string, in []parser.Node) []string {
	counter := !strings.Contains(name, ":") && regexp.MustCompile(`_(total|bucket|count|sum)$`).MatchString(name)
	rated := false
	if n := len(in); n >= 2 {
		f, ok := in[n-2].(*parser.Call)
		rated = ok && (f.Func.Name == "rate" || f.Func.Name == "increase")
	}
	switch {
	case counter && !rated:
		return []string{name + " is a counter and not in rate or increase"}
	case !counter && rated:
		return []string{name + " is no counter and in rate or increase"}
	}
	return nil
}

func TestQueries(t *testing.T) {
	known := metricsKnown(t)
	for _, b := range boardFiles(t) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				e := parse(t, q.Expr)
				for _, f := range faults(e, known, rateInterval, rangeShown, 30*24*time.Hour) {
					t.Errorf("%s, %s: %s\n%s", b.UID, p.Title, f, q.Expr)
				}
				for _, l := range legendLabels(q.LegendFormat) {
					if !slices.Contains(resultLabels(e, known), l) {
						t.Errorf("%s, %s: the legend shows {{%s}}, which the result does not have\n%s", b.UID, p.Title, l, q.Expr)
					}
				}
			}
		}
		for _, a := range b.Annotations.List {
			for _, f := range faults(parse(t, a.Expr), known, 2*time.Minute) {
				t.Errorf("%s, annotation %s: %s\n%s", b.UID, a.Name, f, a.Expr)
			}
		}
	}
}

// legendLabels are the labels that a legend shows.
func legendLabels(legend string) (labels []string) {
	for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(legend, -1) {
		labels = append(labels, m[1])
	}
	return labels
}

// TestFaults tries the rules themselves.
func TestFaults(t *testing.T) {
	known := map[string][]string{
		"hub_a_total":        {"job", "instance", "route"},
		"hub_a_bucket":       {"job", "instance", "route", "le"},
		"hub_b":              {"job", "instance", "route"},
		"job_route:hub_b:up": {"job", "route"},
	}
	const f = `job=~"$job",instance=~"$instance"`
	for expr, want := range map[string]string{
		`sum by (route) (rate(hub_a_total{` + f + `}[$__rate_interval]))`:                               "",
		`histogram_quantile(0.9, sum by (le, route) (rate(hub_a_bucket{` + f + `}[$__rate_interval])))`: "",
		`time() - max by (route) (hub_b{` + f + `} > 0)`:                                                "",
		`job_route:hub_b:up{job=~"$job"}`:                                                               "",
		`sum(rate(hub_a_total{` + f + `}[5m]))`:                                                         "a window of 5m",
		`sum(hub_a_total{` + f + `})`:                                                                   "is a counter",
		`sum(rate(hub_b{` + f + `}[$__rate_interval]))`:                                                 "is no counter",
		`sum(hub_c{` + f + `})`:                                                                         "no such metric",
		`sum(hub_b{job=~"$job"})`:                                                                       "not filtered by $instance",
		`sum(hub_b{instance=~"$instance"})`:                                                             "not filtered by $job",
		`job_route:hub_b:up`:                                                                            "not filtered by $job",
		`sum(hub_b{` + f + `,system="x"})`:                                                              "no label system",
		`sum by (system) (hub_b{` + f + `})`:                                                            "does not have",
		`sum by (route) (sum(hub_b{` + f + `}))`:                                                        "does not have",
	} {
		got := strings.Join(faults(parse(t, expr), known, rateInterval), "; ")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: found %q, want %q", expr, got, want)
		}
	}
	if got := legendLabels("{{a}} to {{b}}"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("labels of a legend: %q", got)
	}
}
