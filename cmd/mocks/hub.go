package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A hubProcess is the hub under test, as a process of its own: it is started
// again whenever it dies.
type hubProcess struct {
	binary string
	env    []string
	log    string // file of all its output
	ready  string // URL that answers 200 once it is ready
	note   func(format string, args ...any)

	mu   sync.Mutex
	cmd  *exec.Cmd       // the running process; nil between two
	gone <-chan struct{} // closed when it has ended
}

// environment is what the hub is told: where the world is, and the short times
// of its test profile.
func (w *world) environment() []string {
	env := []string{
		"HUB_KAFKA=" + strings.Join(w.kafka, ","),
		"HUB_REDIS=" + w.redis,
		"HUB_LISTEN=" + w.hub,
		"HUB_METRICS=" + w.metrics, "HUB_ADDRESSES=" + w.metrics, // the second is hubctl's
		"HUB_CONSOLE=" + w.console, "HUB_CONSOLE_DEV=true", "HUB_OUTCOMES_DIR=" + filepath.Join(w.dir, "outcomes"),
		"HUB_OTLP=http://" + w.traces, "HUB_TRACE_SAMPLE=1", "HUB_CONSOLE_TRACE_URL=http://" + w.traces + "/{trace}",
		"HUB_PERSON_KEY=" + w.secrets.Person,
		"HUB_LOG_KEY=" + w.secrets.Log,
		"HUB_SHEP_PASSWORD=" + w.secrets.Hub,
		"HUB_CALL=2s", "HUB_LEASE=4s", "HUB_DRAIN=2s", "HUB_SESSION=6s", "HUB_REBALANCE=10s", "HUB_SHUTDOWN=5s",
		"HUB_SETTLE_C2=5s", "HUB_SETTLE_C3=5s", "HUB_BACKOFF_CAP=1s", "HUB_BREAKER_OPEN_FOR=2s",
	}
	for _, s := range w.systems {
		name := strings.ToUpper(s.Name)
		env = append(env,
			"HUB_"+name+"_URL=http://"+s.addr,
			"HUB_"+name+"_TOKEN="+w.secrets.Hub)
		if s.CallsHub {
			env = append(env, "HUB_INTAKE_"+name+"_TOKEN="+w.secrets.Intake[s.Name])
		}
	}
	return env
}

// fastDeath is how soon after its start a death says that starting again will
// not help.
const fastDeath = 2 * time.Second

// run keeps the hub running until ctx ends, and then stops it in good order. It
// returns an error where the hub cannot be started, or dies at start three
// times in a row.
func (h *hubProcess) run(ctx context.Context) error {
	out, err := os.OpenFile(h.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	early := 0
	for ctx.Err() == nil {
		started := time.Now()
		died, err := h.once(ctx, out)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(started) > fastDeath {
			early = 0
		}
		if early++; early == 3 {
			return fmt.Errorf("the hub dies at start (%s); its last lines in %s:\n%s", died, h.log, lastLines(h.log, 10))
		}
		h.note("hub died (%s), started again", died)
	}
	return nil
}

// once runs the hub once and says how it died.
func (h *hubProcess) once(ctx context.Context, out *os.File) (died string, err error) {
	cmd := exec.Command(h.binary)
	cmd.Env = append(os.Environ(), h.env...)
	cmd.Stdout, cmd.Stderr = out, out
	defer func() {
		h.mu.Lock()
		h.cmd = nil
		h.mu.Unlock()
	}()
	return runProcess(ctx, cmd, func(gone <-chan struct{}) {
		h.mu.Lock()
		h.cmd, h.gone = cmd, gone
		h.mu.Unlock()
	})
}

// kill ends the running hub as a power cut would, and returns once it has ended.
func (h *hubProcess) kill() {
	h.mu.Lock()
	cmd, gone := h.cmd, h.gone
	h.mu.Unlock()
	if cmd != nil {
		cmd.Process.Kill() //nolint:errcheck // it may have died by itself
		<-gone
	}
}

// waitReady returns once the hub says that it is ready.
func (h *hubProcess) waitReady(ctx context.Context) error {
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.ready, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("the hub is not ready: %w; its last lines in %s:\n%s", context.Cause(ctx), h.log, lastLines(h.log, 10))
		}
	}
}

// lastLines returns the end of a file.
func lastLines(path string, n int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
