package topics

import (
	"sort"
	"time"
)

// tracker knows which of the offsets seen on one partition of one topic are
// finished. It tracks offsets seen, never "+1": compaction and transaction
// markers leave gaps.
type tracker struct {
	entries []tracked // ascending; entries[0] is the lowest unfinished one
	next    int64     // the offset to commit: all below are finished
	seen    int64     // the highest offset seen
}

type tracked struct {
	offset int64
	at     time.Time
	done   bool
}

// newTracker starts at the offset to read first.
func newTracker(start int64) tracker { return tracker{next: start, seen: start - 1} }

// see notes an offset, higher than all before it, and the time of its record.
func (t *tracker) see(offset int64, at time.Time) {
	t.entries = append(t.entries, tracked{offset: offset, at: at})
	t.seen = offset
}

// finish marks an offset as finished and returns whether next has moved. An
// offset that is not tracked is passed over.
func (t *tracker) finish(offset int64) bool {
	i := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].offset >= offset })
	if i == len(t.entries) || t.entries[i].offset != offset {
		return false
	}
	t.entries[i].done = true
	n := 0
	for n < len(t.entries) && t.entries[n].done {
		t.next = t.entries[n].offset + 1
		n++
	}
	t.entries = t.entries[n:]
	return n > 0
}

// span is how many offsets lie between the lowest unfinished one and the
// highest seen: what a crash would make the next owner read again.
func (t *tracker) span() int { return len(t.entries) }

// lowest returns the lowest unfinished offset and the time of its record.
func (t *tracker) lowest() (offset int64, at time.Time, ok bool) {
	if len(t.entries) == 0 {
		return 0, time.Time{}, false
	}
	return t.entries[0].offset, t.entries[0].at, true
}

// has says whether an offset is tracked and not finished.
func (t *tracker) has(offset int64) bool {
	i := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].offset >= offset })
	return i < len(t.entries) && t.entries[i].offset == offset && !t.entries[i].done
}
