package observability

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// bigHub is what a hub shows that runs more than there is: 30 routes of three
// topics and 8 partitions, 12 systems with 4 operations each, and all of it in
// use.
func bigHub() *Server {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	var codes []string
	for i := range 20 {
		codes = append(codes, fmt.Sprintf("code_%c", 'a'+i))
	}
	for i := range 30 {
		name := fmt.Sprintf("route-%d", i)
		sources := []string{name + ".in-a", name + ".in-b", name + ".in-c"}
		m.Init(codes, Route{Name: name, Sources: sources, Writes: []string{name + ".out", name + ".more"},
			System: fmt.Sprintf("system-%d", i%12), Operation: "operation-0"})
		r := m.Route(name)
		for p := range 8 {
			for _, s := range sources {
				r.Lag(s, p, int64(p*1000), time.Now().Add(-time.Duration(i)*time.Second))
			}
		}
		for k := range 50 {
			r.EndToEnd(time.Duration(k*k)*time.Millisecond, time.Hour, "")
			r.Process(time.Duration(k*k)*time.Millisecond, true, "")
		}
	}
	for i := range 12 {
		for o := range 4 {
			for _, result := range callResults {
				m.System(fmt.Sprintf("system-%d", i)).Call(fmt.Sprintf("operation-%d", o), result, 12345*time.Microsecond, "")
			}
		}
	}
	touch(m, "register")
	return NewServer("", reg)
}

// scrape returns the answer of /metrics as it is sent.
func scrape(t testing.TB, s *Server, encoding string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	if got := w.Header().Get("Content-Encoding"); w.Code != http.StatusOK || got != encoding {
		t.Fatalf("status %d, encoding %q, want 200 and %q", w.Code, got, encoding)
	}
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestScrapeIsSmall(t *testing.T) {
	s := bigHub()
	for _, tc := range []struct {
		encoding string
		most     int
	}{{"", 2_000_000}, {"gzip", 200_000}} {
		n := len(scrape(t, s, tc.encoding))
		t.Logf("encoding %q: %d bytes", tc.encoding, n)
		if n > tc.most {
			t.Errorf("/metrics of 30 routes has %d bytes with encoding %q, want at most %d", n, tc.encoding, tc.most)
		}
	}
}

// TestPromtoolHasNothingToSay lets Prometheus' own tool look at all metrics.
func TestPromtoolHasNothingToSay(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(scrape(t, bigHub(), ""))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

func BenchmarkScrape(b *testing.B) {
	s := bigHub()
	for _, encoding := range []string{"", "gzip"} {
		b.Run("encoding="+encoding, func(b *testing.B) {
			for b.Loop() {
				scrape(b, s, encoding)
			}
		})
	}
}
