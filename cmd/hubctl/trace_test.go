package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// The whole way of an application is told: what the hub did with its message and
// when, what people decided, and whether it waits.
func TestTrace(t *testing.T) {
	c := cluster(t)
	heal := refusals(t, c, 2)
	trace := []string{"trace", "migration-1"}
	look := func() (w way) {
		t.Helper()
		out := expect(t, exitOK, append(trace, "-o", "json"))
		compiled(t).obeyed(t, "trace", []byte(out))
		read(t, out, &w)
		return w
	}
	servertest.Eventually(t, "the outcome is known", func() bool {
		_, out, _ := hubctl(t, trace...)
		return strings.Contains(out, outcomes.EventCalled)
	})
	if w := look(); !w.Open || w.Application != "migration-1" || len(w.Waits) != 1 || w.Waits[0].For != outcomes.WaitPerson || w.Waits[0].Route != "register" {
		t.Errorf("while a letter waits: %+v", w)
	}
	expect(t, exitOK, trace, "It waits at register for a person since", look().Waits[0].Letter)
	discard := []string{"--application", "migration-1", "--yes", "--rate", "100/s"}
	expect(t, exitOK, by(append([]string{"dead", "discard"}, discard...)...))
	expect(t, exitOK, by("dead", "undo", waiting(t, "--discarded")[0].Letter, "--route", "register"))
	heal()
	expect(t, exitOK, by(append([]string{"dead", "replay"}, discard...)...))
	servertest.Eventually(t, "it is delivered", func() bool {
		_, out, _ := hubctl(t, trace...)
		return strings.Contains(out, outcomes.EventDelivered)
	})
	w := look()
	var kinds []string
	for i, e := range w.Events {
		kinds = append(kinds, e.Kind)
		if i > 0 && e.At.Before(w.Events[i-1].At) || e.Message != "" && e.Message != "migration-1" {
			t.Errorf("event %d is %+v", i, e)
		}
	}
	if len(w.Chains) != 1 || w.Chains[0].Open || len(w.Chains[0].Trace) != 32 || w.Chains[0].Steps != len(w.Events) {
		t.Errorf("its chains are %+v", w.Chains)
	}
	if w.Open || w.Seconds <= 0 || !slices.Contains(kinds, outcomes.EventWritten) || !slices.Contains(kinds, outcomes.EventReturned) {
		t.Errorf("open %t, %f s, events %q", w.Open, w.Seconds, kinds)
	}
	var decided []string
	for _, e := range w.Events {
		if e.Kind == outcomes.EventDecision {
			decided = append(decided, e.Action)
		}
	}
	if !slices.Equal(decided, []string{"discard", "undo", "replay"}) {
		t.Errorf("decided was %q", decided)
	}
	expect(t, exitOK, trace, "delivered", "test: do", "Nothing of it waits; it was last delivered at register", "by duty")
	expect(t, exitNothing, []string{"trace", "migration-9"}, "nothing is known")
	expect(t, exitNothing, []string{"trace", "990101200017"}, "nothing is known of such")
}

// What waits is told although no outcome tells of it yet, and if operators keep its
// route from calling, that and since when.
func TestTraceOfWhatWaits(t *testing.T) {
	c := cluster(t)
	producer := topics.NewProducer(c, 5*time.Second, nil)
	m := topics.Message{ID: "m-1", Type: "kz.migration.application.submitted.v1", Source: "migration", Subject: "migration-1", Time: time.Now(), Data: json.RawMessage(`{}`)}
	if err := producer.Publish(t.Context(), "migration.applications", m); err != nil {
		t.Fatal(err)
	}
	trace := []string{"trace", "migration-1"}
	expect(t, exitOK, trace, "written", "migration.applications", "WAITS", "It waits at register for its turn since")
	expect(t, exitOK, by("route", "pause", "register"))
	expect(t, exitOK, by("breaker", "open", "register"))
	expect(t, exitOK, trace, "WAITS, pause (operator) since", "WAITS, breaker open since", "so far, by duty", "It waits at register for the end of the ")
	var w way
	out := expect(t, exitOK, append(trace, "-o", "json"))
	compiled(t).obeyed(t, "trace", []byte(out))
	read(t, out, &w)
	reasons := map[string]bool{}
	for _, e := range w.Events {
		if e.Kind == outcomes.EventPaused && e.Open && !e.Since.IsZero() && e.Route == "register" && e.Message == "m-1" {
			reasons[e.Pause] = true
		}
	}
	if !w.Open || len(reasons) != 2 || !reasons[topics.PauseOperator] || !reasons[topics.PauseBreaker] {
		t.Errorf("the reasons are %v of %+v", reasons, w)
	}
}

// A letter is printed also when there is no time to find the attempts at its
// message, and that is said.
func TestShowWithoutTimeForTheAttempts(t *testing.T) {
	refusals(t, cluster(t), 1)
	show := []string{"dead", "show", waiting(t)[0].Letter, "--route", "register"}
	servertest.Eventually(t, "its attempt is known", func() bool {
		_, out, _ := hubctl(t, show...)
		return strings.Contains(out, "attempt 1")
	})
	var out, errs strings.Builder
	code := run(t.Context(), show, surroundings{stdout: &out, stderr: &errs, patience: time.Nanosecond})
	if code != exitOK || !strings.Contains(errs.String(), "the attempts at its message are not known") ||
		!strings.Contains(out.String(), `"iin": "string"`) || strings.Contains(out.String(), "attempt 1") {
		t.Errorf("%d\n%s%s", code, out.String(), errs.String())
	}
}
