package main

import (
	"bytes"
	"slices"
	"strconv"
	"testing"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// A badRecord is what a test makes of a good message of an application, to be
// written as it is.
type badRecord struct {
	key, value  []byte
	headers     []kafka.Header
	compression kafka.Compression
}

func recordFor(m topics.Message) badRecord {
	return badRecord{key: []byte(m.Subject), value: m.Data, headers: m.Headers()}
}

// without leaves a header out; with puts another value in.
func (r badRecord) without(key string) badRecord {
	r.headers = slices.DeleteFunc(slices.Clone(r.headers), func(h kafka.Header) bool { return h.Key == key })
	return r
}

func (r badRecord) with(key, value string) badRecord {
	r = r.without(key)
	r.headers = append(r.headers, kafka.Header{Key: key, Value: []byte(value)})
	return r
}

// TestBadInputOnATopic writes each kind of bad input, and behind it, in the
// same partition, a good message of another application.
func TestBadInputOnATopic(t *testing.T) {
	w := newWorld(t)
	w.start()
	altered := func(f func(form map[string]any)) func(topics.Message) badRecord {
		return func(m topics.Message) badRecord {
			change(t, f)(&m)
			return recordFor(m)
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(m topics.Message) badRecord
		code  string
		holds bool // a message that can be trusted to be of this application
	}{
		{"not JSON", func(m topics.Message) badRecord { r := recordFor(m); r.value = []byte(`{"application_id":`); return r }, "not_json", false},
		{"empty", func(m topics.Message) badRecord { r := recordFor(m); r.value = nil; return r }, "not_json", false},
		{"no CloudEvent", func(m topics.Message) badRecord { r := recordFor(m); r.headers = nil; return r }, "not_cloudevent", false},
		{"another version of CloudEvents", func(m topics.Message) badRecord { return recordFor(m).with("ce_specversion", "0.3") }, "not_cloudevent", false},
		{"no type", func(m topics.Message) badRecord { return recordFor(m).without("ce_type") }, "not_cloudevent", false},
		{"no time", func(m topics.Message) badRecord { return recordFor(m).without("ce_time") }, "not_cloudevent", false},
		{"no id", func(m topics.Message) badRecord { return recordFor(m).without("ce_id") }, "no_id", false},
		{"subject is no application id", func(m topics.Message) badRecord { return recordFor(m).with("ce_subject", "two words") }, "subject", false},
		{"key is not the subject", func(m topics.Message) badRecord { return recordFor(m).with("ce_subject", m.Subject+"x") }, "key_subject", false},
		{"no key", func(m topics.Message) badRecord { r := recordFor(m); r.key = nil; return r }, "key_subject", false},
		{"subject is not the payload's", altered(func(f map[string]any) { f["application_id"] = "migration-another" }), "subject", false},
		{"wrong source", func(m topics.Message) badRecord { return recordFor(m).with("ce_source", "egov") }, "wrong_source", false},
		{"unknown type", func(m topics.Message) badRecord {
			return recordFor(m).with("ce_type", "kz.migration.application.forgotten.v1")
		}, "unknown_type", true},
		{"schema violated", altered(func(f map[string]any) { delete(f, "applicant") }), "schema", true},
		{"JSON, but no object", func(m topics.Message) badRecord { r := recordFor(m); r.value = []byte(`[]`); return r }, "schema", true},
		{"IIN checksum", altered(func(f map[string]any) { f["applicant"].(map[string]any)["iin"] = "990101200018" }), "iin", true},
		{"consent missing", altered(func(f map[string]any) { delete(f, "consent") }), "consent", true},
		{"too large", func(m topics.Message) badRecord {
			// Compressed it fits, as the broker counts; what comes out does not.
			r := recordFor(m)
			r.value = append(bytes.TrimSuffix(r.value, []byte("}")), append(bytes.Repeat([]byte(" "), 2<<20), '}')...)
			r.compression = kafka.Gzip
			return r
		}, "too_large", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.in(t)
			a := w.quietly(w.application("migration"))
			bad := c.spoil(w.filed(a))
			bad.headers = append(bad.headers, kafka.Header{Key: "note", Value: []byte{0, 0xff, 'x'}})
			w.append("migration.applications", bad.key, bad.value, bad.compression, bad.headers...)
			behind := w.quietly(w.inPartition("migration", topics.PartitionOf(bad.key, w.partitions)))
			w.publish("migration.applications", w.filed(behind))
			w.awaitEffect("kandas", "register", behind.ApplicationID)

			letters := func() (found []*topics.Record) {
				for _, r := range w.recordsOf("register.dead", string(bad.key), "letter") {
					if bytes.Equal(r.Value, bad.value) && headerOf(r, "note") == "\x00\xffx" {
						found = append(found, r)
					}
				}
				return found
			}
			servertest.Eventually(t, "the dead letter is written", func() bool { return len(letters()) > 0 })
			next := w.filed(a)
			w.publish("migration.applications", next)
			if c.holds {
				servertest.Eventually(t, "the next message is parked", func() bool {
					return len(w.recordsOf("register.parked", a.ApplicationID, "parked")) == 1
				})
			} else {
				w.awaitEffect("kandas", "register", a.ApplicationID)
			}
			w.awaitCommittedBy("register")
			if n := len(w.effects("kandas", "register", a.ApplicationID)); n > 0 == c.holds {
				t.Errorf("registered %d times; held: %v", n, c.holds)
			}
			if n := len(letters()); n != 1 {
				t.Errorf("%d dead letters, want 1", n)
			}
			expectLetter(t, w, letters()[0], bad, c.code, c.holds)
		})
	}
	t.Run("same id, other content", func(t *testing.T) {
		w.in(t)
		a := w.quietly(w.application("migration"))
		m := w.filed(a)
		w.publish("migration.applications", m)
		w.awaitEffect("kandas", "register", a.ApplicationID)
		change(t, func(f map[string]any) { f["provider"] = "Басқа басқарма" })(&m)
		w.publish("migration.applications", m)
		servertest.Eventually(t, "the dead letter is written", func() bool { return len(w.recordsOf("register.dead", a.ApplicationID, "letter")) == 1 })
		expectLetter(t, w, w.recordsOf("register.dead", a.ApplicationID, "letter")[0], recordFor(m), "conflict", false)
	})
}

// expectLetter holds a dead letter against what was read: bytes, key and
// headers as they were, then the hub's own that say why.
func expectLetter(t *testing.T, w *world, letter *topics.Record, bad badRecord, code string, holds bool) {
	t.Helper()
	if got := headerOf(letter, "hub_code"); got != code {
		t.Errorf("hub_code is %q, want %q; reason: %s", got, code, headerOf(letter, "hub_reason"))
	}
	class := topics.LetterUntrusted
	if holds {
		class = topics.LetterRejected
	}
	if headerOf(letter, "hub_class") != class || headerOf(letter, "hub_holds") != strconv.FormatBool(holds) ||
		headerOf(letter, "hub_route") != "register" || headerOf(letter, "hub_topic") != "migration.applications" || headerOf(letter, "hub_reason") == "" {
		t.Errorf("headers of the letter: %q", letter.Headers)
	}
	if !bytes.Equal(letter.Key, bad.key) || !bytes.Equal(letter.Value, bad.value) {
		t.Error("key or value of the letter are not the original's")
	}
	if len(letter.Headers) < len(bad.headers) || !slices.EqualFunc(letter.Headers[:len(bad.headers)], bad.headers,
		func(a, b kafka.Header) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }) {
		t.Errorf("the original's headers are not kept:\n%q\n%q", letter.Headers, bad.headers)
	}
	partition, _ := strconv.Atoi(headerOf(letter, "hub_partition"))
	offset, _ := strconv.ParseInt(headerOf(letter, "hub_offset"), 10, 64)
	if !slices.ContainsFunc(w.records("migration.applications"), func(r *topics.Record) bool {
		return r.Partition == partition && r.Offset == offset && bytes.Equal(r.Value, bad.value)
	}) {
		t.Errorf("the letter says that the original lies at %d/%d, which is another record", partition, offset)
	}
}
