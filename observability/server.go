package observability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds one check of readiness.
const checkTimeout = 2 * time.Second

// A Check tells whether something that the hub needs is there. Run returns the
// reason if it is not; the reason is shown, so it holds no personal data and no
// secret.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// A Server serves the endpoints for machines that watch the hub:
//
//	/metrics  Prometheus text or OpenMetrics
//	/livez    200 as long as the process answers: restart it if it does not
//	/readyz   200 if all checks pass, else 503; JSON with the reason of each
//	/debug/pprof  with Profile: Go's profiles, which hold code and counts, no values
//
// It shows nothing personal, and needs no credential: bind it to an address
// that only they reach.
type Server struct {
	addr   string
	checks []Check
	mux    *http.ServeMux
	http   *http.Server

	listening chan struct{} // closed once bound is set, or binding failed
	bound     string

	mu       sync.Mutex
	notReady string
}

// NewServer returns a server for addr, host:port; port 0 picks a free one.
func NewServer(addr string, reg *prometheus.Registry, checks ...Check) *Server {
	mux := http.NewServeMux()
	s := &Server{addr: addr, checks: checks, mux: mux, listening: make(chan struct{})}
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true, CoalesceGather: true}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]bool{"alive": true})
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	s.http = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	return s
}

// Profile serves Go's profiles, too, for whoever looks where time and memory go.
// Call it before Serve.
func (s *Server) Profile() {
	s.mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	s.mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
}

// Serve binds the address and serves until ctx ends; then it returns nil. It is
// called once.
func (s *Server) Serve(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		close(s.listening)
		return fmt.Errorf("listen for metrics and probes: %w", err)
	}
	s.bound = l.Addr().String()
	close(s.listening)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if s.http.Shutdown(grace) != nil {
			s.http.Close()
		}
	}()
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics and probes: %w", err)
	}
	<-stopped
	return nil
}

// Addr waits until Serve has bound the address and returns it, with the real
// port; empty if that failed.
func (s *Server) Addr() string {
	<-s.listening
	return s.bound
}

// NotReady switches readiness off for good, with the reason: the hub is
// stopping.
func (s *Server) NotReady(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notReady = reason
}

// A checkResult is one check in the answer of /readyz.
type checkResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// Ready runs all checks, side by side, and reports whether the hub is ready.
func (s *Server) ready(ctx context.Context) (bool, []checkResult) {
	s.mu.Lock()
	reason := s.notReady
	s.mu.Unlock()
	if reason != "" {
		return false, []checkResult{{Name: "running", Reason: reason}}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	results := make([]checkResult, len(s.checks))
	var wg sync.WaitGroup
	for i, c := range s.checks {
		wg.Go(func() {
			results[i] = checkResult{Name: c.Name, OK: true}
			if err := c.Run(ctx); err != nil {
				// The reason may quote an answer; the filter of logs keeps it clean.
				results[i] = checkResult{Name: c.Name, Reason: Mask(err.Error())}
			}
		})
	}
	wg.Wait()
	ok := true
	for _, r := range results {
		ok = ok && r.OK
	}
	return ok, results
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ok, results := s.ready(r.Context())
	status := http.StatusOK
	if !ok {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, struct {
		Ready  bool          `json:"ready"`
		Checks []checkResult `json:"checks"`
	}{ok, results})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // the only error is a client that left
}
