package outcomes

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kandashub/observability"
	"kandashub/topics"
)

const (
	// longPoll is how long a broker holds a question back while nothing is new.
	longPoll = 5 * time.Second

	// expireEvery is how often old outcomes are removed.
	expireEvery = time.Minute
)

// Options are how an Index is kept.
type Options struct {
	Cluster *topics.Cluster
	Keep    time.Duration          // outcomes that finished longer ago are removed
	Most    int                    // outcomes; of more, the oldest are removed
	Metrics *observability.Metrics // may be nil
	Log     *slog.Logger
}

// An Index finds outcomes by application and by message. It follows hub.outcomes
// while Run runs; its other methods may be called by many goroutines at once.
type Index struct {
	Options
	store *store

	// turn is held by the one partition that catches up or writes: what a
	// rebuild holds in memory is one fetch.
	turn sync.Mutex

	mu    sync.Mutex
	parts []*part // by number; nil before the topic has been asked
}

// part is how far one partition has been read.
type part struct {
	number    int
	first     int64
	next, end atomic.Int64
}

// Open opens the index in a folder, made if need be. One that is there goes on
// from where it was. The folder is this process's alone.
func Open(dir string, o Options) (*Index, error) {
	s, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	return &Index{Options: o, store: s}, nil
}

// Close closes the store, after Run has ended.
func (x *Index) Close() error { return x.store.close() }

// Run follows the topic until ctx ends. What cannot be read or stored is logged
// and tried again; what was stored before is found meanwhile.
func (x *Index) Run(ctx context.Context) error {
	for failures := 0; ; failures++ {
		began := time.Now()
		err := x.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > time.Minute {
			failures = 0
		}
		x.Log.Warn("the index of outcomes falls behind, trying again", "error", err.Error())
		if broken(err) {
			if err := x.store.renew(); err != nil {
				return fmt.Errorf("the index of outcomes: %w", err)
			}
		}
		if pause(ctx, min(100*time.Millisecond<<min(failures, 10), 10*time.Second)) != nil {
			return nil
		}
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// follow reads all partitions side by side until the first error.
func (x *Index) follow(ctx context.Context) error {
	parts, err := x.begin(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range parts {
		g.Go(func() error { return repeat(func() error { return x.step(ctx, p) }) })
	}
	g.Go(func() error { return repeat(func() error { return x.expire(ctx) }) })
	return g.Wait()
}

// repeat calls f until its first error.
func repeat(f func() error) error {
	for {
		if err := f(); err != nil {
			return err
		}
	}
}

// begin finds where to read on. An index that is ahead of the topic is of one
// that was made again.
func (x *Index) begin(ctx context.Context) ([]*part, error) {
	first, end, err := bounds(ctx, x.Cluster)
	if err != nil {
		return nil, err
	}
	at, err := x.store.positions(ctx)
	if err != nil {
		return nil, err
	}
	for p, next := range at {
		if next > end[p] {
			x.Log.Warn("hub.outcomes was made again: its index is begun anew", "partition", p, "offset", next)
			if err := x.store.clear(ctx); err != nil {
				return nil, err
			}
			at = nil
			break
		}
	}
	parts := make([]*part, len(end))
	for n := range parts {
		p := &part{number: n, first: first[n]}
		p.next.Store(max(at[n], first[n]))
		p.end.Store(end[n])
		parts[n] = p
	}
	x.mu.Lock()
	x.parts = parts
	x.mu.Unlock()
	return parts, nil
}

// step reads one partition once, and stores what came.
func (x *Index) step(ctx context.Context, p *part) error {
	wait := longPoll
	if p.next.Load() < p.end.Load() {
		x.turn.Lock()
		defer x.turn.Unlock()
		wait = 50 * time.Millisecond
	}
	entries, next, end, err := fetch(ctx, x.Cluster, p.number, p.next.Load(), wait, nil)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		if wait == longPoll {
			x.turn.Lock()
			defer x.turn.Unlock()
		}
		if err := x.store.put(ctx, p.number, next, entries); err != nil {
			return err
		}
	}
	p.next.Store(next)
	p.end.Store(end)
	read, all := x.Progress()
	x.Metrics.IndexLag(all - read)
	return nil
}

// expire removes what is too old or too much, and waits until the next time.
func (x *Index) expire(ctx context.Context) error {
	left, err := x.store.expire(ctx, time.Now().Add(-x.Keep), int64(x.Most))
	if err != nil {
		return err
	}
	x.Metrics.Indexed(left)
	return pause(ctx, expireEvery)
}

// Progress returns how many records of the topic have been read, and how many
// there are; 0, 0 before the topic has been asked.
func (x *Index) Progress() (read, end int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.parts {
		next := p.next.Load()
		read += next - p.first
		end += max(p.end.Load(), next) - p.first
	}
	return read, end
}

// Application returns the outcomes of an application, all of its hops, in the
// order of time.
func (x *Index) Application(ctx context.Context, application string) ([]Outcome, error) {
	application = observability.MaskID(application) // as it was written
	return x.store.find(ctx, byApplication, application, false, func(o *Outcome) bool { return o.Application == application })
}

// History is Application with the outcomes that a later one has taken the place of,
// as far as they are still there: a replay puts its outcome in the place of its
// letter's.
func (x *Index) History(ctx context.Context, application string) ([]Outcome, error) {
	application = observability.MaskID(application)
	return x.store.find(ctx, byApplication, application, true, func(o *Outcome) bool { return o.Application == application })
}

// Message returns what became of the messages with an id (ce_id), in the order
// of time: one message can be read by several routes.
func (x *Index) Message(ctx context.Context, id string) ([]Outcome, error) {
	id = observability.MaskID(id)
	return x.store.find(ctx, byMessage, id, false, func(o *Outcome) bool { return o.ID == id })
}
