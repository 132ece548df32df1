package dashboards

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"go.yaml.in/yaml/v3"
)

// Grafana's own variables stand for lengths of time that no query gives as numbers.
const (
	rateInterval = "77s"
	rangeShown   = "99s"
)

var grafanaTimes = strings.NewReplacer("$__rate_interval", rateInterval, "$__range", rangeShown)

// parse parses a query. That Prometheus, too, takes it is seen where it is run.
func parse(t *testing.T, expr string) metricsql.Expr {
	t.Helper()
	e, err := metricsql.Parse(grafanaTimes.Replace(expr))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return e
}

// children are the parts of an expression.
func children(e metricsql.Expr) []metricsql.Expr {
	switch e := e.(type) {
	case *metricsql.AggrFuncExpr:
		return e.Args
	case *metricsql.FuncExpr:
		return e.Args
	case *metricsql.BinaryOpExpr:
		return []metricsql.Expr{e.Left, e.Right}
	case *metricsql.RollupExpr:
		return []metricsql.Expr{e.Expr}
	}
	return nil
}

// walk calls f with every part of an expression and what it lies in, outermost
// first.
func walk(e metricsql.Expr, f func(e metricsql.Expr, in []metricsql.Expr), in ...metricsql.Expr) {
	f(e, in)
	for _, c := range children(e) {
		walk(c, f, append(slices.Clone(in), e)...)
	}
}

// filters returns the name of a metric and its filters.
func filters(m *metricsql.MetricExpr) (name string, of []metricsql.LabelFilter) {
	return m.LabelFilterss[0][0].Value, m.LabelFilterss[0][1:]
}

// metricsKnown are the metrics of the hub, as the list in observability's package
// comment has them, which is tested against the code; and what the rules record:
// each with its labels.
func metricsKnown(t *testing.T) map[string][]string {
	t.Helper()
	known := map[string][]string{
		"up":                            {},
		"go_goroutines":                 {},
		"go_gc_duration_seconds":        {"quantile"},
		"process_cpu_seconds_total":     {},
		"process_max_fds":               {},
		"process_open_fds":              {},
		"process_resident_memory_bytes": {},
	}
	for name := range known {
		known[name] = append(known[name], "job", "instance")
	}
	doc, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^//\t(hub_\w+)(?:\{([\w,]+)\})?`).FindAllStringSubmatch(string(doc), -1) {
		labels := []string{"job", "instance"}
		if m[2] != "" {
			labels = append(labels, strings.Split(m[2], ",")...)
		}
		known[m[1]] = labels
		known[m[1]+"_bucket"] = append(slices.Clone(labels), "le")
		known[m[1]+"_count"] = labels
	}
	for _, name := range records(t) {
		level, _, _ := strings.Cut(name, ":")
		known[name] = strings.Split(level, "_")
	}
	return known
}

// records are the names that the recording rules give.
func records(t *testing.T) (names []string) {
	t.Helper()
	for _, file := range ruleFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var rules struct {
			Groups []struct {
				Rules []struct{ Record string }
			}
		}
		if err := yaml.Unmarshal(data, &rules); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				if r.Record != "" {
					names = append(names, r.Record)
				}
			}
		}
	}
	return names
}

