package observability

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// line logs with the given attributes and returns the one line written.
func line(t *testing.T, msg string, args ...any) map[string]any {
	t.Helper()
	var b bytes.Buffer
	NewLogger(&b, slog.LevelInfo, []byte("a key for tests"), nil).Info(msg, args...)
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || strings.Count(b.String(), "\n") != 1 {
		t.Fatalf("not one line of JSON: %v\n%s", err, b.String())
	}
	return got
}

type stringer string

func (s stringer) String() string { return string(s) }

func TestLogMasks(t *testing.T) {
	for _, c := range []struct {
		what string
		attr slog.Attr
		want any
	}{
		{"allowed text", slog.String("route", "register"), "register"},
		{"allowed number", slog.Int("partition", 7), 7.0},
		{"allowed bool", slog.Bool("ready", true), true},
		{"duration", slog.Duration("wait", 1500*time.Millisecond), "1.5s"},
		{"a list", slog.Any("topics", []string{"a.b", "+7 701 123 45 67"}), []any{"a.b", "[phone]"}},
		{"an application id with a date", slog.String("application", "egov-20261122000001"), "egov-20261122000001"},
		{"an application id with an IIN", slog.String("application", "egov-880101100123"), "egov-[iin]"},
		{"an application id with an IIN in a word", slog.String("application", "egov-a880101100123"), "egov-a[iin]"},
		{"a notice id whose hash has twelve digits", slog.String("notice", "egov-1.ab123456789012cd"), "egov-1.ab123456789012cd"},
		{"a UUID that ends in digits", slog.String("message_id", "0c8b5d0e-9a58-5b61-8e64-616173123456"), "0c8b5d0e-9a58-5b61-8e64-616173123456"},
		{"a trace id", slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), "4bf92f3577b34da6a3ce929d0e0e4736"},
		{"text in place of an id", slog.String("application", "Ескендір 880101100123"), "Ескендір [iin]"},
		{"unknown key", slog.String("surname", "Ескендір"), "[hidden]"},
		{"unknown key, a time", slog.Time("birth_date", time.Date(1890, 1, 2, 0, 0, 0, 0, time.UTC)), "[hidden]"},
		{"unknown type under an allowed key", slog.Any("reason", struct{ Surname string }{"Ескендір"}), "[hidden]"},
		{"bytes under an allowed key", slog.Any("error", []byte("Ескендір")), "[hidden]"},
		{"IIN in an error", slog.Any("error", errors.New("no person with 880101100123")), "no person with [iin]"},
		{"IIN in a Stringer", slog.Any("reason", stringer("880101100123")), "[iin]"},
		{"IIN as a number", slog.Int64("count", 880101100123), "[iin]"},
		{"IIN as a number, first digit 0", slog.Int64("count", 10101100123), "[iin]"},
		{"IIN in other digits", slog.String("reason", "٨٨٠١٠١١٠٠١٢٣"), "[iin]"},
		{"two IINs in a row", slog.String("reason", "880101100123880101100123"), "[iin]"},
		{"phone", slog.String("reason", "call +7 (701) 123-45-67 now"), "call [phone] now"},
		{"phone without plus", slog.String("reason", "call 87011234567"), "call [phone]"},
		{"foreign phone", slog.String("reason", "+976 9911 2233"), "[phone]"},
		{"e-mail", slog.String("reason", "from alma.e@example.kz."), "from [email]"},
		{"a nil error in an interface", slog.Any("error", error((*nilError)(nil))), "[hidden]"},
		{"a Name", slog.Any("surname", Name("Ескендір")), "[name]"},
		{"a DocumentNo", slog.Any("document", DocumentNo("E0123456")), "[document]"},
		{"a Name under an allowed key", slog.Any("reason", Name("Ескендір")), "[name]"},
		{"time zone of an error", slog.String("error", "at 2026-11-22T10:11:12+05:00"), "at 2026-11-22T10:11:12+05:00"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := line(t, "said", c.attr)[c.attr.Key]
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s shows as %v, want %v", c.attr.Key, got, c.want)
			}
		})
	}
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestLogMasksMessageGroupsAndBoundAttributes(t *testing.T) {
	var b bytes.Buffer
	l := NewLogger(&b, slog.LevelInfo, nil, nil)
	l.With("surname", "Ескендір", "error", "880101100123").WithGroup("call").
		Info("person 880101100123", slog.Group("person", "name", "Алма", "reason", "+77011234567"))
	for _, leak := range []string{"Ескендір", "Алма", "880101", "7701"} {
		if strings.Contains(b.String(), leak) {
			t.Errorf("%q is in the log: %s", leak, b.String())
		}
	}
}

