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
	read    int64     // the offset to be seen next: all below were seen, or hold no record
}

type tracked struct {
	offset int64
	at     time.Time
	done   bool
}

// newTracker starts at the offset to read first.
func newTracker(start int64) tracker { return tracker{next: start, read: start} }

// see notes an offset, higher than all before it, and the time of its record.
func (t *tracker) see(offset int64, at time.Time) {
	t.entries = append(t.entries, tracked{offset: offset, at: at})
	t.read = offset + 1
}

// passed notes that all below next have been read, also where the log holds
// markers instead of records, and returns whether the offset to commit has
// moved.
func (t *tracker) passed(next int64) bool {
	t.read = max(t.read, next)
	return t.advance()
}

// finish marks an offset as finished and returns whether the offset to commit
// has moved. An offset that is not tracked is passed over.
func (t *tracker) finish(offset int64) bool {
	i := t.find(offset)
	if i < 0 {
		return false
	}
	t.entries[i].done = true
	return t.advance()
}

func (t *tracker) advance() bool {
	n := 0
	for n < len(t.entries) && t.entries[n].done {
		n++
	}
	t.entries = t.entries[n:]
	next := t.read
	if len(t.entries) > 0 {
		next = t.entries[0].offset
	}
	moved := next > t.next
	t.next = max(t.next, next)
	return moved
}

// find returns where an offset is in entries, or -1.
func (t *tracker) find(offset int64) int {
	i := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].offset >= offset })
	if i == len(t.entries) || t.entries[i].offset != offset {
		return -1
	}
	return i
}

// span is how many records lie between the lowest unfinished one and the
// highest seen: what a crash would make the next owner read again.
func (t *tracker) span() int { return len(t.entries) }

// lowest returns the lowest unfinished offset and the time of its record.
func (t *tracker) lowest() (offset int64, at time.Time, ok bool) {
	if len(t.entries) == 0 {
		return 0, time.Time{}, false
	}
	return t.entries[0].offset, t.entries[0].at, true
}

// unfinished counts what is not finished and was written before a time.
func (t *tracker) unfinished(before time.Time) (n int) {
	for _, e := range t.entries {
		if !e.done && e.at.Before(before) {
			n++
		}
	}
	return n
}

// has says whether an offset is tracked and not finished.
func (t *tracker) has(offset int64) bool {
	i := t.find(offset)
	return i >= 0 && !t.entries[i].done
}