// ruleFiles are the files of recording and alert rules.
func ruleFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../alerts/*.rules.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules in ../alerts (%v)", err)
	}
	return files
}

// foreign are metrics that others make. ALERTS has the labels of the alert.
var foreign = map[string][]string{
	"ALERTS":                  {"job", "alertname", "alertstate", "severity", "route", "system"},
	"kafka_consumergroup_lag": {"consumergroup", "topic", "partition"},
	"redis_memory_used_bytes": {}, "redis_memory_max_bytes": {}, "redis_evicted_keys_total": {},
}

// labelsOf are the labels of a metric that may stand in a query; nil if there is
// no such metric.
func labelsOf(name string, known map[string][]string) []string {
	if labels, ok := foreign[name]; ok {
		return labels
	}
	return known[name]
}

// resultLabels are the labels that an expression's series have.
func resultLabels(e metricsql.Expr, known map[string][]string) []string {
	switch e := e.(type) {
	case *metricsql.MetricExpr:
		name, _ := filters(e)
		return labelsOf(name, known)
	case *metricsql.RollupExpr:
		return resultLabels(e.Expr, known)
	case *metricsql.BinaryOpExpr:
		if _, number := e.Left.(*metricsql.NumberExpr); number || len(resultLabels(e.Left, known)) == 0 {
			return resultLabels(e.Right, known) // a number, or time()
		}
		return resultLabels(e.Left, known)
	case *metricsql.FuncExpr:
		var labels []string
		for _, a := range e.Args {
			labels = append(labels, resultLabels(a, known)...)
		}
		if e.Name == "histogram_quantile" {
			labels = without(labels, "le")
		}
		return labels
	case *metricsql.AggrFuncExpr:
		inner := resultLabels(e.Args[len(e.Args)-1], known)
		switch {
		case e.Modifier.Op == "by":
			return e.Modifier.Args
		case e.Modifier.Op == "without":
			return without(inner, e.Modifier.Args...)
		case e.Name == "topk":
			return inner
		}
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
func faults(e metricsql.Expr, known map[string][]string, windows ...string) (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	walk(e, func(e metricsql.Expr, in []metricsql.Expr) {
		switch e := e.(type) {
		case *metricsql.MetricExpr:
			name, of := filters(e)
			labels := labelsOf(name, known)
			if labels == nil {
				fault("no such metric: %s", name)
				return
			}
			found = append(found, filterFaults(name, of, labels)...)
			found = append(found, counterFaults(name, in)...)
		case *metricsql.RollupExpr:
			if e.Window != nil && !slices.Contains(windows, string(e.Window.AppendString(nil))) {
				fault("a window of %s, not of Grafana's choice", e.Window.AppendString(nil))
			}
		case *metricsql.AggrFuncExpr:
			inner := resultLabels(e.Args[len(e.Args)-1], known)
			for _, l := range e.Modifier.Args {
				if !slices.Contains(inner, l) {
					fault("%s %s (%s), which what is in it does not have", e.Name, e.Modifier.Op, l)
				}
			}
		}
	})
	return found
}

func filterFaults(name string, of []metricsql.LabelFilter, labels []string) (found []string) {
	by := map[string]string{}
	for _, f := range of {
		by[f.Label] = f.Value
		if !slices.Contains(labels, f.Label) {
			found = append(found, fmt.Sprintf("%s has no label %s", name, f.Label))
		}
	}
	if _, ok := foreign[name]; ok {
		return found
	}
	for _, l := range labels {
		if want := "$" + l; slices.Contains([]string{"job", "instance"}, l) && by[l] != want {
			found = append(found, fmt.Sprintf("%s is not filtered by %s", name, want))
		}
	}
	return found
}

// counterFaults says where a counter is not, or something else is, in rate or
// increase.
func counterFaults(name string, in []metricsql.Expr) []string {
	counter := !strings.Contains(name, ":") && regexp.MustCompile(`_(total|bucket|count|sum)$`).MatchString(name)
	rated := false
	if n := len(in); n >= 2 {
		f, ok := in[n-2].(*metricsql.FuncExpr)
		rated = ok && (f.Name == "rate" || f.Name == "increase")
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
				for _, f := range faults(e, known, rateInterval, rangeShown, "30d") {
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
			for _, f := range faults(parse(t, a.Expr), known, "2m") {
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

// TestEveryMetricIsShown finds metrics of the hub that no board shows: one that
// nobody looks at costs memory in every hub.
func TestEveryMetricIsShown(t *testing.T) {
	var all strings.Builder
	for _, b := range boardFiles(t) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				fmt.Fprintln(&all, q.Expr)
			}
		}
	}
	rules := ""
	for _, f := range ruleFiles(t) {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		rules += string(data)
	}
	for _, name := range slices.Sorted(maps.Keys(metricsKnown(t))) {
		base := strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")
		if strings.HasPrefix(name, "hub_") && !strings.Contains(all.String(), base) && !strings.Contains(rules, base) {
			t.Errorf("no board shows %s, and no rule uses it", name)
		}
	}
}
