package check

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// A searcher finds any of many strings in one pass over a text.
//
// The libraries for Go that were looked at build an automaton over a text in
// memory and find nothing across the borders of blocks. Here the strings are
// filed under a hash of their first bytes, and a bit set turns almost every
// place of the text away before the map is asked.
type searcher struct {
	prefix  int                 // bytes that are hashed: no string is shorter
	longest int                 // bytes
	block   int                 // bytes that are read at once
	bits    []uint64            // hashes of the prefixes
	strings map[uint64][]string // by the prefix itself
}

// searchBits is how many bits of a hash are looked at first.
const searchBits = 20

// newSearcher returns a searcher for the strings; nil if there are none. Empty
// ones are passed over.
func newSearcher(list []string) *searcher {
	s := &searcher{prefix: 8, block: 1 << 20, bits: make([]uint64, 1<<(searchBits-6)), strings: map[uint64][]string{}}
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.DeleteFunc(slices.Compact(list), func(x string) bool { return x == "" })
	for _, x := range list {
		s.prefix = min(s.prefix, len(x))
		s.longest = max(s.longest, len(x))
	}
	for _, x := range list {
		k := s.key([]byte(x))
		s.strings[k] = append(s.strings[k], x)
		b := spread(k)
		s.bits[b>>6] |= 1 << (b & 63)
	}
	if len(list) == 0 {
		return nil
	}
	return s
}

// key is the first bytes of b, as a number.
func (s *searcher) key(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b) & (1<<(8*s.prefix) - 1)
	}
	var k uint64
	for i := range s.prefix {
		k |= uint64(b[i]) << (8 * i)
	}
	return k
}

func spread(k uint64) uint64 { return k * 0x9e3779b97f4a7c15 >> (64 - searchBits) }

// startsAt says whether one of the strings stands at the beginning of b.
func (s *searcher) startsAt(b []byte) bool {
	if len(b) < s.prefix {
		return false
	}
	k := s.key(b)
	h := spread(k)
	if s.bits[h>>6]&(1<<(h&63)) == 0 {
		return false
	}
	return slices.ContainsFunc(s.strings[k], func(x string) bool { return len(b) >= len(x) && string(b[:len(x)]) == x })
}

// in says whether one of the strings is in a short text.
func (s *searcher) in(text string) bool {
	b := []byte(text)
	for i := range b {
		if s.startsAt(b[i:]) {
			return true
		}
	}
	return false
}

// search counts the places of a text where one of the strings begins, and tells
// the first.
func (s *searcher) search(text io.Reader) (n int, first int64, err error) {
	buf := make([]byte, 0, s.block+s.longest)
	var base int64 // of buf in the text
	for end := false; !end; {
		got, rerr := io.ReadFull(text, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+got]
		if end = rerr != nil; end && !errors.Is(rerr, io.EOF) && !errors.Is(rerr, io.ErrUnexpectedEOF) {
			return n, first, rerr
		}
		upto := len(buf)
		if !end {
			upto -= s.longest - 1 // the rest may hold the beginning of one
		}
		for i := range upto {
			if s.startsAt(buf[i:]) {
				if n == 0 {
					first = base + int64(i)
				}
				n++
			}
		}
		base += int64(upto)
		buf = append(buf[:0], buf[upto:]...)
	}
	return n, first, nil
}
