package main

import (
	"errors"
	"strings"
	"testing"

	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// Whoever decides one letter is told what came of it, as whoever decides many.
func TestOneLetter(t *testing.T) {
	c := cluster(t)
	heal := refusals(t, c, 3)
	one := func(action string, l shownLetter, more ...string) []string {
		return by(append([]string{"dead", action, l.Letter, "--route", "register"}, more...)...)
	}
	// came holds what is printed against its shape and returns the result.
	came := func(code int, args []string) control.Result {
		t.Helper()
		out := expect(t, code, append(args, "-o", "json"))
		compiled(t).obeyed(t, "dead run", []byte(out))
		var told told
		read(t, out, &told)
		if told.Letters != 1 || told.Decided != 1 || len(told.Results) != 1 {
			t.Fatalf("told is %+v", told)
		}
		return told.Results[0]
	}
	first := waiting(t)[0]
	died := came(exitFailed, one("replay", first))
	if died.Result != control.ResultDied || died.Next == "" || died.Application != first.Application {
		t.Errorf("it came to %+v", died)
	}
	heal()
	expect(t, exitOK, by("dead", "replay", died.Next, "--route", "register"), "replay of letter "+died.Next+": delivered")
	l := waiting(t)[0]
	if r := came(exitOK, one("discard", l)); r.Result != control.ResultDiscarded {
		t.Errorf("it came to %+v", r)
	}
	expect(t, exitOK, by("dead", "undo", l.Letter, "--route", "register", "--no-wait"), "the undo is written")
	servertest.Eventually(t, "it is back", func() bool { return len(waiting(t)) == 2 })
	expect(t, exitOK, one("replay", waiting(t)[0], "--no-wait"), "is written; the hub carries it out")
	servertest.Eventually(t, "it is delivered", func() bool { return len(waiting(t)) == 1 })
	expect(t, exitUsage, by("dead", "replay", "--route", "register", "--no-wait", "--yes"), "--no-wait is for one letter")
	expect(t, exitUsage, one("answer", l), "--iin, --none-generated or --replies")
	expect(t, exitUsage, one("answer", l, "--none-generated", "--wait=-1s"), "--wait")
}

// A result that is no good end is told by the exit code, with what to do.
func TestResultsOfOneLetter(t *testing.T) {
	what := decision{action: "answer", route: "register", letter: "l-1"}
	for _, c := range []struct {
		result control.Result
		code   int
		says   string
	}{
		{control.Result{Result: control.ResultDelivered}, exitOK, ""},
		{control.Result{Result: control.ResultDuplicate}, exitOK, ""},
		{control.Result{Result: control.ResultDied, Next: "l-2"}, exitFailed, "is letter l-2 now"},
		{control.Result{Result: control.ResultRefused, Why: "the replies break their contract"}, exitRefused, "waits as before: the replies break"},
		{control.Result{Result: control.ResultWaiting}, exitPartly, "is a hub running"},
	} {
		var said strings.Builder
		var t1 told
		err := waitFlags{}.judge(&t1, what, c.result)
		code := surroundings{stderr: &said}.conclude(errors.Join(nil, err))
		if code != c.code || !strings.Contains(said.String(), c.says) || t1.Delivered+t1.Before+t1.Died+t1.Refused+t1.Waiting != 1 {
			t.Errorf("%+v: %d, %q, %+v", c.result, code, said.String(), t1)
		}
	}
}
