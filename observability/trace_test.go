package observability

import (
	"strings"
	"testing"
)

func TestParseTrace(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, c := range []struct {
		what, header, want string
	}{
		{"sampled", good, good},
		{"not sampled", strings.TrimSuffix(good, "1") + "0", strings.TrimSuffix(good, "1") + "0"},
		{"other flags are not ours", strings.TrimSuffix(good, "01") + "03", good},
		{"a later version with more", "01" + good[2:] + "-more", good},
		{"version 00 with more", good + "-more", ""},
		{"a later version with more, not set off", "01" + good[2:] + "more", ""},
		{"version ff", "ff" + good[2:], ""},
		{"upper case", strings.ToUpper(good), ""},
		{"no trace id", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		{"no span id", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
		{"not hex", "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01", ""},
		{"short", good[:54], ""},
		{"empty", "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := ParseTrace(c.header)
			if got.String() != c.want || (err == nil) != (c.want != "") {
				t.Errorf("ParseTrace(%q) = %q, %v, want %q", c.header, got, err, c.want)
			}
		})
	}
}

func TestChildIsTheSameTrace(t *testing.T) {
	parent := NewTrace()
	child := parent.Child()
	if child.ID() != parent.ID() || child.String() == parent.String() {
		t.Errorf("parent %s, child %s: want one trace id and two spans", parent, child)
	}
	if again, err := ParseTrace(child.String()); err != nil || again != child {
		t.Errorf("%s does not survive its own header: %v", child, err)
	}
	if NewTrace().ID() == parent.ID() {
		t.Error("two new traces have one id")
	}
	if none := (Trace{}); !none.IsZero() || none.String() != "" || none.ID() != "" {
		t.Errorf("no trace shows as %q", none)
	}
}
