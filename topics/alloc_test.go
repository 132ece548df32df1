package topics

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What a message may allocate on its way, as measured; more fails. Bring a figure
// down when it has come down.
func TestAllocations(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates, too")
	}
	m := sample()
	m.Data = []byte(`{"application_id":"egov-1","n":1}`)
	r := &Record{Key: []byte(m.Subject), Value: m.Data, Headers: m.Headers()}
	for name, c := range map[string]struct {
		most float64
		do   func()
	}{
		"envelope read":    {8, func() { _, _ = Parse(r) }},
		"envelope written": {2, func() { m.Headers() }},
		"fingerprint":      {1, func() { m.fingerprint() }},
		"derived id":       {5, func() { DeriveID(m.ID, "notify-egov", "0") }},
		"partition of key": {0, func() { PartitionOf(r.Key, 8) }},
	} {
		if got := testing.AllocsPerRun(200, c.do); got > c.most {
			t.Errorf("%s: %v allocations, the figure on record is %v", name, got, c.most)
		}
	}
	const lanes = 9 // from the arrival of a record to its settled offset
	if got := lanesAlone(2000); got > lanes {
		t.Errorf("lanes: %.1f allocations a message, the figure on record is %v", got, lanes)
	}
}

// BenchmarkLanes takes messages of 100 applications through lanes, workers and
// tracker, with a life that does nothing.
func BenchmarkLanes(b *testing.B) {
	b.ReportAllocs()
	p := newLanes()
	defer p.end()
	b.ResetTimer()
	p.carry(b.N)
}

// lanesAlone returns how often a message allocates in them.
func lanesAlone(messages int) float64 {
	p := newLanes()
	defer p.end()
	p.carry(messages) // once for what is made only once
	return testing.AllocsPerRun(3, func() { p.carry(messages) }) / float64(messages)
}

// lanesPlay is one partition whose messages have a life that does nothing.
type lanesPlay struct {
	p      *partition
	source *stream
	next   int64
	left   sync.WaitGroup
	end    func()
}

func newLanes() *lanesPlay {
	l := &lanesPlay{}
	ctx, cancel := context.WithCancel(context.Background())
	route := Route{Name: "r", Sources: []string{"in"}}
	g := &generation{
		ctx: ctx, limiter: newLimiter(64, nil), crew: crew{make(chan func())}, bytes: new(atomic.Int64), count: 1,
		window: 1000, windowBytes: 1 << 30, fetcher: &fetcher{}, committer: &committer{dirtied: make(chan struct{}, 1)},
		carry: oneByOne(func(context.Context, *Record) outcome {
			l.left.Done()
			return outcome{kind: finished}
		}),
		delivery: &Delivery{Route: route, Gate: NewGate(openBreaker{}, nil), Log: slog.New(slog.DiscardHandler), Now: time.Now},
	}
	l.p = &partition{generation: g, index: newIndex(), lanes: map[string]*lane{}, early: map[*stream]map[int64]bool{},
		events: make(chan func(), 256), gone: make(chan struct{})}
	for _, topic := range []string{"in", route.ParkedTopic(), route.DeadTopic()} {
		l.p.add(topic, 0, 0, route)
	}
	l.source = l.p.sources[0]
	go l.p.run(ctx)
	l.end = func() { cancel(); <-l.p.gone }
	return l
}

// carry has n messages arrive, as a fetch brings them, and waits for their end.
func (l *lanesPlay) carry(n int) {
	for n > 0 {
		batch := make([]*Record, min(n, 500))
		for i := range batch {
			batch[i] = &Record{Topic: "in", Offset: l.next, Key: fmt.Appendf(nil, "egov-%d", l.next%100)}
			l.next++
		}
		n -= len(batch)
		l.left.Add(len(batch))
		l.source.deliver(batch, l.next)
		l.left.Wait()
	}
}

// oneByOne carries a series with a life that is played for each message.
func oneByOne(play func(context.Context, *Record) outcome) func(context.Context, *series) {
	return func(ctx context.Context, s *series) {
		for i, r := range s.records {
			out := play(ctx, r)
			last := out.kind != finished || i+1 == len(s.records) || !s.more()
			s.tell(out, last)
			if last {
				return
			}
		}
	}
}
