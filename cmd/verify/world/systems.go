package world

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kandashub/cmd/verify/proxy"
	"kandashub/mocks"
)

// A system is one of the mock systems, all of which one process serves.
type system struct {
	url    string // its own
	proxy  *proxy.Proxy
	ledger string // path
}

// mocksPorts is how many ports in a row `mocks serve` may take.
const mocksPorts = 24

// mocksGrace is what the mock systems are given to end in good order.
const mocksGrace = 5 * time.Second

// startSystems brings up the mock systems, puts proxies before them, and learns
// from their hub.env what hubs must be told.
func (w *World) startSystems(ctx context.Context) error {
	first, err := w.ports.take(mocksPorts)
	if err != nil {
		return err
	}
	dir := filepath.Join(w.config.Dir, "mocks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	settings := filepath.Join(dir, "hub.env")
	w.Mocks = w.process("mocks", w.config.Mocks, []string{
		"serve", "--kafka", strings.Join(w.advertised(), ","), "--redis", w.RedisProxy.Addr(), "--dir", dir,
		"--port", strconv.Itoa(first), "--hub-url", w.Door(), "--seed", strconv.FormatInt(w.config.Seed, 10),
	}, nil, mocksGrace, func(ctx context.Context) error { return systemsAnswer(ctx, settings) })
	if err := startAll(ctx, w.Mocks); err != nil {
		return err
	}
	env, err := readEnv(settings)
	if err != nil {
		return err
	}
	for name, url := range systemURLs(env) {
		s := &system{url: url}
		if s.ledger, err = findLedger(filepath.Join(dir, name)); err != nil {
			return err
		}
		if s.proxy, err = w.proxy(strings.TrimPrefix(url, "http://")); err != nil {
			return err
		}
		w.systems[name] = s
		env[urlSetting(name)] = "http://" + s.proxy.Addr()
	}
	// Each hub has addresses of its own; nobody looks at pages, and two hubs must not
	// share an index.
	for _, own := range []string{"HUB_LISTEN", "HUB_METRICS", "HUB_CONSOLE", "HUB_CONSOLE_DEV", "HUB_OUTCOMES_DIR"} {
		delete(env, own)
	}
	for _, setting := range slices.Concat(w.base(), times(), w.config.Env) {
		name, value, _ := strings.Cut(setting, "=")
		env[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		w.environment = append(w.environment, name+"="+env[name])
	}
	return nil
}

// systemsAnswer fails unless all mock systems do.
func systemsAnswer(ctx context.Context, settings string) error {
	env, err := readEnv(settings)
	if err != nil {
		return err
	}
	urls := systemURLs(env)
	if len(urls) == 0 {
		return errors.New("hub.env names no system")
	}
	for _, url := range urls {
		if err := answers(ctx, url+"/_faults"); err != nil {
			return err
		}
	}
	return nil
}

// readEnv reads a file of NAME=value lines.
func readEnv(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	env := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			env[name] = value
		}
	}
	return env, nil
}

// systemURLs picks the systems' addresses, by name.
func systemURLs(env map[string]string) map[string]string {
	urls := make(map[string]string)
	for name, value := range env {
		system := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "HUB_"), "_URL"))
		if name == urlSetting(system) && !strings.HasPrefix(system, "console") { // that has addresses of its own
			urls[system] = value
		}
	}
	return urls
}

func urlSetting(system string) string { return "HUB_" + strings.ToUpper(system) + "_URL" }

// findLedger finds a mock's ledger: its only file of that kind.
func findLedger(dir string) (string, error) {
	var found []string
	for _, pattern := range []string{"*.jsonl", "*.ledger"} {
		match, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		found = append(found, match...)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d ledgers in %s, one is expected", len(found), dir)
	}
	return found[0], nil
}

// Systems are the names of the mock systems.
func (w *World) Systems() []string { return slices.Sorted(maps.Keys(w.systems)) }

// SystemProxy is before a mock system, for the hubs; nil if there is no such
// system.
func (w *World) SystemProxy(name string) *proxy.Proxy {
	if s, ok := w.systems[name]; ok {
		return s.proxy
	}
	return nil
}

// SystemURL is a mock system's own address, past its proxy; empty if there is no
// such system.
func (w *World) SystemURL(name string) string {
	if s, ok := w.systems[name]; ok {
		return s.url
	}
	return ""
}

// Ledger is the path of a mock system's ledger; empty if there is no such
// system.
func (w *World) Ledger(name string) string {
	if s, ok := w.systems[name]; ok {
		return s.ledger
	}
	return ""
}

// SetFault replaces the faults of a mock system; without any it is well.
func (w *World) SetFault(ctx context.Context, name string, faults ...mocks.Fault) error {
	return w.Ask(ctx, http.MethodPut, name, "/_faults", append([]mocks.Fault{}, faults...), nil)
}

// Ask asks a mock system, past its proxy: in is sent as JSON, the answer is read
// into out where that is not nil.
func (w *World) Ask(ctx context.Context, method, system, path string, in, out any) error {
	what := fmt.Sprintf("%s %s of %s", method, path, system)
	if w.systems[system] == nil {
		return fmt.Errorf("%s: no such mock system", what)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, w.SystemURL(system)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) //nolint:errcheck // the status says enough
		return fmt.Errorf("%s: %s: %s", what, resp.Status, bytes.TrimSpace(said))
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
