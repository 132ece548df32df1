package check_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kandashub/cmd/verify/check"
)

// A history is what may happen, or may not, with the violations that the checker
// must find in it, and no others. It is added to a world in which two
// applications had all that was sent to them.
type history struct {
	name string
	do   func(t *testing.T, b *builder)
	want []string
}

func histories() []history { return slices.Concat(accounts, effects, letters) }

// base has two applications come to all that was sent to them.
func base() *builder {
	b := newBuilder()
	b.Personal = []string{"900101300123", "АХМЕТОВ", ""}
	for _, app := range []string{"a", "b"} {
		for _, topic := range []string{"notices", "makes", "events"} {
			s := b.good(topic, app)
			b.through(s)
			b.commit(readBy(topic), topic, s.Offset+1)
		}
	}
	return b
}

func TestCheck(t *testing.T) {
	for _, c := range histories() {
		t.Run(c.name, func(t *testing.T) {
			b := base()
			c.do(t, b)
			v := check.Check(b.end())
			if got := v.Names(); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v: %+v", got, c.want, v.Violations)
			}
			if v.OK() != (len(c.want) == 0) {
				t.Errorf("OK is %t", v.OK())
			}
		})
	}
}

// What is wrong is found among everything that may rightly happen to others, and
// nothing else is.
func TestCheckAmongLegal(t *testing.T) {
	all := histories()
	rapid.Check(t, func(rt *rapid.T) {
		b := base()
		drawLegal(rt, b, "x", "y")
		c := rapid.SampledFrom(all).Draw(rt, "history")
		c.do(t, b)
		v := check.Check(b.end())
		if got := v.Names(); !slices.Equal(got, c.want) {
			rt.Fatalf("%s: found %v, want %v: %+v", c.name, got, c.want, v.Violations)
		}
	})
}

func TestCheckCounts(t *testing.T) {
	b := newBuilder()
	for range 25 {
		b.good("notices", "lost")
	}
	b.letter(b.original(b.good("makes", "a")), "l", "uncertain", true)
	b.park(b.original(b.good("makes", "a")))
	s := b.good("notices", "b")
	b.through(s)
	b.effect(s)
	b.Effects[len(b.Effects)-1].Repeat = true
	b.effect(s)
	v := check.Check(b.end())
	if v.Messages != 28 || v.Effects != 1 || v.Lost != 25 || v.Doubled != 1 || v.Repeats != 1 || v.Letters != 1 || v.Uncertain != 1 || v.Waiting != 1 {
		t.Errorf("got %+v", *v)
	}
	if v.Found["lost"] != 25 || len(v.Violations) != 21 {
		t.Errorf("%d lost are counted, %d violations kept", v.Found["lost"], len(v.Violations))
	}
}

func TestProgress(t *testing.T) {
	b := newBuilder()
	begin := b.now
	one := *b.good("notices", "a") // acked after 1 s
	two := *b.good("notices", "b") // 2 s
	three := *b.good("notices", "c")
	healed := b.now // 3 s
	b.effect(&one)  // 4 s
	b.letter(b.original(&two), "l", "rejected", true)
	b.effect(&three) // 6 s
	h := b.end()

	var unseen, acked, effects []int
	for _, p := range check.Timeline(h, time.Second) {
		unseen, acked, effects = append(unseen, p.Unseen), append(acked, p.Acked), append(effects, p.Effects)
	}
	if !slices.Equal(unseen, []int{1, 2, 3, 2, 1, 0}) || !slices.Equal(acked, []int{1, 1, 1, 0, 0, 0}) || !slices.Equal(effects, []int{0, 0, 0, 1, 0, 1}) {
		t.Errorf("unseen %v, acked %v, effects %v", unseen, acked, effects)
	}
	if took, ok := check.Recovery(h, healed); !ok || took != 3*time.Second {
		t.Errorf("recovery took %s, %t", took, ok)
	}
	if took, app := check.Slowest(h); took != 3*time.Second || app != "a" {
		t.Errorf("slowest: %s of %s", took, app)
	}
	if rate := check.Rate(h, "show", begin, begin.Add(4*time.Second)); rate != 0 {
		t.Errorf("rate before the first effect: %g", rate)
	}
	if rate := check.Rate(h, "show", begin.Add(4*time.Second), begin.Add(8*time.Second)); rate != 0.5 {
		t.Errorf("rate: %g", rate)
	}
	b.good("notices", "lost")
	if _, ok := check.Recovery(&b.History, b.now); ok {
		t.Error("a lost message counts as recovered")
	}
}

func BenchmarkCheck(b *testing.B) {
	w := newBuilder()
	for n := range 30_000 {
		topic := []string{"notices", "makes", "events"}[n%3]
		s := w.good(topic, fmt.Sprint("app-", n%300))
		w.through(s)
		w.commit(readBy(topic), topic, s.Offset+1)
	}
	h := w.end()
	b.ReportAllocs()
	for b.Loop() {
		if v := check.Check(h); !v.OK() {
			b.Fatal(v.Violations)
		}
	}
}
