package target

import (
	"context"
	"sync"
	"time"
)

// A Run is what the target is told before the calls of one run come.
type Run struct {
	Run          uint32        `json:"run"`
	Messages     int           `json:"messages"`
	Applications int           `json:"applications"`
	Latency      time.Duration `json:"latency"` // of every call
}

// Counts are what the target has seen of a run. An effect is the first call of
// a message.
type Counts struct {
	Calls       int   `json:"calls"`
	Effects     int   `json:"effects"`
	Doubled     int   `json:"doubled"`     // calls of a message that had come before
	Back        int   `json:"back"`        // effects that came after a later one of their application
	Overlapping int   `json:"overlapping"` // effects that came while a call of their application was not answered yet
	FirstAt     int64 `json:"first_at"`    // of all calls, Unix time in nanoseconds
	LastAt      int64 `json:"last_at"`     // likewise
}

// book holds what came of one run.
type book struct {
	run Run

	mu       sync.Mutex
	counts   Counts
	arrived  []int64 // of each message's effect; Unix time in nanoseconds, 0 if there was none
	answered []int64
	latest   []int // of each application: 1 + the highest message that came
	busy     []int // of each application: calls that are not answered yet
	waiters  []waiter
}

type waiter struct {
	effects int
	there   chan struct{}
}

func newBook(r Run) *book {
	return &book{
		run: r, arrived: make([]int64, r.Messages), answered: make([]int64, r.Messages),
		latest: make([]int, r.Applications), busy: make([]int, r.Applications),
	}
}

// came notes a call. What is not of this run's plan is not noted.
func (b *book) came(message, application int, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.planned(message, application) {
		return
	}
	if b.counts.Calls == 0 {
		b.counts.FirstAt = at
	}
	b.counts.Calls++
	b.counts.LastAt = at
	b.busy[application]++
	if b.arrived[message] != 0 {
		b.counts.Doubled++
		return
	}
	b.arrived[message] = at
	b.counts.Effects++
	if b.busy[application] > 1 {
		b.counts.Overlapping++
	}
	if message < b.latest[application] {
		b.counts.Back++
	} else {
		b.latest[application] = message + 1
	}
	for i := 0; i < len(b.waiters); i++ {
		if w := b.waiters[i]; b.counts.Effects >= w.effects {
			close(w.there)
			b.waiters = append(b.waiters[:i], b.waiters[i+1:]...)
			i--
		}
	}
}

// done notes that a call has been answered.
func (b *book) done(message, application int, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.planned(message, application) {
		return
	}
	b.busy[application]--
	if b.answered[message] == 0 {
		b.answered[message] = at
	}
}

func (b *book) planned(message, application int) bool {
	return message < len(b.arrived) && application >= 0 && application < len(b.latest)
}

// wait returns once there are so many effects.
func (b *book) wait(ctx context.Context, effects int) (Counts, error) {
	b.mu.Lock()
	there := make(chan struct{})
	if b.counts.Effects >= effects {
		close(there)
	} else {
		b.waiters = append(b.waiters, waiter{effects, there})
	}
	b.mu.Unlock()
	select {
	case <-there:
		return b.now(), nil
	case <-ctx.Done():
		return b.now(), ctx.Err()
	}
}

func (b *book) now() Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}

// seen says whether a message has come.
func (b *book) seen(message int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return message < len(b.arrived) && b.arrived[message] != 0
}

// times returns when each message's effect came and was answered.
func (b *book) times() (arrived, answered []int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]int64(nil), b.arrived...), append([]int64(nil), b.answered...)
}
