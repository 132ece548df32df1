package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// actAsHub makes the test's own program a stand-in for the hub when it is
// started as one: it dies at once, or is ready until it is told to stop.
func actAsHub() {
	switch os.Getenv("TEST_HUB") {
	case "dies":
		fmt.Println("setting HUB_KAFKA is missing")
		os.Exit(3)
	case "lives":
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		go http.ListenAndServe(os.Getenv("HUB_METRICS"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) //nolint:errcheck // it ends with the process
		<-ctx.Done()
		fmt.Println("stopped in order")
		os.Exit(0)
	}
}

func standIn(t *testing.T, mode string) *hubProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen("the hub", 0)
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	return &hubProcess{
		binary: self, env: []string{"TEST_HUB=" + mode, "HUB_METRICS=" + addr}, log: filepath.Join(t.TempDir(), "hub.log"),
		ready: "http://" + addr + "/readyz", note: func(string, ...any) {},
	}
}

func TestHubThatDiesAtStart(t *testing.T) {
	err := standIn(t, "dies").run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "dies at start") || !strings.Contains(err.Error(), "setting HUB_KAFKA is missing") {
		t.Errorf("%v, want what it said last", err)
	}
}

func TestHubThatIsNotThere(t *testing.T) {
	h := standIn(t, "dies")
	h.binary = filepath.Join(t.TempDir(), "hub")
	if err := h.run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	c := runCmd{Hub: h.binary}
	if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "build it first") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want one line that says what to do", err)
	}
}

func TestHubIsStartedAgainAndStopped(t *testing.T) {
	h := standIn(t, "lives")
	restarted := make(chan string, 1)
	h.note = func(format string, args ...any) { restarted <- fmt.Sprintf(format, args...) }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx) }()
	limit, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := h.waitReady(limit); err != nil {
		t.Fatal(err)
	}
	h.kill()
	if s := <-restarted; !strings.Contains(s, "killed") {
		t.Errorf("said %q", s)
	}
	if err := h.waitReady(limit); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if out := lastLines(h.log, 1); out != "stopped in order" {
		t.Errorf("last line %q", out)
	}
}

func TestHubThatNeverGetsReady(t *testing.T) {
	h := standIn(t, "lives")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("the time is up"))
	defer cancel()
	if err := h.waitReady(ctx); err == nil || !strings.Contains(err.Error(), "the time is up") {
		t.Errorf("%v", err)
	}
}
