// Package traces is a receiver of traces for those who try the hub: it takes spans
// by OTLP/HTTP, keeps the youngest traces in memory and shows them as pages, where
// one otherwise has Jaeger or Tempo.
//
//	POST /v1/traces   spans, in Protobuf, compressed or not
//	GET  /            the traces, youngest first
//	GET  /<trace id>  one trace: what came when, and what follows from what
//
// A [Receiver] is a handler. What it keeps is bounded: the oldest trace goes
// first, and of a trace with more spans than it keeps the page says so.
package traces

import (
	"cmp"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	maxTraces = 2000
	maxSpans  = 500     // of one trace
	maxBody   = 8 << 20 // bytes, of one request, before and after compression
)

// A Receiver takes spans and shows their traces.
type Receiver struct {
	mux *http.ServeMux

	mu     sync.Mutex
	byID   map[string]*trace
	traces []*trace // by when they were first heard of
}

// A trace is what is known of one.
type trace struct {
	id    string
	spans []span
	left  int // how many more there are than are kept
}

// A span is one step of a trace.
type span struct {
	id, parent   string
	name         string
	began, ended time.Time
	failed       bool
	failure      string   // error.type, or what its status says
	application  string   // hub.application
	facts        []string // the other attributes, "name = value"
}

// New returns a receiver that has heard of nothing.
func New() *Receiver {
	r := &Receiver{mux: http.NewServeMux(), byID: map[string]*trace{}}
	r.mux.HandleFunc("POST /v1/traces", r.take)
	r.mux.HandleFunc("GET /{$}", r.list)
	r.mux.HandleFunc("GET /{trace}", r.show)
	return r
}

// ServeHTTP implements [http.Handler].
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// take takes the spans of one request. It answers 200 with an empty body, which is
// an ExportTraceServiceResponse that refuses nothing.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request) {
	sent, err := decode(w, req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.add(s)
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func decode(w http.ResponseWriter, req *http.Request) (*tracepb.TracesData, error) {
	body := io.Reader(http.MaxBytesReader(w, req.Body, maxBody))
	if req.Header.Get("Content-Encoding") == "gzip" {
		zip, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("the body is not compressed as it says: %w", err)
		}
		body = io.LimitReader(zip, maxBody+1)
	}
	data, err := io.ReadAll(body)
	if err == nil && len(data) > maxBody {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("the body cannot be read: %w", err)
	}
	sent := &tracepb.TracesData{} // on the wire as an ExportTraceServiceRequest
	if err := proto.Unmarshal(data, sent); err != nil {
		return nil, fmt.Errorf("the body is no spans in protobuf: %w", err)
	}
	return sent, nil
}

// add keeps a span. One that was sent twice is kept once.
func (r *Receiver) add(s *tracepb.Span) {
	if len(s.GetTraceId()) != 16 || len(s.GetSpanId()) != 8 {
		return // OTLP has them dropped
	}
	id := hex.EncodeToString(s.GetTraceId())
	t := r.byID[id]
	if t == nil {
		t = &trace{id: id}
		r.byID[id] = t
		r.traces = append(r.traces, t)
		if len(r.traces) > maxTraces {
			delete(r.byID, r.traces[0].id)
			r.traces = slices.Delete(r.traces, 0, 1)
		}
	}
	own := spanOf(s)
	switch {
	case slices.ContainsFunc(t.spans, func(o span) bool { return o.id == own.id }):
	case len(t.spans) == maxSpans:
		t.left++
	default:
		t.spans = append(t.spans, own)
	}
}

func spanOf(s *tracepb.Span) span {
	out := span{
		id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()), name: s.GetName(),
		began: at(s.GetStartTimeUnixNano()), ended: at(s.GetEndTimeUnixNano()),
		failed: s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR,
	}
	for _, a := range s.GetAttributes() {
		value := text(a.GetValue())
		switch a.GetKey() {
		case "hub.application":
			out.application = value
		case "error.type":
			out.failure = value
		default:
			out.facts = append(out.facts, a.GetKey()+" = "+value)
		}
	}
	if out.failed {
		out.failure = cmp.Or(out.failure, s.GetStatus().GetMessage(), "failed")
	}
	return out
}

// at is a time of a span. Far ones are those of a clock that is wrong, or rubbish.
func at(nanoseconds uint64) time.Time { return time.Unix(0, int64(nanoseconds)).UTC() }

func text(v *commonpb.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_IntValue:
		return fmt.Sprint(v.IntValue)
	case *commonpb.AnyValue_BoolValue:
		return fmt.Sprint(v.BoolValue)
	case *commonpb.AnyValue_DoubleValue:
		return fmt.Sprint(v.DoubleValue)
	}
	return fmt.Sprint(v)
}

// applications are those that a trace is about: a message can have another one's
// trace, where one decision is about several.
func (t *trace) applications() string {
	var ids []string
	for _, s := range t.spans {
		if s.application != "" && !slices.Contains(ids, s.application) {
			ids = append(ids, s.application)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// bounds are when the first span began and when the last one ended.
func (t *trace) bounds() (from, to time.Time) {
	for i, s := range t.spans {
		if i == 0 || s.began.Before(from) {
			from = s.began
		}
		if i == 0 || s.ended.After(to) {
			to = s.ended
		}
	}
	return from, to
}
