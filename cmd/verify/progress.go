package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/load"
)

// progress follows the ledgers while a run goes on, so that it is known how much
// has not been seen yet. The verdict does not come from here.
type progress struct {
	driver  *load.Driver
	ledgers map[string]string

	mu     sync.Mutex
	at     map[string]int64 // how far each ledger has been read
	seen   map[effectKey]bool
	wanted map[effectKey]bool // of sends that were acknowledged, and not seen yet
	count  int                // of wants that were
	last   time.Time          // when a ledger grew last
	sends  int
}

type effectKey struct{ system, operation, application, event, id string }

func keyOf(application string, w check.Want) effectKey {
	return effectKey{w.System, w.Operation, application, w.Event, w.ID}
}

func newProgress(d *load.Driver, ledgers map[string]string) *progress {
	return &progress{
		driver: d, ledgers: ledgers, at: map[string]int64{}, seen: map[effectKey]bool{}, wanted: map[effectKey]bool{}, last: time.Now(),
	}
}

func (p *progress) run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.look()
		case <-ctx.Done():
			return
		}
	}
}

// look reads on, and returns how many wants have been seen and how many of
// acknowledged sends have not.
func (p *progress) look() (seen, unseen int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sends := p.driver.Acked(p.sends)
	for name, path := range p.ledgers {
		effects, next, err := readLedger(path, p.at[name])
		if err != nil {
			continue // its next look reads it
		}
		if next > p.at[name] {
			p.at[name], p.last = next, time.Now()
		}
		for _, e := range effects {
			for _, k := range []effectKey{
				{e.System, e.Operation, e.Application, e.Event, ""}, {e.System, e.Operation, e.Application, "", e.ID},
				{e.System, e.Operation, e.Application, "", ""},
			} {
				p.seen[k] = true
			}
		}
	}
	for _, s := range sends {
		if s.Kind == check.Good {
			for _, w := range s.Wants {
				if !w.Optional {
					p.wanted[keyOf(s.Application, w)] = true
				}
			}
		}
	}
	p.sends += len(sends)
	for k := range p.wanted {
		if p.seen[k] {
			delete(p.wanted, k)
			p.count++
		}
	}
	return p.count, len(p.wanted)
}

// moved is when a ledger grew last.
func (p *progress) moved() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func (p *progress) String() string {
	seen, unseen := p.look()
	return fmt.Sprintf("%d of %d effects were seen", seen, seen+unseen)
}

// await returns once so many wants have been seen, as a share of all that the
// plan will come to.
func (p *progress) await(ctx context.Context, share float64) error {
	total := float64(p.driver.Wants())
	return until(ctx, 50*time.Millisecond, func() bool {
		seen, _ := p.look()
		return float64(seen) >= share*total
	})
}
