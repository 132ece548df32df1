package topics

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// serve has every token taken and given back, as a route does that has more to
// do than its system bears; took is what a call takes with so many at once.
func (l *limiter) serve(rounds int, took func(atOnce int) time.Duration) {
	for range rounds {
		n := 0
		for more := true; more; {
			select {
			case <-l.places.free:
				n++
			default:
				more = false
			}
		}
		for range n {
			l.leave(took(n))
		}
	}
}

func TestLimitFollowsTheSystem(t *testing.T) {
	steady := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	// A system that has n at work and lets others queue.
	bears := func(n int, each time.Duration) func(int) time.Duration {
		return func(atOnce int) time.Duration { return each * time.Duration(max(n, atOnce)) / time.Duration(n) }
	}
	for name, tc := range map[string]struct {
		most        int
		took        func(int) time.Duration
		least, want int // the limit is between them in the end
	}{
		"bears everything":          {512, steady(20 * time.Millisecond), 512, 512},
		"is slow and bears it":      {512, steady(time.Second), 512, 512},
		"bears 100":                 {512, bears(100, 50*time.Millisecond), 80, 260},
		"bears one at a time":       {512, bears(1, 100*time.Millisecond), limitLeast, 64},
		"no more than the setting":  {8, steady(time.Millisecond), 8, 8},
		"bears one, and few may be": {4, bears(1, 100*time.Millisecond), 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLimiter(tc.most, nil)
			l.serve(400, tc.took)
			if l.limit < tc.least || l.limit > tc.want {
				t.Errorf("the limit is %d, want %d to %d", l.limit, tc.least, tc.want)
			}
		})
	}
}

// A route is at its speed within a few answers.
func TestLimitDoublesAtFirst(t *testing.T) {
	l := newLimiter(512, nil)
	l.serve(3, func(int) time.Duration { return 100 * time.Millisecond })
	if l.limit != 512 {
		t.Errorf("after three rounds the limit is %d, want 512", l.limit)
	}
}

// Nothing is learned from a system that is hardly asked.
func TestLimitStaysWithoutLoad(t *testing.T) {
	l := newLimiter(512, nil)
	for range 1000 {
		<-l.places.free
		l.leave(time.Millisecond)
	}
	if l.limit != limitStart {
		t.Errorf("the limit is %d, want %d", l.limit, limitStart)
	}
}

// However the limit moves, never more than most are out, and none gets lost.
func TestPlacesAreKept(t *testing.T) {
	const most = 40
	l := newLimiter(most, nil)
	var mu sync.Mutex
	out, highest := 0, 0
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for range 2000 {
				<-l.places.free
				mu.Lock()
				out++
				highest = max(highest, out)
				mu.Unlock()
				took := time.Duration(rng.ExpFloat64() * float64(100*time.Millisecond))
				mu.Lock()
				out--
				mu.Unlock()
				l.leave(took)
			}
		})
	}
	wg.Wait()
	if highest > most {
		t.Errorf("%d were out at once, want %d at most", highest, most)
	}
	if len(l.places.free) != l.limit || l.places.owed != 0 || len(l.slots.free) != slotsPerPlace*l.limit || l.slots.owed != 0 {
		t.Errorf("%d places and %d slots are free, %d and %d are owed; the limit is %d", len(l.places.free), len(l.slots.free), l.places.owed, l.slots.owed, l.limit)
	}
}
