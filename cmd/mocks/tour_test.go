package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kandashub/mocks"
	"kandashub/topics/servertest"
)

// A screen is what a run prints, for those who wait for something on it.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A visit is a run that goes on, with somebody who looks at it.
type visit struct {
	t      *testing.T
	screen *screen
	hubctl string
}

// visitRun starts a run with Prometheus and waits until its flows are through.
// It ends with the test, in good order.
func visitRun(t *testing.T) *visit {
	t.Helper()
	bin := buildHub(t)
	v := &visit{t: t, screen: &screen{}, hubctl: filepath.Join(bin, "hubctl")}
	c := runCmd{worldFlags: worldFlags{Seed: 1, Dir: t.TempDir()}, Hub: filepath.Join(bin, "hub"), Timeout: 5 * time.Minute, Rate: 2, Output: v.screen}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		watched := v.address("Prometheus")
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the run ended with %v\n%s", err, v.screen)
		}
		for _, address := range []string{watched, v.address("hub: console")} {
			if l, err := net.Listen("tcp", address); err != nil {
				t.Errorf("a process of the run has outlived it: %v", err)
			} else {
				l.Close()
			}
		}
	})
	v.sees("Ctrl-C stops it.")
	return v
}

// sees waits until a text stands on the screen.
func (v *visit) sees(text string) {
	v.t.Helper()
	defer func() {
		if v.t.Failed() {
			v.t.Logf("on the screen:\n%s", v.screen)
		}
	}()
	servertest.Eventually(v.t, text, func() bool { return strings.Contains(v.screen.String(), text) })
}

// address is what the table says of something, without http://.
func (v *visit) address(what string) string {
	v.t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(what) + ` +(?:http://)?(\S+)$`).FindStringSubmatch(v.screen.String())
	if m == nil {
		v.t.Fatalf("no address of %s in\n%s", what, v.screen)
	}
	return m[1]
}

// fault plays a preset.
func (v *visit) fault(preset string, lasts time.Duration) {
	v.t.Helper()
	c := faultCmd{Preset: preset, System: "migration", For: lasts, URL: "http://" + v.address("mock of migration"), Output: io.Discard}
	if err := c.Run(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
}

// letter waits for a dead letter and returns its route and id, as hubctl tells
// them.
func (v *visit) letter() (route, id string) {
	v.t.Helper()
	v.sees("dead letter for a person, rejected: http_422")
	servertest.Eventually(v.t, "hubctl lists the letter", func() bool {
		for line := range strings.Lines(v.run("dead", "list")) {
			if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], "rejected.http_422.") {
				route, id = f[0], f[1]
			}
		}
		return id != ""
	})
	return route, id
}

// get is a page.
func (v *visit) get(url string) string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(text)
}

// run runs hubctl.
func (v *visit) run(args ...string) string {
	v.t.Helper()
	cmd := exec.CommandContext(v.t.Context(), v.hubctl, args...)
	cmd.Env = append(os.Environ(), "HUB_KAFKA="+v.address("Kafka (embedded)"))
	out, err := cmd.Output()
	if err != nil {
		v.t.Fatalf("hubctl %v: %v", args, err)
	}
	return string(out)
}

func needPrometheus(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the hub")
	}
	if os.Getenv("KAFKA_BROKERS") != "" {
		t.Skip("the tour is one of the embedded world")
	}
	if _, err := exec.LookPath("prometheus"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prometheus is not installed: in CI that is a failure")
		}
		t.Skip("prometheus is not installed")
	}
}

// TestTour is what the README promises to a first visitor: traffic, a breaker
// that opens and closes, the alert about it, and a dead letter that is replayed.
func TestTour(t *testing.T) {
	needPrometheus(t)
	t.Parallel()
	v := visitRun(t)
	v.fault("refuse", 0)
	route, id := v.letter()
	v.run("dead", "replay", id, "--route", route, "--who", "visitor", "--why", "the portal is well again")
	v.sees("is through after all")
	servertest.Eventually(t, "the trace of the refused notice shows that", func() bool {
		return regexp.MustCompile(`process kandas\.events</td>\s*<td class="n">\d+ <span class="failure">2 failed`).MatchString(v.get("http://" + v.address("traces")))
	})

	v.fault("down", 10*time.Minute) // until it is ended; a scrape that a busy machine misses begins the alert's wait anew
	v.sees("the breaker of migration show opens")
	v.sees("alert HubBreakerOpen migration show fires")
	v.fault("off", 0)
	v.sees("the breaker of migration show closes")
	v.sees("alert HubBreakerOpen migration show is over")
}

