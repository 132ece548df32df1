package inspect

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A Hub is what one hub tells of itself in its metrics.
type Hub struct {
	Address string // its HUB_METRICS
	Problem error  // why it told nothing; nil if it did

	routes map[string]hubRoute // that it runs
}

// A hubRoute is a route as one hub has it.
type hubRoute struct {
	state      string   // Running, Paused, Failed
	pauses     []string // why, as hub_route_paused names it
	breaker    string   // as hub_breaker_state names it; empty where the hub does not say
	open       time.Time
	lastCommit time.Time
	rebalances int
}

// maxMetrics bounds what is read of one hub, in bytes: some ten times what one
// with all routes tells.
const maxMetrics = 16 << 20

// AskHubs asks hubs, by the addresses of their metrics, for what only they know.
// One that does not answer is among them, with its Problem.
func AskHubs(ctx context.Context, addresses []string) []Hub {
	client := &http.Client{Timeout: tryFor, Transport: &http.Transport{DisableKeepAlives: true}}
	hubs := make([]Hub, len(addresses))
	var wg sync.WaitGroup
	for i, address := range addresses {
		wg.Go(func() {
			hubs[i].Address = address
			hubs[i].routes, hubs[i].Problem = askHub(ctx, client, address)
		})
	}
	wg.Wait()
	return hubs
}

func askHub(ctx context.Context, client *http.Client, address string) (map[string]hubRoute, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(resp.Body, maxMetrics))
	if err != nil {
		return nil, fmt.Errorf("what it tells are no metrics: %w", err)
	}
	if families["hub_route_state"] == nil {
		return nil, fmt.Errorf("what it tells are no metrics of a hub that runs a route")
	}
	return routesIn(families), nil
}

// each calls f for each series of a gauge or a counter.
func each(family *dto.MetricFamily, f func(labels map[string]string, value float64)) {
	for _, m := range family.GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		f(labels, m.GetGauge().GetValue()+m.GetCounter().GetValue()) // it is one of the two
	}
}

// routesIn finds the routes in the metrics of a hub.
func routesIn(families map[string]*dto.MetricFamily) map[string]hubRoute {
	routes := map[string]hubRoute{}
	change := func(name string, f func(r *hubRoute, labels map[string]string, value float64)) {
		each(families[name], func(labels map[string]string, value float64) {
			r := routes[labels["route"]]
			f(&r, labels, value)
			routes[labels["route"]] = r
		})
	}
	change("hub_route_state", func(r *hubRoute, l map[string]string, value float64) {
		if value == 1 {
			r.state = l["state"]
		}
	})
	change("hub_route_paused", func(r *hubRoute, l map[string]string, value float64) {
		if value == 1 {
			r.pauses = append(r.pauses, l["reason"])
		}
	})
	change("hub_consumer_rebalances_total", func(r *hubRoute, _ map[string]string, value float64) { r.rebalances = int(value) })
	change("hub_consumer_last_commit_timestamp_seconds", func(r *hubRoute, _ map[string]string, value float64) { r.lastCommit = timeOf(value) })
	states, since := breakersIn(families)
	change("hub_route_info", func(r *hubRoute, l map[string]string, _ float64) {
		r.breaker, r.open = states[operationOf(l)], since[operationOf(l)]
	})
	return routes
}

// operationOf is the system and the operation that labels name.
func operationOf(labels map[string]string) [2]string {
	return [2]string{labels["system"], labels["operation"]}
}

// breakersIn finds the states of the breakers, by system and operation, and since
// when those that are not closed have not been.
func breakersIn(families map[string]*dto.MetricFamily) (states map[[2]string]string, since map[[2]string]time.Time) {
	states, since = map[[2]string]string{}, map[[2]string]time.Time{}
	each(families["hub_breaker_state"], func(l map[string]string, value float64) {
		if value == 1 {
			states[operationOf(l)] = l["state"]
		}
	})
	each(families["hub_breaker_open_since_timestamp_seconds"], func(l map[string]string, value float64) {
		since[operationOf(l)] = timeOf(value)
	})
	return states, since
}

// timeOf is a time as metrics tell it; zero for 0.
func timeOf(unix float64) time.Time {
	if unix <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(unix * 1000)).UTC()
}
