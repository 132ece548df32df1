package world

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Prometheus watches the hubs of a world.
type Prometheus struct {
	*Process
	URL string
}

// prometheusGrace is what Prometheus is given to end in good order.
const prometheusGrace = 5 * time.Second

// scrapes is its configuration: it looks every second.
const scrapes = `global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [hub.rules.yml]
scrape_configs:
  - job_name: hub
    static_configs:
      - targets: [%s]
`

// StartPrometheus starts the given program with these rules. It watches all hubs
// that there are, and lives until Close.
func (w *World) StartPrometheus(ctx context.Context, path string, rules []byte) (*Prometheus, error) {
	addrs, err := w.ports.addresses(1)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(w.config.Dir, "prometheus")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var targets []string
	for _, h := range w.Hubs {
		targets = append(targets, strings.TrimSuffix(strings.TrimPrefix(h.MetricsURL, "http://"), "/metrics"))
	}
	for name, content := range map[string][]byte{"prometheus.yml": fmt.Appendf(nil, scrapes, strings.Join(targets, ", ")), "hub.rules.yml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	p := &Prometheus{URL: "http://" + addrs[0]}
	p.Process = w.process("prometheus", path, []string{
		"--config.file=" + filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=" + addrs[0], "--log.level=warn",
	}, nil, prometheusGrace, func(ctx context.Context) error { return answers(ctx, p.URL+"/-/ready") })
	w.prometheus = p.Process
	return p, startAll(ctx, p.Process)
}

// Firing returns the names of the alerts that fire now, each once, sorted.
func (p *Prometheus) Firing(ctx context.Context) ([]string, error) {
	var found struct {
		Alerts []struct {
			State  string            `json:"state"`
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	if err := p.ask(ctx, "/api/v1/alerts", &found); err != nil {
		return nil, err
	}
	var names []string
	for _, a := range found.Alerts {
		if a.State == "firing" {
			names = append(names, a.Labels["alertname"])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Series returns how many series an expression has now.
func (p *Prometheus) Series(ctx context.Context, expr string) (int, error) {
	var found struct {
		Result []json.RawMessage `json:"result"`
	}
	err := p.ask(ctx, "/api/v1/query?query="+url.QueryEscape(expr), &found)
	return len(found.Result), err
}

// ask reads the data of an answer of Prometheus' API.
func (p *Prometheus) ask(ctx context.Context, path string, data any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask Prometheus: %w", err)
	}
	defer resp.Body.Close()
	answer := struct {
		Data  any    `json:"data"`
		Error string `json:"error"`
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("ask Prometheus: %s: %w", resp.Status, err)
	}
	if answer.Error != "" {
		return fmt.Errorf("ask Prometheus: %s", answer.Error)
	}
	return nil
}
