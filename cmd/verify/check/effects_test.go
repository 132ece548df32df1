package check_test

import (
	"kandashub/cmd/verify/check"
	"kandashub/mocks"
	"testing"
)

// effects are what systems may have done, and what not.
var effects = []history{
	// I2
	{"an effect twice", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.through(s)
		b.effect(s)
	}, []string{"I2 duplicate effect"}},
	{"an effect without an id twice, C3", func(t *testing.T, b *builder) {
		s := b.good("makes", "a")
		b.through(s)
		b.effect(s)
	}, []string{"I2 duplicate effect"}},
	{"an effect was recognised as a repeat", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.through(s)
		b.effect(s)
		b.Effects[len(b.Effects)-1].Repeat = true
	}, nil},
	{"a system complains", func(t *testing.T, b *builder) {
		b.Effects = append(b.Effects, mocks.Effect{At: b.tick(), System: "office", Operation: "violation", Application: "a", Detail: "second"})
	}, []string{"I2 violation at system"}},
	{"uncertain, C3, and it had happened", func(t *testing.T, b *builder) {
		s := b.good("makes", "a")
		b.effect(s)
		b.letter(b.original(s), "l", "uncertain", true)
	}, nil},
	{"a repeat was dropped", func(t *testing.T, b *builder) {
		s := *b.good("notices", "a")
		b.through(&s)
		s.Kind = check.Repeat
		b.write(s, check.Acked)
	}, nil},

	// I3
	{"an effect that nobody sent", func(t *testing.T, b *builder) {
		b.effect(&check.Send{ID: "x", Application: "a", Wants: []check.Want{{System: "cabinet", Operation: "show", Event: "x"}}})
	}, []string{"I3 phantom"}},
	{"an effect of another application", func(t *testing.T, b *builder) {
		b.effect(&check.Send{ID: "x", Application: "z", Wants: []check.Want{{System: "office", Operation: "generate"}}})
	}, []string{"I3 phantom"}},
	{"a failed send came to its effect", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		s.Outcome = check.Failed
		b.through(s)
	}, []string{"I3 aborted read"}},
	{"systems do what nobody asked them", func(t *testing.T, b *builder) {
		b.Effects = append(b.Effects, mocks.Effect{At: b.tick(), System: "cabinet", Operation: "file", Application: "z"})
	}, nil},

	// I4
	{"two messages changed places", func(t *testing.T, b *builder) {
		one, two := *b.good("notices", "a"), *b.good("notices", "a")
		b.through(&two)
		b.through(&one)
	}, []string{"I4 order"}},
	{"two applications changed places", func(t *testing.T, b *builder) {
		one, two := *b.good("notices", "a"), *b.good("notices", "b")
		b.through(&two)
		b.through(&one)
	}, nil},
	{"a repeat of an earlier effect comes late", func(t *testing.T, b *builder) {
		one, two := *b.good("notices", "a"), *b.good("notices", "a")
		b.through(&one)
		b.through(&two)
		b.effect(&one)
		b.Effects[len(b.Effects)-1].Repeat = true
	}, nil},
	{"a letter that holds was passed", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.through(b.good("notices", "a"))
	}, []string{"I4 overtaken"}},
	{"a letter that does not hold was passed", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", false)
		b.through(b.good("notices", "a"))
	}, nil},
	{"an uncertain letter that had happened was passed", func(t *testing.T, b *builder) {
		s := b.good("events", "a")
		r := b.derived(s)
		b.effect(s)
		b.letter(r, "l", "uncertain", true)
		b.through(b.good("events", "a"))
	}, []string{"I4 overtaken"}},
	{"a message that waits was passed", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("makes", "a")), "l", "uncertain", true)
		b.letter(b.original(b.good("notices", "c")), "m", "rejected", true)
		b.park(b.original(b.good("notices", "c")))
		b.decide("show", "c", "m", "discard")
		b.letter(b.original(b.good("notices", "c")), "n", "rejected", true)
		b.through(b.good("notices", "c"))
	}, []string{"I4 overtaken"}},
	{"a letter was passed before it was discarded", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.through(b.good("notices", "a"))
		b.decide("show", "a", "l", "discard")
	}, []string{"I4 overtaken"}},
	{"discarded, and those behind it followed", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		s := b.good("notices", "a")
		at := b.park(b.original(s))
		b.decide("show", "a", "l", "discard")
		b.through(s)
		b.finished("show", "a", at)
	}, nil},

	// I8
	{"an effect without a result", func(t *testing.T, b *builder) {
		b.effect(b.good("notices", "a"))
	}, []string{"I8 result lost"}},
	{"a result of two ids", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.through(s)
		b.record("shown", "a", `{"event_id":"`+s.ID+`"}`, ce("hub", "another"))
	}, []string{"I8 result double"}},
	{"a result twice", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.through(s)
		b.result(s)
	}, nil},
	{"effects without events lack a result", func(t *testing.T, b *builder) {
		for n := range 3 {
			s := b.good("makes", "a")
			s.Wants[0].Result = "made"
			b.through(s)
			if n > 0 {
				b.record("made", "a", `{}`, ce("hub", s.ID))
			}
		}
	}, []string{"I8 result lost"}},
}
