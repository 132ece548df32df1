package observability

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"kandashub/observability/spantest"
)

// traced lets a Tracer that keeps one trace in oneIn do some work, and returns
// the spans that a receiver was sent until the Tracer was closed.
func traced(t *testing.T, oneIn int, work func(*Tracer)) []*tracepb.Span {
	t.Helper()
	receiver := spantest.Receive(t)
	tracer, err := NewTracer(TracerConfig{URL: receiver.URL, OneIn: oneIn, Instance: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	work(tracer)
	if err := tracer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	spans := receiver.Spans()
	slices.SortFunc(spans, func(a, b *tracepb.Span) int { return strings.Compare(a.GetName(), b.GetName()) })
	return spans
}

// attempt is one attempt at a message that came with a trace, and its reply.
func attempt(tracer *Tracer, parent Trace, failure string) (reply Trace) {
	w := tracer.Begin("process", "kandas.events", "verify")
	w.Follow(parent)
	w.About("egov-1")
	w.Start(StepClaim, "claim", "")
	w.Stop("")
	w.Start(StepCall, "eds", "verify")
	w.Stop(failure)
	reply = w.Next(parent)
	w.Send("egov.notifications", reply)
	w.Stop("")
	if failure != "" {
		w.Fail(failure)
	}
	w.End("finished")
	return reply
}

func TestWorkBecomesSpans(t *testing.T) {
	parent := NewTrace()
	var reply Trace
	spans := traced(t, 1, func(tracer *Tracer) { reply = attempt(tracer, parent, "") })
	var names []string
	for _, s := range spans {
		names = append(names, s.GetName())
		if string(s.GetTraceId()) != string(parent.id[:]) {
			t.Errorf("%s is of another trace", s.GetName())
		}
		if s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() || s.GetStartTimeUnixNano() == 0 {
			t.Errorf("%s begins at %d and ends at %d", s.GetName(), s.GetStartTimeUnixNano(), s.GetEndTimeUnixNano())
		}
	}
	if want := []string{"claim", "eds verify", "process kandas.events", "send egov.notifications"}; !slices.Equal(names, want) {
		t.Fatalf("spans %q, want %q", names, want)
	}
	whole := spans[2]
	if string(whole.GetParentSpanId()) != string(parent.span[:]) {
		t.Error("the attempt does not follow from the message's span")
	}
	for _, s := range []*tracepb.Span{spans[0], spans[1], spans[3]} {
		if string(s.GetParentSpanId()) != string(whole.GetSpanId()) {
			t.Errorf("%s is no child of the attempt", s.GetName())
		}
	}
	if string(spans[3].GetSpanId()) != string(reply.span[:]) {
		t.Error("the reply's traceparent does not name the span that sent it")
	}
}

// TestWhatFailedIsKept makes attempts in traces that are not kept: of those that
// failed there are spans all the same.
func TestWhatFailedIsKept(t *testing.T) {
	const never = 1 << 62
	spans := traced(t, never, func(tracer *Tracer) {
		parent := tracer.Mark(NewTrace())
		if parent.sampled {
			t.Fatal("one of 2^62 traces is kept")
		}
		attempt(tracer, parent, "")
		if w := tracer.Begin("process", "t", "r"); w.Exemplar() != "" {
			t.Error("a trace that is not kept is an exemplar")
		}
		attempt(tracer, parent, "http_503")
	})
	if len(spans) != 4 {
		t.Fatalf("%d spans, want the 4 of the attempt that failed", len(spans))
	}
	for _, name := range []string{"eds verify", "process kandas.events"} {
		i := slices.IndexFunc(spans, func(s *tracepb.Span) bool { return s.GetName() == name })
		if s := spans[i].GetStatus(); s.GetCode() != tracepb.Status_STATUS_CODE_ERROR || s.GetMessage() != "http_503" {
			t.Errorf("the status of %s is %s", name, s)
		}
	}
}

// TestSampleFollowsFromTheTraceID lets two hubs choose.
func TestSampleFollowsFromTheTraceID(t *testing.T) {
	first, second := &Tracer{oneIn: 100}, &Tracer{oneIn: 100}
	kept := 0
	for range 20_000 {
		trace := NewTrace()
		if first.keeps(trace) != second.keeps(trace.Child()) {
			t.Fatal("two hubs disagree")
		}
		if first.keeps(trace) {
			kept++
		}
	}
	if kept < 100 || kept > 300 { // 200 is meant, 7 standard deviations are allowed
		t.Errorf("%d of 20,000 traces are kept, with one in 100", kept)
	}
}

// TestTracingOff holds what a message costs where no receiver is set.
func TestTracingOff(t *testing.T) {
	tracer, err := NewTracer(TracerConfig{})
	if tracer != nil || err != nil {
		t.Fatalf("without a URL there is a tracer %v, error %v", tracer, err)
	}
	parent := NewTrace()
	if parent != tracer.Mark(parent) || tracer.Begin("process", "t", "r").Next(parent) != parent {
		t.Error("a trace context is changed")
	}
	n := testing.AllocsPerRun(100, func() {
		w := tracer.Begin("process", "kandas.events", "verify")
		w.Follow(parent)
		w.About("egov-1")
		w.Start(StepCall, "eds", "verify")
		w.Stop("")
		w.Send("egov.notifications", parent)
		w.Stop("")
		w.End("finished")
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReceiverThatFails closes a tracer whose receiver refuses: that is logged,
// and nothing else.
func TestReceiverThatFails(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	var log strings.Builder
	tracer, err := NewTracer(TracerConfig{URL: server.URL, OneIn: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	attempt(tracer, NewTrace(), "")
	_ = tracer.Close(t.Context())
	if !strings.Contains(log.String(), "404") {
		t.Errorf("the log says %q, and nothing of the receiver's answer", log.String())
	}
	for _, bad := range []string{"collector:4318", "ftp://collector", "http://"} {
		if _, err := NewTracer(TracerConfig{URL: bad}); err == nil {
			t.Errorf("%s is taken for a receiver's URL", bad)
		}
	}
}

// BenchmarkWork is what tracing one attempt costs, of a trace that is not kept and
// of one that is; to send the spans is not in it.
func BenchmarkWork(b *testing.B) {
	for name, oneIn := range map[string]int{"not kept": 1 << 62, "kept": 1} {
		b.Run(name, func(b *testing.B) {
			tracer, err := NewTracer(TracerConfig{URL: "http://127.0.0.1:1", OneIn: oneIn, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer tracer.Close(b.Context()) //nolint:errcheck // nobody takes what waits
			parent := NewTrace()
			b.ReportAllocs()
			for b.Loop() {
				attempt(tracer, parent, "")
			}
		})
	}
}
