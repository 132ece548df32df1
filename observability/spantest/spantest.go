// Package spantest is a receiver of traces for tests: an OpenTelemetry collector, as
// far as a hub can tell, that keeps every span it is sent.
package spantest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A Receiver takes spans until its test ends. Its methods may be called by many
// goroutines at once.
type Receiver struct {
	URL string // for HUB_OTLP

	mu       sync.Mutex
	spans    []*tracepb.Span
	resource []string // what the processes say of themselves
}

// Receive starts a receiver. What is sent to it in a wrong form fails the test.
func Receive(t testing.TB) *Receiver {
	r := &Receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if err := r.take(req); err != nil {
			t.Errorf("spans: %v", err)
		}
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// take reads what one request carries.
func (r *Receiver) take(req *http.Request) error {
	if req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("sent to %s as %s", req.URL.Path, req.Header.Get("Content-Type"))
	}
	zip, err := gzip.NewReader(req.Body)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(zip)
	var sent tracepb.TracesData
	if err = errors.Join(err, proto.Unmarshal(data, &sent)); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		r.resource = append(r.resource, fmt.Sprint(resource.GetResource()))
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	return nil
}

// Add adds a span, as if it had been sent.
func (r *Receiver) Add(s *tracepb.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, s)
}

// Spans returns all spans so far, in the order in which they came.
func (r *Receiver) Spans() []*tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// Text is all that the spans say, but for their ids.
func (r *Receiver) Text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, resource := range r.resource {
		fmt.Fprintln(&b, resource)
	}
	for _, s := range r.spans {
		fmt.Fprintln(&b, s.GetName(), s.GetStatus().GetMessage(), s.GetTraceState())
		for _, a := range s.GetAttributes() {
			fmt.Fprintln(&b, a.GetKey(), a.GetValue())
		}
		for _, e := range s.GetEvents() {
			fmt.Fprintln(&b, e)
		}
	}
	return b.String()
}

// Attribute returns a span's attribute; empty if it has none of that name.
func Attribute(s *tracepb.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}
