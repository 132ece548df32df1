// Package adaptertest is the conformance suite that every adapter passes, once
// for each of its operations. It plays the system: it answers well, and then
// in every way that a system can fail, and looks at what the adapter makes of
// it by the table of design.md 4.6.
//
// An adapter's test is one call of Run:
//
//	adaptertest.Run(t, adaptertest.Subject{
//		New: func(url string) (adaptertest.Call, error) {
//			client, err := adapters.NewClient(adapters.Config{System: "migration", URL: url})
//			if err != nil {
//				return nil, err
//			}
//			a := migration.New(client)
//			return func(ctx context.Context, id string) error {
//				_, err := a.Show(ctx, id, sample)
//				return err
//			}, nil
//		},
//		Good:    func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"shown_at":"…"}`) },
//		IDIn:    func(r *http.Request, _ []byte) string { return r.Header.Get("X-Message-ID") },
//		Effect:  topics.C1,
//		Secrets: []string{"Ыбырай", "18900101…"},
//	})
package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/topics"
)

// A Call makes one fixed sample request of the operation, with the message id.
type Call func(ctx context.Context, id string) error

// Answer, in Subject.Refine, says that the adapter takes the outcome as a
// business answer and returns no error.
const Answer topics.Class = ""

// A Subject is one operation of one adapter.
type Subject struct {
	// New makes the adapter for a system at url, http or https. Its own time
	// limit should be seconds: the suite's deadlines come with the context.
	New func(url string) (Call, error)

	// Good writes the system's good answer to the sample request, headers and
	// all. It may read the request's body.
	Good func(w http.ResponseWriter, r *http.Request)

	// IDIn returns the message id that a request carries, in the form that
	// Call was given. It may be nil for a read-only operation that sends none.
	IDIn func(r *http.Request, body []byte) string

	Effect topics.Effect

	// Secrets are the personal values and credentials in the sample request.
	// No error may repeat one.
	Secrets []string

	// Refine maps a fault's name (see Faults) to the class that this adapter
	// gives it instead of the table's.
	Refine map[string]topics.Class

	// More are faults in the system's own protocol, such as a SOAP fault.
	More []Fault
}

// Run holds the subject against the contract.
func Run(t *testing.T, s Subject) {
	t.Helper()
	if s.IDIn == nil && s.Effect != topics.ReadOnly {
		t.Fatalf("an operation of contract %s must send its id: IDIn is missing", s.Effect)
	}
	faults := append(Faults(), s.More...)
	for name := range s.Refine {
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Name == name }) {
			t.Errorf("Refine names no fault: %q", name)
		}
	}
	t.Run("good answer", s.testGood)
	for _, f := range faults {
		if class, ok := s.Refine[f.Name]; ok {
			f.Class, f.Pause = class, ""
		}
		t.Run(f.Name, func(t *testing.T) { s.testFault(t, f) })
	}
	for _, f := range unreachable() {
		t.Run(f.Name, func(t *testing.T) { s.testUnreachable(t, f) })
	}
	t.Run("deadline", s.testDeadline)
	t.Run("cancel", s.testCancel)
	t.Run("lease", s.testLease)
}

// testGood also covers the forwarded id: each request of two equal calls
// carries it.
func (s Subject) testGood(t *testing.T) {
	sys := newSystem(t, s, s.Good)
	call := s.make(t, sys.URL)
	for range 2 {
		if err := call(t.Context(), messageID); err != nil {
			t.Fatalf("good answer became the error %v", err)
		}
	}
	ids := sys.seen()
	if len(ids) < 2 {
		t.Fatalf("the system saw %d requests of 2 calls", len(ids))
	}
	for _, id := range ids {
		if s.IDIn != nil && id != messageID {
			t.Errorf("a request carries the id %q, want %q", id, messageID)
		}
	}
}

func (s Subject) testFault(t *testing.T, f Fault) {
	sys := newSystem(t, s, func(w http.ResponseWriter, r *http.Request) {
		f.Answer(w, r, func() *httptest.ResponseRecorder {
			good := httptest.NewRecorder()
			s.Good(good, r)
			return good
		})
	})
	err := s.make(t, sys.URL)(t.Context(), messageID)
	s.check(t, err, f)
	if n := len(sys.seen()); n != 1 {
		t.Errorf("the system saw %d requests, want 1: an adapter does not retry", n)
	}
}

