package check

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// The searcher finds what strings.HasPrefix finds at every place, however the
// text is read.
func TestSearcher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.StringMatching(`[abя]{0,12}`), 0, 8).Draw(t, "strings")
		text := rapid.StringMatching(`[abcя]{0,200}`).Draw(t, "text")
		want, first := 0, -1
		for i := range len(text) {
			for _, x := range list {
				if x != "" && strings.HasPrefix(text[i:], x) {
					want++
					if first < 0 {
						first = i
					}
					break
				}
			}
		}
		s := newSearcher(list)
		if s == nil {
			if want > 0 {
				t.Fatal("strings are passed over")
			}
			return
		}
		n, at, err := s.search(iotest.OneByteReader(strings.NewReader(text)))
		if err != nil || n != want || n > 0 && int(at) != first {
			t.Errorf("%d at %d, %v; want %d at %d", n, at, err, want, first)
		}
		if s.in(text) != (want > 0) {
			t.Error("in and search differ")
		}
	})
}

func TestSearcherAcrossBlocks(t *testing.T) {
	s := newSearcher([]string{"900101300123", "Ахметов Серік"})
	s.block = 64
	for _, x := range []string{"900101300123", "Ахметов Серік"} {
		for cut := range len(x) + 1 {
			text := strings.Repeat(".", s.block-cut) + x + strings.Repeat(".", s.block)
			n, at, err := s.search(strings.NewReader(text))
			if n != 1 || int(at) != s.block-cut || err != nil {
				t.Fatalf("%q cut at %d: %d found at %d, %v", x, cut, n, at, err)
			}
		}
	}
	if _, _, err := s.search(iotest.ErrReader(io.ErrNoProgress)); err == nil {
		t.Error("a reader's error is not told")
	}
}

func BenchmarkSearcher(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]string, 20_000)
	for i := range list {
		list[i] = fmt.Sprintf("%012d", 100_000_000_000+r.Int64N(800_000_000_000))
	}
	var text strings.Builder
	for text.Len() < 50<<20 {
		fmt.Fprintf(&text, `{"time":"2026-03-01T09:00:00.%09dZ","level":"INFO","msg":"delivered","application":"egov-%d","message_id":"%016x"}`+"\n",
			r.IntN(1_000_000_000), r.IntN(100_000), r.Uint64())
	}
	s := newSearcher(list)
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if n, _, err := s.search(strings.NewReader(text.String())); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}
