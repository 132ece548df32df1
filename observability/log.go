package observability

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// loggable are the keys of attributes whose values may be logged. It is the
// first net: what is not named here is hidden, whatever it is. A key belongs
// here only if its values never come from a payload or from a system's answer.
var loggable = makeSet(
	// where
	"component", "route", "routes", "topic", "topics", "partition", "partitions", "offset", "group",
	"generation", "member", "system", "operation", "effect", "handler", "method", "pattern", "status",
	"addr", "brokers", "redis", "host", "path", "dir", "file",
	// what came of it
	"outcome", "class", "code", "reason", "verdict", "result", "state", "from", "to", "error", "stack", "panic_type", "problem",
	"attempt", "attempts", "count", "tag", "keys", "parked", "dead", "messages", "bytes", "limit", "type",
	// when
	"wait", "duration", "latency", "lease", "since", "until", "expires", "deadline", "sent", "uptime",
	// who runs, and how
	"owner", "role", "command", "setting", "settings", "version", "revision", "signal", "ready", "check", "checks",
)

// identifiers are keys of ids: allowed too, and spared the net for long digit
// runs.
var identifiers = makeSet("application", "message_id", "notice", "letter", "source",
	"correlation", "trace_id", "span_id", "traceparent", "instance", "commit")

func makeSet(keys ...string) map[string]bool {
	set := make(map[string]bool, len(keys))
	for _, k := range keys {
		set[k] = true
	}
	return set
}

// NewLogger returns a logger that writes one JSON object per line to w, in UTC,
// and lets no personal data through. key makes the tokens of [IIN] values; with
// an empty key they show as [iin]. m may be nil.
func NewLogger(w io.Writer, level slog.Leveler, key []byte, m *Metrics) *slog.Logger {
	return slog.New(&maskHandler{
		next:    slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}),
		key:     key,
		metrics: m,
	})
}

// A maskHandler takes personal data out of records, as the last step before
// they are written.
type maskHandler struct {
	next    slog.Handler
	key     []byte
	metrics *Metrics
}

// Enabled implements slog.Handler.
func (h *maskHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *maskHandler) Handle(ctx context.Context, r slog.Record) error {
	h.metrics.logged(levelName(r.Level))
	masked := slog.NewRecord(r.Time.UTC(), r.Level, h.text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

// WithAttrs implements slog.Handler.
func (h *maskHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = h.attr(a)
	}
	return &maskHandler{next: h.next.WithAttrs(masked), key: h.key, metrics: h.metrics}
}

// WithGroup implements slog.Handler.
func (h *maskHandler) WithGroup(name string) slog.Handler {
	return &maskHandler{next: h.next.WithGroup(h.text(name)), key: h.key, metrics: h.metrics}
}

func (h *maskHandler) text(s string) string { return scrub(s, h.metrics.redact) }

// attr masks one attribute. Whatever it does not know it hides.
func (h *maskHandler) attr(a slog.Attr) slog.Attr {
	if k := a.Value.Kind(); k == slog.KindAny || k == slog.KindLogValuer {
		switch v := a.Value.Any().(type) {
		case IIN:
			return slog.String(h.text(a.Key), v.token(h.key))
		case Name, DocumentNo:
			return slog.String(h.text(a.Key), v.(fmt.Stringer).String())
		}
	}
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		members := v.Group()
		masked := make([]slog.Attr, len(members))
		for i, m := range members {
			masked[i] = h.attr(m)
		}
		return slog.Attr{Key: h.text(a.Key), Value: slog.GroupValue(masked...)}
	}
	if identifiers[a.Key] && v.Kind() == slog.KindString {
		return slog.String(a.Key, scrubID(v.String(), h.metrics.redact))
	}
	if !loggable[a.Key] && !identifiers[a.Key] {
		h.metrics.redact(kindField)
		return slog.String(h.text(a.Key), hidden)
	}
	return slog.Attr{Key: a.Key, Value: h.value(v)}
}

// value masks the value of an allowed attribute.
func (h *maskHandler) value(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(h.text(v.String()))
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		// An IIN as a number: twelve digits, or eleven where the first was 0.
		if n := len(strings.TrimLeft(v.String(), "-")); n == 11 || n == 12 {
			h.metrics.redact(kindIIN)
			return slog.StringValue("[iin]")
		}
		return v
	case slog.KindDuration:
		return slog.StringValue(v.Duration().String())
	case slog.KindTime:
		return slog.TimeValue(v.Time().UTC())
	case slog.KindBool:
		return v
	}
	switch x := v.Any().(type) {
	case []string:
		masked := make([]string, len(x))
		for i, s := range x {
			masked[i] = h.text(s)
		}
		return slog.AnyValue(masked)
	case error:
		return slog.StringValue(h.text(safely(x.Error)))
	case fmt.Stringer:
		return slog.StringValue(h.text(safely(x.String)))
	case nil:
		return v
	}
	h.metrics.redact(kindField)
	return slog.StringValue(hidden)
}

// safely calls a method of a value that may be a nil pointer in an interface.
func safely(text func() string) (s string) {
	defer func() {
		if recover() != nil {
			s = hidden
		}
	}()
	return text()
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}