func (s Subject) testUnreachable(t *testing.T, f target) {
	err := s.make(t, f.url(t))(t.Context(), messageID)
	s.check(t, err, f.Fault)
}

// testDeadline holds the answer until the call has given up. On a busy machine a
// short deadline may pass before anything is sent; then a longer one is tried.
func (s Subject) testDeadline(t *testing.T) {
	over := make(chan struct{})
	sys := newSystem(t, s, func(http.ResponseWriter, *http.Request) { <-over })
	defer close(over)
	call := s.make(t, sys.URL)
	for within := 100 * time.Millisecond; ; within *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		err := call(ctx, messageID)
		cancel()
		if len(sys.seen()) > 0 || within > 10*time.Second {
			s.check(t, err, Fault{Name: "deadline", Class: topics.Uncertain})
			return
		}
	}
}

// testCancel wants the cause kept, so that nobody counts it as a failure.
func (s Subject) testCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	sys := newSystem(t, s, func(http.ResponseWriter, *http.Request) { cancel(); <-over })
	defer close(over)
	err := s.make(t, sys.URL)(ctx, messageID)
	s.check(t, err, Fault{Name: "cancel", Class: topics.Uncertain})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v does not wrap context.Canceled", err)
	}
}

// testLease wants nothing sent after the lease: neither when it was over
// before, nor when it ends between the connection and the first byte.
func (s Subject) testLease(t *testing.T) {
	sys := newSystem(t, s, s.Good)
	call := s.make(t, sys.URL)
	past := adapters.WithLease(t.Context(), time.Now().Add(-time.Second))
	s.check(t, call(past, messageID), Fault{Name: "lease over", Class: topics.Unavailable})

	until := time.Now().Add(50 * time.Millisecond)
	asleep := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { <-time.After(time.Until(until)) },
	})
	s.check(t, call(adapters.WithLease(asleep, until), messageID), Fault{Name: "lease ends", Class: topics.Unavailable})
	if n := len(sys.seen()); n != 0 {
		t.Errorf("%d requests were sent after the lease", n)
	}
}

func (s Subject) check(t *testing.T, err error, f Fault) {
	t.Helper()
	for _, problem := range problems(err, f, s.Secrets) {
		t.Error(problem)
	}
}

// problems says in what err is not the outcome that f asks for.
func problems(err error, f Fault, secrets []string) (out []string) {
	if f.Class == Answer {
		if err != nil {
			out = append(out, fmt.Sprintf("an answer is expected, got the error %v", err))
		}
		return out
	}
	var got *topics.Failure
	if !errors.As(err, &got) {
		return []string{fmt.Sprintf("error is %T (%v), want a *topics.Failure of class %s", err, err, f.Class)}
	}
	if got.Class != f.Class {
		out = append(out, fmt.Sprintf("class is %s (%v), want %s", got.Class, err, f.Class))
	}
	if got.Code == "" {
		out = append(out, "failure has no code")
	}
	if got.Pause != f.Pause {
		out = append(out, fmt.Sprintf("failure pauses the route for %q, want %q", got.Pause, f.Pause))
	}
	if got.RetryAfter != f.RetryAfter {
		out = append(out, fmt.Sprintf("failure waits %s, want %s", got.RetryAfter, f.RetryAfter))
	}
	for i, secret := range secrets {
		if strings.Contains(err.Error(), secret) || strings.Contains(got.Code, secret) {
			out = append(out, fmt.Sprintf("error repeats secret number %d of the subject", i)) // and so not here
		}
	}
	return out
}

// messageID looks like the ids that go through SHEP, which also fit elsewhere.
const messageID = "egov-conformance-1.0123456789abcdef"

func (s Subject) make(t *testing.T, url string) Call {
	t.Helper()
	call, err := s.New(url)
	if err != nil {
		t.Fatalf("make the adapter: %v", err)
	}
	return func(ctx context.Context, id string) error {
		// A call that never ends fails its test instead of hanging it.
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		return call(ctx, id)
	}
}

// A system plays the other side and remembers the ids that it was sent.
type system struct {
	URL string

	mu  sync.Mutex
	ids []string
}

func newSystem(t *testing.T, s Subject, answer http.HandlerFunc) *system {
	sys := &system{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("request cannot be read: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		id := ""
		if s.IDIn != nil {
			id = s.IDIn(r, body)
		}
		sys.mu.Lock()
		sys.ids = append(sys.ids, id)
		sys.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	sys.URL = srv.URL
	return sys
}

func (s *system) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ids)
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}
