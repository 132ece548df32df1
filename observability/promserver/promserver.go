// Package promserver is a real Prometheus for make run, for tests and for verify: it
// looks at hubs every second, with rules of the caller's. [New] writes what it reads
// and says how to call it; whoever wants it runs it among the processes that they
// start and stop anyway, and then asks the [Server]:
//
//	s, err := promserver.New(dir, "127.0.0.1:29090", alerts.Render(...), "127.0.0.1:9090")
//	cmd := exec.Command("prometheus", s.Args()...)
//	...
//	firing, err := s.Alerts(ctx)
//
// It is written for Prometheus 2.42 and newer. Nothing that is deployed uses it.
package promserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Every is how often it looks at the hubs and evaluates its rules.
const Every = time.Second

// config is its configuration. The hubs are in a file of their own, which may change.
const config = `global:
  scrape_interval: %[1]s
  evaluation_interval: %[1]s
rule_files: [hub.rules.yml]
scrape_configs:
  - job_name: hub
    file_sd_configs:
      - files: [hubs.json]
`

// askFor is how long one question may take.
const askFor = 5 * time.Second

// A Server is one Prometheus, whether it runs or not. Its methods may be called by
// many goroutines at once.
type Server struct {
	URL string

	addr, dir string
	client    *http.Client
}

// New writes the configuration of a Prometheus that will listen at addr (host:port)
// into dir, which is made, with these rules and hubs. Its data go there, too.
func New(dir, addr string, rules []byte, hubs ...string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{"prometheus.yml": fmt.Appendf(nil, config, Every), "hub.rules.yml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	s := &Server{URL: "http://" + addr, addr: addr, dir: dir,
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: askFor}}
	return s, s.Watch(hubs...)
}

// Args are the arguments of Prometheus' program.
func (s *Server) Args() []string {
	return []string{
		"--config.file=" + filepath.Join(s.dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(s.dir, "data"),
		"--web.listen-address=" + s.addr, "--enable-feature=exemplar-storage", "--log.level=warn",
	}
}

// Watch has it look at these hubs from now on, each the address (host:port) of
// HUB_METRICS.
func (s *Server) Watch(hubs ...string) error {
	data, err := json.Marshal([]map[string][]string{{"targets": append([]string{}, hubs...)}})
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "hubs.json")
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file) // at once, or half a file is read
}

// Ready returns nil if it answers questions.
func (s *Server) Ready(ctx context.Context) error {
	resp, err := s.get(ctx, "/-/ready")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask Prometheus: %s", resp.Status)
	}
	return nil
}

// Ask reads the data of an answer of its API, such as that of /api/v1/query.
func (s *Server) Ask(ctx context.Context, path string, params url.Values, data any) error {
	resp, err := s.get(ctx, path+"?"+params.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   any    `json:"data"`
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("ask Prometheus: %s: %w", resp.Status, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("ask Prometheus: %s", answer.Error)
	}
	return nil
}

func (s *Server) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	return resp, nil
}

// A Sample is what one series is worth now: of an expression, or of the expression of
// an alert.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// String is the sample as Prometheus writes it; the metric or the alert is its name.
func (s Sample) String() string {
	name, labels := "", []string{}
	for k, v := range s.Labels {
		if k == "__name__" || k == "alertname" {
			name = v
			continue
		}
		labels = append(labels, fmt.Sprintf("%s=%q", k, v))
	}
	slices.Sort(labels)
	return fmt.Sprintf("%s{%s} %.6g", name, strings.Join(labels, ","), s.Value)
}

// Alerts returns the alerts that fire now, one for each set of labels.
func (s *Server) Alerts(ctx context.Context) (firing []Sample, err error) {
	var found struct {
		Alerts []struct {
			State  string            `json:"state"`
			Labels map[string]string `json:"labels"`
			Value  string            `json:"value"`
		} `json:"alerts"`
	}
	if err := s.Ask(ctx, "/api/v1/alerts", nil, &found); err != nil {
		return nil, err
	}
	for _, a := range found.Alerts {
		if a.State != "firing" {
			continue
		}
		value, err := strconv.ParseFloat(a.Value, 64) // +Inf, too
		if err != nil {
			return nil, fmt.Errorf("ask Prometheus for alerts: %w", err)
		}
		firing = append(firing, Sample{a.Labels, value})
	}
	return firing, nil
}

// Series returns the series that an expression has now.
func (s *Server) Series(ctx context.Context, expr string) (series []Sample, err error) {
	var found struct {
		Result []struct {
			Metric map[string]string  `json:"metric"`
			Value  [2]json.RawMessage `json:"value"` // the time, and the value in quotes
		} `json:"result"`
	}
	if err := s.Ask(ctx, "/api/v1/query", url.Values{"query": {expr}}, &found); err != nil {
		return nil, err
	}
	for _, r := range found.Result {
		var text string
		if err := json.Unmarshal(r.Value[1], &text); err != nil {
			return nil, fmt.Errorf("ask Prometheus for %s: %w", expr, err)
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("ask Prometheus for %s: %w", expr, err)
		}
		series = append(series, Sample{r.Metric, value})
	}
	return series, nil
}
