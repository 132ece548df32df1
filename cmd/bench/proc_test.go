package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for _, c := range []struct {
		name, stat string
		want       time.Duration
	}{
		{"plain", "42 (hub) S 1 42 42 0 -1 4194560 900 0 0 0 150 25 0 0 20 0 9 0 100 1 2", 1750 * time.Millisecond},
		{"a name with spaces and parentheses", "42 (a) b (c) S 1 42 42 0 -1 4194560 900 0 0 0 1 2 0 0 20 0 9 0 100 1 2", 30 * time.Millisecond},
		{"cut off", "42 (hub) S 1 42", 0},
		{"no numbers", "42 (hub) S 1 42 42 0 -1 4194560 900 0 0 0 x y 0", 0},
		{"nothing", "", 0},
	} {
		if got := parseStat([]byte(c.stat)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\thub\nVmHWM:\t  101376 kB\nVmRSS:\t   26624 kB\nThreads:\t9\n"
	for name, want := range map[string]int64{"VmHWM:": 99 << 20, "VmRSS:": 26 << 20, "VmSwap:": 0, "Name:": 0} {
		if got := parseStatus([]byte(status), name); got != want {
			t.Errorf("%s %d, want %d", name, got, want)
		}
	}
}

// The system says of this very process that it runs.
func TestOurselves(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has /proc")
	}
	resident, peak := memoryOf(os.Getpid())
	if resident == 0 || peak < resident {
		t.Errorf("resident %d, at most %d", resident, peak)
	}
	if resident, _ := memoryOf(-1); resident != 0 {
		t.Errorf("no process holds %d bytes", resident)
	}
}

func TestMetric(t *testing.T) {
	text := []byte("# HELP go_memstats_mallocs_total Total.\n# TYPE go_memstats_mallocs_total counter\ngo_memstats_mallocs_total 1.25e+06\nother 3\n")
	for name, want := range map[string]float64{"go_memstats_mallocs_total": 1_250_000, "other": 3, "go_memstats": 0, "missing": 0} {
		if got := metric(text, name); got != want {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
}
