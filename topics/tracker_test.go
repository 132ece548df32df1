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

// Offsets that hold no record, as transaction markers do, do not hold up the
// commit of what comes before them.
func TestTrackerPassesOffsetsWithoutRecords(t *testing.T) {
	tr := newTracker(10)
	tr.see(12, time.Time{})
	if tr.passed(14); tr.next > 12 {
		t.Fatalf("would commit %d before 12 is finished", tr.next)
	}
	if !tr.finish(12) || tr.next != 14 {
		t.Fatalf("would commit %d, want 14", tr.next)
	}
	if !tr.passed(15) || tr.next != 15 {
		t.Fatalf("would commit %d after a marker alone, want 15", tr.next)
	}
}

// What is near its deadline is counted by when it was written, and only while it
// is unfinished.
func TestTrackerCountsOldUnfinished(t *testing.T) {
	tr := newTracker(0)
	start := time.Unix(1_800_000_000, 0)
	for i := range 5 {
		tr.see(int64(i), start.Add(time.Duration(i)*time.Minute))
	}
	tr.finish(1)
	for _, tc := range []struct {
		before time.Duration
		want   int
	}{{0, 0}, {time.Second, 1}, {2*time.Minute + 1, 2}, {time.Hour, 4}} {
		if n := tr.unfinished(start.Add(tc.before)); n != tc.want {
			t.Errorf("%d unfinished before %s, want %d", n, tc.before, tc.want)
		}
	}
}
