package topics

import (
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
	parked    []int64  // unfinished entries of the parked topic, ascending
	writers   []uint64 // which owner wrote each of them
	late      []lateEntry
	letters   int // unresolved letters that hold the key
	appending int // messages on their way to the parked topic
}

// lateEntry is an entry that another owner wrote after this one took over, of a
// message that this one reads from the source itself.
type lateEntry struct {
	offset int64
	writer uint64
	source *stream
	origin int64 // its message's offset there
}

// indexedLetter is one letter; several records may carry it.
type indexedLetter struct {
	key      string
	holds    bool
	resolved bool
	since    time.Time
	offsets  []int64
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
	if i, found := slices.BinarySearch(k.parked, offset); !found {
		k.parked = slices.Insert(k.parked, i, offset)
		k.writers = slices.Insert(k.writers, i, writer)
	}
}

// pass takes away the entries of a key that a note covers, and returns them.
func (x *index) pass(key string, n note) (covered []int64) {
	k := x.keys[key]
	if k == nil {
		return nil
	}
	kept := 0
	for i, offset := range k.parked {
		if n.covers(offset, k.writers[i]) {
			covered = append(covered, offset)
			continue
		}
		k.parked[kept], k.writers[kept] = offset, k.writers[i]
		kept++
	}
	k.parked, k.writers = k.parked[:kept], k.writers[:kept]
	k.late = slices.DeleteFunc(k.late, func(e lateEntry) bool {
		if !n.covers(e.offset, e.writer) {
			return false
		}
		covered = append(covered, e.offset)
		return true
	})
	x.tidy(key)
	return covered
}

// remove takes a parked entry away.
func (x *index) remove(key string, offset int64) {
	if k := x.keys[key]; k != nil {
		if i, found := slices.BinarySearch(k.parked, offset); found {
			k.parked = slices.Delete(k.parked, i, i+1)
			k.writers = slices.Delete(k.writers, i, i+1)
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
