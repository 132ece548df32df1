package topics

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Letters come in copies and in any order with what resolves them: a key is held
// as long as one of its letters is known and not resolved, and never after.
func TestIndexHoldsAKeyByItsLetters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		known, resolved := map[string]bool{}, map[string]bool{}
		for offset := range int64(rapid.IntRange(1, 40).Draw(t, "records")) {
			key := rapid.SampledFrom([]string{"k1", "k2"}).Draw(t, "key")
			id := key + rapid.SampledFrom([]string{".a", ".b", ".c"}).Draw(t, "letter")
			if rapid.Bool().Draw(t, "resolve") {
				x.resolve(id)
				resolved[id] = true
			} else {
				if got := x.bury(key, id, true, offset, time.Time{}); got != resolved[id] {
					t.Fatalf("letter %s is resolved: %v", id, got)
				}
				known[id] = true
			}
			for _, key := range []string{"k1", "k2"} {
				want := 0
				for _, n := range []string{".a", ".b", ".c"} {
					if known[key+n] && !resolved[key+n] {
						want++
					}
				}
				got := 0
				if k := x.keys[key]; k != nil {
					got = k.letters
				}
				if got != want {
					t.Fatalf("%d letters hold %s, want %d", got, key, want)
				}
			}
		}
	})
}

// Parked entries are known once and in order, and a key without any is
// forgotten.
func TestIndexOfParkedEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		in := map[int64]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			o := rapid.Int64Range(0, 9).Draw(t, "offset")
			if rapid.Bool().Draw(t, "add") {
				x.add("k", o, 0)
				in[o] = true
			} else {
				x.remove("k", o)
				x.tidy("k")
				delete(in, o)
			}
			var want []int64
			for o := range int64(10) {
				if in[o] {
					want = append(want, o)
				}
			}
			var got []int64
			if k := x.keys["k"]; k != nil {
				for _, e := range k.parked {
					got = append(got, e.offset)
				}
			} else if len(in) > 0 {
				t.Fatal("the key is forgotten")
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("entries %v, want %v", got, want)
			}
		}
		for o := range int64(10) {
			x.remove("k", o)
		}
		if x.tidy("k"); len(x.keys) != 0 {
			t.Fatal("a key without entries is kept")
		}
	})
}
