package main

import (
	"context"
	"sync"
	"time"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

// A recorder gathers the effects of all systems as they happen, and tells what
// is waited for. It may be used by many goroutines at once.
type recorder struct {
	mu       sync.Mutex
	effects  []mocks.Effect
	last     time.Time     // of the newest effect that counts
	changed  chan struct{} // closed at the next effect
	expected map[string][]*expectation
	reached  int
	total    int
}

// expectation counts one expected effect.
type expectation struct {
	samples.Expected
	seen int
}

func newRecorder(flows []samples.Flow) *recorder {
	r := &recorder{changed: make(chan struct{}), expected: map[string][]*expectation{}, last: time.Now()}
	for _, f := range flows {
		for _, x := range f.Expected {
			e := &expectation{Expected: x}
			r.total += x.Count
			for _, a := range x.Applications {
				r.expected[a] = append(r.expected[a], e)
			}
		}
	}
	return r
}

func (r *recorder) add(e mocks.Effect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.effects = append(r.effects, e)
	if !mayHappen[e.System+" "+e.Operation] && !e.Repeat {
		r.last = time.Now()
	}
	for _, x := range r.expected[e.Application] {
		if matches(x.Expected, e) {
			if x.seen++; x.seen <= x.Count {
				r.reached++
			}
		}
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// progress says how many of the expected effects have been seen.
func (r *recorder) progress() (reached, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached, r.total
}

// all returns every effect so far.
func (r *recorder) all() []mocks.Effect {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]mocks.Effect(nil), r.effects...)
}

// wait returns once done is true of what has been seen; done is asked after
// each effect.
func (r *recorder) wait(ctx context.Context, done func() bool) error {
	for {
		r.mu.Lock()
		ok, changed := done(), r.changed
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// waitFor returns once x has been seen as often as it says.
func (r *recorder) waitFor(ctx context.Context, x samples.Expected) error {
	return r.wait(ctx, func() bool {
		n := 0
		for _, e := range r.effects {
			if matches(x, e) {
				n++
			}
		}
		return n >= x.Count
	})
}

// waitPart returns once part of whole of the expected effects have been seen.
func (r *recorder) waitPart(ctx context.Context, part, whole int) error {
	return r.wait(ctx, func() bool { return r.reached*whole >= r.total*part })
}

// waitQuiet returns once everything expected has been seen and nothing that
// counts has happened for a while: what is doubled comes late.
func (r *recorder) waitQuiet(ctx context.Context, quiet time.Duration) error {
	if err := r.wait(ctx, func() bool { return r.reached >= r.total }); err != nil {
		return err
	}
	for {
		r.mu.Lock()
		left := quiet - time.Since(r.last)
		r.mu.Unlock()
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
