package alerts_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"kandashub/observability"
	"kandashub/observability/alerts"
	"kandashub/topics"
)

// A known metric of the hub: its type and the series that a hub has from its
// start.
type known struct {
	kind   dto.MetricType
	series []map[string]string
}

// hubMetrics are all metrics of a hub that has just begun and was given a
// partition. Prometheus' own up is among them.
func hubMetrics(t *testing.T) map[string]known {
	t.Helper()
	reg := prometheus.NewRegistry()
	m := observability.NewMetrics(reg)
	m.Init(topics.LetterCodes(), observability.Route{
		Name: "register", Sources: []string{"egov.applications"}, Writes: []string{"egov.accepted"}, System: "kandas", Operation: "register",
	})
	begin(m)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]known{"up": {dto.MetricType_GAUGE, []map[string]string{{}}}}
	add := func(name string, kind dto.MetricType, series map[string]string) {
		k := out[name]
		k.kind, k.series = kind, append(k.series, series)
		out[name] = k
	}
	for _, f := range families {
		for _, s := range f.GetMetric() {
			series := map[string]string{}
			for _, l := range s.GetLabel() {
				series[l.GetName()] = l.GetValue()
			}
			if f.GetType() != dto.MetricType_HISTOGRAM {
				add(f.GetName(), f.GetType(), series)
				continue
			}
			add(f.GetName()+"_count", dto.MetricType_COUNTER, series)
			for _, b := range s.GetHistogram().GetBucket() {
				bucket := map[string]string{"le": fmt.Sprint(b.GetUpperBound())}
				for k, v := range series {
					bucket[k] = v
				}
				add(f.GetName()+"_bucket", dto.MetricType_COUNTER, bucket)
			}
		}
	}
	return out
}

// begin makes what a hub has only once it works: gauges of its partitions and of the
// systems that it has met, and what it has answered to senders.
func begin(m *observability.Metrics) {
	m.Route("register").Lag("egov.applications", 0, 1, time.Now())
	m.System("kandas").Timeout(time.Second)
	m.System("kandas").Certificate("peer", time.Now())
	m.HTTP("intake", http.MethodPost, http.StatusAccepted, time.Second)
	m.HTTP("intake", http.MethodPost, http.StatusServiceUnavailable, time.Second)
}

// visit parses an expression and shows every part of it, with what it stands in.
func visit(t *testing.T, r alerts.Rule, see func(n parser.Node, path []parser.Node)) {
	t.Helper()
	expr, err := parser.ParseExpr(r.Expr)
	if err != nil {
		t.Fatalf("%s%s: %v", r.Alert, r.Record, err)
	}
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		if n != nil {
			see(n, path)
		}
		return nil
	})
}

// Every series that a rule names is there from the start: the first failure is
// an increase, and a name or a value that is spelled wrongly is found here.
func TestMetricsExist(t *testing.T) {
	metrics := hubMetrics(t)
	recorded := map[string]bool{}
	for _, r := range rules(t) {
		visit(t, r, func(n parser.Node, _ []parser.Node) {
			v, ok := n.(*parser.VectorSelector)
			switch {
			case !ok || recorded[v.Name]:
			case strings.Contains(v.Name, ":"):
				t.Errorf("%s%s: %s is recorded by no rule before it", r.Alert, r.Record, v.Name)
			case metrics[v.Name].series == nil:
				t.Errorf("%s%s: the hub has no metric %s", r.Alert, r.Record, v.Name)
			case !slices.ContainsFunc(metrics[v.Name].series, func(s map[string]string) bool { return matches(v.LabelMatchers, s) }):
				t.Errorf("%s%s: no series of the hub matches %s", r.Alert, r.Record, v)
			}
		})
		if r.Record != "" {
			recorded[r.Record] = true
		}
	}
}

