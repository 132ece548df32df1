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
