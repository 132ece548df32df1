package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kandashub/observability"
	"kandashub/topics/inspect"
)

// metricsOf are the metrics of a hub with the route register, and their address.
func metricsOf(t *testing.T) (*observability.Metrics, string) {
	t.Helper()
	reg := prometheus.NewRegistry()
	m := observability.NewMetrics(reg)
	m.Init(nil, observability.Route{Name: "register", System: "kandas", Operation: "register"})
	s := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	t.Cleanup(s.Close)
	return m, strings.TrimPrefix(s.URL, "http://")
}

// What only hubs know is asked of them, by every command that shows it, and those
// that say nothing are named.
func TestHubsAreAsked(t *testing.T) {
	cluster(t)
	first, one := metricsOf(t)
	second, two := metricsOf(t)
	first.Breaker("kandas", "register", "open")
	first.Route("register").Pause("breaker", true)
	second.Route("register").Commit("ok")
	both := "--hubs=" + one + ", " + two

	out := expect(t, exitOK, []string{"route", "list", both}, "paused in 1 of 2 hubs", "open in 1 of 2 hubs since 2", "the hubs", "breaker in 1 of 2 hubs")
	if strings.Contains(out, "give --hubs") {
		t.Errorf("%s", out)
	}
	var routes []inspect.Route
	printed := expect(t, exitOK, []string{"route", "list", both, "-o", "json"})
	compiled(t).obeyed(t, "route list", []byte(printed))
	read(t, printed, &routes)
	if r := routes[0]; r.Name != "register" || r.State != inspect.Paused || r.Told == nil || r.Told.Breaker["open"] != 1 || r.Told.OpenSince.IsZero() {
		t.Errorf("%+v", r)
	}

	expect(t, exitOK, []string{"breaker", "list", both}, "open in 1 of 2 hubs, closed in 1 of 2 hubs")
	compiled(t).obeyed(t, "breaker list", []byte(expect(t, exitOK, []string{"breaker", "list", both, "-o", "json"})))
	expect(t, exitOK, []string{"lag", both}, "LAST COMMIT", "REBALANCES")
	compiled(t).obeyed(t, "lag", []byte(expect(t, exitOK, []string{"lag", both, "-o", "json"})))

	t.Setenv("HUB_ADDRESSES", one+",127.0.0.1:1")
	for _, command := range []string{"route list", "breaker list", "lag"} {
		expect(t, exitOK, strings.Fields(command), "the hub at 127.0.0.1:1 tells nothing")
	}
	t.Setenv("HUB_REDIS", "127.0.0.1:1")
	expect(t, exitFailed, []string{"doctor"}, "ok    hubs          the one at "+one, "warn  hubs          the one at 127.0.0.1:1 tells nothing",
		"register has its breaker open, not closed since 2")
	expect(t, exitUsage, []string{"route", "list", "--hubs=somewhere"}, "HUB_ADDRESSES")
	expect(t, exitUsage, []string{"lag", "--hubs=somewhere"}, "HUB_ADDRESSES")
	expect(t, exitUsage, []string{"lag", "--watch", "--every=0s"}, "--every is at least 200ms")
}
