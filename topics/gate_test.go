package topics

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// brokenBreaker is a breaker whose state the test sets.
type brokenBreaker struct {
	open    *atomic.Bool
	changed chan struct{}
}

func (b brokenBreaker) Admit() (func(error), time.Duration, bool) {
	return func(error) {}, time.Minute, !b.open.Load()
}
func (b brokenBreaker) Open() bool               { return b.open.Load() }
func (b brokenBreaker) Changed() <-chan struct{} { return b.changed }

// names are the reasons with their owners.
func names(pauses []Pause) (out []string) {
	for _, p := range pauses {
		out = append(out, p.Reason+" of "+p.Owner)
	}
	return out
}

// What an operator paused is resumed by nobody else: not by a breaker that
// closes, not by a probe, not by the end of the hub's own reasons.
func TestGateOperatorsPauseIsTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := new(atomic.Bool)
		g := NewGate(brokenBreaker{open, make(chan struct{})}, nil)
		start := time.Now()
		g.Hold("duty-1", start, time.Time{})
		open.Store(true)
		g.Pause(PauseAuth, time.Minute)
		g.Pause(PauseRedis, 0)
		want := []string{"auth of hub", "breaker of hub", "operator of duty-1", "redis of hub"}
		if got := names(g.Reasons()); !slices.Equal(got, want) {
			t.Errorf("reasons %v, want %v", got, want)
		}
		open.Store(false)
		g.Resume(PauseRedis)
		time.Sleep(time.Hour)
		if _, _, ok := g.Admit(); ok {
			t.Fatal("a probe went through an operator's pause")
		}
		g.Resume(PauseOperator)
		done, _, ok := g.Admit()
		if !ok {
			t.Fatal("no probe for the reason that is left")
		}
		done(nil)
		if got := g.Reasons(); len(got) != 0 || g.paused() {
			t.Errorf("reasons %v", got)
		}
	})
}

func TestGateOperatorsPauseExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		observed := map[string]bool{}
		g := NewGate(openBreaker{}, func(reason string, on bool) { observed[reason] = on })
		start := time.Now()
		g.Hold("duty-1", start, start.Add(time.Minute))
		g.Hold("duty-2", start, start.Add(time.Hour)) // in its place
		_, wait, ok := g.Admit()
		if ok || wait != time.Hour {
			t.Fatalf("admitted %t, ask again after %s, want an hour", ok, wait)
		}
		if got := names(g.Reasons()); !slices.Equal(got, []string{"operator of duty-2"}) {
			t.Errorf("reasons %v", got)
		}
		time.Sleep(wait)
		first, _, ok1 := g.Admit()
		_, _, ok2 := g.Admit()
		if !ok1 || !ok2 {
			t.Fatal("an expired pause is probed: it should just end")
		}
		first(errors.New("refused"))
		if g.paused() || observed[PauseOperator] || len(g.Reasons()) != 0 {
			t.Error("still paused")
		}
		g.Hold("duty-1", start, start.Add(time.Minute)) // has expired before it came
		if g.paused() {
			t.Error("paused by what has expired")
		}
	})
}

// Time in which an operator has paused the route is not counted against anybody.
func TestGateHoldBeginsANewEpoch(t *testing.T) {
	g := NewGate(openBreaker{}, nil)
	before, _ := g.state()
	g.Hold("duty-1", time.Now(), time.Time{})
	g.Hold("duty-1", time.Now(), time.Time{})
	if after, _ := g.state(); after != before+1 {
		t.Errorf("epoch %d, want %d", after, before+1)
	}
}

// told writes pauses as their reasons with the seconds from a start.
func told(start time.Time, pauses []PastPause) (out []string) {
	for _, p := range pauses {
		s := fmt.Sprintf("%s %v-", p.Reason, p.Since.Sub(start).Seconds())
		if !p.Until.IsZero() {
			s += fmt.Sprint(p.Until.Sub(start).Seconds())
		}
		out = append(out, s)
	}
	return out
}

