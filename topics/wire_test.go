package topics

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kandashub/observability"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/segmentio/kafka-go"
)

func sample() Message {
	at := time.Date(2026, 11, 20, 9, 30, 0, 123456789, time.UTC)
	trace, _ := observability.ParseTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	return Message{
		ID: "m-1", Type: "kz.migration.application.submitted.v1", Source: "migration", Subject: "migration-2026-000001",
		Time: at, RootTime: at.Add(-time.Hour), Trace: trace,
		Data: []byte(`{"a":1}`),
	}
}

// sameTrace has cmp compare trace contexts.
var sameTrace = cmpopts.EquateComparable(observability.Trace{})

// TestKeptMessage: a claim keeps replies as JSON, which a hub of another version may
// read.
func TestKeptMessage(t *testing.T) {
	const kept = `{"ID":"m-1","Type":"kz.migration.application.submitted.v1","Source":"migration","Subject":"migration-2026-000001",` +
		`"Time":"2026-11-20T09:30:00.123456789Z","RootTime":"2026-11-20T08:30:00.123456789Z",` +
		`"TraceParent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","Data":{"a":1}}`
	untraced := sample()
	untraced.Trace = observability.Trace{}
	for kept, want := range map[string]Message{kept: sample(), strings.Replace(kept, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "", 1): untraced} {
		got, err := json.Marshal(want)
		if err != nil || string(got) != kept {
			t.Errorf("it is kept as %s (%v), want %s", got, err, kept)
		}
		var again Message
		if err := json.Unmarshal([]byte(kept), &again); err != nil || cmp.Diff(want, again, sameTrace) != "" {
			t.Errorf("%s is read as %+v (%v)", kept, again, err)
		}
	}
}

func TestMessageSurvivesTheWire(t *testing.T) {
	m := sample()
	got, err := Parse(&Record{Key: []byte(m.Subject), Value: m.Data, Headers: m.Headers()})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got, sameTrace); d != "" {
		t.Error(d)
	}
}

func TestParseDistrusts(t *testing.T) {
	change := func(header, value string) func(*Record) {
		return func(r *Record) {
			var kept []kafka.Header
			for _, h := range r.Headers {
				if h.Key != header {
					kept = append(kept, h)
				}
			}
			if value != "" {
				kept = append(kept, kafka.Header{Key: header, Value: []byte(value)})
			}
			r.Headers = kept
		}
	}
	for _, tc := range []struct {
		name, code string
		spoil      func(*Record)
	}{
		{"no headers", "not_cloudevent", func(r *Record) { r.Headers = nil }},
		{"other version", "not_cloudevent", change("ce_specversion", "0.3")},
		{"no id", "no_id", change("ce_id", "")},
		{"no type", "not_cloudevent", change("ce_type", "")},
		{"no source", "not_cloudevent", change("ce_source", "")},
		{"no time", "not_cloudevent", change("ce_time", "")},
		{"bad time", "not_cloudevent", change("ce_time", "yesterday")},
		{"bad root time", "not_cloudevent", change("ce_roottime", "yesterday")},
		{"no subject", "subject", change("ce_subject", "")},
		{"subject with a space", "subject", change("ce_subject", "migration 1")},
		{"subject too long", "subject", change("ce_subject", fmt.Sprintf("m-%040d", 1))},
		{"key is not subject", "key_subject", func(r *Record) { r.Key = []byte("other") }},
		{"no key", "key_subject", func(r *Record) { r.Key = nil }},
		{"not JSON", "not_json", func(r *Record) { r.Value = []byte("{") }},
		{"empty value", "not_json", func(r *Record) { r.Value = nil }},
	} {
		m := sample()
		r := &Record{Key: []byte(m.Subject), Value: m.Data, Headers: m.Headers()}
		tc.spoil(r)
		_, err := Parse(r)
		var d *Distrust
		if !errors.As(err, &d) || d.Code != tc.code {
			t.Errorf("%s: got %v, want code %s", tc.name, err, tc.code)
		}
	}
}

func TestFingerprintLeavesTimeOut(t *testing.T) {
	m, later := sample(), sample()
	later.Time = later.Time.Add(time.Hour)
	later.Trace = observability.Trace{}
	if m.fingerprint() != later.fingerprint() {
		t.Error("time or trace is in the fingerprint: a repeated publication would be a conflict")
	}
	for name, change := range map[string]func(*Message){
		"type":    func(m *Message) { m.Type += "x" },
		"subject": func(m *Message) { m.Subject += "x" },
		"payload": func(m *Message) { m.Data = []byte(`{"a":2}`) },
	} {
		other := sample()
		change(&other)
		if m.fingerprint() == other.fingerprint() {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
}

// The hashes are those of Kafka's own tests of its Utils.murmur2.
func TestPartitionOfIsJavas(t *testing.T) {
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	} {
		if got, want := PartitionOf([]byte(key), 97), int(hash&0x7fffffff)%97; got != want {
			t.Errorf("partition of %q is %d, Java's producer says %d", key, got, want)
		}
	}
}

func TestDerivedIDs(t *testing.T) {
	if DeriveID("a", "bc") == DeriveID("ab", "c") {
		t.Error("parts run into each other")
	}
	const always = "b9b6de80-85dc-5e9f-9aba-07f3ca972c59"
	if got := DeriveID("a", "b"); got != always { // other hubs and versions must make the same
		t.Errorf("the id of a, b is %s, and was %s", got, always)
	}
	if got := NoticeID("egov-1", "0123-4567-89ab-cdef-0123"); got != "egov-1.0123456789abcdef" {
		t.Errorf("notice id is %s", got)
	}
}

func TestOriginalDropsOnlyOurHeaders(t *testing.T) {
	m := sample()
	r := &Record{Topic: "t", Partition: 3, Offset: 42, Key: []byte(m.Subject), Value: m.Data, Headers: m.Headers()}
	letter := (&letter{id: "x", class: LetterRejected, code: "schema", reason: "why", holds: true, record: r}).encode("verify", time.Now())
	again := &Record{Topic: "verify.dead", Partition: 3, Offset: 7, Key: r.Key, Value: r.Value, Headers: letter.Headers}
	if d := cmp.Diff(m.Headers(), again.original()); d != "" {
		t.Error(d)
	}
	second := (&letter2{again}).encode()
	if len(second) != len(letter.Headers) {
		t.Errorf("headers grew from %d to %d on the second pass", len(letter.Headers), len(second))
	}
	if topic, p, o := again.origin(); topic != "t" || p != 3 || o != 42 {
		t.Errorf("origin is %s/%d at %d", topic, p, o)
	}
}

// letter2 makes a letter of what is already one.
type letter2 struct{ r *Record }

func (l *letter2) encode() []kafka.Header {
	return (&letter{id: "y", class: LetterRejected, code: "schema", reason: "why", holds: true, record: l.r}).encode("verify", time.Now()).Headers
}
