package topics

import (
	"cmp"
	"slices"
	"time"
)

// index knows which keys of one partition number wait: their parked entries,
// and the dead letters that nobody has decided yet. It holds offsets, no
// bodies, and is built from the parked and dead topics alone.
type index struct {
	keys    map[string]*waitingKey
	letters map[string]*indexedLetter
}

// waitingKey is one key of the index.
type waitingKey struct {
	parked    []parkedEntry // unfinished entries of the parked topic, ascending
	late      []lateEntry
	letters   int // unresolved letters that hold the key
	appending int // messages on their way to the parked topic
}

// parkedEntry is an entry of the parked topic, and which owner wrote it.
type parkedEntry struct {
	offset int64
	writer uint64
}

func (e parkedEntry) compare(offset int64) int { return cmp.Compare(e.offset, offset) }

// lateEntry is an entry that another owner wrote after this one took over, of a
// message that this one reads from the source itself.
type lateEntry struct {
	parkedEntry
	source *stream
	origin int64 // its message's offset there
}

// indexedLetter is one letter; several records may carry it.
type indexedLetter struct {
	key       string
	holds     bool
	resolved  bool
	replacing bool // a stand-in is being written, see lost.go
	since     time.Time
	offsets   []int64
}

func newIndex() index {
	return index{keys: map[string]*waitingKey{}, letters: map[string]*indexedLetter{}}
}

// of returns the entry of a key, made if need be.
func (x *index) of(key string) *waitingKey {
	k := x.keys[key]
	if k == nil {
		k = &waitingKey{}
		x.keys[key] = k
	}
	return k
}

// tidy drops a key that waits for nothing any more.
func (x *index) tidy(key string) {
	if k := x.keys[key]; k != nil && len(k.parked) == 0 && len(k.late) == 0 && k.letters == 0 && k.appending == 0 {
		delete(x.keys, key)
	}
}

// add notes a parked entry, once.
func (x *index) add(key string, offset int64, writer uint64) {
	k := x.of(key)
	if i, found := slices.BinarySearchFunc(k.parked, offset, parkedEntry.compare); !found {
		k.parked = slices.Insert(k.parked, i, parkedEntry{offset, writer})
	}
}

// pass takes away the entries of a key that a note covers, and returns them.
func (x *index) pass(key string, n note) (covered []int64) {
	k := x.keys[key]
	if k == nil {
		return nil
	}
	cover := func(e parkedEntry) bool {
		if !n.covers(e) {
			return false
		}
		covered = append(covered, e.offset)
		return true
	}
	k.parked = slices.DeleteFunc(k.parked, cover)
	k.late = slices.DeleteFunc(k.late, func(e lateEntry) bool { return cover(e.parkedEntry) })
	x.tidy(key)
	return covered
}

// remove takes a parked entry away.
func (x *index) remove(key string, offset int64) {
	if k := x.keys[key]; k != nil {
		if i, found := slices.BinarySearchFunc(k.parked, offset, parkedEntry.compare); found {
			k.parked = slices.Delete(k.parked, i, i+1)
		}
		if i := slices.IndexFunc(k.late, func(e lateEntry) bool { return e.offset == offset }); i >= 0 {
			k.late = slices.Delete(k.late, i, i+1)
		}
	}
}

// bury notes a letter, and says whether it is already resolved.
func (x *index) bury(key, id string, holds bool, offset int64, at time.Time) (resolved bool) {
	l := x.letters[id]
	if l == nil {
		l = &indexedLetter{key: key, holds: holds, since: at}
		x.letters[id] = l
		if holds {
			x.of(key).letters++
		}
	}
	if !slices.Contains(l.offsets, offset) {
		l.offsets = append(l.offsets, offset)
	}
	return l.resolved
}

// resolve ends a letter and returns the offsets that carry it.
func (x *index) resolve(id string) (key string, offsets []int64) {
	l := x.letters[id]
	if l == nil {
		// Its letters lie before the committed offset. A late copy of an
		// earlier owner must not hold the key again.
		x.letters[id] = &indexedLetter{resolved: true}
		return "", nil
	}
	if !l.resolved {
		l.resolved = true
		if k := x.keys[l.key]; l.holds && k != nil {
			k.letters--
			x.tidy(l.key)
		}
	}
	return l.key, l.offsets
}

// count returns how many letters nobody has decided and since when the oldest
// waits, and how many messages of how many keys are parked.
func (x *index) count() (letters int, oldest time.Time, parked, keys int) {
	for _, l := range x.letters {
		if l.resolved {
			continue
		}
		letters++
		if oldest.IsZero() || l.since.Before(oldest) {
			oldest = l.since
		}
	}
	for _, k := range x.keys {
		parked += len(k.parked)
		if len(k.parked) > 0 {
			keys++
		}
	}
	return letters, oldest, parked, keys
}
