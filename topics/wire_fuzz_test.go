package topics

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/segmentio/kafka-go"
)

// headersOf reads lines "name: value" as headers, in order and with doubles.
func headersOf(text string) []kafka.Header {
	var h []kafka.Header
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		h = append(h, kafka.Header{Key: name, Value: []byte(value)})
	}
	return h
}

// textOf is the reverse.
func textOf(headers []kafka.Header) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h.Key + ": " + string(h.Value) + "\n")
	}
	return b.String()
}

func addRecords(f *testing.F) {
	m := sample()
	f.Add(m.Subject, textOf(m.Headers()), []byte(m.Data))
	f.Add(m.Subject, strings.Replace(textOf(m.Headers()), "ce_time: 2026", "ce_id: twice\nce_time: 0000", 1), []byte(`[1e9]`))
	f.Add("", "hub_kind: parked\nhub_topic: other\nhub_partition: -7\nhub_offset: 99999999999999999999\n: \nx: \xff", []byte{0})
	f.Add(m.Subject, textOf(m.Headers())+"ce_roottime: 9999-12-31T23:59:59.999999999-23:59\ntraceparent: \x00", []byte(`"\ud800"`))
}

// What Parse trusts goes out again as the same message, with the same
// fingerprint: else a repeat of it would be another one.
func FuzzParse(f *testing.F) {
	addRecords(f)
	f.Fuzz(func(t *testing.T, key, headers string, value []byte) {
		r := &Record{Key: []byte(key), Value: value, Headers: headersOf(headers)}
		m, err := Parse(r)
		if err != nil {
			var d *Distrust
			if !errors.As(err, &d) || !slices.Contains(LetterCodes(), d.Code) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if m.Subject != key || m.ID == "" || len(m.ID) > 200 || m.Type == "" || m.Source == "" || !IsApplicationID(m.Subject) {
			t.Fatalf("trusted %+v", m)
		}
		again, err := Parse(&Record{Key: r.Key, Value: m.Data, Headers: m.Headers()})
		if err != nil {
			t.Fatalf("what was trusted is not trusted again: %v", err)
		}
		if d := cmp.Diff(m, again, cmpopts.EquateApproxTime(0), sameTrace); d != "" || m.fingerprint() != again.fingerprint() {
			t.Fatalf("another message: %s", d)
		}
	})
}

// readBack is a record as it comes back from a topic.
func readBack(t *testing.T, topic string, offset int64, r kafka.Record) *Record {
	t.Helper()
	rewind([]kafka.Record{r})
	key, err1 := kafka.ReadAll(r.Key)
	value, err2 := kafka.ReadAll(r.Value)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return &Record{Topic: topic, Partition: 3, Offset: offset, Key: key, Value: value, Headers: r.Headers}
}

// Whatever came in lies on a parked and a dead topic with its own bytes, key and
// headers, however often it goes through them, and what the hub adds is bounded
// and says where it was read first.
func FuzzLetter(f *testing.F) {
	addRecords(f)
	f.Fuzz(func(t *testing.T, key, headers string, value []byte) {
		if len(headers)+len(value) > 4096 {
			t.Skip("longer, not other")
		}
		first := &Record{Topic: "source", Partition: 3, Offset: 42, Key: []byte(key), Value: value, Headers: headersOf(headers)}
		first.disown()
		want := slices.Clone(first.Headers)
		r := first
		for turn := range int64(3) {
			parked := readBack(t, "r.parked", turn, parkedRecord(r))
			l := letter{id: newLetterID(LetterRejected, "schema"), class: LetterRejected, code: "schema", reason: headers + key, holds: true, record: parked}
			r = readBack(t, "r.dead", turn, l.encode("r", time.Unix(turn, 0)))
			for _, x := range []*Record{parked, r} {
				carries(t, first, want, x)
			}
		}
	})
}

// carries says whether x carries the record that was read first.
func carries(t *testing.T, first *Record, headers []kafka.Header, x *Record) {
	t.Helper()
	if !bytes.Equal(x.Key, first.Key) || !bytes.Equal(x.Value, first.Value) || !cmp.Equal(headers, x.original(), cmpopts.EquateEmpty()) {
		t.Fatalf("%s holds other bytes: %v, want %v", x.Topic, x, first)
	}
	if topic, p, o := x.origin(); topic != "source" || p != 3 || o != 42 {
		t.Fatalf("%s says it was read from %s/%d at %d", x.Topic, topic, p, o)
	}
	n, added := 0, 0
	for _, h := range x.Headers {
		if !hubHeader(h.Key) {
			continue
		}
		n++
		added += len(h.Key) + len(h.Value)
		if !utf8.Valid(h.Value) {
			t.Fatalf("header %s is not UTF-8", h.Key)
		}
	}
	if n > 12 || added > maxReason+700 || len(x.Headers) != len(headers)+n {
		t.Fatalf("%d headers of %d bytes were added to %d", n, added, len(headers))
	}
}
