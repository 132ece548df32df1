package dashboards

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"kandashub/observability/alerts"
	"kandashub/observability/promserver"
	"kandashub/topics/servertest"
)

// scrape is how often Prometheus reads the hub: often, so that the few seconds of a
// test are many points of a graph.
var scrape = promserver.Every.String()

// A server is a Prometheus of its own process.
type server struct{ *promserver.Server }

// startPrometheus starts one with the hub's rules and nothing to read yet.
func startPrometheus(t *testing.T, program string) *server {
	t.Helper()
	// Groups that work out rarely do so as often as all others here.
	rules := regexp.MustCompile(`(?m)^ *interval: .*$`).ReplaceAll(alerts.Render(alerts.Options{}), nil)
	s, err := promserver.New(t.TempDir(), servertest.FreeAddress(t), rules)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "prometheus.log")
	cmd := exec.Command(program, s.Args()...)
	lines := start(t, cmd, log, cmd.StderrPipe)
	go func() {
		for range lines { // so that it can go on writing
		}
	}()
	for deadline := time.Now().Add(time.Minute); s.Ready(t.Context()) != nil; {
		if time.Now().After(deadline) {
			t.Fatalf("Prometheus did not start:\n%s", tail(log))
		}
		<-time.After(100 * time.Millisecond)
	}
	return &server{s}
}

// read makes Prometheus read a hub.
func (s *server) read(t *testing.T, metrics string) {
	t.Helper()
	u, err := url.Parse(metrics)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Watch(u.Host); err != nil {
		t.Fatal(err)
	}
}

// hasData reports whether a query has a number to show: now, or at any time since.
func (s *server) hasData(ctx context.Context, expr string, now bool, since time.Time) (bool, error) {
	var data struct {
		ResultType string
		Result     []struct {
			Value  [2]any
			Values [][2]any
		}
	}
	params := url.Values{"query": {expr}}
	path := "/api/v1/query"
	if !now {
		path += "_range"
		params.Set("start", unix(since))
		params.Set("end", unix(time.Now()))
		params.Set("step", scrape)
	}
	if err := s.Ask(ctx, path, params, &data); err != nil {
		return false, err
	}
	for _, series := range data.Result {
		for _, sample := range append(series.Values, series.Value) {
			text, _ := sample[1].(string)
			if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
				return true, nil
			}
		}
	}
	return false, nil
}

// hasExemplars reports whether single messages stand beside a query's series.
func (s *server) hasExemplars(ctx context.Context, expr string, since time.Time) (bool, error) {
	var data []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	err := s.Ask(ctx, "/api/v1/query_exemplars", url.Values{"query": {expr}, "start": {unix(since)}, "end": {unix(time.Now())}}, &data)
	for _, d := range data {
		for _, e := range d.Exemplars {
			if e.Labels["trace_id"] != "" {
				return true, err
			}
		}
	}
	return false, err
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// start starts a program that is stopped with the test, and returns the lines
// that it writes to pipe; they go to the file log, too.
func start(t *testing.T, cmd *exec.Cmd, log string, pipe func() (io.ReadCloser, error)) <-chan string {
	t.Helper()
	out, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1)
	go func() {
		defer close(lines)
		defer f.Close()
		for s := bufio.NewScanner(out); s.Scan(); {
			fmt.Fprintln(f, s.Text())
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Logf("stop %s: %v", cmd.Path, err)
		}
		for range lines {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", cmd.Path, err, tail(log))
		}
	})
	return lines
}

// tail is the end of a log.
func tail(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
