package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// refusals has a hub make dead letters of n applications, and returns what heals
// its system.
func refusals(t *testing.T, c *topics.Cluster, n int) (heal func()) {
	t.Helper()
	var refused atomic.Bool
	refused.Store(true)
	producer := hubOf(t, c, &refused)
	for i := range n {
		id := fmt.Sprint("migration-", i)
		m := topics.Message{ID: id, Type: "kz.migration.application.submitted.v1", Source: "migration", Subject: id, Time: time.Now(),
			Data: json.RawMessage(`{"application_id":"` + id + `","iin":"990101200017"}`)}
		if err := producer.Publish(t.Context(), "migration.applications", m); err != nil {
			t.Fatal(err)
		}
	}
	servertest.Eventually(t, "letters", func() bool { return len(waiting(t)) == n })
	return func() { refused.Store(false) }
}

// waiting are the letters that nobody has decided.
func waiting(t *testing.T, args ...string) (letters []shownLetter) {
	t.Helper()
	_, out, _ := hubctl(t, append([]string{"dead", "list", "-o", "json"}, args...)...)
	read(t, out, &letters)
	return letters
}

// answering carries out a command line for somebody who answers at a terminal.
func answering(t *testing.T, answer string, args ...string) (code int, said string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, surroundings{stdin: strings.NewReader(answer), stdout: &out, stderr: &errs, asks: true, live: true})
	return code, out.String() + errs.String()
}

// Many letters are decided by a filter: a dry run changes nothing, a person is
// asked unless --yes is said, and where nobody can be asked nothing is done.
func TestManyByAFilter(t *testing.T) {
	c := cluster(t)
	heal := refusals(t, c, 12)
	shapes := compiled(t)
	filter := []string{"--route", "register", "--code", "http_422"}
	replay := append([]string{"dead", "replay"}, filter...)

	var plan control.Plan
	out := expect(t, exitOK, append(replay, "--dry-run", "-o", "json"), "nothing was changed")
	shapes.obeyed(t, "dead replay --dry-run", []byte(out))
	if read(t, out, &plan); plan.Letters != 12 || len(plan.Orders) != 12 {
		t.Errorf("%+v", plan)
	}
	id := waiting(t)[0].Letter
	read(t, expect(t, exitOK, []string{"dead", "replay", id, "--route", "register", "--dry-run", "-o", "json"}), &plan)
	if plan.Letters != 1 {
		t.Errorf("%+v", plan)
	}
	expect(t, exitUsage, replay, "--who")
	expect(t, exitUsage, by("dead", "discard"), "name a letter, or choose some")
	expect(t, exitUsage, by("dead", "discard", id), "--route")
	expect(t, exitUsage, by(replay...), "nobody can be asked here")
	expect(t, exitNothing, by("dead", "replay", "--code", "http_400", "--yes"), "nothing to replay")
	if code, said := answering(t, "yes\n", by(replay...)...); code != exitFailed || !strings.Contains(said, "Type 12 to go on") || !strings.Contains(said, "nothing was done") {
		t.Errorf("a yes is enough for twelve: %d %s", code, said)
	}
	if n := len(waiting(t)); n != 12 {
		t.Fatalf("%d letters are left although nothing was decided", n)
	}

	heal()
	if code, said := answering(t, "12\n", by(append(replay, "--rate", "100/s")...)...); code != exitOK || !strings.Contains(said, "12 carried out: 12 delivered") {
		t.Errorf("%d %s", code, said)
	}
	servertest.Eventually(t, "no letters", func() bool { return len(waiting(t)) == 0 })
}