// matches says whether a series has all labels that are asked for, with such
// values. job and instance are Prometheus' own.
func matches(asked []*labels.Matcher, series map[string]string) bool {
	for _, m := range asked {
		if m.Name == model.MetricNameLabel || m.Name == "job" || m.Name == "instance" {
			continue
		}
		if v, ok := series[m.Name]; !ok || !m.Matches(v) {
			return false
		}
	}
	return true
}

// A regular expression names values: each of them exists, not only one. (Bounds of
// buckets are written in two ways.)
func TestAlternativesExist(t *testing.T) {
	metrics := hubMetrics(t)
	for _, r := range rules(t) {
		visit(t, r, func(n parser.Node, _ []parser.Node) {
			v, ok := n.(*parser.VectorSelector)
			if !ok || metrics[v.Name].series == nil {
				return
			}
			for _, m := range v.LabelMatchers {
				if m.Name == "le" || m.Type == labels.MatchEqual {
					continue
				}
				for _, value := range strings.Split(m.Value, "|") {
					if !slices.ContainsFunc(metrics[v.Name].series, func(s map[string]string) bool { return s[m.Name] == value }) {
						t.Errorf("%s%s: %s has no series with %s=%q", r.Alert, r.Record, v.Name, m.Name, value)
					}
				}
			}
		})
	}
}

// A rate of a gauge and a slope of a counter are nonsense.
func TestRatesOfCounters(t *testing.T) {
	metrics := hubMetrics(t)
	for _, r := range rules(t) {
		visit(t, r, func(n parser.Node, path []parser.Node) {
			v, ok := n.(*parser.VectorSelector)
			if !ok || len(path) < 2 || metrics[v.Name].series == nil {
				return
			}
			call, ok := path[len(path)-2].(*parser.Call)
			if _, matrix := path[len(path)-1].(*parser.MatrixSelector); !ok || !matrix {
				if metrics[v.Name].kind == dto.MetricType_COUNTER {
					t.Errorf("%s%s: the counter %s is taken as it is", r.Alert, r.Record, v.Name)
				}
				return
			}
			counter := metrics[v.Name].kind == dto.MetricType_COUNTER
			if wants := call.Func.Name == "rate" || call.Func.Name == "increase"; wants != counter {
				t.Errorf("%s%s: %s of %s, which is a counter: %v", r.Alert, r.Record, call.Func.Name, v.Name, counter)
			}
		})
	}
}

// Two hubs that one Prometheus watches are told apart by job throughout.
func TestAggregationsKeepJob(t *testing.T) {
	for _, r := range rules(t) {
		visit(t, r, func(n parser.Node, _ []parser.Node) {
			switch e := n.(type) {
			case *parser.AggregateExpr:
				if e.Without || !slices.Contains(e.Grouping, "job") {
					t.Errorf("%s%s: %s loses job", r.Alert, r.Record, e)
				}
			case *parser.BinaryExpr:
				if m := e.VectorMatching; m != nil && m.On && !slices.Contains(m.MatchingLabels, "job") {
					t.Errorf("%s%s: %s joins without job", r.Alert, r.Record, e)
				}
			}
		})
	}
}

// What is compared with a time is written so that Render can shorten it.
func TestAgesCanBeShortened(t *testing.T) {
	for _, r := range rules(t) {
		visit(t, r, func(n parser.Node, _ []parser.Node) {
			e, ok := n.(*parser.BinaryExpr)
			if !ok || !e.Op.IsComparisonOperator() || !isAge(e.LHS) {
				return
			}
			if b, ok := e.RHS.(*parser.BinaryExpr); !ok || b.Op != parser.MUL {
				t.Errorf("%s: %s: the age is to be N * 60, N * 3600 or N * 86400", r.Alert, e)
			}
		})
	}
}

// isAge says whether an expression is a time in seconds, and no quantile.
func isAge(e parser.Expr) bool {
	s := e.String()
	return strings.Contains(s, "time()") || strings.Contains(s, "lag_seconds")
}
