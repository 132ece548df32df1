package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/report"
	"kandashub/mocks"
)

func (r *run) expect(h *check.History, v *check.Verdict) []string {
	if r.scenario.expect == nil {
		return nil
	}
	return r.scenario.expect(r, h, v)
}

// void says why the run proves nothing: a fault that did not bite.
func (r *run) void() string {
	for _, f := range r.scenario.mustBite {
		if r.bites[f] == 0 {
			return "the fault did not bite: " + f
		}
	}
	return ""
}

// band notes a fault that lasts from now until the returned function is called.
func (r *run) band(name string) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := len(r.bands)
	r.bands = append(r.bands, report.Band{Name: name, From: time.Now()})
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bands[i].To = time.Now()
	}
}

// bit counts that a fault has met messages on their way.
func (r *run) bit(name string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bites[name] += n
}

func (r *run) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// hubctl runs the operator's program and keeps what it says, to be searched for
// personal data.
func (r *run) hubctl(ctx context.Context, args ...string) (string, error) {
	out, err := r.world.Hubctl(ctx, args...)
	f, ferr := os.OpenFile(filepath.Join(r.dir, "hubctl.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if ferr != nil {
		return out, errors.Join(err, ferr)
	}
	defer f.Close()
	fmt.Fprintf(f, "%s\n%s\n%v\n", strings.Join(args, " "), out, err)
	return out, err
}

// struck is how often a mock system's faults have struck.
func (r *run) struck(ctx context.Context, system string) (n int) {
	_ = r.world.Ask(ctx, http.MethodGet, system, "/_struck", nil, &n) // 0 makes the run void, which is true
	return n
}

// An injected fault is switched on in a system.
type injected struct {
	run          *run
	name, system string
	before       int // how often the system's faults had struck
	end          func()
}

// fault switches faults of a system on.
func (r *run) fault(ctx context.Context, name, system string, faults ...mocks.Fault) (*injected, error) {
	f := &injected{run: r, name: name, system: system, before: r.struck(ctx, system), end: r.band(name + " " + system)}
	return f, r.world.SetFault(ctx, system, faults...)
}

func (f *injected) struck(ctx context.Context) int { return f.run.struck(ctx, f.system) - f.before }

// heal switches the faults off and counts how often they struck.
func (f *injected) heal(ctx context.Context) error {
	defer f.end()
	f.run.bit(f.name, f.struck(ctx))
	return f.run.world.SetFault(ctx, f.system)
}

// halfRefused lets two systems refuse half of their calls while act goes on.
func (r *run) halfRefused(ctx context.Context, act func() error) error {
	var faults []*injected
	for _, system := range []string{"migration", "egov"} {
		f, err := r.fault(ctx, "half refused", system, said(503, 0, 0.5))
		if err != nil {
			return err
		}
		faults = append(faults, f)
	}
	err := act()
	for _, f := range faults {
		err = errors.Join(err, f.heal(ctx))
	}
	return err
}
