package topics

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// newNotes is a partition that is played by hand: nothing is dispatched.
func newNotes() *partition {
	p := &partition{
		generation: &generation{committer: &committer{dirtied: make(chan struct{}, 1)}, delivery: &Delivery{Route: Route{Name: "r"}}},
		index:      newIndex(), lanes: map[string]*lane{}, early: map[*stream]map[int64]bool{},
	}
	p.parked, p.dead = &stream{topic: "r.parked"}, &stream{topic: "r.dead"}
	return p
}

// Anybody's record may lie on a parked or dead topic: entries, letters, notes
// and decisions that name nothing, or each other, in any order. The index stays
// whole: a key is held exactly while one of its letters is known and not
// resolved, and nothing that waits is passed by what may be committed.
func FuzzOwnTopics(f *testing.F) {
	f.Add("parked k1\nparked k1\nthrough k1 0 2\nletter k1 a true\nresolved k1 a\n")
	f.Add("resolved k2 a\nletter k1 a true\nletter k2 a false\ndecision k1 a replay\nletter k1 b true\ndecision k1 b replay\nresolved x b\n")
	f.Add("through k1 -1\nthrough k1 99999999999999999999\nthrough k1 x\nletter  \ndecision  \nresolved\n\xff k\n")
	f.Fuzz(func(t *testing.T, script string) {
		p := newNotes()
		var deadOffset, parkedOffset int64
		for _, h := range headersOf(script) {
			var kind, key, a, b string
			_, _ = fmt.Sscanf(h.Key+" "+string(h.Value), "%s %s %s %s", &kind, &key, &a, &b) // what is missing is empty
			r := &Record{Key: []byte(key), Time: time.Unix(1, 0), Headers: []kafka.Header{
				{Key: headerKind, Value: []byte(kind)}, {Key: "hub_letter", Value: []byte(a)}, {Key: "hub_offset", Value: []byte(a)},
				{Key: "hub_holds", Value: []byte(b)}, {Key: headerDecision, Value: []byte(b)}, {Key: headerEnd, Value: []byte(b)}, {Key: headerOwner, Value: []byte(b)},
			}}
			if kind == kindParked || kind == kindThrough {
				r.Offset = parkedOffset
				parkedOffset++
				p.arriveParked([]*Record{r})
				p.passed(p.parked, parkedOffset)
			} else {
				r.Offset = deadOffset
				deadOffset++
				p.arriveDead([]*Record{r})
				p.passed(p.dead, deadOffset)
			}
			whole(t, p)
		}
	})
}

// whole holds the index against itself and against what may be committed.
func whole(t *testing.T, p *partition) {
	t.Helper()
	holding := map[string]int{}
	for id, l := range p.index.letters {
		if l.holds && !l.resolved {
			holding[l.key]++
		}
		for _, o := range l.offsets {
			if l.resolved == p.dead.tracker.has(o) {
				t.Fatalf("letter %q resolved: %v, but its record at %d is open: %v", id, l.resolved, o, p.dead.tracker.has(o))
			}
		}
	}
	for key, n := range holding {
		if k := p.index.keys[key]; k == nil || k.letters != n {
			t.Fatalf("%d letters hold %q, the index knows %+v", n, key, k)
		}
	}
	for key, k := range p.index.keys {
		if k.letters != holding[key] || k.appending != 0 || !slices.IsSortedFunc(k.parked, func(a, b parkedEntry) int { return a.compare(b.offset) }) {
			t.Fatalf("key %q: %+v, held by %d", key, k, holding[key])
		}
		for _, e := range k.parked {
			if o := e.offset; o < p.parked.position.Load() || !p.parked.tracker.has(o) {
				t.Fatalf("entry %d waits, but would be committed", e.offset)
			}
		}
	}
	for key, l := range p.lanes {
		for _, d := range l.decisions {
			if d.record.Offset < p.dead.position.Load() {
				t.Fatalf("a decision on %q waits, but would be committed", key)
			}
		}
	}
}
