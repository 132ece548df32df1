package traces_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"kandashub/mocks/traces"
)

var began = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// step is a span of a trace: after and took are in milliseconds.
func step(trace, id, parent byte, name string, after, took int, failure string) *tracepb.Span {
	s := &tracepb.Span{
		TraceId: bytes.Repeat([]byte{trace}, 16), SpanId: bytes.Repeat([]byte{id}, 8), Name: name,
		StartTimeUnixNano: uint64(began.Add(time.Duration(after) * time.Millisecond).UnixNano()),
		EndTimeUnixNano:   uint64(began.Add(time.Duration(after+took) * time.Millisecond).UnixNano()),
		Attributes: []*commonpb.KeyValue{
			text("hub.application", fmt.Sprintf("egov-2026-%d", trace)), text("messaging.destination.name", "egov.applications"),
		},
	}
	if parent != 0 {
		s.ParentSpanId = bytes.Repeat([]byte{parent}, 8)
	}
	if failure != "" {
		s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
		s.Attributes = append(s.Attributes, text("error.type", failure))
	}
	return s
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func send(t *testing.T, r http.Handler, zipped bool, spans ...*tracepb.Span) {
	t.Helper()
	data, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}}}}})
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	encoding := ""
	if zipped {
		encoding = "gzip"
		zip := gzip.NewWriter(&body)
		zip.Write(data) //nolint:errcheck // into memory
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
	} else {
		body.Write(data)
	}
	if code, said := post(r, encoding, &body); code != http.StatusOK {
		t.Fatalf("%d %s", code, said)
	}
}

func post(r http.Handler, encoding string, body *bytes.Buffer) (int, string) {
	req := httptest.NewRequest(http.MethodPost, "/v1/traces", body)
	req.Header.Set("Content-Encoding", encoding)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func page(r http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// inOrder says whether text has all the parts, one behind the other.
func inOrder(text string, parts ...string) error {
	rest := text
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			return fmt.Errorf("no %q there in\n%s", p, text)
		}
		rest = after
	}
	return nil
}

func trace(n byte) string { return strings.Repeat(fmt.Sprintf("%02x", n), 16) }

// A trace that comes in pieces, out of order and partly twice is shown as one, by
// what follows from what.
func TestTrace(t *testing.T) {
	r := traces.New()
	send(t, r, true, step(1, 3, 2, "kandas register", 20, 30, "http_503"), step(1, 2, 1, "process egov.applications", 10, 50, ""))
	send(t, r, false, step(1, 1, 0, "receive egov.applications", 0, 5, ""), step(1, 2, 1, "process egov.applications", 10, 50, ""))
	send(t, r, true, step(2, 1, 9, "process egov.applications", 100, 1, "")) // what it follows from was not kept
	code, got := page(r, "/"+trace(1))
	if code != http.StatusOK {
		t.Fatalf("%d", code)
	}
	if err := inOrder(got, "egov-2026-1", "took 60 ms", "in 3 steps", "1 failed",
		`class="d0"`, "receive egov.applications", `class="d1"`, "process egov.applications", `class="d2"`, "kandas register", "http_503", "20 ms", "30 ms"); err != nil {
		t.Error(err)
	}
	if _, got := page(r, "/"+trace(2)); !strings.Contains(got, "process egov.applications") {
		t.Errorf("a span whose parent is not there is not shown:\n%s", got)
	}
	_, got = page(r, "/")
	if err := inOrder(got, "2 are kept", "egov-2026-2", trace(2), "egov-2026-1", "receive egov.applications", "1 failed", trace(1)); err != nil {
		t.Error(err)
	}
	if _, got := page(r, "/?application=egov-2026-2"); !strings.Contains(got, trace(2)) || strings.Contains(got, trace(1)) {
		t.Errorf("another application's trace is found:\n%s", got)
	}
	if code, _ := page(r, "/"+trace(9)); code != http.StatusNotFound {
		t.Errorf("a trace that is not there: %d", code)
	}
}

// Spans that follow from each other in a ring, and from themselves, end the page.
func TestRing(t *testing.T) {
	r := traces.New()
	send(t, r, true, step(1, 1, 2, "alpha", 0, 1, ""), step(1, 2, 1, "beta", 1, 1, ""), step(1, 3, 3, "gamma", 2, -5, ""))
	_, got := page(r, "/"+trace(1))
	for _, name := range []string{"alpha", "beta", "gamma"} {
		if strings.Count(got, name) != 1 {
			t.Errorf("%q is not shown once:\n%s", name, got)
		}
	}
}

// What is kept is bounded, and a page shows what a span says as text.
func TestBounds(t *testing.T) {
	r := traces.New()
	var spans []*tracepb.Span
	for n := range 2001 {
		s := step(1, 1, 0, "<script>alert(1)</script>", 0, 1, "")
		s.TraceId[0], s.TraceId[1] = byte(n>>8), byte(n)
		spans = append(spans, s)
	}
	send(t, r, true, spans...)
	_, got := page(r, "/")
	if !strings.Contains(got, "2000 are kept") || strings.Contains(got, "<script>") {
		t.Errorf("the list says\n%.2000s", got)
	}
	if code, _ := page(r, "/0000"+trace(1)[4:]); code != http.StatusNotFound {
		t.Errorf("the oldest of too many is there: %d", code)
	}
	spans = nil
	for n := range 502 {
		s := step(7, 1, 0, "step", n, 1, "")
		s.SpanId[0], s.SpanId[1] = byte(n>>8), byte(n)
		spans = append(spans, s)
	}
	send(t, r, true, spans...)
	if _, got := page(r, "/"+trace(7)); !strings.Contains(got, "in 502 steps") || !strings.Contains(got, "2 of them were too many") {
		t.Errorf("a trace with too many spans says\n%.3000s", got)
	}
}

// Rubbish is refused, and says why.
func TestRubbish(t *testing.T) {
	r := traces.New()
	for _, tc := range []struct{ encoding, body, want string }{
		{"gzip", "no gzip", "not compressed"},
		{"", "\xff\xff", "no spans"},
		{"", strings.Repeat("x", 9<<20), "cannot be read"},
	} {
		if code, said := post(r, tc.encoding, bytes.NewBufferString(tc.body)); code != http.StatusBadRequest || !strings.Contains(said, tc.want) {
			t.Errorf("%.10q: %d %s, want %q", tc.body, code, said, tc.want)
		}
	}
	send(t, r, true, &tracepb.Span{Name: "without ids"})
	if _, got := page(r, "/"); !strings.Contains(got, "No trace yet") {
		t.Errorf("a span without ids is kept:\n%s", got)
	}
}
