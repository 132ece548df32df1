package mocks

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A target is a system with one operation under each path, that counts its
// effects.
type target struct {
	*httptest.Server
	faults  *Faults
	effects atomic.Int32
	done    chan struct{} // one for each effect
}

const goodAnswer = `{"good":"answer"}`

func newTarget(t *testing.T) *target {
	s := &target{faults: NewFaults(1), done: make(chan struct{}, 100)}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) != "request" {
			t.Errorf("system reads %q", body)
		}
		if err := r.Context().Err(); err != nil {
			t.Errorf("system notices that its caller has gone: %v", err)
		}
		s.effects.Add(1)
		s.done <- struct{}{}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, goodAnswer) //nolint:errcheck
	})
	s.Server = httptest.NewServer(s.faults.Wrap(func(r *http.Request) string { return r.URL.Path[1:] }, api))
	t.Cleanup(s.Close)
	return s
}

func (s *target) call(ctx context.Context, operation string) (status int, header http.Header, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/"+operation, strings.NewReader("request"))
	if err != nil {
		return 0, nil, "", err
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(b), err
}

func TestFaults(t *testing.T) {
	anything := func(string) bool { return true }
	isGood := func(b string) bool { return b == goodAnswer }
	for name, tc := range map[string]struct {
		fault   Fault
		effects int32
		status  int
		body    func(string) bool
		err     error
	}{
		"latency":                  {Fault{LatencyMS: 1}, 1, 200, isGood, nil},
		"status":                   {Fault{Status: 418}, 0, 418, anything, nil},
		"status after":             {Fault{Status: 500, After: true}, 1, 500, anything, nil},
		"SOAP fault":               {Fault{SOAPFault: "Client"}, 0, 500, func(b string) bool { return strings.Contains(b, "<faultcode>soap:Client<") }, nil},
		"hang before, then late":   {Fault{HangBeforeMS: 1}, 1, 200, isGood, nil},
		"hang before, and dropped": {Fault{HangBeforeMS: 1, Reset: true}, 0, 0, anything, syscall.ECONNRESET},
		"hang after":               {Fault{HangAfterMS: 1}, 1, 200, isGood, nil},
		"reset":                    {Fault{Reset: true}, 1, 0, anything, syscall.ECONNRESET},
		"truncated":                {Fault{Truncate: true}, 1, 200, func(b string) bool { return strings.HasPrefix(goodAnswer, b) }, io.ErrUnexpectedEOF},
		"malformed":                {Fault{Malformed: true}, 1, 200, func(b string) bool { return b == goodAnswer[:len(goodAnswer)/2] }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTarget(t)
			s.faults.Set(tc.fault)
			status, _, body, err := s.call(t.Context(), "try")
			if status != tc.status || !tc.body(body) || !errors.Is(err, tc.err) {
				t.Errorf("answer is %d %q, error %v", status, body, err)
			}
			if n := s.effects.Load(); n != tc.effects {
				t.Errorf("%d effects, want %d", n, tc.effects)
			}
			s.faults.Clear()
			if status, _, body, err := s.call(t.Context(), "try"); status != 200 || body != goodAnswer || err != nil {
				t.Errorf("after clearing the answer is %d %q, error %v", status, body, err)
			}
		})
	}
}

// The effect comes although the caller has gone.
func TestHangBeforeHasItsEffectLate(t *testing.T) {
	s := newTarget(t)
	s.faults.Set(Fault{HangBeforeMS: 100})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, _, _, err := s.call(ctx, "try"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("call ends with %v", err)
	}
	<-s.done
}

func TestFaultsChooseTheirCalls(t *testing.T) {
	s := newTarget(t)
	s.faults.Set(
		Fault{Operation: "a", Times: 2, Status: 500},
		Fault{Operation: "a", Status: 503, RetryAfterS: 7},
		Fault{DuplicateCallbacks: 1, CallbackDelayMS: 5, Times: 1},
	)
	for i, want := range []struct {
		operation, retry string
		status           int
	}{{"a", "", 500}, {"b", "", 200}, {"a", "", 500}, {"a", "7", 503}} {
		status, header, _, err := s.call(t.Context(), want.operation)
		if err != nil || status != want.status || header.Get("Retry-After") != want.retry {
			t.Errorf("call %d: %d, Retry-After %q, error %v; want %+v", i, status, header.Get("Retry-After"), err, want)
		}
	}
	if n := len(s.faults.Active()); n != 2 {
		t.Errorf("%d faults may still strike, want 2", n)
	}
	if delay, n := s.faults.Callback("x"); delay != 5*time.Millisecond || n != 1 {
		t.Errorf("callback is %s late and repeated %d times", delay, n)
	}
	if delay, n := s.faults.Callback("x"); delay != 0 || n != 0 {
		t.Errorf("a fault of one callback struck twice: %s, %d", delay, n)
	}
}

// The same seed strikes the same calls.
func TestRateIsReproducible(t *testing.T) {
	pattern := func() (out string, hits int) {
		f := NewFaults(42)
		f.Set(Fault{Rate: 0.3, Status: 500})
		for range 200 {
			if f.strike("x", false).Status == 500 {
				out += "x"
				hits++
			} else {
				out += "."
			}
		}
		return out, hits
	}
	first, hits := pattern()
	if second, _ := pattern(); first != second {
		t.Errorf("one seed, two patterns:\n%s\n%s", first, second)
	}
	if hits < 30 || hits > 90 {
		t.Errorf("a rate of 0.3 struck %d of 200 calls", hits)
	}
}

func TestAdmin(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "ledger"))
	for _, app := range []string{"a", "b"} {
		if err := l.Record(Effect{System: "s", Operation: "o", Application: app}); err != nil {
			t.Fatal(err)
		}
	}
	f := NewFaults(1)
	h := Admin(l, f, http.NotFoundHandler())
	do := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	for _, step := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "/_faults", "", 200, "[]"},
		{"PUT", "/_faults", `[{"operation":"a","status":500}]`, 200, `"status":500`},
		{"PUT", "/_faults", `[{"statsu":500}]`, 400, "statsu"},
		{"GET", "/_faults", "", 200, `"operation":"a"`},
		{"DELETE", "/_faults", "", 204, ""},
		{"GET", "/_faults", "", 200, "[]"},
		{"GET", "/_ledger?application=b", "", 200, `"application":"b"`},
		{"GET", "/_ledger?application=c", "", 200, "[]"},
		{"GET", "/api", "", 404, ""},
	} {
		if status, body := do(step.method, step.path, step.body); status != step.status || !strings.Contains(body, step.contains) {
			t.Errorf("%s %s: %d %s, want %d %s", step.method, step.path, status, body, step.status, step.contains)
		}
	}
}

// TestFaultForAWhile: a fault with a duration ends by itself.
func TestFaultForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(1)
		f.Set(Fault{Status: 503, ForMS: 1000})
		time.Sleep(999 * time.Millisecond)
		if hit := f.strike("show", false); hit.Status != 503 || len(f.Active()) != 1 {
			t.Errorf("within its time it strikes with %d, and %d are active", hit.Status, len(f.Active()))
		}
		time.Sleep(time.Millisecond)
		if hit := f.strike("show", false); hit.Status != 0 || len(f.Active()) != 0 {
			t.Errorf("after its time it strikes with %d, and %d are active", hit.Status, len(f.Active()))
		}
	})
}
