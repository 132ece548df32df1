package inspect_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kandashub/observability"
	"kandashub/topics/inspect"
)

// served are the metrics of a hub with the routes register and verify, and where
// they are served.
func served(t *testing.T) (*observability.Metrics, string) {
	t.Helper()
	reg := prometheus.NewRegistry()
	m := observability.NewMetrics(reg)
	m.Init(nil, observability.Route{Name: "register", System: "kandas", Operation: "register"},
		observability.Route{Name: "verify", System: "eds", Operation: "verify"})
	return m, serve(t, promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// What two hubs tell of their routes is put together, and a third that tells
// nothing is counted.
func TestHubs(t *testing.T) {
	first, one := served(t)
	second, two := served(t)
	began := time.Now().Add(-time.Second)
	first.Breaker("kandas", "register", "open")
	first.Breaker("kandas", "register", "half_open")
	first.Route("register").Pause("breaker", true)
	first.Route("register").Pause("redis", true)
	second.Route("register").Commit("ok")
	for range 3 {
		second.Route("register").Rebalance()
	}
	second.Route("verify").Pause("stopped", true)

	hubs := inspect.AskHubs(t.Context(), []string{one, two, "127.0.0.1:1"})
	if hubs[0].Problem != nil || hubs[1].Problem != nil || hubs[2].Problem == nil || hubs[2].Address != "127.0.0.1:1" {
		t.Fatalf("%+v", hubs)
	}
	told := inspect.Tell(hubs, "register")
	for name, at := range map[string]time.Time{"the breaker has opened": told.OpenSince, "the last commit was": told.LastCommit} {
		if at.Before(began) || at.After(time.Now()) {
			t.Errorf("%s at %s", name, at)
		}
	}
	told.OpenSince, told.LastCommit = time.Time{}, time.Time{}
	want := inspect.Told{Hubs: 2, Silent: 1, States: map[string]int{"paused": 1, "running": 1}, Pauses: map[string]int{"breaker": 1, "redis": 1},
		Breaker: map[string]int{"half_open": 1, "closed": 1}, Rebalances: 3}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told of register (-want +got):\n%s", diff)
	}
	if state, n := told.Worst(); state != "half_open" || n != 1 {
		t.Errorf("its breaker is %s in %d", state, n)
	}
	if state, _ := inspect.Tell(hubs, "reissue").Worst(); state != "" {
		t.Errorf("the breaker of a route that nobody runs is %s", state)
	}

	for _, c := range []struct {
		route, before, want string
		members             int
	}{
		{"register", inspect.Unknown, inspect.Paused, 2},
		{"verify", inspect.Paused, inspect.Failed, 2}, // an operator's pause hides nothing
		{"reissue", inspect.Absent, inspect.Absent, 0},
		{"reissue", inspect.Unknown, inspect.Unknown, 1}, // its hub was not asked
	} {
		r := inspect.Route{Name: c.route, State: c.before, Members: c.members}
		if r.Hear(hubs); r.State != c.want || r.Told == nil {
			t.Errorf("%s, %s as far as Kafka tells, is %s, want %s", c.route, c.before, r.State, c.want)
		}
	}
	first.Route("register").Pause("breaker", false)
	first.Route("register").Pause("redis", false)
	for members, want := range map[int]string{2: inspect.Running, 3: inspect.Unknown} {
		r := inspect.Route{Name: "register", State: inspect.Unknown, Members: members}
		if r.Hear(inspect.AskHubs(t.Context(), []string{one, two})); r.State != want {
			t.Errorf("running at 2 of %d hubs: %s, want %s", members, r.State, want)
		}
	}
}

// What is no hub is not taken for one without routes.
func TestNoHub(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"not found":      http.NotFoundHandler(),
		"no metrics":     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }),
		"something else": promhttp.HandlerFor(prometheus.NewRegistry(), promhttp.HandlerOpts{}),
	} {
		if hubs := inspect.AskHubs(t.Context(), []string{serve(t, h)}); hubs[0].Problem == nil {
			t.Errorf("%s: it is taken for a hub", name)
		}
	}
}
