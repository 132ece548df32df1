package control_test

import (
	"testing"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/control"
)

// What a sender may put into headers and keys shows only where its form is known.
func TestHeadersShowNoPersonalData(t *testing.T) {
	const uuid = "0f0e0d0c-0b0a-4f0e-8d0c-123456789012"
	headers := [][2]string{
		{"ce_id", uuid}, {"ce_type", "kz.test.v1"}, {"ce_name", "Secretova"}, {"traceparent", "Secretova"}, {"content-type", "application/json"},
		{"content-type", "Secretova"}, {"x-990101200017", "1"}, {"hub_reason", "990101200017 is known"}, {"hub_letter", "rejected.http_422.1"},
	}
	l := topics.Letter{Record: &topics.Record{Key: []byte("Secretova")}}
	for _, h := range headers {
		l.Record.Headers = append(l.Record.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
	}
	shows := func(holds bool, application string, values ...string) {
		t.Helper()
		l.Holds = holds
		if got := l.Application(); got != application {
			t.Errorf("holds %t: the application shows as %q", holds, got)
		}
		for i, h := range control.Headers(l) {
			if h.Value != values[i] {
				t.Errorf("holds %t: %s shows as %q, want %q", holds, h.Name, h.Value, values[i])
			}
			if h.Name == "x-990101200017" {
				t.Errorf("the name %s shows", h.Name)
			}
		}
	}
	shows(false, "[key]", "[36 bytes]", "[10 bytes]", "[9 bytes]", "[9 bytes]", "[16 bytes]", "[9 bytes]", "[1 bytes]", "[iin] is known", "rejected.http_422.1")
	l.Record.Key = []byte("egov-990101200017")
	shows(true, "egov-[iin]", uuid, "kz.test.v1", "[9 bytes]", "[9 bytes]", "application/json", "[9 bytes]", "[1 bytes]", "[iin] is known", "rejected.http_422.1")

	// The type and the source of what was refused for them may be a name, too.
	for code, hidden := range map[string]bool{"unknown_type": true, "wrong_source": true, "too_large": true, "panic": true, "http_422": false, "schema": false} {
		l := topics.Letter{Holds: true, Code: code, Record: &topics.Record{Key: []byte("egov-1"), Headers: []kafka.Header{
			{Key: "ce_type", Value: []byte("Secretova")}, {Key: "ce_source", Value: []byte("Secretova")}, {Key: "ce_subject", Value: []byte("egov-1")}}}}
		for i, h := range control.Headers(l) {
			if shown := h.Value != "[9 bytes]"; i < 2 && shown == hidden || i == 2 && h.Value != "egov-1" {
				t.Errorf("%s: %s shows as %q", code, h.Name, h.Value)
			}
		}
	}
}
