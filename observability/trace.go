package observability

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// A Trace is a W3C trace context: which chain of work this is part of, and
// which step of it. The zero Trace is none.
type Trace struct {
	id      [16]byte
	span    [8]byte
	sampled bool
}

// errTraceParent says nothing of the value, which comes from outside.
var errTraceParent = errors.New("traceparent is not in the form of W3C Trace Context")

// ParseTrace reads a traceparent header: version, trace id, span id and flags,
// in lower case hex. A version later than 00 may carry more; it is passed over.
func ParseTrace(s string) (Trace, error) {
	var t Trace
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || s != strings.ToLower(s) {
		return Trace{}, errTraceParent
	}
	var version, flags [1]byte
	for _, part := range []struct {
		to   []byte
		from string
	}{{version[:], s[:2]}, {t.id[:], s[3:35]}, {t.span[:], s[36:52]}, {flags[:], s[53:55]}} {
		if _, err := hex.Decode(part.to, []byte(part.from)); err != nil {
			return Trace{}, errTraceParent
		}
	}
	long := len(s) > 55
	if version[0] == 0xff || version[0] == 0 && long || long && s[55] != '-' {
		return Trace{}, errTraceParent
	}
	if t.id == [16]byte{} || t.span == [8]byte{} {
		return Trace{}, errTraceParent
	}
	t.sampled = flags[0]&1 == 1
	return t, nil
}

// NewTrace begins a chain; it is sampled.
func NewTrace() Trace {
	t := Trace{sampled: true}
	rand.Read(t.id[:])
	return t.Child()
}

// TraceFrom begins a chain that follows from a seed alone: the same seed gives
// the same trace, on every process. It is sampled.
func TraceFrom(seed string) Trace {
	sum := sha256.Sum256([]byte(seed))
	t := Trace{sampled: true}
	copy(t.id[:], sum[:])
	copy(t.span[:], sum[len(t.id):])
	return t
}

// Child is the next step of the same chain.
func (t Trace) Child() Trace {
	rand.Read(t.span[:])
	return t
}

// IsZero reports whether t is no trace.
func (t Trace) IsZero() bool { return t.id == [16]byte{} }

// ID is the trace id in hex; empty for the zero Trace.
func (t Trace) ID() string {
	if t.IsZero() {
		return ""
	}
	return hex.EncodeToString(t.id[:])
}

// String is the traceparent header; empty for the zero Trace.
func (t Trace) String() string {
	if t.IsZero() {
		return ""
	}
	flags := "00"
	if t.sampled {
		flags = "01"
	}
	return "00-" + t.ID() + "-" + hex.EncodeToString(t.span[:]) + "-" + flags
}

// TraceID is the trace id in a traceparent header, for the log; empty if the
// header is none.
func TraceID(traceparent string) string {
	t, _ := ParseTrace(traceparent)
	return t.ID()
}

// exemplarKey is the key of a trace id in a context.
type exemplarKey struct{}

// WithExemplar returns a context under which what is measured names a trace: its
// id, in hex.
func WithExemplar(ctx context.Context, traceID string) context.Context {
	return context.WithValue(ctx, exemplarKey{}, traceID)
}

// ExemplarIn returns the trace id of a context; empty if it has none.
func ExemplarIn(ctx context.Context) string {
	id, _ := ctx.Value(exemplarKey{}).(string)
	return id
}
