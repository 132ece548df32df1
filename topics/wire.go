package topics

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/kafka-go"

	"kandashub/observability"
)

// A Record is one record of a topic, as read.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time // the broker's timestamp
	Key       []byte
	Value     []byte
	Headers   []kafka.Header
}

// header returns the last value of a header, and whether it is there.
func (r *Record) header(key string) (string, bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Key == key {
			return string(r.Headers[i].Value), true
		}
	}
	return "", false
}

// size is what a record weighs in memory, roughly.
func (r *Record) size() int64 {
	n := len(r.Key) + len(r.Value) + 128
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 48
	}
	return int64(n)
}

// Distrust says why a record is no message that the hub can act on. Such a
// record holds nothing and never touches a claim: what it says of itself may be
// anybody's.
type Distrust struct {
	Code string // not_cloudevent, no_id, not_json, subject, key_subject, wrong_source, conflict
	Err  error
}

func (d *Distrust) Error() string { return d.Code + ": " + d.Err.Error() }

// Unwrap returns the cause.
func (d *Distrust) Unwrap() error { return d.Err }

func distrust(code, format string, args ...any) *Distrust {
	return &Distrust{Code: code, Err: fmt.Errorf(format, args...)}
}

// Headers returns the CloudEvents headers of m in Kafka's binary mode.
func (m Message) Headers() []kafka.Header {
	h := make([]kafka.Header, 0, 10)
	values := make([]byte, 0, 384) // of all headers, in one piece
	add := func(k string, value func([]byte) []byte) {
		from := len(values)
		if values = value(values); len(values) > from {
			h = append(h, kafka.Header{Key: k, Value: values[from:len(values):len(values)]})
		}
	}
	text := func(v string) func([]byte) []byte { return func(b []byte) []byte { return append(b, v...) } }
	at := func(t time.Time) func([]byte) []byte {
		return func(b []byte) []byte { return t.UTC().AppendFormat(b, time.RFC3339Nano) }
	}
	add("ce_specversion", text("1.0"))
	add("ce_id", text(m.ID))
	add("ce_type", text(m.Type))
	add("ce_source", text(m.Source))
	add("ce_subject", text(m.Subject))
	add("ce_time", at(m.Time))
	if !m.RootTime.IsZero() {
		add("ce_roottime", at(m.RootTime))
	}
	add("traceparent", func(b []byte) []byte { b, _ = m.Trace.AppendText(b); return b })
	add("content-type", text("application/json"))
	return h
}

// Parse reads r as a CloudEvent in binary mode. Its error is a *Distrust.
func Parse(r *Record) (Message, error) {
	m, err := parseHead(r)
	if err == nil && !isJSON(r.Value) {
		err = errNotJSON()
	}
	return m, err
}

func isJSON(data []byte) bool {
	return jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func errNotJSON() error { return distrust("not_json", "the value is not JSON") }

// parseHead is Parse without a look at the payload.
func parseHead(r *Record) (Message, error) {
	m := Message{Data: r.Value}
	var version, at, root string
	for _, h := range r.Headers {
		switch h.Key {
		case "ce_specversion":
			version = string(h.Value)
		case "ce_id":
			m.ID = string(h.Value)
		case "ce_type":
			m.Type = string(h.Value)
		case "ce_source":
			m.Source = string(h.Value)
		case "ce_subject":
			m.Subject = string(h.Value)
		case "ce_time":
			at = string(h.Value)
		case "ce_roottime":
			root = string(h.Value)
		case "traceparent":
			m.Trace, _ = observability.ParseTrace(h.Value) // the trace of one that is none begins here
		}
	}
	switch {
	case version != "1.0":
		return m, distrust("not_cloudevent", "header ce_specversion is not 1.0: not a CloudEvent in binary mode")
	case m.ID == "" || len(m.ID) > 200:
		return m, distrust("no_id", "header ce_id is missing or longer than 200 bytes")
	case m.Type == "" || m.Source == "":
		return m, distrust("not_cloudevent", "header ce_type or ce_source is missing")
	case !IsApplicationID(m.Subject):
		return m, distrust("subject", "header ce_subject is no application id: 1 to %d of a-z A-Z 0-9 . _ -", MaxApplicationID)
	case m.Subject != string(r.Key):
		return m, distrust("key_subject", "the record's key is not its ce_subject")
	}
	var err error
	if m.Time, err = ParseTime(at); err != nil {
		return m, distrust("not_cloudevent", "header ce_time is missing or not RFC 3339")
	}
	m.RootTime = m.Time
	if root != "" {
		if m.RootTime, err = ParseTime(root); err != nil {
			return m, distrust("not_cloudevent", "header ce_roottime is not RFC 3339")
		}
	}
	return m, nil
}

// ParseTime reads an RFC 3339 time of an event, in UTC. One that can not be
// written so again, for its year in UTC is none of RFC 3339, is refused: a reply
// carries it on.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if t = t.UTC(); err == nil && (t.Year() < 0 || t.Year() > 9999) {
		err = errors.New("the year is outside of 0 to 9999 in UTC")
	}
	return t, err
}

// IsApplicationID says whether s has the form of an application id.
func IsApplicationID(s string) bool {
	if s == "" || len(s) > MaxApplicationID {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// fingerprint covers what must not differ under one id: type, subject, payload.
func (m Message) fingerprint() string {
	h := sha256.New()
	var buf [256]byte
	b := append(append(strconv.AppendInt(buf[:0], int64(len(m.Type)), 10), ':'), m.Type...)
	h.Write(append(append(strconv.AppendInt(b, int64(len(m.Subject)), 10), ':'), m.Subject...))
	h.Write(m.Data)
	return hex.EncodeToString(h.Sum(buf[:0])[:16])
}

// The kinds of record on parked and dead topics, in the header hub_kind.
const (
	headerKind    = "hub_kind"
	headerOwner   = "hub_owner"   // of what is parked, and of notes: the owner of the partition that wrote it
	headerWritten = "hub_written" // of what is parked, and of letters: when Kafka took it where it was first read
	headerEnd     = "hub_end"     // of a note: where the parked topic ended when its writer took over

	kindParked   = "parked"   // a message that waits
	kindThrough  = "through"  // this key's parked entries up to hub_offset are finished; see note
	kindLetter   = "letter"   // a dead letter
	kindDecision = "decision" // what a person decided of a letter
	kindResolved = "resolved" // a decision has been carried out
	kindRefused  = "refused"  // a decision could not be carried out, and why; for who asked for it
)

// hubHeader says whether a header was added by the hub on a parked or dead
// topic, and must not be there when the message goes on.
func hubHeader(key string) bool { return len(key) > 4 && key[:4] == "hub_" }

// disown drops what a record of a source topic says in the hub's name: its
// place of origin, for one, decides what it is checked against.
func (r *Record) disown() {
	if slices.ContainsFunc(r.Headers, func(h kafka.Header) bool { return hubHeader(h.Key) }) {
		r.Headers = r.original()
	}
}

// original returns a copy of r's headers without what the hub added, so that
// headers never grow on their way through parked and dead topics.
func (r *Record) original() []kafka.Header {
	h := make([]kafka.Header, 0, len(r.Headers)+12)
	for _, x := range r.Headers {
		if !hubHeader(x.Key) {
			h = append(h, x)
		}
	}
	return h
}
