package dashboards

import (
	"fmt"
	"strings"
)

// The variables of every board, as filters of a metric. What Prometheus's rules
// have recorded is summed over instances and knows no $instance.
const (
	job      = `job=~"$job"`
	instance = job + `,instance=~"$instance"`
	route    = `route=~"$route"`
	system   = `system=~"$system"`
)

// series is a metric with filters.
func series(metric string, filters ...string) string {
	return metric + "{" + strings.Join(filters, ",") + "}"
}

// ofHub is a metric of hubs; more are further filters.
func ofHub(metric string, more ...string) string {
	return series(metric, append([]string{instance}, more...)...)
}

// ofRoute is a metric with the label route.
func ofRoute(metric string, more ...string) string { return ofHub(metric, append(more, route)...) }

// ofSystem is a metric with the label system.
func ofSystem(metric string, more ...string) string { return ofHub(metric, append(more, system)...) }

// by is "sum by (a, b) (...)" and the like; without labels all become one.
func by(aggregation, inner string, labels []string) string {
	if len(labels) == 0 {
		return aggregation + "(" + inner + ")"
	}
	return aggregation + " by (" + strings.Join(labels, ", ") + ") (" + inner + ")"
}

// sum adds a gauge up over instances.
func sum(of string, labels ...string) string { return by("sum", of, labels) }

// highest and lowest take the extreme of a gauge.
func highest(of string, labels ...string) string { return by("max", of, labels) }
func lowest(of string, labels ...string) string  { return by("min", of, labels) }

// perSecond is the rate of a counter.
func perSecond(of string, labels ...string) string {
	return by("sum", "rate("+of+"[$__rate_interval])", labels)
}

// events counts a counter's events between two points of a panel.
func events(of string, labels ...string) string {
	return by("sum", "increase("+of+"[$__rate_interval])", labels)
}

// inRange counts a counter's events in all the time that is looked at.
func inRange(of string, labels ...string) string {
	return by("sum", "increase("+of+"[$__range])", labels)
}

// quantile is a quantile of a histogram; bucket is its series _bucket.
func quantile(q float64, bucket string, labels ...string) string {
	return fmt.Sprintf("histogram_quantile(%g, %s)", q, perSecond(bucket, append([]string{"le"}, labels...)...))
}

// quantiles are the three that a person compares.
func quantiles(bucket string, labels ...string) []Query {
	name := ""
	for _, l := range labels {
		name += "{{" + l + "}} "
	}
	var out []Query
	for _, q := range []struct {
		of     float64
		legend string
	}{{.5, "p50"}, {.95, "p95"}, {.99, "p99"}} {
		out = append(out, Query{Expr: quantile(q.of, bucket, labels...), Legend: name + q.legend})
	}
	return out
}

// stateNumber turns a state set, of whose series exactly one is 1, into the number
// of that state in states. Where instances differ, the highest number wins: the
// states are listed from good to bad.
func stateNumber(metric func(state string) string, states []State, labels ...string) string {
	var terms []string
	for _, s := range states {
		if s.Value > 0 {
			terms = append(terms, fmt.Sprintf("%d * sum without (state) (%s)", s.Value, metric(s.Text)))
		}
	}
	return by("max", strings.Join(terms, " + "), labels)
}

// since is the time since a timestamp that is not 0.
func since(timestamp string, labels ...string) string {
	return "time() - " + by("max", timestamp+" > 0", labels)
}

// age is the age of the oldest of something, and 0 where the timestamp is 0
// because there is none.
func age(timestamp string, labels ...string) string {
	return by("max", "(time() - "+timestamp+") * ("+timestamp+" > bool 0)", labels)
}

// one is a panel's only query.
func one(expr, legend string) []Query { return []Query{{Expr: expr, Legend: legend}} }

// label is the legend that shows a label.
func label(name string) string { return "{{" + name + "}}" }
