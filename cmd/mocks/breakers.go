package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// breakers follows the hub's breakers by its metrics, for the timeline alone.
type breakers struct {
	url    string // of the metrics
	note   func(format string, args ...any)
	client http.Client
	open   map[string]bool // by system and operation
}

// watchBreakers tells of each breaker that opens or closes until ctx ends. One
// that is half open sends a probe and counts as open; while the hub is away
// nothing is told.
func watchBreakers(ctx context.Context, url string, note func(format string, args ...any)) {
	b := &breakers{url: url, note: note, client: http.Client{Timeout: time.Second, Transport: &http.Transport{}}, open: map[string]bool{}}
	defer b.client.CloseIdleConnections()
	t := time.NewTicker(500 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if states, err := b.read(ctx); err == nil {
			b.compare(states)
		}
	}
}

// read returns the state of each breaker.
func (b *breakers) read(ctx context.Context) (map[string]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the hub's metrics: %s", resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the hub's metrics: %w", err)
	}
	states := map[string]string{}
	for _, m := range families["hub_breaker_state"].GetMetric() {
		if m.GetGauge().GetValue() == 1 {
			states[label(m, "system")+" "+label(m, "operation")] = label(m, "state")
		}
	}
	return states, nil
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// compare tells what is new.
func (b *breakers) compare(states map[string]string) {
	for breaker, state := range states {
		open := !strings.HasSuffix(state, "closed")
		if open == b.open[breaker] {
			continue
		}
		b.open[breaker] = open
		if open {
			b.note("the breaker of %s opens: its calls are kept back", breaker)
		} else {
			b.note("the breaker of %s closes: its calls go on", breaker)
		}
	}
}
