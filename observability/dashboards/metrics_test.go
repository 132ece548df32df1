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

	"go.yaml.in/yaml/v3"
)

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
