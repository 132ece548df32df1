package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kandashub/cmd/verify/report"
)

// A mutant is a hub that is broken on purpose. It is built from the sources with
// a few lines replaced (go build -overlay), so that nothing of it stands in the
// sources themselves; a test sees to it that the lines are still there.
type mutant struct {
	name     string
	about    string
	scenario string   // that must catch it
	caught   []string // any of these violations catches it: "I2 duplicate effect"
	patches  []patch
}

// A patch replaces one piece of text, which stands in the file once.
type patch struct{ file, old, new string }

type mutantsCmd struct {
	verifier
	Mutant []string `arg:"" optional:"" help:"Names of mutants; all if none is given."`
	Source string   `default:"." type:"path" help:"The top folder of the sources."`
	Seed   int64    `default:"1" help:"Of the scenarios."`
}

// Run is `verify mutants`.
func (c *mutantsCmd) Run(ctx context.Context) error {
	if err := c.prepare(); err != nil {
		return err
	}
	began := time.Now()
	var chosen []mutant
	for _, m := range mutants() {
		if len(c.Mutant) == 0 || slices.Contains(c.Mutant, m.name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return errors.New("no mutant has one of these names")
	}
	rep := report.New()
	missed := 0
	fmt.Printf("%-8s %-26s %-24s %s\n", "result", "mutant", "scenario", "caught by")
	for _, m := range chosen {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		row, err := c.play(ctx, m)
		if err != nil {
			return fmt.Errorf("mutant %s: %w", m.name, err)
		}
		rep.Add(row)
		by := caughtBy(m, row)
		result := "caught"
		if by == "" {
			result, by = "MISSED", fmt.Sprintf("want %s; the run %s: %s", strings.Join(m.caught, " or "), row.Result, found(row))
			missed++
		}
		fmt.Printf("%-8s %-26s %-24s %s\n", result, m.name, m.scenario, by)
	}
	fmt.Printf("\n%d of %d broken hubs were caught, in %.0f s\n", len(chosen)-missed, len(chosen), time.Since(began).Seconds())
	err := errors.Join(write(filepath.Join(c.dir, "mutants.json"), rep.WriteJSON), write(filepath.Join(c.dir, "mutants.html"), rep.WriteHTML))
	if missed > 0 {
		err = errors.Join(err, fmt.Errorf("%d broken hubs were missed; data and logs are in %s", missed, c.dir))
	}
	return err
}

// play builds a mutant and runs the scenario that must catch it.
func (c *mutantsCmd) play(ctx context.Context, m mutant) (report.Row, error) {
	i := slices.IndexFunc(scenarios(), func(s scenario) bool { return s.name == m.scenario })
	if i < 0 {
		return report.Row{}, fmt.Errorf("there is no scenario %q", m.scenario)
	}
	s := scenarios()[i]
	hub := filepath.Join(c.dir, "hub-"+m.name)
	if err := c.build(ctx, m, hub, s.points); err != nil {
		return report.Row{}, err
	}
	defer os.Remove(hub)
	broken := c.verifier
	broken.Hub, broken.pointed = hub, hub
	broken.dir = filepath.Join(c.dir, m.name)
	return broken.play(ctx, s, c.Seed), nil
}

// build builds a mutant's hub.
func (c *mutantsCmd) build(ctx context.Context, m mutant, to string, points bool) error {
	dir, err := os.MkdirTemp(c.dir, "overlay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range m.sources(c.Source) {
		if text.err != nil {
			return text.err
		}
		path := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, text.data, 0o600); err != nil {
			return err
		}
		overlay.Replace[filepath.Join(c.Source, file)] = path
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, data, 0o600); err != nil {
		return err
	}
	args := []string{"build", "-overlay", list, "-o", to}
	if points {
		args = append(args, "-tags", "failpoints")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/hub")...)
	cmd.Dir = c.Source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building it: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

type patched struct {
	data []byte
	err  error
}

// sources are the files of a mutant, patched, by their path below the sources.
func (m mutant) sources(top string) map[string]patched {
	out := map[string]patched{}
	for _, p := range m.patches {
		f, ok := out[p.file]
		if !ok {
			f.data, f.err = os.ReadFile(filepath.Join(top, p.file))
		}
		if f.err == nil && bytes.Count(f.data, []byte(p.old)) != 1 {
			f.err = fmt.Errorf("%s holds %d times what is to be replaced: %q", p.file, bytes.Count(f.data, []byte(p.old)), p.old)
		}
		if f.err == nil {
			f.data = bytes.Replace(f.data, []byte(p.old), []byte(p.new), 1)
		}
		out[p.file] = f
	}
	return out
}

// caughtBy returns the first violation that a mutant was to be caught by; empty
// if there is none.
func caughtBy(m mutant, row report.Row) string {
	for _, v := range row.Violations {
		if name := v.Invariant + " " + v.Name; slices.Contains(m.caught, name) {
			return name + ": " + v.What
		}
	}
	return ""
}

func found(row report.Row) string {
	var names []string
	for _, v := range row.Violations {
		if name := v.Invariant + " " + v.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "nothing was found"
	}
	return strings.Join(names, ", ")
}
