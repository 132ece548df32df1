package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"kandashub/mocks"
	"kandashub/observability/spantest"
	"kandashub/topics/servertest"
)

// traceOf returns the spans of the trace in which a span of that name is about an
// application.
func traceOf(all []*tracepb.Span, application, name string) (trace []*tracepb.Span) {
	i := slices.IndexFunc(all, func(s *tracepb.Span) bool {
		return s.GetName() == name && spantest.Attribute(s, "hub.application") == application
	})
	if i < 0 {
		return nil
	}
	for _, s := range all {
		if string(s.GetTraceId()) == string(all[i].GetTraceId()) {
			trace = append(trace, s)
		}
	}
	return trace
}

// TestOneTraceThroughAllRoutes follows an application by its spans: from the
// intake to the system that it is filed with, and the request for its IINs
// through all routes that it takes.
func TestOneTraceThroughAllRoutes(t *testing.T) {
	spans := spantest.Receive(t)
	w := newWorld(t, "HUB_OTLP="+spans.URL, "HUB_TRACE_SAMPLE=1")
	stop := w.start()
	f := w.flow("iin-generated")
	w.play(f)
	w.finish(f)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	application := f.Applications[0].ApplicationID
	channel, _, _ := strings.Cut(application, "-")
	for first, want := range map[string][]string{
		"receive " + channel + ".applications": {
			"receive C.applications", "send C.applications", "process C.applications", "claim", "kandas register"},
		"process kandas.iin-requests": {
			"process kandas.iin-requests", "gbdfl find-person", "send migpolice.generations", "process migpolice.generations", "migpolice generate-iin",
			"send gbdfl.lookups", "process gbdfl.lookups", "send iin.results", "process iin.results", "kandas record-iins"},
	} {
		trace := traceOf(spans.Spans(), application, first)
		if len(trace) == 0 {
			t.Errorf("no trace with %q about %s", first, application)
			continue
		}
		names := map[string]bool{}
		for _, s := range trace {
			names[s.GetName()] = true
		}
		for _, name := range want {
			if name = strings.ReplaceAll(name, "C.", channel+"."); !names[name] {
				t.Errorf("the trace that begins with %q has no span %q, but %v", first, name, names)
			}
		}
		checkParents(t, trace)
	}
}

// checkParents holds a whole trace against what follows from what.
func checkParents(t *testing.T, trace []*tracepb.Span) {
	t.Helper()
	byID := map[string]*tracepb.Span{}
	for _, s := range trace {
		if byID[string(s.GetSpanId())] != nil {
			t.Errorf("two spans have the id %s", hex.EncodeToString(s.GetSpanId()))
		}
		byID[string(s.GetSpanId())] = s
	}
	roots := 0
	for _, s := range trace {
		kind, topic, _ := strings.Cut(s.GetName(), " ")
		parent := byID[string(s.GetParentSpanId())]
		switch {
		case len(s.GetParentSpanId()) == 0:
			roots++
			if kind != "receive" && kind != "process" {
				t.Errorf("%q follows from nothing", s.GetName())
			}
		case parent == nil:
			t.Errorf("%q follows from a span that is not there", s.GetName())
		case kind == "process" && parent.GetName() != "send "+topic:
			t.Errorf("%q follows from %q", s.GetName(), parent.GetName())
		case kind != "process" && !strings.HasPrefix(parent.GetName(), "process ") && !strings.HasPrefix(parent.GetName(), "receive "):
			t.Errorf("%q is a part of %q", s.GetName(), parent.GetName())
		}
	}
	if roots != 1 {
		t.Errorf("the trace has %d first spans, want 1", roots)
	}
}

// TestFailedAttemptIsTraced keeps next to no trace, and lets one call fail: that
// attempt is exported, and no other.
func TestFailedAttemptIsTraced(t *testing.T) {
	spans := spantest.Receive(t)
	w := newWorld(t, "HUB_OTLP="+spans.URL, "HUB_TRACE_SAMPLE=2000000000")
	w.systems["kandas"].Faults.Set(mocks.Fault{Operation: "register", Times: 1, Status: http.StatusServiceUnavailable})
	stop := w.start()
	id := w.file()
	w.awaitEffect("kandas", "register", id)
	w.awaitCommitted()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	var failed []*tracepb.Span
	for _, s := range spans.Spans() {
		switch kind, _, _ := strings.Cut(s.GetName(), " "); {
		case kind != "process" && kind != "receive":
		case s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR:
			t.Errorf("%q is exported, and has not failed", s.GetName())
		case spantest.Attribute(s, "hub.application") == id:
			failed = append(failed, s)
		}
	}
	if len(failed) != 1 {
		t.Fatalf("%d attempts at %s are exported, want the one that failed", len(failed), id)
	}
	if code := spantest.Attribute(failed[0], "error.type"); code != "http_503" {
		t.Errorf("its error.type is %q, want http_503", code)
	}
	call := slices.IndexFunc(spans.Spans(), func(s *tracepb.Span) bool {
		return string(s.GetParentSpanId()) == string(failed[0].GetSpanId()) && strings.HasPrefix(s.GetName(), "kandas ")
	})
	if call < 0 {
		t.Error("the call that failed is not a part of it")
	}
}

// TestExemplarsNameKeptTraces looks for the trace of a message on the histograms.
func TestExemplarsNameKeptTraces(t *testing.T) {
	for _, tc := range []struct {
		sample string
		want   bool
	}{{"1", true}, {"2000000000", false}} {
		t.Run("one in "+tc.sample, func(t *testing.T) {
			w := newWorld(t, "HUB_OTLP="+spantest.Receive(t).URL, "HUB_TRACE_SAMPLE="+tc.sample)
			w.start()
			w.awaitEffect("kandas", "register", w.file())
			servertest.Eventually(t, "the message is counted", func() bool {
				return w.metric(`hub_messages_final_total{outcome="delivered",route="register"}`) == "1"
			})
			body := w.openMetrics()
			for _, name := range []string{"hub_end_to_end_latency_seconds", "hub_message_process_duration_seconds", "hub_external_request_duration_seconds"} {
				found := false
				for line := range strings.Lines(body) {
					found = found || strings.HasPrefix(line, name+"_bucket{") && strings.Contains(line, ` # {trace_id="`)
				}
				if found != tc.want {
					t.Errorf("%s has an exemplar: %v, want %v", name, found, tc.want)
				}
			}
		})
	}
}

// openMetrics returns /metrics in the form that holds exemplars.
func (w *world) openMetrics() string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.probes+"/metrics", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}
