package main

import (
	"testing"
	"time"

	"kandashub/mocks"
	"kandashub/topics"
	"kandashub/topics/inspect"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// TestWaitedForABreaker has kandas not answer until its breaker opens, and a second
// application come meanwhile: while they wait their timelines say so, and afterwards
// from when to when the breaker was open, after the attempts that had failed before.
func TestWaitedForABreaker(t *testing.T) {
	w := newWorld(t, "HUB_BREAKER_FAILURES=3")
	w.start()
	w.systems["kandas"].Faults.Set(mocks.Fault{Operation: "register", Reset: true})
	first := w.file()
	isOpen := func() bool {
		return w.metric(`hub_route_paused{reason="breaker",route="register"}`) == "1"
	}
	servertest.Eventually(t, "the breaker is open", isOpen)
	second := w.file()
	for _, a := range []string{first, second} {
		servertest.Eventually(t, a+" waits", func() bool {
			waits, whole, err := inspect.Unfinished(t.Context(), w.cluster, w.contract, a)
			if err != nil || !whole {
				t.Fatalf("all of it: %t, %v", whole, err)
			}
			events := outcomes.Timeline(a, waits, nil, nil, outcomes.Now{})
			return len(events) > 0 && events[len(events)-1].Open && waits[0].Route == "register" && waits[0].Type != ""
		})
	}
	w.systems["kandas"].Faults.Clear()
	w.awaitEffect("kandas", "register", first)
	w.awaitEffect("kandas", "register", second)
	w.awaitCommitted()

	before := map[string]int{} // attempts at the registration before the pause, by application
	for _, a := range []string{first, second} {
		all, err := outcomes.FindHistory(t.Context(), w.cluster, a, nil)
		if err != nil {
			t.Fatal(err)
		}
		var told []outcomes.Event
		for _, e := range outcomes.Timeline(a, all, nil, nil, outcomes.Now{}) {
			switch {
			case e.Route != "register":
			case e.Kind == outcomes.EventRead && told == nil:
				before[a]++
			case e.Pause != "":
				told = append(told, e)
			}
		}
		if len(told) < 2 || told[0].Kind != outcomes.EventPaused || told[1].Kind != outcomes.EventResumed {
			t.Fatalf("%s waited for %+v", a, told)
		}
		from, to := told[0], told[1]
		if from.Pause != topics.PauseBreaker || from.System != "kandas" || !from.Since.Equal(to.Since) || to.Until != to.At || to.Waited != to.At.Sub(from.At) ||
			to.Waited <= 0 || to.Until.Sub(to.Since) < time.Second { // HUB_BREAKER_OPEN_FOR
			t.Errorf("%s waited from %+v\nto %+v", a, from, to)
		}
		if a == second && !from.At.After(from.Since) {
			t.Errorf("it came at %s, after the breaker had opened at %s", from.At, from.Since)
		}
	}
	// Of its three attempts before that two are always kept, however many probes followed.
	if before[first] < 2 || before[second] != 0 {
		t.Errorf("attempts before the breaker was open: %v, want those of %s and none of %s", before, first, second)
	}
}
