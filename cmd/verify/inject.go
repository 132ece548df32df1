package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
func (r *run) struck(ctx context.Context, system string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.world.SystemURL(system)+"/_struck", nil)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	n := 0
	_ = json.NewDecoder(resp.Body).Decode(&n) // 0 makes the run void, which is true
	return n
}

// fault switches faults of a system on; heal switches them off and counts how
// often they struck.
func (r *run) fault(ctx context.Context, name, system string, faults ...mocks.Fault) (heal func() error, err error) {
	before := r.struck(ctx, system)
	end := r.band(name + " " + system)
	if err := r.world.SetFault(ctx, system, faults...); err != nil {
		return nil, err
	}
	return func() error {
		defer end()
		r.bit(name, r.struck(ctx, system)-before)
		return r.world.SetFault(ctx, system)
	}, nil
}

func putJSON(ctx context.Context, url string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) //nolint:errcheck // the status says enough
		return fmt.Errorf("%s: %s: %s", url, resp.Status, said)
	}
	return nil
}