func TestIINTokenJoinsLinesOfOnePerson(t *testing.T) {
	const a, b = IIN("880101100123"), IIN("880101100131")
	first, again, other := line(t, "x", "iin", a)["iin"], line(t, "y", "iin", a)["iin"], line(t, "z", "iin", b)["iin"]
	if !regexp.MustCompile(`^iin:h1:[0-9a-f]{16}$`).MatchString(fmt.Sprint(first)) {
		t.Errorf("token is %v, want iin:h1: and 16 hex digits", first)
	}
	if first != again || first == other {
		t.Errorf("tokens: %v, %v of one person, %v of another", first, again, other)
	}
	if a.token([]byte("one key")) == a.token([]byte("another key")) {
		t.Error("the token does not depend on the key")
	}
	if got := a.token(nil); got != "[iin]" {
		t.Errorf("without a key the token is %s, want [iin]", got)
	}
}

func TestTypesNeverShow(t *testing.T) {
	values := []any{IIN("880101100123"), Name("Alma"), DocumentNo("E0123456"),
		struct{ A IIN }{"880101100123"}, []Name{"Alma"}, map[string]DocumentNo{"x": "E0123456"}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, "88010") || strings.Contains(text, "Alma") || strings.Contains(text, "E0123456") {
				t.Errorf("%s shows the content: %s", verb, text)
			}
		}
		j, err := json.Marshal(v)
		if err != nil || bytes.Contains(j, []byte("88010")) || bytes.Contains(j, []byte("Alma")) || bytes.Contains(j, []byte("E0123456")) {
			t.Errorf("JSON shows the content: %s (%v)", j, err)
		}
	}
}

func TestLogCounts(t *testing.T) {
	m := NewMetrics(nil)
	var b bytes.Buffer
	l := NewLogger(&b, slog.LevelWarn, nil, m)
	l.Info("below the level")
	l.Warn("two of 880101100123 and 880101100131", "surname", "x")
	for _, c := range []struct {
		what string
		got  float64
		want float64
	}{
		{"info lines", testutil.ToFloat64(m.logMessages.WithLabelValues("info")), 0},
		{"warn lines", testutil.ToFloat64(m.logMessages.WithLabelValues("warn")), 1},
		{"IINs", testutil.ToFloat64(m.redacted.WithLabelValues("iin")), 2},
		{"hidden fields", testutil.ToFloat64(m.redacted.WithLabelValues("field")), 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

// FuzzLog holds the log to two promises for any input: one line of valid JSON,
// and no twelve digits in a row.
func FuzzLog(f *testing.F) {
	f.Add("msg", "reason", "880101100123", int64(880101100123))
	f.Add("a\nb", "applic\"ation", "x@y.kz \x00\xff", int64(-1))
	f.Add("880101100123", "880101100123", "application", int64(0))
	f.Add("0", "0", "\x1100000000", int64(1))
	f.Fuzz(func(t *testing.T, msg, key, value string, n int64) {
		var b bytes.Buffer
		l := NewLogger(&b, slog.LevelInfo, []byte("k"), nil)
		if hexForm.MatchString(value) || uuidForm.MatchString(value) || strings.Contains(value, ".") && identifiers[key] {
			t.Skip("a hash may hold any digits")
		}
		l.WithGroup(key).With(key, value).Info(msg, "reason", value, "count", n, slog.Group(key, "error", errors.New(value)), "iin", IIN(value))
		var entry any
		if err := json.Unmarshal(b.Bytes(), &entry); err != nil || strings.Count(b.String(), "\n") != 1 {
			t.Fatalf("not one line of JSON: %q", b.String())
		}
		// %v undoes the escapes of JSON, in which digits may follow digits.
		out := regexp.MustCompile(`time:\S+|iin:h1:[0-9a-f]{16}`).ReplaceAllString(fmt.Sprintf("%v", entry), "")
		if regexp.MustCompile(`(^|[^0-9])[0-9]{12}([^0-9]|$)`).MatchString(out) {
			t.Fatalf("twelve digits in %q", b.String())
		}
	})
}
