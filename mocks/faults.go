package mocks

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maxRequest is the largest request that a mock reads, in bytes.
const maxRequest = 16 << 20

// A Fault is something that goes wrong with an operation. All faults that
// match a call strike together: waits add up, and of the rest the first one
// that says something counts.
//
// Status and SOAPFault come instead of the effect, or with After once it is
// done. HangBefore holds the call and then has its effect late, though the
// caller has gone; with Reset it has none. HangAfter, Reset, Truncate,
// Malformed and Garbage come after the effect: the ledger holds it, and the
// answer is spoiled.
type Fault struct {
	Operation string  `json:"operation,omitempty"` // empty: every operation
	Times     int     `json:"times,omitempty"`     // how often it strikes; 0: until cleared
	Rate      float64 `json:"rate,omitempty"`      // the share of calls it strikes, 0 to 1; 0: every call
	ForMS     int     `json:"for_ms,omitempty"`    // how long it may strike once it is set; 0: until cleared

	LatencyMS    int    `json:"latency_ms,omitempty"`
	HangBeforeMS int    `json:"hang_before_ms,omitempty"`
	HangAfterMS  int    `json:"hang_after_ms,omitempty"`
	Status       int    `json:"status,omitempty"`
	RetryAfterS  int    `json:"retry_after_s,omitempty"` // header of Status, seconds
	SOAPFault    string `json:"soap_fault,omitempty"`    // Server or Client
	After        bool   `json:"after,omitempty"`
	Reset        bool   `json:"reset,omitempty"`
	Truncate     bool   `json:"truncate,omitempty"`
	Malformed    bool   `json:"malformed,omitempty"`
	Garbage      string `json:"garbage,omitempty"` // huge, deep, bomb, charset or drip: see garbage.go

	// The faults of a system's own calls to the hub. They are counted apart: do
	// not mix them with the others in one Fault.
	DuplicateCallbacks int `json:"duplicate_callbacks,omitempty"`
	CallbackDelayMS    int `json:"callback_delay_ms,omitempty"`
}

func (f Fault) ofCallbacks() bool { return f.DuplicateCallbacks > 0 || f.CallbackDelayMS > 0 }

// Faults are the fault switches of one mock system.
type Faults struct {
	mu     sync.Mutex
	random *rand.Rand
	active []*armed
	struck int
}

type armed struct {
	Fault
	struck int
	since  time.Time
}

// over says whether it can strike no more.
func (a *armed) over() bool {
	return a.Times > 0 && a.struck >= a.Times || a.ForMS > 0 && time.Since(a.since) >= ms(a.ForMS)
}

// NewFaults returns switches that are all off. Faults with a rate strike in the
// order that seed gives.
func NewFaults(seed int64) *Faults {
	return &Faults{random: rand.New(rand.NewPCG(uint64(seed), 0x6661756c74))}
}

// Set replaces all faults.
func (f *Faults) Set(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = f.active[:0:0]
	for _, one := range faults {
		f.active = append(f.active, &armed{Fault: one, since: time.Now()})
	}
}

// Clear removes all faults.
func (f *Faults) Clear() { f.Set() }

// Active returns the faults that may still strike.
func (f *Faults) Active() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []Fault{}
	for _, a := range f.active {
		if !a.over() {
			out = append(out, a.Fault)
		}
	}
	return out
}

// Struck is how often faults have struck in all.
func (f *Faults) Struck() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck
}

// Callback says what goes wrong with a call that the system is about to make
// to the hub: how much later, and how many times too often.
func (f *Faults) Callback(operation string) (delay time.Duration, duplicates int) {
	hit := f.strike(operation, true)
	return ms(hit.CallbackDelayMS), hit.DuplicateCallbacks
}

// strike merges the faults that strike one call now.
func (f *Faults) strike(operation string, callbacks bool) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hit Fault
	for _, a := range f.active {
		if a.ofCallbacks() != callbacks ||
			a.Operation != "" && a.Operation != operation ||
			a.over() ||
			a.Rate > 0 && f.random.Float64() >= a.Rate {
			continue
		}
		a.struck++
		f.struck++
		hit.LatencyMS += a.LatencyMS
		hit.HangBeforeMS += a.HangBeforeMS
		hit.HangAfterMS += a.HangAfterMS
		hit.CallbackDelayMS += a.CallbackDelayMS
		hit.DuplicateCallbacks += a.DuplicateCallbacks
		if hit.Status == 0 && hit.SOAPFault == "" {
			hit.Status, hit.RetryAfterS, hit.SOAPFault, hit.After = a.Status, a.RetryAfterS, a.SOAPFault, a.After
		}
		hit.Reset = hit.Reset || a.Reset
		hit.Truncate = hit.Truncate || a.Truncate
		hit.Malformed = hit.Malformed || a.Malformed
		if hit.Garbage == "" {
			hit.Garbage = a.Garbage
		}
	}
	return hit
}

// Wrap puts the switches before next; operation names the operation that a
// request asks for and may read its body.
func (f *Faults) Wrap(operation func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, "request cannot be read", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		hit := f.strike(operation(r), false)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if hit == (Fault{}) {
			next.ServeHTTP(w, r)
			return
		}
		hit.serve(w, r, next)
	})
}

// serve carries out one call under the fault. A real system does not notice
// that its caller has gone, so nothing here ends with the request's context.
func (f Fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	time.Sleep(ms(f.LatencyMS) + ms(f.HangBeforeMS))
	if f.HangBeforeMS > 0 && f.Reset {
		reset(w)
		return
	}
	refused := f.Status != 0 || f.SOAPFault != ""
	if refused && !f.After {
		f.refuse(w)
		return
	}
	good := &answer{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(good, r.WithContext(context.WithoutCancel(r.Context())))
	time.Sleep(ms(f.HangAfterMS))
	switch {
	case f.Reset:
		reset(w)
	case refused:
		f.refuse(w)
	case f.Truncate:
		good.send(w, good.body.Len()/2, true)
	case f.Garbage != "":
		spoil(w, f.Garbage)
	case f.Malformed:
		good.send(w, good.body.Len()/2, false)
	default:
		good.send(w, good.body.Len(), false)
	}
}

const soapFault = `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode>soap:%s</faultcode><faultstring>fault switched on</faultstring></soap:Fault></soap:Body></soap:Envelope>`

// refuse writes the status or the SOAP fault.
func (f Fault) refuse(w http.ResponseWriter) {
	if f.RetryAfterS > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfterS))
	}
	if f.SOAPFault != "" {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, soapFault, f.SOAPFault)
		return
	}
	http.Error(w, "fault switched on", f.Status)
}

// An answer holds back what a system answers, so that it can be spoiled.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// send writes the first n bytes of the body. Truncated means that more was
// announced: the connection ends in the middle.
func (a *answer) send(w http.ResponseWriter, n int, truncated bool) {
	for k, v := range a.header {
		w.Header()[k] = slices.Clone(v)
	}
	length := n
	if truncated {
		length = max(a.body.Len(), n+1)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.status)
	w.Write(a.body.Bytes()[:n]) //nolint:errcheck // the caller may have gone
	if truncated {
		if err := http.NewResponseController(w).Flush(); err == nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// reset drops the connection with a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		t.SetLinger(0) //nolint:errcheck // then it is closed in the usual way
	}
	raw.Close()
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }
