// Package report writes down what verify found: one line for each scenario while
// it runs (print.go), a JSON file for machines, and one HTML page for people
// (html.go, page.html), which needs nothing beside itself. The plots on it are
// drawn in plot.go.
//
// A [Row] is one scenario. A [Report] holds all rows, the machine they ran on,
// and what a green run means (totals.go).
package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"kandashub/cmd/verify/check"
)

// Version is that of the JSON format.
const Version = 1

// A Result is what came of a scenario.
type Result string

// The results. A void run's fault did not bite: it proves nothing.
const (
	Passed    Result = "passed"
	Failed    Result = "failed"
	Void      Result = "void"
	NeedsReal Result = "needs real" // the embedded servers cannot do it: it was not run
)

// A Row is one scenario as it was run. Times are in seconds.
type Row struct {
	Scenario string   `json:"scenario"`
	About    string   `json:"about,omitempty"`
	Faults   []string `json:"faults"` // F1, F2, ...
	World    string   `json:"world"`
	Seed     int64    `json:"seed"`
	Result   Result   `json:"result"`

	Messages     int `json:"messages"`
	Effects      int `json:"effects"`
	Repeats      int `json:"repeats"`
	UnknownSends int `json:"unknown_sends"`
	Lost         int `json:"lost"`
	Doubled      int `json:"doubled"`
	Disorder     int `json:"disorder"`
	Uncertain    int `json:"uncertain"`
	Letters      int `json:"letters"`
	Personal     int `json:"personal"`

	Bit      map[string]int `json:"bit,omitempty"` // how often each fault met messages on their way
	Recovery float64        `json:"recovery_s"`
	Slowest  float64        `json:"slowest_s"`
	Duration float64        `json:"duration_s"`

	Violations []Violation `json:"violations,omitempty"`
	Timeline   []Point     `json:"timeline,omitempty"`
	Bands      []Band      `json:"bands,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
}

// A Violation is one broken invariant.
type Violation struct {
	Invariant string `json:"invariant"`
	Name      string `json:"name"`
	What      string `json:"what"`
}

// A Point is what happened in one step of time.
type Point struct {
	At      time.Time `json:"at"`      // the step's beginning
	Acked   int       `json:"acked"`   // sends in it
	Effects int       `json:"effects"` // in it
	Unseen  int       `json:"unseen"`  // at its end: acked, and not come to anything yet
}

// A Band is a fault that lasted a time. Without To it lasted to the end.
type Band struct {
	Name string    `json:"name"`
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// A Machine is where a report was made.
type Machine struct {
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory_bytes,omitempty"` // 0: not known
	Go     string `json:"go"`
	System string `json:"system"`
}

// A Report is what a run of verify came to.
type Report struct {
	Version int       `json:"version"`
	Started time.Time `json:"started"`
	Commit  string    `json:"commit,omitempty"`
	Machine Machine   `json:"machine"`
	Totals  Totals    `json:"totals"`
	Rows    []Row     `json:"rows"`
}

// New returns a report that begins now, on this machine.
func New() *Report {
	return &Report{
		Version: Version, Started: time.Now().UTC().Truncate(time.Second), Commit: commit(),
		Machine: Machine{Cores: runtime.NumCPU(), Memory: memory(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH},
	}
}

// Add adds a scenario.
func (r *Report) Add(row Row) {
	r.Rows = append(r.Rows, row)
	r.Totals = totals(r.Rows)
}

// WriteJSON writes the report for machines.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Read reads a report that WriteJSON wrote.
func Read(from io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(from).Decode(&r); err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	if r.Version != Version {
		return nil, fmt.Errorf("reading a report: it has version %d, not %d", r.Version, Version)
	}
	return &r, nil
}

// Seconds is a time as rows hold it, to the millisecond.
func Seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// PointsOf takes over a timeline.
func PointsOf(points []check.Point) []Point {
	out := make([]Point, len(points))
	for i, p := range points {
		out[i] = Point(p)
	}
	return out
}

// commit is what this program was built from, where the build says so.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", changed"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}

// memory is the machine's memory in bytes, where the system tells it; else 0.
func memory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int64
		if rest, ok := strings.CutPrefix(s.Text(), "MemTotal:"); ok {
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
