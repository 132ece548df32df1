package check_test

import (
	"kandashub/cmd/verify/check"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// letters are what the topics and files may hold, and what not.
var letters = []history{
	// I5
	{"a rejected message came to its effect", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.through(s)
	}, []string{"I5 both"}},
	{"an effect whose result could not be written", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.effect(s)
		b.letter(b.original(s), "l", "effect_done", true)
	}, nil},
	{"a letter without a header", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		delete(b.last("show.dead").Headers, "hub_reason")
	}, []string{"I5 dead letter incomplete"}},
	{"a letter without a header of the original", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		delete(b.last("show.dead").Headers, "ce_type")
	}, []string{"I5 dead letter incomplete"}},
	{"a letter with another value", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.last("show.dead").Value = []byte("{ }")
	}, []string{"I5 dead letter incomplete"}},
	{"a letter with another key", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.last("show.dead").Key = []byte("z")
	}, []string{"I5 dead letter incomplete"}},
	{"a letter of no record", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.last("show.dead").Headers["hub_offset"] = "999"
	}, []string{"I5 dead letter incomplete"}},
	{"a letter of a topic that went", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.last("show.dead").Headers["hub_offset"] = "999"
		b.Remade["notices"] = true
	}, nil},
	{"two letters of one message", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.letter(b.original(s), "m", "rejected", true)
	}, []string{"I5 dead letter double"}},
	{"one letter written twice", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.letter(b.original(s), "l", "rejected", true)
	}, nil},
	{"replayed, and a letter once more", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.decide("show", "a", "l", "replay")
		b.letter(b.original(s), "m", "rejected", true)
	}, nil},
	{"discarded, taken back, and replayed", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.decide("show", "a", "l", "discard")
		b.decide("show", "a", "l", "undo")
		b.letter(b.original(s), "m", "rejected", true)
		b.decide("show", "a", "m", "replay")
		b.through(s)
	}, nil},
	{"discarded, taken back, and an effect before anybody had it replayed", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.decide("show", "a", "l", "discard")
		b.decide("show", "a", "l", "undo")
		b.letter(b.original(s), "m", "rejected", true)
		b.through(s)
	}, []string{"I5 both"}},
	{"discarded, and an effect though nothing was taken back", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.letter(b.original(s), "l", "rejected", true)
		b.decide("show", "a", "l", "discard")
		b.decide("show", "a", "l", "undo") // too late
		b.through(s)
	}, []string{"I5 both"}},
	{"poison came to its letter", func(t *testing.T, b *builder) {
		s := b.write(check.Send{ID: "p", Source: "x", Topic: "notices", Application: "a", Kind: check.Poison}, check.Acked)
		b.letter(b.original(s), "l", "untrusted", false)
	}, nil},
	{"poison came to two letters", func(t *testing.T, b *builder) {
		s := b.write(check.Send{ID: "p", Source: "x", Topic: "notices", Application: "a", Kind: check.Poison}, check.Acked)
		b.letter(b.original(s), "l", "untrusted", false)
		b.letter(b.original(s), "m", "untrusted", false)
	}, []string{"I5 dead letter double"}},
	{"poison is uncertain", func(t *testing.T, b *builder) {
		s := b.write(check.Send{ID: "p", Source: "x", Topic: "notices", Application: "a", Kind: check.Poison}, check.Acked)
		b.letter(b.original(s), "l", "uncertain", true)
	}, []string{"I5 wrong class"}},
	{"poison came to an effect too", func(t *testing.T, b *builder) {
		s := b.write(check.Send{ID: "p", Source: "x", Topic: "notices", Application: "a", Kind: check.Poison,
			Wants: []check.Want{{Route: "show", System: "cabinet", Operation: "show", Event: "p"}}}, check.Acked)
		b.letter(b.original(s), "l", "rejected", true)
		b.effect(s)
	}, []string{"I5 both"}},
	{"a conflict came to its letter", func(t *testing.T, b *builder) {
		b.letter(b.original(b.conflict()), "l", "untrusted", false)
	}, nil},
	{"a conflict of unknown offset came to its letter", func(t *testing.T, b *builder) {
		s := b.conflict()
		b.letter(b.original(s), "l", "untrusted", false)
		s.Offset = -1
	}, nil},
	{"a conflict waits behind a letter", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "b")), "l", "rejected", true)
		b.park(b.original(b.conflict()))
	}, nil},
	{"a conflict was taken for a repeat", func(t *testing.T, b *builder) {
		b.conflict()
	}, []string{"I1 lost"}},
	{"a good message is not trusted", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "untrusted", false)
	}, []string{"I5 wrong class"}},

	// I6
	{"an offset went back", func(t *testing.T, b *builder) {
		b.commit("show", "notices", 2)
		b.commit("show", "notices", 1)
	}, []string{"I6 commit regress"}},
	{"an offset went back with its topic", func(t *testing.T, b *builder) {
		b.commit("show", "notices", 2)
		b.commit("show", "notices", 1)
		b.Remade["notices"] = true
	}, nil},
	{"a message was committed before its effect", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.commit("show", "notices", s.Offset+1)
		b.through(s)
	}, []string{"I6 commit ahead"}},
	{"a message was committed before it was written further", func(t *testing.T, b *builder) {
		s := b.good("events", "a")
		b.commit("sign", "events", s.Offset+1)
		b.through(s)
	}, []string{"I6 commit ahead"}},
	{"a message was committed before it was a letter", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		b.commit("show", "notices", s.Offset+1)
		b.letter(b.original(s), "l", "rejected", true)
	}, []string{"I6 commit ahead"}},
	{"poison was committed before it was a letter", func(t *testing.T, b *builder) {
		s := b.write(check.Send{ID: "p", Source: "x", Topic: "notices", Application: "a", Kind: check.Poison}, check.Acked)
		b.commit("show", "notices", s.Offset+1)
		b.letter(b.original(s), "l", "untrusted", false)
	}, []string{"I6 commit ahead"}},
	{"a message was parked, committed, and then came to its effect", func(t *testing.T, b *builder) {
		s := b.good("notices", "a")
		at := b.park(b.original(s))
		b.commit("show", "notices", s.Offset+1)
		b.through(s)
		b.finished("show", "a", at)
	}, nil},

	// I11
	{"a log tells who it was", func(t *testing.T, b *builder) {
		b.log(t, "hub 1", `{"level":"INFO","iin":"900101300123"}`)
	}, []string{"I11 personal data"}},
	{"a log tells nothing", func(t *testing.T, b *builder) {
		b.log(t, "hub 1", `{"level":"INFO","iin":"900101300124"}`)
	}, nil},
	{"a log is gone", func(t *testing.T, b *builder) {
		b.Writings = append(b.Writings, check.Writing{Name: "hub 1", Path: filepath.Join(t.TempDir(), "none")})
	}, []string{"I11 unreadable"}},
	{"a finished claim keeps a reply", func(t *testing.T, b *builder) {
		b.Redis["{show:1}:c:x"] = "d|f||||||{\"iin\":\"900101300123\"}"
		b.Redis["{show:1}:c:y"] = "x|f||||||{\"iin\":\"900101300123\"}"
	}, []string{"I11 personal data"}},
	{"a letter's reason tells who it was", func(t *testing.T, b *builder) {
		b.letter(b.original(b.good("notices", "a")), "l", "rejected", true)
		b.last("show.dead").Headers["hub_reason"] = "no person 900101300123"
	}, []string{"I11 personal data"}},
}

// conflict sends an earlier message's id with other content.
func (b *builder) conflict() *check.Send {
	s := b.Sends[slices.IndexFunc(b.Sends, func(s check.Send) bool { return s.Topic == "notices" && s.Application == "b" })]
	s.Kind, s.Wants = check.Conflict, nil
	return b.write(s, check.Acked)
}

func (b *builder) log(t *testing.T, name, text string) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Writings = append(b.Writings, check.Writing{Name: name, Path: path})
}
