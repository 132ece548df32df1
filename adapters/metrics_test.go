package adapters_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"kandashub/adapters"
	"kandashub/observability"
)

// shows holds some metrics against their text, without help and type.
func shows(t *testing.T, reg *prometheus.Registry, name, kind, help string, series ...string) {
	t.Helper()
	want := "# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n" + strings.Join(series, "\n") + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), name); err != nil {
		t.Error(err)
	}
}

// TestBreakerShowsItsState forces a breaker, and counts what it lets not through.
func TestBreakerShowsItsState(t *testing.T) {
	reg := prometheus.NewRegistry()
	b := adapters.NewBreaker(adapters.BreakerConfig{System: "test", Operation: "try", Failures: 1, Metrics: observability.NewMetrics(reg)})
	state := func(want string) {
		t.Helper()
		var series []string
		for _, s := range []string{"closed", "forced_closed", "forced_open", "half_open", "open"} {
			n := "0"
			if s == want {
				n = "1"
			}
			series = append(series, `hub_breaker_state{operation="try",state="`+s+`",system="test"} `+n)
		}
		shows(t, reg, "hub_breaker_state", "gauge", "State of the breaker: the series of the current state is 1.", series...)
	}
	state("closed")
	admit(t, b)(noAnswer)
	state("open")
	refuse(t, b)
	b.Force(adapters.ForceOpen)
	state("forced_open")
	refuse(t, b)
	b.Force(adapters.ForceClosed)
	state("forced_closed")
	b.Force("")
	state("closed")
	admit(t, b)
	refuse(t, b) // a slow start's: the breaker is closed
	shows(t, reg, "hub_breaker_rejections_total", "counter", "Times that a breaker let no call through.",
		`hub_breaker_rejections_total{operation="try",system="test"} 2`)
}

// TestClientShowsItsCalls calls a system by TLS, and one that hangs up.
func TestClientShowsItsCalls(t *testing.T) {
	reg := prometheus.NewRegistry()
	during := make(chan struct{})
	answer := make(chan struct{})
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang-up" {
			panic(http.ErrAbortHandler)
		}
		close(during)
		<-answer
	}))
	defer srv.Close()
	config := trust(srv)
	config.Certificates = []tls.Certificate{srv.TLS.Certificates[0]}
	c := newClient(t, adapters.Config{System: "test", URL: srv.URL, TLS: config, Timeout: 7 * time.Second, Metrics: observability.NewMetrics(reg)})
	done := make(chan error, 1)
	go func() {
		_, err := c.Do(t.Context(), adapters.Request{Operation: "try", Path: "/try"})
		done <- err
	}()
	select {
	case <-during:
	case err := <-done:
		t.Fatalf("the call ended with %v before it was answered", err)
	}
	inflight := func(n string) {
		t.Helper()
		shows(t, reg, "hub_external_inflight_requests", "gauge", "Calls of the external system under way.", `hub_external_inflight_requests{system="test"} `+n)
	}
	inflight("1")
	close(answer)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	inflight("0")
	if _, err := c.Do(t.Context(), adapters.Request{Operation: "try", Path: "/hang-up"}); err == nil {
		t.Error("no error of a system that hangs up")
	}
	shows(t, reg, "hub_external_timeout_seconds", "gauge", "Deadline of one call of the external system.", `hub_external_timeout_seconds{system="test"} 7`)
	ends := strconv.FormatFloat(float64(srv.Certificate().NotAfter.Unix()), 'g', -1, 64)
	shows(t, reg, "hub_tls_certificate_not_after_timestamp_seconds", "gauge", "Unix time at which a certificate expires.",
		`hub_tls_certificate_not_after_timestamp_seconds{name="test",purpose="client"} `+ends,
		`hub_tls_certificate_not_after_timestamp_seconds{name="test",purpose="peer"} `+ends)
	var series []string
	for _, r := range []string{"2xx", "3xx", "4xx", "5xx", "bad_answer", "canceled", "connect_error", "lease_over", "soap_fault", "timeout", "tls_error"} {
		n := map[bool]string{true: "1", false: "0"}[r == "2xx" || r == "bad_answer"]
		series = append(series, `hub_external_requests_total{operation="try",result="`+r+`",system="test"} `+n)
	}
	shows(t, reg, "hub_external_requests_total", "counter", "Calls of external systems.", series...)
}
