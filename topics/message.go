package topics

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"kandashub/observability"
)

// SourceHub is the ce_source of every message that the hub itself writes.
const SourceHub = "hub"

// MaxApplicationID is the longest application id, in bytes.
const MaxApplicationID = 40

// A Message is one CloudEvents 1.0 event as it travels on a topic, in Kafka's
// binary mode: the attributes are record headers, Data is the record's value,
// and the record's key is Subject.
type Message struct {
	ID      string // ce_id; with Source it names the message for ever
	Type    string // ce_type, for example kz.migration.application.submitted.v1
	Source  string // ce_source: the system that wrote it, or SourceHub
	Subject string // ce_subject: the application id, and the record's key

	// Time is ce_time: when the message was made. It is no part of the
	// fingerprint.
	Time time.Time

	// RootTime is ce_roottime: the Time of the first message of this chain.
	// Latency end to end is measured from it. A first message has none on the
	// wire; then it equals Time.
	RootTime time.Time

	// Trace is the W3C trace context, header traceparent; zero if there is none, or
	// one that is not in its form.
	Trace observability.Trace `json:"TraceParent"`

	// Data is the payload, a JSON object. Its schema follows from Type.
	Data json.RawMessage
}

// Decode reads the payload into v. The error names no value of the payload.
func (m Message) Decode(v any) error {
	if err := jsonv2.Unmarshal(m.Data, v); err != nil {
		var se *jsonv2.SemanticError
		if errors.As(err, &se) {
			return fmt.Errorf("payload of %s: %q does not hold a %s", m.Type, se.JSONPointer, se.GoType)
		}
		return fmt.Errorf("payload of %s is not valid JSON", m.Type)
	}
	return nil
}

// A Reply is what a route's rule wants written after an answer. The hub gives
// it an id, the request's subject and trace, and its root time.
type Reply struct {
	Topic string
	Type  string
	Data  any // marshalled as JSON; must hold no time of the hub

	// ID replaces the derived id where two roads must make one message; empty
	// otherwise.
	ID string
}

// namespace is the UUID namespace of every id that the hub derives.
var namespace = uuid.MustParse("5f0c9a52-0c8b-5d0e-9a58-6b616e646173")

// DeriveID returns a UUIDv5 made of parts alone: the same parts give the same
// id on every hub at any time, so that a repeat is recognised by its reader.
func DeriveID(parts ...string) string {
	var buf [256]byte
	b := buf[:0]
	for _, p := range parts {
		b = append(append(strconv.AppendInt(b, int64(len(p)), 10), ':'), p...)
	}
	return uuid.NewSHA1(namespace, b).String()
}

// NoticeID names one notice to one recipient, in the form in which it goes
// through SHEP as messageId: the application id, a dot, and the first 16 hex
// digits of the notification's ce_id. A callback names nothing else, so the
// application must be readable from it.
func NoticeID(application, id string) string {
	hex := make([]byte, 0, 16)
	for i := 0; i < len(id) && len(hex) < 16; i++ {
		if id[i] != '-' {
			hex = append(hex, id[i])
		}
	}
	return application + "." + string(hex)
}
