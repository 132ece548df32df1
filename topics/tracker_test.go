package topics

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever order messages finish in, and whatever gaps their offsets have, what
// may be committed never passes an unfinished one and never goes back.
func TestTrackerCommitsOnlyTheFinishedPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 1000).Draw(t, "start")
		tr := newTracker(start)
		at := start
		open := map[int64]bool{}
		var seen []int64
		last := tr.next
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(open) == 0 || rapid.Bool().Draw(t, "see") {
				at += rapid.Int64Range(0, 3).Draw(t, "gap")
				tr.see(at, time.Time{})
				open[at] = true
				seen = append(seen, at)
				at++
				continue
			}
			o := rapid.SampledFrom(seen).Draw(t, "finish")
			tr.finish(o)
			delete(open, o)
			if tr.next < last {
				t.Fatalf("went back from %d to %d", last, tr.next)
			}
			last = tr.next
			for o := range open {
				if o < tr.next {
					t.Fatalf("would commit %d although %d is not finished", tr.next, o)
				}
			}
			if len(open) == 0 && tr.next != seen[len(seen)-1]+1 {
				t.Fatalf("all finished, but would commit %d after %d", tr.next, seen[len(seen)-1])
			}
		}
	})
}
