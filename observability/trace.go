package observability

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
func ParseTrace[S string | []byte](s S) (Trace, error) {
	var t Trace
	if len(s) < traceLength || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return Trace{}, errTraceParent
	}
	var version, flags [1]byte
	if !unhex(version[:], s[:2]) || !unhex(t.id[:], s[3:35]) || !unhex(t.span[:], s[36:52]) || !unhex(flags[:], s[53:55]) {
		return Trace{}, errTraceParent
	}
	long := len(s) > traceLength
	if version[0] == 0xff || version[0] == 0 && long || long && s[traceLength] != '-' {
		return Trace{}, errTraceParent
	}
	if t.id == [16]byte{} || t.span == [8]byte{} {
		return Trace{}, errTraceParent
	}
	t.sampled = flags[0]&1 == 1
	return t, nil
}

// traceLength is the length of a traceparent of version 00, in bytes.
const traceLength = 55

// unhex decodes lower case hex, and says whether it is that. Package hex takes
// capitals, too, which the standard forbids.
func unhex[S string | []byte](to []byte, from S) bool {
	for i := range to {
		high, low := digit(from[2*i]), digit(from[2*i+1])
		if high|low > 0xf {
			return false
		}
		to[i] = high<<4 | low
	}
	return true
}

// digit is the value of a hexadecimal digit; over 15 for anything else.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
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
	b, _ := t.MarshalText()
	return string(b)
}

// AppendText appends the traceparent header, and nothing for the zero Trace. It
// never fails.
func (t Trace) AppendText(b []byte) ([]byte, error) {
	if t.IsZero() {
		return b, nil
	}
	flags := "-00"
	if t.sampled {
		flags = "-01"
	}
	b = hex.AppendEncode(append(b, "00-"...), t.id[:])
	b = hex.AppendEncode(append(b, '-'), t.span[:])
	return append(b, flags...), nil
}

// MarshalText is the traceparent header; it never fails.
func (t Trace) MarshalText() ([]byte, error) { return t.AppendText(make([]byte, 0, traceLength)) }

// UnmarshalText reads a traceparent header; none is the zero Trace.
func (t *Trace) UnmarshalText(text []byte) (err error) {
	*t = Trace{}
	if len(text) > 0 {
		*t, err = ParseTrace(text)
	}
	return err
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