// What a message has waited for is each pause between its arrival and its attempt:
// none that ended before, none that began after.
func TestGateTellsWhatAMessageWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := new(atomic.Bool)
		g := NewGate(brokenBreaker{open, make(chan struct{})}, nil)
		start := time.Now()
		at := func(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }
		until := func(second int) { time.Sleep(time.Until(at(second))) }
		fails, _, _ := g.Admit()
		probe, _, _ := g.Admit()
		until(10)
		open.Store(true)
		fails(errors.New("no answer")) // and the breaker opens
		until(12)
		g.Hold("duty", at(11), at(20))
		until(30)
		open.Store(false)
		probe(nil) // and it closes
		until(40)
		g.Pause(PauseRedis, 0)
		until(50)
		for _, c := range []struct {
			came, began int
			want        []string
		}{
			{0, 5, nil},
			{0, 10, nil}, // it was under way when the breaker opened
			{0, 11, []string{"breaker 10-30"}},
			{15, 31, []string{"breaker 10-30", "operator 11-20"}},
			{20, 31, []string{"breaker 10-30"}},
			{30, 35, nil},
			{35, 50, []string{"redis 40-"}},
			{0, 50, []string{"breaker 10-30", "operator 11-20", "redis 40-"}},
		} {
			if got := told(start, g.met(at(c.came), at(c.began))); !slices.Equal(got, c.want) {
				t.Errorf("came at %d and began at %d: %q, want %q", c.came, c.began, got, c.want)
			}
		}
		g.forget()
		if got := told(start, g.met(at(0), at(50))); !slices.Equal(got, []string{"redis 40-"}) {
			t.Errorf("in the next generation: %q", got)
		}
	})
}

// An open breaker that has not been seen to close is a pause that stands.
func TestGateTellsAnOpenBreaker(t *testing.T) {
	open := new(atomic.Bool)
	open.Store(true)
	g := NewGate(brokenBreaker{open, make(chan struct{})}, nil)
	came := time.Now()
	g.look()
	met := g.met(came, time.Now().Add(time.Hour))
	if len(met) != 1 || met[0].Reason != PauseBreaker || !met[0].Until.IsZero() || met[0].Since.Before(came) {
		t.Errorf("%+v", met)
	}
}

// Of many pauses the first and the last ones are told, and not all are remembered.
func TestGateRemembersABoundedPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(openBreaker{}, nil)
		start := time.Now()
		for range maxPast + 10 { // pause n lasts from second 2n to 2n+1
			g.Pause(PauseRedis, 0)
			time.Sleep(time.Second)
			g.Resume(PauseRedis)
			time.Sleep(time.Second)
		}
		want := []string{"redis 20-21", "redis 22-23", "redis 136-137", "redis 138-139", "redis 140-141", "redis 142-143", "redis 144-145", "redis 146-147"}
		if got := told(start, g.met(start, time.Now())); !slices.Equal(got, want) {
			t.Errorf("told are %q, want %q", got, want)
		}
	})
}

// Who has waited for nothing costs nothing.
func TestGateWithoutPausesAllocatesNothing(t *testing.T) {
	g := NewGate(openBreaker{}, nil)
	g.Pause(PauseRedis, 0)
	g.Resume(PauseRedis)
	came := time.Now()
	if n := testing.AllocsPerRun(100, func() { g.met(came, time.Now()) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The time in which a route was paused is between two epochs.
func TestGateGoesOnInANewEpoch(t *testing.T) {
	open := new(atomic.Bool)
	g := NewGate(brokenBreaker{open, make(chan struct{})}, nil)
	for _, step := range []func(){
		func() { open.Store(true); g.look() },
		func() { open.Store(false); g.look() },
		func() { g.Pause(PauseAuth, time.Minute) },
		func() { g.Resume(PauseAuth) },
	} {
		before, _ := g.state()
		step()
		if after, _ := g.state(); after != before+1 {
			t.Errorf("epoch %d, want %d", after, before+1)
		}
	}
}
