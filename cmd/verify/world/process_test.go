package world

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell starts a script, which is ready when it says "up".
func shell(t *testing.T, script string, grace time.Duration) *Process {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	p := newProcess("script", log, "sh", []string{"-c", script}, nil, grace, func(context.Context) error {
		if !strings.Contains(lastLines(log), "up") {
			return errors.New("it says nothing")
		}
		return nil
	})
	must(t, p.Start())
	t.Cleanup(p.Kill)
	return p
}

func TestTerm(t *testing.T) {
	const wait = "echo up; while :; do sleep 0.01; done"
	for _, tc := range []struct {
		name, script string
		grace        time.Duration
		said         string // by the error; empty: none
	}{
		{"in good order", `trap "exit 0" TERM; ` + wait, time.Minute, ""},
		{"as Java does", `trap "exit 143" TERM; ` + wait, time.Minute, ""},
		{"with an error", `trap "echo oh; exit 3" TERM; ` + wait, time.Minute, "exit code 3; its last lines:\nup\noh"},
		{"not at all", `trap "" TERM; ` + wait, 50 * time.Millisecond, "it has not ended within 50ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := shell(t, tc.script, tc.grace)
			must(t, p.Ready(soon(t)))
			err := p.Term(soon(t))
			if (err == nil) != (tc.said == "") || err != nil && !strings.Contains(err.Error(), tc.said) {
				t.Errorf("got %v, want %q", err, tc.said)
			}
			if p.Running() || p.Deaths() != 0 {
				t.Errorf("running %v, %d deaths", p.Running(), p.Deaths())
			}
			if err := p.Term(soon(t)); err == nil {
				t.Error("it ends twice")
			}
		})
	}
}

// What somebody kills stays down, even where its restart was planned.
func TestKillRevokesTheRestart(t *testing.T) {
	p := shell(t, "echo up; exit 137", time.Minute)
	<-p.Exited()
	if p.ExitCode() != 137 || p.Deaths() != 1 {
		t.Errorf("exit code %d, %d deaths", p.ExitCode(), p.Deaths())
	}
	p.supervise(time.Millisecond)
	must(t, p.Start())
	must(t, until(soon(t), func(context.Context) error {
		if p.Deaths() < 3 {
			return errors.New("it was not started again")
		}
		return nil
	}))
	p.Kill()
	p.restarts.Wait()
	if p.Running() {
		t.Error("it was started again")
	}
}

func TestExtraEnvironmentIsForOneStart(t *testing.T) {
	t.Setenv("HUB_OF_THE_TERMINAL", "yes")
	p := shell(t, `echo up "$HUB_EXTRA$HUB_OF_THE_TERMINAL"`, time.Minute)
	<-p.Exited()
	must(t, p.Start("HUB_EXTRA=one"))
	<-p.Exited()
	must(t, p.Start())
	<-p.Exited()
	if said := lastLines(p.Log); said != "up \nup one\nup " {
		t.Errorf("it says %q", said)
	}
}

func TestPortsAreReserved(t *testing.T) {
	var ours ports
	defer ours.close()
	first, err := ours.take(5)
	must(t, err)
	for port := first; port < first+5; port++ {
		if release, err := reserve(port); err == nil {
			release()
			t.Errorf("port %d is given twice", port)
		}
		l, err := net.Listen("tcp", at(port)) // whom it is for may have it
		must(t, err)
		l.Close()
	}
	ours.close()
	release, err := reserve(first)
	must(t, err)
	release()
}

func TestAwait(t *testing.T) {
	p := shell(t, "echo up; while :; do sleep 0.01; done", time.Minute)
	const short, long = 30 * time.Millisecond, time.Minute
	if ok, err := p.AwaitLog(t.Context(), "up", long); !ok || err != nil {
		t.Errorf("its log is not seen: %v", err)
	}
	if ok, err := p.AwaitLog(t.Context(), "down", short); ok || err != nil {
		t.Errorf("what is not in its log is seen, or an error: %v", err)
	}
	if ok, err := p.AwaitStop(t.Context(), short); ok || err != nil {
		t.Errorf("it is frozen before it is, or an error: %v", err)
	}
	p.Signal(syscall.SIGSTOP)
	if ok, err := p.AwaitStop(t.Context(), long); !ok || err != nil {
		t.Errorf("it is not seen to be frozen: %v", err)
	}
	p.Kill()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := p.AwaitStop(ctx, long); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("want to be told of the end, got %v, %v", ok, err)
	}
}
