package topics

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// openBreaker admits everything.
type openBreaker struct{ changed chan struct{} }

func (b openBreaker) Admit() (func(error), time.Duration, bool) {
	return func(error) {}, 0, true
}
func (b openBreaker) Open() bool               { return false }
func (b openBreaker) Changed() <-chan struct{} { return b.changed }

func TestGateProbesOnceAndLifts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(openBreaker{}, nil)
		g.Pause(PauseAuth, time.Minute)
		if _, wait, ok := g.Admit(); ok || wait != time.Minute {
			t.Fatalf("admitted while paused (wait %s)", wait)
		}
		time.Sleep(time.Minute)
		done, _, ok := g.Admit()
		if !ok {
			t.Fatal("no probe after the pause")
		}
		if _, _, ok := g.Admit(); ok {
			t.Fatal("a second call beside the probe")
		}
		g.Pause(PauseAuth, time.Minute) // the probe was refused too
		done(errors.New("401"))
		if _, _, ok := g.Admit(); ok {
			t.Fatal("admitted after a refused probe")
		}
		time.Sleep(time.Minute)
		done, _, _ = g.Admit()
		done(context.Canceled) // no call was made: nothing is known
		if !g.paused() {
			t.Fatal("lifted by a probe that called nobody")
		}
		done, _, ok = g.Admit()
		if !ok {
			t.Fatal("no further probe")
		}
		done(nil)
		if g.paused() {
			t.Fatal("still paused after a good probe")
		}
	})
}

func TestGateIsASetOfReasons(t *testing.T) {
	observed := map[string]bool{}
	g := NewGate(openBreaker{}, func(reason string, on bool) { observed[reason] = on })
	g.Pause(PauseRedis, 0)
	g.Pause(PausePartitions, 0)
	g.Resume(PauseRedis)
	if _, _, ok := g.Admit(); ok {
		t.Error("runs although one reason is left")
	}
	if observed[PauseRedis] || !observed[PausePartitions] {
		t.Errorf("observed %v", observed)
	}
	g.Resume(PausePartitions)
	if _, _, ok := g.Admit(); !ok {
		t.Error("paused without a reason")
	}
}

// What changes while the watcher wakes the partitions is not missed.
func TestGateWatchMissesNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(openBreaker{make(chan struct{})}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wakes atomic.Int32
		go g.watch(ctx, func() {
			if wakes.Add(1) == 1 {
				g.Pause(PauseRedis, 0)
				g.Resume(PauseRedis) // in the middle of the first turn
			}
		})
		synctest.Wait()
		if n := wakes.Load(); n != 2 {
			t.Errorf("woken %d times, want once at the start and once for the change", n)
		}
		cancel()
		synctest.Wait()
	})
}