// TestFaultCommands: the command that a run prints for each preset reaches its
// mock system.
func TestFaultCommands(t *testing.T) {
	w := &world{systems: []*running{{addr: "127.0.0.1:1234"}}}
	w.systems[0].System = &mocks.System{Name: "migration"}
	for base, want := range map[int]string{
		defaultPort: " fault down",
		0:           " fault down --url http://127.0.0.1:1234",
		19000:       " fault down --port 19000",
	} {
		w.base = base
		if got := (&session{world: w}).faultCommand("down"); !strings.HasSuffix(got, want) {
			t.Errorf("first port %d: %q, want %q at its end", base, got, want)
		}
	}
	c := faultCmd{System: "kandas", Port: 19000}
	if got, err := c.url(); err != nil || got != "http://127.0.0.1:19011" {
		t.Errorf("kandas is at %s, %v", got, err)
	}
	c.System = "nobody"
	if _, err := c.url(); err == nil || !strings.Contains(err.Error(), "one of migration, kandas") {
		t.Errorf("%v, want all systems that there are", err)
	}
}

// TestOperatorsCommands: hubctl is printed with all settings that its commands need.
func TestOperatorsCommands(t *testing.T) {
	s := &session{world: &world{kafka: []string{"127.0.0.1:1", "127.0.0.1:2"}, redis: "127.0.0.1:3", metrics: "127.0.0.1:4"}, cmd: &runCmd{Hub: "bin/hub"}}
	if got, want := s.operator(), "HUB_KAFKA=127.0.0.1:1,127.0.0.1:2 HUB_REDIS=127.0.0.1:3 HUB_ADDRESSES=127.0.0.1:4 bin/hubctl"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !slices.Contains(s.world.environment(), "HUB_ADDRESSES=127.0.0.1:4") {
		t.Errorf("the settings of the world do not name its hub: %q", s.world.environment())
	}
}

// TestFaultBefallsWhoWasMeant: with the address of another system nothing is switched
// on, and nothing is said to be.
func TestFaultBefallsWhoWasMeant(t *testing.T) {
	faults := mocks.NewFaults(1)
	ledger, err := mocks.OpenLedger(filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	api := mocks.Admin(ledger, faults, http.NotFoundHandler())
	migration, stranger := httptest.NewServer(named("migration", api)), httptest.NewServer(api)
	defer migration.Close()
	defer stranger.Close()
	for _, c := range []struct{ system, url, says string }{
		{"egov", migration.URL, "is the mock of migration"},
		{"egov", stranger.URL, "is no mock system"},
		{"nobody", migration.URL, "one of migration, kandas"},
	} {
		var out strings.Builder
		err := (&faultCmd{Preset: "down", System: c.system, URL: c.url, For: time.Minute, Output: &out}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.says) || out.Len() > 0 || len(faults.Active()) > 0 {
			t.Errorf("%s at %s: %v, %q, %v", c.system, c.url, err, out.String(), faults.Active())
		}
	}
	if err := (&faultCmd{Preset: "down", System: "migration", URL: migration.URL + "/", For: time.Minute, Output: io.Discard}).Run(t.Context()); err != nil || len(faults.Active()) != 1 {
		t.Errorf("%v, %v", err, faults.Active())
	}
}

// TestBreakersAreTold: what is told is a change, and a probe is none.
func TestBreakersAreTold(t *testing.T) {
	var told []string
	b := &breakers{open: map[string]bool{}, note: func(format string, args ...any) { told = append(told, format) }}
	for _, state := range []string{"closed", "open", "half_open", "open", "half_open", "closed", "forced_closed", "forced_open"} {
		b.compare(map[string]string{"migration show": state})
	}
	if len(told) != 3 || !strings.Contains(told[0], "opens") || !strings.Contains(told[1], "closes") || !strings.Contains(told[2], "opens") {
		t.Errorf("told: %q", told)
	}
}
