package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/topics/inspect"
	"kandashub/topics/servertest"
)

// The doctor names what is wrong and what to do, and fails only for what keeps
// hubs from working.
func TestDoctor(t *testing.T) {
	cluster(t)
	t.Setenv("HUB_REDIS", servertest.Redis(t).Options().Addr)
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	defer untrusted.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	expect(t, exitOK, []string{"doctor"}, "skip  systems", "set HUB_<SYSTEM>_URL")
	t.Setenv("HUB_EGOV_URL", untrusted.URL)
	t.Setenv("HUB_CONSOLE_URL", plain.URL) // is no system's
	t.Setenv("HUB_KANDAS_URL", plain.URL)
	expect(t, exitOK, by("route", "pause", "register"))
	expect(t, exitOK, by("breaker", "open", "verify"))

	code, out, errs := hubctl(t, "doctor")
	if code != exitFailed || !strings.Contains(errs, "something is wrong") {
		t.Errorf("%d %s", code, errs)
	}
	said := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"ok kafka broker", "ok topics", "warn route register is paused by duty", "warn route verify has its breaker held open",
		"warn route reissue is run by no hub", "ok claims no loss", "ok redis answers", "ok clock that of Redis differs by", "ok clock Kafka holds no record",
		"fail egov the certificate", "is not trusted", "ok kandas", "skip hubs what their breakers are like", "skip acls"} {
		if !strings.Contains(said, want) {
			t.Errorf("the doctor does not say %q:\n%s", want, out)
		}
	}
	var findings []inspect.Finding
	out = expect(t, exitFailed, []string{"doctor", "-o", "json"})
	compiled(t).obeyed(t, "doctor", []byte(out))
	read(t, out, &findings)
	if !slices.ContainsFunc(findings, func(f inspect.Finding) bool { return f.Verdict == inspect.Fail && f.About == "egov" }) {
		t.Errorf("%+v", findings)
	}

	t.Setenv("HUB_KAFKA", "127.0.0.1:1")
	t.Setenv("HUB_REDIS", "127.0.0.1:1")
	expect(t, exitFailed, []string{"doctor"}, "no broker answers", "look at HUB_REDIS")
}

// Colours are for terminals, and for who wants them.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		screen  bool
		noColor string
		want    string
	}{{true, "", "\x1b[31mfail\x1b[0m"}, {true, "1", "fail"}, {false, "", "fail"}} {
		t.Setenv("NO_COLOR", c.noColor)
		if got := (surroundings{screen: c.screen}).paint(red, "fail"); got != c.want {
			t.Errorf("screen %t, NO_COLOR %q: %q", c.screen, c.noColor, got)
		}
	}
}

// What waits too long is named with its age.
func TestAdvice(t *testing.T) {
	var said []string
	r := inspect.NewReport(func(f inspect.Finding) { said = append(said, f.Verdict+" "+f.Text) })
	adviseRoute(r, inspect.Route{Name: "register", Members: 1, Group: "PreparingRebalance", Lag: 7, Oldest: at(9, 0), Letters: 2, OldestLetter: at(8, 0)}, now())
	adviseRoute(r, inspect.Route{Name: "verify", State: inspect.Unknown, Members: 1, Group: "Stable", Lag: 7, Oldest: at(11, 30)}, now())
	told := func(state string, members int, told inspect.Told) inspect.Route {
		return inspect.Route{Name: "verify", State: state, Members: members, Group: "Stable", Lag: 1, Oldest: at(11, 30), Told: &told}
	}
	adviseRoute(r, told(inspect.Paused, 2, inspect.Told{Hubs: 2, Breaker: map[string]int{"open": 1, "closed": 1}, OpenSince: at(11, 40),
		Pauses: map[string]int{"breaker": 1, "redis": 2}}), now())
	calm := inspect.Told{Hubs: 2, Breaker: map[string]int{"closed": 2}}
	adviseRoute(r, told(inspect.Running, 2, calm), now())
	adviseRoute(r, told(inspect.Unknown, 3, calm), now())
	want := []string{
		"warn register is being handed over (its group is PreparingRebalance): look again; if it stays so, hubs come and go faster than HUB_REBALANCE",
		"warn register has not finished a message that was written 3h0m0s ago (7 in all): look at its system and its breaker, hubctl lag register -p",
		"warn register has 2 dead letters that nobody has decided, the oldest for 4h0m0s: hubctl dead list --route register",
		"skip verify is run by 1 hub, 7 messages unfinished, 0 parked; whether its breaker is open, or a hub has paused it, is unknown here",
		"warn verify has its breaker open in 1 of 2 hubs, not closed since 2026-03-02T11:40:00Z: look at its system; it closes with the first probe that succeeds",
		"warn verify is paused by the hubs themselves (redis): their log says more, and it goes on by itself once that is over",
		"ok verify is run by 2 hubs, 1 message unfinished, 0 parked; its breaker is closed",
		"skip verify is run by 3 hubs, 1 message unfinished, 0 parked; whether its breaker is open, or a hub has paused it, is unknown here",
	}
	if diff := cmp.Diff(want, said); diff != "" || r.Failed {
		t.Errorf("(-want +got):\n%s", diff)
	}
	said = nil
	adviseRoute(r, told(inspect.Failed, 2, inspect.Told{Hubs: 2, States: map[string]int{inspect.Failed: 1}}), now())
	if !r.Failed || len(said) != 1 || !strings.Contains(said[0], "stopped for good in 1 of 2 hubs") {
		t.Errorf("a route that has stopped: %q", said)
	}
}

// Shells complete commands, flags and routes.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"hubctl dead un":      "undo",
		"hubctl route pause ": "notify-egov",
		"hubctl dead list --": "--application",
	} {
		t.Setenv("COMP_LINE", line)
		if code, out, errs := hubctl(t); code != exitOK || !slices.Contains(strings.Fields(out), want) {
			t.Errorf("%q is completed to %q (%d %s)", line, out, code, errs)
		}
	}
	t.Setenv("COMP_LINE", "")
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "compinit", "fish": "complete -f -c hubctl"} {
		if out := expect(t, exitOK, []string{"completion", "--code", shell}); !strings.Contains(out, want) {
			t.Errorf("%s is set up by %s", shell, out)
		}
	}
}

func TestVersion(t *testing.T) {
	out := expect(t, exitOK, []string{"version", "-o", "json"})
	compiled(t).obeyed(t, "version", []byte(out))
	compiled(t).obeyed(t, "topics list", []byte(expect(t, exitOK, []string{"topics", "list", "-o", "json"})))
	if out := expect(t, exitOK, []string{"shapes"}); out != string(shapes) {
		t.Error("shapes prints something else")
	}
}

// A bar is drawn on a terminal only; elsewhere lines tell how far a run has come.
func TestProgress(t *testing.T) {
	for _, live := range []bool{true, false} {
		var errs bytes.Buffer
		report, end := surroundings{stderr: &errs, live: live}.progress()
		report(progressOf(4, 1))
		report(progressOf(4, 4))
		end()
		if drawn := strings.Contains(errs.String(), "\r"); drawn != live || !strings.Contains(errs.String(), "1 of 4 decided") {
			t.Errorf("live %t: %q", live, errs.String())
		}
	}
}

// Who gives up is told what is left to do.
func TestInterrupted(t *testing.T) {
	cluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	<-ctx.Done()
	var errs bytes.Buffer
	if code := run(ctx, []string{"route", "list"}, surroundings{stdout: &errs, stderr: &errs}); code != exitFailed || errs.Len() == 0 {
		t.Errorf("%d %s", code, errs.String())
	}
}
