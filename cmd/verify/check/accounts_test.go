package check_test

import (
	"kandashub/cmd/verify/check"
	"testing"
)

// accounts are what messages may come to, and what not.
var accounts = []history{
	{"all arrived", func(t *testing.T, b *builder) {}, nil},

	// I1
	{"a message came to nothing", func(t *testing.T, b *builder) {
		b.good("notices", "a")
	}, []string{"I1 lost"}},
	{"one of two wants that name nothing came to nothing", func(t *testing.T, b *builder) {
		b.good("makes", "a")
		b.through(b.good("makes", "a"))
	}, []string{"I1 lost"}},
	{"a letter explains one of two messages", func(t *testing.T, b *builder) {
		s := b.good("makes", "a")
		b.letter(b.original(s), "l", "uncertain", true)
		b.good("makes", "c")
	}, []string{"I1 lost"}},
	{"what follows from an event was never written", func(t *testing.T, b *builder) {
		b.good("events", "a")
	}, []string{"I1 lost"}},
	{"what follows from an event was written and dropped", func(t *testing.T, b *builder) {
		b.derived(b.good("events", "a"))
	}, []string{"I1 lost"}},
	{"parked, and nobody holds the key", func(t *testing.T, b *builder) {
		b.park(b.original(b.good("notices", "a")))
	}, []string{"I1 undecided"}},
	{"not committed, and nobody holds the key", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.endAt("show", "notices", s.Offset)
	}, []string{"I1 undecided"}},
	{"a claim was left", func(t *testing.T, b *builder) {
		b.good("notices", "c")
		b.Redis["{show:7}:c:UaucF113tniK7JjA1MSIug"] = "s|f|o|1|1|||"
	}, []string{"I1 undecided"}},
	{"parked and said to be finished, but was not", func(t *testing.T, b *builder) {
		b.finished("show", "a", b.park(b.original(b.good("notices", "a"))))
	}, []string{"I1 lost"}},
	{"poison came to nothing", func(t *testing.T, b *builder) {
		b.write(check.Send{ID: "p", Source: "x", Topic: "notices", Application: "a", Kind: check.Poison}, check.Acked)
	}, []string{"I1 lost"}},
	{"a message of unknown outcome was written and lost", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		s.Outcome, s.Offset = check.Unknown, -1
	}, []string{"I1 lost"}},
	{"a message of unknown outcome came to half", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		s.Outcome, s.Offset = check.Unknown, -1
		s.Wants = append(s.Wants, check.Want{Route: "show", System: "other", Operation: "show", Event: s.ID})
		b.through(s)
		b.Records["notices"] = b.Records["notices"][:len(b.Records["notices"])-1]
	}, []string{"I1 half"}},
	{"a message of unknown outcome was never written", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		s.Outcome, s.Offset = check.Unknown, -1
		b.Records["notices"] = b.Records["notices"][:len(b.Records["notices"])-1]
	}, nil},
	{"failed, then sent again", func(t *testing.T, b *builder) {
		s := *b.good("notices", "a")
		b.Sends[len(b.Sends)-1].Outcome = check.Failed
		s.Kind = check.Repeat
		b.through(b.write(s, check.Acked))
	}, nil},
	{"a letter, and a message parked behind it", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.park(b.original(b.good("notices", "a")))
	}, nil},
	{"a letter, and a message read behind it", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.endAt("show", "notices", b.good("notices", "a").Offset)
	}, nil},
	{"a letter before the want's route", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("events", "a")), "l", "rejected", true)
		b.park(b.original(b.good("events", "a")))
	}, nil},
	{"a letter of what followed", func(t *testing.T, b *builder) {
		b.letter(b.derived(b.good("events", "a")), "l", "uncertain", true)
		b.park(b.derived(b.good("events", "a")))
	}, nil},
	{"a letter of what followed from another event", func(t *testing.T, b *builder) {
		b.letter(b.derived(b.good("events", "a")), "l", "uncertain", false)
		b.derived(b.good("events", "a"))
	}, []string{"I1 lost"}},
	{"a want that has only an id, and a letter of its message", func(t *testing.T, b *builder) {
		s := b.good("events", "a")
		s.Wants[0].Event, s.Wants[0].ID = "", "told-"+s.ID
		b.letter(b.derived(s), "l", "uncertain", true)
	}, nil},
	{"a letter at a route that the want names as before its own", func(t *testing.T, b *builder) {
		b.Routes[2].Writes = nil
		s := b.good("events", "a")
		s.Wants[0] = check.Want{Route: "show", System: "cabinet", Operation: "show", ID: "x", Upstream: []string{"tell"}}
		b.letter(b.derived(s), "l", "uncertain", true)
	}, nil},
	{"a letter at a route after the want's own explains nothing", func(t *testing.T, b *builder) {
		s := b.good("events", "a")
		s.Wants[0] = check.Want{Route: "sign", System: "signer", Operation: "verify"}
		b.letter(b.derived(s), "l", "uncertain", true)
	}, []string{"I1 lost"}},
	{"a letter of another application explains nothing", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("events", "c")), "l", "rejected", true)
		b.good("events", "a")
	}, []string{"I1 lost"}},
	{"parked and finished", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		at := b.park(b.original(s))
		b.through(s)
		b.finished("show", "a", at)
	}, nil},

	// I7
	{"a replay doubled", func(t *testing.T, b *builder) {
		s := b.good("makes", "a")
		b.effect(s)
		b.letter(b.original(s), "l", "uncertain", true)
		b.decide("make", "a", "l", "replay")
		b.effect(s)
	}, []string{"I7 replay duplicate"}},
	{"a replay", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.decide("show", "a", "l", "replay")
		b.through(s)
	}, nil},
	{"a replay came to nothing", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.decide("show", "a", "l", "replay")
	}, []string{"I1 lost"}},
	{"three decided at once, the replay first", func(t *testing.T, b *builder) {
		s := b.good("makes", "a")
		b.letter(b.original(s), "l", "uncertain", true)
		b.decide("make", "a", "l", "replay")
		b.decide("make", "a", "l", "discard")
		b.effect(s)
	}, nil},
	{"three decided at once, the discard first, and it was done", func(t *testing.T, b *builder) {
		s := b.good("makes", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.decide("make", "a", "l", "discard")
		b.decide("make", "a", "l", "replay")
		b.effect(s)
	}, []string{"I5 both"}},
}
