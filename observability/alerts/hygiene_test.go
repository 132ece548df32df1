package alerts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"kandashub/observability/alerts"
)

const runbooks = "../runbooks"

var (
	severities = []string{"critical", "warning", "none"}
	boards     = []string{"hub-overview", "hub-lag", "hub-dead-letters", "hub-external", "hub-redis", "hub-deadline", "hub-runtime"}
	headings   = []string{"Meaning", "Impact", "Diagnosis", "Mitigation"}
)

// rules are all rules as they are in the file.
func rules(t *testing.T) (out []alerts.Rule) {
	t.Helper()
	groups, err := alerts.Read(alerts.Render(alerts.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		out = append(out, g.Rules...)
	}
	return out
}

// names are those of all alerts, once each.
func names(t *testing.T) (out []string) {
	t.Helper()
	for _, r := range rules(t) {
		if r.Alert != "" && !slices.Contains(out, r.Alert) {
			out = append(out, r.Alert)
		}
	}
	return out
}

// A count over some time is one that Prometheus has stretched to the edges of the time,
// 2.006 letters: people read whole ones. Only what is a rate has digits behind the point.
func TestCountsAreWhole(t *testing.T) {
	whole := 0
	for _, r := range rules(t) {
		for _, text := range []string{r.Annotations["summary"], r.Annotations["description"]} {
			if strings.Contains(text, "| humanize }}") && !strings.Contains(text, "second") {
				t.Errorf("%s: %q is no rate: printf `%%.0f`", r.Alert, text)
			}
			if regexp.MustCompile(`\b1 [a-z]+s\b`).MatchString(text) {
				t.Errorf("%s: %q is no English", r.Alert, text)
			}
			if strings.Contains(text, "printf `%.0f`") {
				whole++
			}
		}
	}
	if whole == 0 {
		t.Error("no alert tells a count")
	}
}

func TestAlertsAreComplete(t *testing.T) {
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if !regexp.MustCompile(`^Hub[A-Z][A-Za-z]+$`).MatchString(r.Alert) {
			t.Errorf("%s: names of alerts begin with Hub", r.Alert)
		}
		if !slices.Contains(severities, r.Labels["severity"]) {
			t.Errorf("%s: its severity %q is none of %v", r.Alert, r.Labels["severity"], severities)
		}
		for _, d := range []string{r.For, r.KeepFiringFor} {
			if _, err := model.ParseDuration(d); err != nil && (d != "" || d == r.For) {
				t.Errorf("%s: %q is no time: %v", r.Alert, d, err)
			}
		}
		for _, text := range []string{"summary", "description"} {
			if len(r.Annotations[text]) < 20 {
				t.Errorf("%s: its %s is %q", r.Alert, text, r.Annotations[text])
			}
		}
		board, ok := strings.CutPrefix(r.Annotations["dashboard_url"], alerts.GrafanaBase+"/d/")
		if !ok || !slices.Contains(boards, board) {
			t.Errorf("%s: dashboard_url %q names none of %v", r.Alert, r.Annotations["dashboard_url"], boards)
		}
		if want := alerts.RunbookBase + "/" + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
		}
	}
}

// Each alert has a runbook with something under each of the headings, and each
// runbook an alert.
func TestRunbooks(t *testing.T) {
	alertNames := names(t)
	for _, name := range alertNames {
		text, err := os.ReadFile(filepath.Join(runbooks, name+".md"))
		if err != nil {
			t.Errorf("%s has no runbook: %v", name, err)
			continue
		}
		sections := strings.Split(string(text), "\n## ")
		if strings.TrimSpace(sections[0]) != "# "+name {
			t.Errorf("%s.md begins with %q", name, sections[0])
		}
		var found []string
		for _, s := range sections[1:] {
			heading, body, _ := strings.Cut(s, "\n")
			found = append(found, heading)
			if len(strings.TrimSpace(body)) < 20 {
				t.Errorf("%s.md says nothing under %s", name, heading)
			}
		}
		if !slices.Equal(found, headings) {
			t.Errorf("%s.md has the headings %v, want %v", name, found, headings)
		}
	}
	files, err := filepath.Glob(filepath.Join(runbooks, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(alertNames, strings.TrimSuffix(filepath.Base(f), ".md")) {
			t.Errorf("%s belongs to no alert", f)
		}
	}
}

// The queries of runbooks are of metrics that exist.
func TestRunbookQueries(t *testing.T) {
	metrics, queries := hubMetrics(t), 0
	for _, r := range rules(t) {
		if r.Record != "" {
			metrics[r.Record] = known{}
		}
	}
	metrics["ALERTS"] = known{}
	blocks := regexp.MustCompile("(?s)```promql\n(.*?)```")
	for _, name := range names(t) {
		text, err := os.ReadFile(filepath.Join(runbooks, name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
			for _, query := range strings.Split(strings.TrimSpace(block[1]), "\n") {
				queries++
				visit(t, alerts.Rule{Alert: name, Expr: query}, func(n parser.Node, _ []parser.Node) {
					if v, ok := n.(*parser.VectorSelector); ok {
						if _, exists := metrics[v.Name]; !exists {
							t.Errorf("%s.md asks for %s, which there is not", name, v.Name)
						}
					}
				})
			}
		}
	}
	if queries < len(names(t)) {
		t.Errorf("%d queries in all runbooks", queries)
	}
}

func TestRender(t *testing.T) {
	plain := string(alerts.Render(alerts.Options{}))
	out := string(alerts.Render(alerts.Options{Runbooks: "https://hub.gov.example/runbooks/", Grafana: "https://boards.gov.example"}))
	if strings.Contains(out, alerts.RunbookBase) || strings.Contains(out, alerts.GrafanaBase+"/d/") {
		t.Error("placeholders are left")
	}
	if n := strings.Count(out, `"https://hub.gov.example/runbooks/Hub`); n != strings.Count(plain, "runbook_url:") {
		t.Errorf("%d runbooks have their address", n)
	}

	// A minute becomes a second.
	read := func(rules []byte) []alerts.Group {
		groups, err := alerts.Read(rules)
		if err != nil {
			t.Fatal(err)
		}
		return groups
	}
	before, after := read([]byte(plain)), read(alerts.Render(alerts.Options{Faster: 60}))
	duration := func(s string) time.Duration {
		d, err := model.ParseDuration("0" + strings.TrimPrefix(s, "0"))
		if err != nil && s != "" {
			t.Fatal(err)
		}
		return time.Duration(d)
	}
	for i, g := range before {
		for j, r := range g.Rules {
			fast := after[i].Rules[j]
			for _, d := range [][2]string{{r.For, fast.For}, {r.KeepFiringFor, fast.KeepFiringFor}} {
				if d[0] != "" && duration(d[0]) != 60*duration(d[1]) {
					t.Errorf("%s%s: %s has become %s", r.Alert, r.Record, d[0], d[1])
				}
			}
			if strings.Contains(r.Expr, "[5m]") && strings.Count(fast.Expr, "[5000ms]") != strings.Count(r.Expr, "[5m]") {
				t.Errorf("%s%s: windows have become %s", r.Alert, r.Record, fast.Expr)
			}
		}
	}
	if want := fmt.Sprintf("> %s", "4 * 3600 / 60"); !strings.Contains(string(alerts.Render(alerts.Options{Faster: 60})), want) {
		t.Errorf("no age has become %q", want)
	}
}
