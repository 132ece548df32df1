package observability

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// serve runs s until the test ends and returns its base URL.
func serve(t *testing.T, s *Server) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + s.Addr()
}

func get(t *testing.T, url, accept string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestMetricsEndpointSpeaksOpenMetrics(t *testing.T) {
	m, reg := newTestMetrics(t)
	m.Route("verify").Consumed("kandas.events", 1000)
	url := serve(t, NewServer("127.0.0.1:0", reg))
	status, header, body := get(t, url+"/metrics", "application/openmetrics-text; version=1.0.0")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(body, "# EOF\n") {
		t.Errorf("status %d, type %s: not OpenMetrics", status, header.Get("Content-Type"))
	}
	for _, want := range []string{`hub_messages_consumed_total{route="verify",topic="kandas.events"} 1`, "go_goroutines ", "hub_build_info{"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in /metrics", want)
		}
	}
}

func TestReadiness(t *testing.T) {
	_, reg := newTestMetrics(t)
	var down atomic.Bool
	s := NewServer("127.0.0.1:0", reg,
		Check{Name: "kafka", Run: func(context.Context) error { return nil }},
		Check{Name: "redis", Run: func(context.Context) error {
			if down.Load() {
				return errors.New("no answer about 880101100123")
			}
			return nil
		}})
	url := serve(t, s)
	expect := func(what string, wantStatus int, wantName, wantReason string) {
		t.Helper()
		status, _, body := get(t, url+"/readyz", "")
		var answer struct {
			Ready  bool
			Checks []struct {
				Name, Reason string
				OK           bool
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("%s: %v in %s", what, err, body)
		}
		if status != wantStatus || answer.Ready != (wantStatus == 200) {
			t.Errorf("%s: status %d, ready %v, want %d", what, status, answer.Ready, wantStatus)
		}
		last := answer.Checks[len(answer.Checks)-1]
		if last.Name != wantName || last.Reason != wantReason || last.OK != (wantReason == "") {
			t.Errorf("%s: last check is %+v, want %s %q", what, last, wantName, wantReason)
		}
	}
	expect("all there", 200, "redis", "")
	down.Store(true)
	expect("Redis away", 503, "redis", "no answer about [iin]")
	down.Store(false)
	expect("Redis back", 200, "redis", "")
	s.NotReady("stopping")
	expect("stopping", 503, "running", "stopping")
	if status, _, _ := get(t, url+"/livez", ""); status != 200 {
		t.Errorf("/livez is %d while stopping, want 200", status)
	}
}

func TestServeOnTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, reg := newTestMetrics(t)
	s := NewServer(l.Addr().String(), reg)
	if err := s.Serve(t.Context()); err == nil {
		t.Error("Serve on a taken port returned no error")
	}
	if addr := s.Addr(); addr != "" {
		t.Errorf("Addr is %q after a failed bind, want none", addr)
	}
}
