package topics

import (
	"testing"

	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"
)

// tracked parked topic, driven by bytes, beside a model that is a map: what has
// been seen, and what of it is finished. Records arrive with gaps, as compaction
// and transaction markers leave them, and what we wrote ourselves may be finished
// before it arrives.
type trackerPlay struct {
	partition *partition
	stream    *stream
	finished  map[int64]bool // also what has not arrived yet
	seen      []int64        // ascending
	read      int64
	committed int64
}

func newTrackerPlay(start int64) *trackerPlay {
	s := &stream{topic: "r.parked", tracker: newTracker(start)}
	s.position.Store(start)
	p := &partition{
		generation: &generation{committer: &committer{dirtied: make(chan struct{}, 1)}, delivery: &Delivery{Route: Route{Name: "r"}}},
		parked:     s, index: newIndex(), lanes: map[string]*lane{}, early: map[*stream]map[int64]bool{},
	}
	return &trackerPlay{partition: p, stream: s, finished: map[int64]bool{}, read: start, committed: start}
}

// arrive delivers n records, each after a gap, and one more gap behind them.
func (p *trackerPlay) arrive(n, gap int64) {
	var recs []*Record
	for range n {
		offset := p.read + gap
		recs = append(recs, &Record{Topic: p.stream.topic, Offset: offset, Key: []byte("k"), Headers: []kafka.Header{{Key: headerKind, Value: []byte(kindParked)}}})
		p.seen = append(p.seen, offset)
		p.read = offset + 1
	}
	p.read += gap
	p.partition.arriveParked(recs)
	p.partition.passed(p.stream, p.read)
}

// finish finishes an offset, which may have finished before, lie in a gap, or
// not have arrived.
func (p *trackerPlay) finish(offset int64) {
	p.finished[offset] = true
	p.partition.index.remove("k", offset)
	p.partition.settle(p.stream, offset)
}

// check holds the tracker against the map.
func (p *trackerPlay) check(t interface{ Fatalf(string, ...any) }) {
	lowest, span := p.read, 0
	for i, o := range p.seen {
		if !p.finished[o] {
			lowest, span = o, len(p.seen)-i
			break
		}
	}
	tr := &p.stream.tracker
	switch at := p.stream.position.Load(); {
	case at < p.committed:
		t.Fatalf("went back from %d to %d", p.committed, at)
	case at > lowest:
		t.Fatalf("would commit %d, but %d is not finished", at, lowest)
	case at != lowest || tr.next != lowest:
		t.Fatalf("would commit %d (%d), want %d", at, tr.next, lowest)
	}
	p.committed = lowest
	if tr.span() != span || tr.read != p.read {
		t.Fatalf("spans %d up to %d, want %d up to %d", tr.span(), tr.read, span, p.read)
	}
	if o, _, ok := tr.lowest(); ok != (span > 0) || ok && o != lowest {
		t.Fatalf("lowest is %d (%v), want %d", o, ok, lowest)
	}
	for _, o := range p.seen {
		if tr.has(o) != !p.finished[o] {
			t.Fatalf("has %d: %v, finished: %v", o, tr.has(o), p.finished[o])
		}
	}
	if n := len(p.partition.early[p.stream]); n > len(p.finished) {
		t.Fatalf("%d offsets are remembered of %d", n, len(p.finished))
	}
}

// playTracker reads each byte as one step.
func playTracker(t interface{ Fatalf(string, ...any) }, steps []byte) {
	if len(steps) == 0 {
		return
	}
	start := int64(steps[0])
	p := newTrackerPlay(start)
	for _, b := range steps[1:] {
		arg := int64(b >> 1)
		if b&1 == 0 {
			p.arrive(arg%4, arg/4%3)
		} else {
			p.finish(start + arg%(p.read-start+4))
		}
		p.check(t)
	}
}

func TestTrackerIsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		playTracker(t, rapid.SliceOfN(rapid.Byte(), 1, 120).Draw(t, "steps"))
	})
}

func FuzzTracker(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{10, 6, 1, 3, 5, 8, 22, 7, 9})
	f.Add([]byte{255, 9, 0, 4, 12, 1, 1, 15})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 400 {
			t.Skip("longer, not other")
		}
		playTracker(t, steps)
	})
}
