package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// A report is all that one bench has measured.
type report struct {
	Began      time.Time     `json:"began"`
	Took       time.Duration `json:"took_ns"`
	Commit     string        `json:"commit"`
	Machine    machine       `json:"machine"`
	Settings   settings      `json:"settings"`
	Throughput []result      `json:"throughput,omitempty"`
	Latency    []result      `json:"latency,omitempty"`
	Keys       []keysResult  `json:"keys,omitempty"`
	Growth     []result      `json:"growth,omitempty"`
	Idle       []idleResult  `json:"idle,omitempty"`
	Sight      []result      `json:"sight,omitempty"`
	Failures   string        `json:"failures,omitempty"`
}

// measuring is a part of the bench: it adds what it measures to a report.
type measuring interface {
	measure(ctx context.Context, l *lab, out *report) error
}

// bench runs one part and reports it: what was measured before something failed,
// too.
func (s settings) bench(ctx context.Context, m measuring) error {
	l, err := s.open()
	if err != nil {
		return err
	}
	defer l.close()
	out := &report{Began: time.Now(), Commit: cmp.Or(s.Commit, commit()), Settings: s}
	if out.Machine, err = machineNow(ctx, s); err != nil {
		return err
	}
	failed := m.measure(ctx, l, out)
	out.Took = time.Since(out.Began)
	if failed != nil {
		out.Failures = failed.Error()
	}
	if err := out.print(); err != nil {
		return errors.Join(failed, err)
	}
	if s.Out != "" {
		failed = errors.Join(failed, out.write(s.Out))
	}
	return failed
}

// print prints the tables.
func (r *report) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, line := range r.Machine.lines() {
		fmt.Fprintln(w, line)
	}
	for _, t := range r.tables() {
		t.print(w)
	}
	return w.Flush()
}

// write writes the report as two files, named after its day and commit.
func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	base := filepath.Join(dir, r.Began.UTC().Format(time.DateOnly)+"-"+r.Commit)
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(base+".json", append(raw, '\n'), 0o644), os.WriteFile(base+".md", []byte(r.markdown()), 0o644))
}
