package dashboards

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEveryQueryHasData runs every query of every board on a real Prometheus that
// has read a hub while the sample applications of make run flowed through it.
func TestEveryQueryHasData(t *testing.T) {
	program := os.Getenv("PROMETHEUS")
	if program == "" {
		t.Skip("PROMETHEUS names no program: make test-boards sets it")
	}
	prometheus := startPrometheus(t, program)
	since := time.Now()
	runWorld(t, func(metrics string) { prometheus.read(t, metrics) })

	// What happened last is read and worked out within moments.
	pending := asked()
	for deadline := time.Now().Add(time.Minute); ; {
		var left []question
		for _, q := range pending {
			has, err := prometheus.hasData(t.Context(), q.expr, q.now, since)
			if err != nil {
				t.Fatalf("%s: %v\n%s", q.where, err, q.expr)
			}
			switch {
			case has && q.empty != "" && !q.moments:
				t.Errorf("%s has data, though it says: %s\n%s", q.where, q.empty, q.expr)
			case !has:
				left = append(left, q)
			}
		}
		pending = left
		if !missing(pending) || time.Now().After(deadline) {
			break
		}
		<-time.After(time.Second) // the next scrape
	}
	for _, q := range pending {
		if q.empty == "" {
			t.Errorf("%s has no data\n%s", q.where, q.expr)
		}
	}
	for _, q := range asked() {
		if !q.exemplars {
			continue
		}
		if has, err := prometheus.hasExemplars(t.Context(), q.expr, since); err != nil || !has {
			t.Errorf("%s has no exemplars (%v)\n%s", q.where, err, q.expr)
		}
	}
	if *previewFile != "" {
		draw(t, prometheus, since, *previewFile)
	}
	t.Logf("%d queries, %d of them without data for the reason that they give", len(asked()), len(pending))
}

// A question is one query as Grafana asks it, with all variables at All.
type question struct {
	where, expr, empty string
	now, exemplars     bool
	moments            bool // that may have come or not
}

// allSelected puts in for the variables what Grafana does where All is chosen.
var allSelected = strings.NewReplacer("$__rate_interval", "15s", "$__range", "10m", "$job", ".+", "$instance", ".+", "$route", ".+", "$system", ".+")

func asked() (out []question) {
	for _, b := range Boards() {
		for _, r := range b.Rows {
			for _, p := range r.Panels {
				for _, q := range p.Queries {
					out = append(out, question{where: b.UID + ", " + p.Title, expr: allSelected.Replace(q.Expr), empty: q.Empty, now: p.Kind.now(), exemplars: p.Exemplars})
				}
			}
		}
	}
	for _, a := range Annotations() {
		out = append(out, question{where: "annotation " + a.Name, expr: allSelected.Replace(a.Query.Expr), empty: a.Query.Empty, moments: true})
	}
	return out
}

// missing reports whether a query without excuse is among them.
func missing(questions []question) bool {
	for _, q := range questions {
		if q.empty == "" {
			return true
		}
	}
	return false
}

// runWorld runs the hub and the world around it, as make run does, until all
// sample applications are through; it tells where the hub's metrics are before
// they begin to flow. The world stays until the test ends.
func runWorld(t *testing.T, metrics func(url string)) {
	t.Helper()
	bin, dir := t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+"/", "kandashub/cmd/hub", "kandashub/cmd/hubctl", "kandashub/cmd/mocks").CombinedOutput(); err != nil {
		t.Fatalf("build the hub and its world: %v\n%s", err, out)
	}
	cmd := exec.Command(filepath.Join(bin, "mocks"), "run", "--hub", filepath.Join(bin, "hub"), "--port", "0", "--dir", dir, "--no-prometheus")
	// Dots in panels stand for traces that are kept: here all of them, somewhere.
	traces := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(traces.Close)
	cmd.Env = append(os.Environ(), "HUB_OTLP="+traces.URL, "HUB_TRACE_SAMPLE=1")
	log := filepath.Join(dir, "run.log")
	told := false
	lines := start(t, cmd, log, cmd.StdoutPipe)
	for line := range lines {
		address, isMetrics := strings.CutPrefix(line, "hub: metrics")
		switch {
		case isMetrics && !told:
			told = true
			metrics(strings.TrimSpace(address))
		case strings.HasPrefix(line, "Everything keeps running"):
			go func() {
				for range lines { // so that it can go on writing
				}
			}()
			return
		}
	}
	t.Fatalf("the world ended before all applications were through:\n%s", tail(log))
}
