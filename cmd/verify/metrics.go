package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/world"
)

// metricsAgree holds what the hubs counted against what the run came to (I10).
// The hubs are not asked what happened: they are caught if they tell those on
// duty something else. It is for runs in which no hub ends, for counters end
// with their process.
func metricsAgree(r *run, h *check.History) (out []string) {
	told, err := countersOf(r.world, r.dir)
	if err != nil {
		return []string{err.Error()}
	}
	for _, route := range h.Routes {
		for _, c := range []struct {
			what, metric, label, value string
			found                      int
		}{
			{"messages delivered", "hub_messages_final_total", "outcome", "delivered", doneClaims(h, route.Name)},
			{"dead letters", "hub_dlq_messages_total", "", "", letters(h, route.Name)},
		} {
			if n := told.sum(c.metric, route.Name, c.label, c.value); n != c.found {
				out = append(out, fmt.Sprintf("route %s counted %d %s, and there are %d", route.Name, n, c.what, c.found))
			}
		}
	}
	return out
}

// doneClaims are the messages of a route that Redis knows as finished.
func doneClaims(h *check.History, route string) (n int) {
	for key, value := range h.Redis {
		if strings.HasPrefix(key, "{"+route+":") && strings.Contains(key, "}:c:") && strings.HasPrefix(value, "d|") {
			n++
		}
	}
	return n
}

// letters are the dead letters of a route, each once.
func letters(h *check.History, route string) int {
	ids := map[string]bool{}
	for _, rec := range h.Records[route+".dead"] {
		if rec.Headers["hub_kind"] == "letter" {
			ids[rec.Headers["hub_letter"]] = true
		}
	}
	return len(ids)
}

// counters are the samples of all hubs, by metric.
type counters map[string][]*dto.Metric

func countersOf(w *world.World, dir string) (counters, error) {
	all := counters{}
	for _, hub := range w.Hubs {
		f, err := os.Open(filepath.Join(dir, hub.Name+".metrics"))
		if err != nil {
			return nil, fmt.Errorf("the metrics of %s were not kept: %w", hub.Name, err)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("the metrics of %s cannot be read: %w", hub.Name, err)
		}
		for _, name := range slices.Sorted(maps.Keys(families)) {
			all[name] = append(all[name], families[name].GetMetric()...)
		}
	}
	return all, nil
}

// sum adds up what the hubs say of a route; an empty label takes all its series.
func (c counters) sum(metric, route, label, value string) int {
	total := 0.0
	for _, m := range c[metric] {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		if has["route"] == route && (label == "" || has[label] == value) {
			total += m.GetCounter().GetValue()
		}
	}
	return int(total)
}
