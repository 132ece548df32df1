package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

func TestRecorderWaits(t *testing.T) {
	x := samples.Expected{System: "kandas", Operation: "register", Applications: []string{"a"}, Count: 2}
	effect := mocks.Effect{System: "kandas", Operation: "register", Application: "a"}
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder([]samples.Flow{{Expected: []samples.Expected{x}}})
		r.add(effect)
		if reached, total := r.progress(); reached != 1 || total != 2 {
			t.Fatalf("progress %d of %d", reached, total)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if r.waitFor(ctx, x) == nil {
			t.Fatal("one is not two")
		}
		go func() {
			r.add(effect)
			time.Sleep(500 * time.Millisecond) // of the bubble's own clock
			r.add(effect)                      // a double
			time.Sleep(500 * time.Millisecond)
			r.add(mocks.Effect{System: "gbdfl", Operation: "find", Application: "a"}) // does not count
		}()
		if err := r.waitFor(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := r.waitQuiet(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 1500*time.Millisecond {
			t.Errorf("quiet after %s: a late double must be waited for, a read must not", waited)
		}
		if n := len(r.all()); n != 4 {
			t.Errorf("%d effects, want 4", n)
		}
	})
}

func TestKillWaitsForGenerations(t *testing.T) {
	const a, b = "migration-x-a", "migration-x-b"
	r := newRecorder([]samples.Flow{{Expected: []samples.Expected{
		{System: "migpolice", Operation: "generate", Applications: []string{a, b}, Count: 1},
		{System: "kandas", Operation: "register", Applications: []string{a}, Count: 1},
	}}})
	find := func(application, detail string) mocks.Effect {
		return mocks.Effect{System: "gbdfl", Operation: "find", Application: application, Detail: detail}
	}
	now, cancel := context.WithCancel(t.Context())
	cancel()
	for i, step := range []struct {
		effect mocks.Effect
		calm   bool
	}{
		{find(a, "by document: 0 found"), true}, // the names are still to be searched
		{mocks.Effect{System: "kandas", Operation: "register", Application: a}, true},
		{find(a, "by name: 0 found"), false},
		{find(b, "by name: 0 found"), false},
		{mocks.Effect{System: "migpolice", Operation: "generate", Application: a}, true}, // b waits for a's
	} {
		r.add(step.effect)
		if calm := !r.generating(); calm != step.calm {
			t.Errorf("step %d: calm %v, want %v", i, calm, step.calm)
		}
	}
	if err := r.waitKill(now, 1, 3); err != nil {
		t.Errorf("everything has been seen: %v", err)
	}
}
