package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"kandashub/mocks"
)

// A timeline prints what happens, a line for each effect: time, application,
// system, what happened, and how long after the application was filed.
type timeline struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool // the progress line stays at the bottom
	colour   bool
	filed    map[string]time.Time
	status   string // the progress line; empty: none
	printed  bool   // the header
}

func newTimeline(out io.Writer) *timeline {
	t := &timeline{out: out, filed: map[string]time.Time{}}
	if f, ok := out.(*os.File); ok && os.Getenv("TERM") != "dumb" {
		info, err := f.Stat()
		t.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
		t.colour = t.terminal && os.Getenv("NO_COLOR") == ""
	}
	return t
}

// Colours of the terminal.
const (
	dim    = "\x1b[2m"
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	plain  = "\x1b[0m"
)

// Widths of the columns.
const (
	widthTime        = 12
	widthApplication = 40
	widthSystem      = 10
	widthWhat        = 60
)

func (t *timeline) paint(colour, s string) string {
	if !t.colour {
		return s
	}
	return colour + s + plain
}

// pad fills s up to width, counted in characters.
func pad(s string, width int) string {
	if n := utf8.RuneCountInString(s); n < width {
		return s + strings.Repeat(" ", width-n)
	}
	return s
}

// effect prints one effect.
func (t *timeline) effect(e mocks.Effect) {
	t.mu.Lock()
	defer t.mu.Unlock()
	after := ""
	if e.Application != "" {
		filed, known := t.filed[e.Application]
		if !known {
			filed = e.At
			t.filed[e.Application] = e.At
		}
		after = fmt.Sprintf("+%.3fs", max(0, e.At.Sub(filed).Seconds()))
	}
	what := e.Operation
	if e.Detail != "" {
		what += ": " + e.Detail
	}
	colour := ""
	switch {
	case e.Repeat:
		what, colour = what+" (known already, nothing done)", dim
	case e.Operation == "violation" || e.System == "hub":
		colour = red
	}
	system := cyan
	if colour == red {
		system = red
	}
	what = pad(what, widthWhat)
	if colour != "" {
		what = t.paint(colour, what)
	}
	t.line(fmt.Sprintf("%s  %s  %s  %s  %s",
		t.paint(dim, pad(clock(e.At), widthTime)), pad(e.Application, widthApplication),
		t.paint(system, pad(e.System, widthSystem)), what, t.paint(dim, after)))
}

// note prints something that belongs to no application.
func (t *timeline) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line(t.paint(dim, pad(clock(time.Now()), widthTime)) + "  " + t.paint(yellow, fmt.Sprintf(format, args...)))
}

func clock(at time.Time) string { return at.Local().Format("15:04:05.000") }

// line writes one line above the progress line. The caller holds mu.
func (t *timeline) line(s string) {
	if t.terminal && t.status != "" {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
	if !t.printed {
		t.printed = true
		fmt.Fprintln(t.out, t.paint(bold, fmt.Sprintf("%s  %s  %s  %s  %s",
			pad("time", widthTime), pad("application", widthApplication), pad("system", widthSystem), pad("what happened", widthWhat), "after filing")))
	}
	fmt.Fprintln(t.out, s)
	t.redraw()
}

func (t *timeline) redraw() {
	if t.terminal && t.status != "" {
		fmt.Fprint(t.out, "\r\x1b[K"+t.status)
	}
}

// tell shows how things stand: at the bottom of a terminal; elsewhere as a line.
func (t *timeline) tell(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.terminal {
		fmt.Fprintln(t.out, "... "+s)
		return
	}
	t.status = s
	t.redraw()
}

// progress tells how far the run is.
func (t *timeline) progress(reached, total, deaths int, since time.Time) {
	s := fmt.Sprintf("%d of %d expected effects after %.0f s", reached, total, time.Since(since).Seconds())
	if deaths > 0 {
		s += fmt.Sprintf(", the hub was started again %d times", deaths)
	}
	if t.terminal {
		const cells = 30
		full := 0
		if total > 0 {
			full = cells * reached / total
		}
		s = t.paint(green, strings.Repeat("█", full)) + strings.Repeat("░", cells-full) + " " + s
	}
	t.tell(s)
}

// clear takes the progress line away.
func (t *timeline) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.terminal && t.status != "" {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
	t.status = ""
}
