package check_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"kandashub/cmd/verify/check"
)

// TestLegalHistories makes histories in which hubs died, systems were asked
// twice, messages were parked and persons decided, and everything came to a good
// end. The checker must find nothing in any.
func TestLegalHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBuilder()
		drawLegal(t, b, "a", "b", "c")
		if v := check.Check(b.end()); !v.OK() {
			t.Fatalf("%+v", v.Violations)
		}
	})
}

// drawLegal adds such a history, of some applications.
func drawLegal(t *rapid.T, b *builder, apps ...string) {
	l := &legal{t: t, builder: b, held: map[string]*hold{}}
	for n := rapid.IntRange(1, 40).Draw(t, "steps"); n > 0; n-- {
		topic := rapid.SampledFrom([]string{"notices", "makes", "events"}).Draw(t, "topic")
		app := rapid.SampledFrom(apps).Draw(t, "application")
		if h := l.held[topic+app]; h != nil {
			l.behind(h, topic, app)
		} else {
			l.step(topic, app)
		}
		for _, topic := range []string{"notices", "makes", "events"} {
			l.commit(readBy(topic), topic, l.next[topic])
		}
	}
}

// legal draws what happens next.
type legal struct {
	*builder
	t       *rapid.T
	held    map[string]*hold // by topic and application
	letters int
}

// A hold is a letter that nobody has decided, and what waits behind it.
type hold struct {
	send    check.Send
	record  check.Record
	letter  string
	effect  bool // it has happened
	waiting []check.Send
	parked  int64
}

// step draws a message's life where no letter holds its application.
func (l *legal) step(topic, app string) {
	switch rapid.IntRange(0, 8).Draw(l.t, "life") {
	case 0: // a hub died after the call: the system recognised the repeat, and so does who reads the result
		s := *l.good(topic, app)
		l.through(&s)
		if topic != "makes" {
			l.effect(&s)
			l.Effects[len(l.Effects)-1].Repeat = true
			l.result(&s)
		}
	case 1: // it was parked for a while
		s := *l.good(topic, app)
		at := l.park(l.original(&s))
		l.commit(readBy(topic), topic, s.Offset+1)
		l.through(&s)
		l.finished(readBy(topic), app, at)
	case 2: // it came twice, and the second was dropped
		s := *l.good(topic, app)
		l.through(&s)
		s.Kind = check.Repeat
		l.write(s, rapid.SampledFrom([]check.Outcome{check.Acked, check.Unknown, check.Failed}).Draw(l.t, "outcome"))
	case 3: // a letter
		l.makeLetter(topic, app)
	case 4: // never written, and nobody knows it
		l.good(topic, app).Outcome = rapid.SampledFrom([]check.Outcome{check.Unknown, check.Failed}).Draw(l.t, "outcome")
		l.Records[topic] = l.Records[topic][:len(l.Records[topic])-1]
		l.Sends[len(l.Sends)-1].Offset = -1
		l.next[topic]--
	case 5: // poison, or another's id
		s := check.Send{ID: fmt.Sprint("p", l.letters), Source: "x", Topic: topic, Application: app, Kind: check.Poison}
		l.letters++
		l.letter(l.original(l.write(s, check.Acked)), fmt.Sprint("letter-", l.letters), "untrusted", false)
	default:
		l.through(l.good(topic, app))
	}
}

// makeLetter has a message become a letter that holds its application.
func (l *legal) makeLetter(topic, app string) {
	h := &hold{send: *l.good(topic, app), parked: -1}
	h.record = l.original(&h.send)
	l.letters++
	h.letter = fmt.Sprint("letter-", l.letters)
	class := rapid.SampledFrom([]string{"rejected", "uncertain", "effect_done"}).Draw(l.t, "class")
	h.effect = topic != "events" && (class == "effect_done" || class == "uncertain" && rapid.Bool().Draw(l.t, "happened"))
	if h.effect {
		l.effect(&h.send)
	} else if class == "effect_done" {
		class = "uncertain"
	}
	for range rapid.IntRange(1, 2).Draw(l.t, "copies") {
		l.letter(h.record, h.letter, class, true)
	}
	l.held[topic+app] = h
}

// behind draws what happens while a letter holds its application.
func (l *legal) behind(h *hold, topic, app string) {
	if rapid.Bool().Draw(l.t, "one more waits") {
		s := *l.good(topic, app)
		h.waiting = append(h.waiting, s)
		h.parked = l.park(l.original(&s))
		return
	}
	decision := rapid.SampledFrom([]string{"replay", "answer", "discard"}).Draw(l.t, "decision")
	l.decide(readBy(topic), app, h.letter, decision)
	l.decide(readBy(topic), app, h.letter, "discard") // another person was late
	if decision == "replay" && h.effect && topic == "notices" {
		l.result(&h.send)
	} else if decision == "replay" && !h.effect {
		l.through(&h.send)
	}
	for _, s := range h.waiting {
		l.through(&s)
	}
	if h.parked >= 0 {
		l.finished(readBy(topic), app, h.parked)
	}
	delete(l.held, topic+app)
}