// A discard is undone by its letter, which dead list --discarded shows, and what
// comes back can be exported.
func TestDiscardUndoExport(t *testing.T) {
	c := cluster(t)
	refusals(t, c, 3)
	shapes := compiled(t)
	expect(t, exitOK, by("dead", "discard", "--application", "migration-1", "--yes", "--rate", "100/s"), "1 carried out")
	discarded := waiting(t, "--discarded")
	if len(discarded) != 1 || discarded[0].Application != "migration-1" || len(waiting(t)) != 2 {
		t.Fatalf("discarded are %+v", discarded)
	}
	undo := by("dead", "undo", discarded[0].Letter, "--route", "register")
	expect(t, exitOK, undo, "were not held meanwhile")
	expect(t, exitRefused, undo, "undone already")
	expect(t, exitNothing, by("dead", "undo", "none", "--route", "register"), "there is no letter [4 bytes]")
	if n := len(waiting(t, "--discarded")); n != 0 || len(waiting(t)) != 3 {
		t.Errorf("%d are discarded still", n)
	}

	out := expect(t, exitOK, []string{"dead", "export", "--route", "register"})
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 3 || strings.Contains(out, "990101200017") {
		t.Errorf("export prints\n%s", out)
	}
	expect(t, exitUsage, []string{"dead", "export", "--payload"}, "--who")
	out = expect(t, exitOK, by("dead", "export", "--payload", "-o", "json"), "990101200017")
	shapes.obeyed(t, "dead export", []byte(out))
	shapes.obeyed(t, "dead list", []byte(expect(t, exitOK, []string{"dead", "list", "-o", "json"})))
	expect(t, exitNothing, []string{"dead", "export", "--code", "http_400"})
	var records []control.AuditRecord
	read(t, expect(t, exitOK, []string{"audit", "list", "--action", "export", "-o", "json"}), &records)
	if len(records) != 2 || records[1].Detail != "3 letters" {
		t.Errorf("on record is %+v", records)
	}
	expect(t, exitOK, []string{"audit", "verify"})
}

// What is shown of groups is what the hub has done, once or again and again.
func TestLag(t *testing.T) {
	c := cluster(t)
	refusals(t, c, 2)
	shapes := compiled(t)
	servertest.Eventually(t, "no lag", func() bool {
		_, out, _ := hubctl(t, "lag", "register")
		return strings.Contains(strings.Join(strings.Fields(out), " "), "register hub.register Stable 1 6 0 -")
	})
	if out := expect(t, exitOK, []string{"lag", "register", "-p"}); strings.Count(out, "migration.applications") != 2 {
		t.Errorf("lag -p prints\n%s", out)
	}
	shapes.obeyed(t, "lag", []byte(expect(t, exitOK, []string{"lag", "-o", "json"})))
	shapes.obeyed(t, "route list", []byte(expect(t, exitOK, []string{"route", "list", "-o", "json"})))
	expect(t, exitNothing, []string{"lag", "nowhere"}, "no route of a name")

	ctx, cancel := context.WithCancel(t.Context())
	w := &counting{every: func(n int) {
		if n == 3 {
			cancel()
		}
	}}
	if code := run(ctx, []string{"lag", "register", "--watch", "--every", "200ms", "-o", "jsonl"}, surroundings{stdout: w, stderr: w}); code != exitOK || w.n < 3 {
		t.Errorf("watching ended with %d after %d times", code, w.n)
	}
}

// counting tells how often something was printed.
type counting struct {
	n     int
	every func(n int)
}

func (c *counting) Write(p []byte) (int, error) {
	c.n += bytes.Count(p, []byte("\n"))
	c.every(c.n)
	return len(p), nil
}

// A drained route is paused, and stays so; where Redis does not answer it is not
// known whether it is quiet.
func TestDrain(t *testing.T) {
	cluster(t)
	t.Setenv("HUB_REDIS", servertest.Redis(t).Options().Addr)
	t.Setenv("HUB_LEASE", "300ms")
	expect(t, exitOK, by("route", "drain", "register"), "no call is under way")
	t.Setenv("HUB_REDIS", "127.0.0.1:1")
	expect(t, exitFailed, by("route", "drain", "verify"), "is paused, but it is not known")
	t.Setenv("HUB_REDIS_PASSWORD", "a")
	t.Setenv("HUB_REDIS_PASSWORD_FILE", "b")
	expect(t, exitFailed, by("route", "drain", "verify"), "set one")
	out := expect(t, exitOK, []string{"route", "list"})
	if n := strings.Count(out, "paused"); n != 2 {
		t.Errorf("%d routes are paused:\n%s", n, out)
	}
}

// progressOf is how far a run of n letters has come.
func progressOf(n, done int) control.Progress {
	return control.Progress{Letters: n, Decided: done, Done: done}
}
