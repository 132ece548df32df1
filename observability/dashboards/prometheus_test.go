package dashboards

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scrape is how often Prometheus reads the hub and works its rules out: often, so
// that the few seconds of a test are many points of a graph.
const scrape = "1s"

// A server is a Prometheus of its own process.
type server struct {
	url     string
	targets string // file of what it reads
	log     string // file
}

// startPrometheus starts one with the hub's rules and nothing to read yet.
func startPrometheus(t *testing.T, program string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{targets: filepath.Join(dir, "targets.json"), log: filepath.Join(dir, "prometheus.log")}
	var rules []string
	for i, file := range ruleFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// Groups that work out rarely do so as often as all others here.
		data = regexp.MustCompile(`(?m)^ *interval: .*$`).ReplaceAll(data, nil)
		rules = append(rules, filepath.Join(dir, strconv.Itoa(i)+".rules.yml"))
		write(t, rules[i], data)
	}
	config, err := json.Marshal(map[string]any{ // JSON is YAML
		"global":     map[string]string{"scrape_interval": scrape, "evaluation_interval": scrape},
		"rule_files": rules,
		"scrape_configs": []any{map[string]any{
			"job_name":        "hub",
			"file_sd_configs": []any{map[string]any{"files": []string{s.targets}}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "prometheus.yml"), config)
	write(t, s.targets, []byte("[]"))
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--enable-feature=exemplar-storage")
	lines := start(t, cmd, s.log, cmd.StderrPipe)
	listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	for line := range lines {
		if m := listening.FindStringSubmatch(line); m != nil {
			s.url = "http://" + m[1]
			go func() {
				for range lines { // so that it can go on writing
				}
			}()
			return s
		}
	}
	t.Fatalf("Prometheus did not start:\n%s", tail(s.log))
	return nil
}

// read makes Prometheus read a hub.
func (s *server) read(t *testing.T, metrics string) {
	t.Helper()
	u, err := url.Parse(metrics)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal([]any{map[string]any{"targets": []string{u.Host}}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.targets+".new", data)
	if err := os.Rename(s.targets+".new", s.targets); err != nil { // at once, or half a file is read
		t.Fatal(err)
	}
}

// get asks Prometheus' API and unpacks the data of its answer.
func (s *server) get(ctx context.Context, path string, params url.Values, data any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path+"?"+params.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", resp.Status, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("prometheus says: %s", answer.Error)
	}
	return nil
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
	if err := s.get(ctx, path, params, &data); err != nil {
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
	err := s.get(ctx, "/api/v1/query_exemplars", url.Values{"query": {expr}, "start": {unix(since)}, "end": {unix(time.Now())}}, &data)
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

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

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
