package main

import (
	"strings"
	"testing"
	"time"

	"kandashub/mocks"
)

func effectsAt(at time.Time) []mocks.Effect {
	return []mocks.Effect{
		{At: at, System: "migration", Operation: "file", Application: "migration-x-1", Detail: "kandas.assign"},
		{At: at.Add(1500 * time.Millisecond), System: "kandas", Operation: "register", Application: "migration-x-1", Repeat: true},
	}
}

func TestTimeline(t *testing.T) {
	var out strings.Builder
	line := &timeline{out: &out, filed: map[string]time.Time{}}
	for _, e := range effectsAt(time.Date(2026, 11, 22, 10, 0, 0, 0, time.Local)) {
		line.effect(e)
	}
	line.note("hub died (%s), started again", "signal: killed")
	line.progress(1, 2, 1, time.Now())
	line.clear()
	got := strings.Split(out.String(), "\n")
	for i, want := range [][]string{
		{"time", "application", "system", "what happened", "after filing"},
		{"10:00:00.000", "migration-x-1", "migration", "file: kandas.assign", "+0.000s"},
		{"10:00:01.500", "migration-x-1", "kandas", "register (known already, nothing done)", "+1.500s"},
		{"hub died (signal: killed), started again"},
		{"... 1 of 2 expected effects", "started again 1 times"},
	} {
		for _, w := range want {
			if !strings.Contains(got[i], w) {
				t.Errorf("line %d %q lacks %q", i, got[i], w)
			}
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colours without a terminal")
	}
	if strings.Index(got[0], "system") != strings.Index(got[1], "migration ") {
		t.Errorf("columns are not in line:\n%s", out.String())
	}
}

func TestTimelineOnATerminal(t *testing.T) {
	for _, colour := range []bool{true, false} {
		var out strings.Builder
		line := &timeline{out: &out, terminal: true, colour: colour, filed: map[string]time.Time{}}
		line.progress(1, 2, 0, time.Now())
		line.effect(effectsAt(time.Now())[0])
		s := out.String()
		if strings.Contains(s, "\x1b[3") != colour {
			t.Errorf("colour %v:\n%q", colour, s)
		}
		if !strings.Contains(s, "\r\x1b[K") || !strings.HasSuffix(s, "after 0 s") {
			t.Errorf("the progress line does not stay at the bottom: %q", s)
		}
	}
}
