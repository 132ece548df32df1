package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"kandashub/mocks"
)

// A preset is a fault that is played from the terminal.
type preset struct {
	name  string
	about string // what the system does
	see   string // what comes of it
	fault func(lasts time.Duration) []mocks.Fault
}

// presets are all of them, in the order in which the tour shows them. A 503 with
// Retry-After says that nothing was done, so every operation may repeat it.
func presets() []preset {
	lasting := func(f mocks.Fault) func(time.Duration) []mocks.Fault {
		return func(lasts time.Duration) []mocks.Fault {
			f.ForMS = int(lasts.Milliseconds())
			return []mocks.Fault{f}
		}
	}
	return []preset{
		{"down", "answers 503 for %s", "its breaker opens, what is for it waits, and once it answers again all arrives in order",
			lasting(mocks.Fault{Status: http.StatusServiceUnavailable, RetryAfterS: 1})},
		{"flaky", "answers every second call with 503 for %s", "calls are repeated, nothing is done twice",
			lasting(mocks.Fault{Status: http.StatusServiceUnavailable, RetryAfterS: 1, Rate: 0.5})},
		{"slow", "takes 1.5 s longer for each call for %s", "latency rises, other systems go on as before",
			lasting(mocks.Fault{LatencyMS: 1500})},
		{"refuse", "refuses the next message", "a dead letter waits for a person: replay it",
			func(time.Duration) []mocks.Fault {
				return []mocks.Fault{{Status: http.StatusUnprocessableEntity, Times: 1}}
			}},
		{"off", "works again", "the breaker closes within seconds",
			func(time.Duration) []mocks.Fault { return []mocks.Fault{} }},
	}
}

type faultCmd struct {
	Preset string        `arg:"" enum:"down,flaky,slow,refuse,off" help:"down, flaky, slow, refuse or off. It replaces the one before."`
	System string        `default:"migration" help:"The system that it befalls (${default}): one of ${systems}."`
	For    time.Duration `default:"30s" help:"How long it lasts (${default}); refuse strikes one message."`
	Port   int           `default:"18000" help:"First port of the world."`
	URL    string        `help:"Address of the mock system as the world prints it, where its ports are any free ones."`

	Output io.Writer `kong:"-"` // os.Stdout where nil
}

// Run is `mocks fault`.
func (c *faultCmd) Run(ctx context.Context) error {
	all := presets()
	p := all[slices.IndexFunc(all, func(p preset) bool { return p.name == c.Preset })]
	url, err := c.url()
	if err != nil {
		return err
	}
	err = c.isThere(ctx, url)
	if err == nil {
		err = askMock(ctx, http.MethodPut, url, p.fault(c.For), nil)
	}
	if err != nil {
		return fmt.Errorf("switch the fault on at the mock of %s: %w; mocks run and mocks serve print its address", c.System, err)
	}
	about := p.about
	if strings.Contains(about, "%s") {
		about = fmt.Sprintf(about, c.For)
	}
	out := c.Output
	if out == nil {
		out = os.Stdout
	}
	fmt.Fprintf(out, "%s %s: %s.\n", c.System, about, p.see)
	return nil
}

// url is where the mock system is.
func (c *faultCmd) url() (string, error) {
	i := slices.Index(systemNames(), c.System)
	switch {
	case i < 0:
		return "", fmt.Errorf("there is no system %s: it is one of %s", c.System, strings.Join(systemNames(), ", "))
	case c.URL != "":
		return strings.TrimSuffix(c.URL, "/"), nil
	}
	return fmt.Sprintf("http://%s:%d", loopback, c.Port+portSystems+i), nil
}

// systemNames are the names of all mock systems.
func systemNames() (names []string) {
	for _, s := range systems {
		names = append(names, s.name)
	}
	return names
}

// nameHeader says in each answer which mock system gives it.
const nameHeader = "X-Mock-System"

// named has a mock system say its name.
func named(name string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(nameHeader, name)
		h.ServeHTTP(w, r)
	})
}

// isThere makes sure that the fault befalls the system that was meant.
func (c *faultCmd) isThere(ctx context.Context, url string) error {
	name := ""
	err := askMock(ctx, http.MethodGet, url, nil, func(h http.Header) { name = h.Get(nameHeader) })
	switch {
	case err != nil || name == c.System:
		return err
	case name == "":
		return fmt.Errorf("what answers at %s is no mock system of this version", url)
	}
	return fmt.Errorf("what answers at %s is the mock of %s", url, name)
}

// askMock puts the faults of a mock system in place of those before, or only looks;
// look is given the head of the answer.
func askMock(ctx context.Context, method, url string, faults []mocks.Fault, look func(http.Header)) error {
	body, err := json.Marshal(faults)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url+"/_faults", bytes.NewReader(body))
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) // only to say why
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(answer))
	}
	if look != nil {
		look(resp.Header)
	}
	return nil
}
