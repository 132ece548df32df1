package topics_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// standIn waits until a letter that Kafka has deleted stands in its topic again.
func (b *bench) standIn(of topics.Letter) (l topics.Letter) {
	b.t.Helper()
	servertest.Eventually(b.t, "a stand-in for the letter", func() bool {
		letters, err := topics.ReadLetters(b.t.Context(), b.cluster, b.route)
		if err != nil || len(letters) != 1 {
			return false
		}
		l = letters[0]
		return l.ID == of.ID && l.Lost
	})
	return l
}

// A decision of a letter that Kafka has deleted ends: a replay and an answer are
// refused, for the message is gone, and a discard lets go on what waits. The letter
// stands in its topic again, so that people see what holds the application, and
// nobody has called the system for its message.
func TestDecisionOfALetterThatIsGone(t *testing.T) {
	for _, action := range []string{topics.DecideReplay, topics.DecideAnswer, topics.DecideDiscard} {
		t.Run(action, func(t *testing.T) {
			b := newBench(t, topics.C3)
			b.failing(refuse("app", 0))
			stop := b.start()
			b.send("app", 0, 1)
			l := b.letters(1)[0]
			b.failing(nil)
			answer := topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":77}`)}
			deleteRecords(t, b, b.route.DeadTopic(), l.Record.Offset+1)
			b.decide(l, action, "d1", answer)
			if action != topics.DecideDiscard {
				servertest.Eventually(t, "the decision is refused", func() bool { return strings.Contains(b.refusal("d1"), "deleted") })
				again := b.standIn(l)
				if again.Class != l.Class || again.Code != l.Code || !again.Holds || string(again.Record.Key) != "app" || len(again.Record.Value) != 0 || !strings.Contains(again.Reason, "then discard it") {
					t.Errorf("%+v has come back as %+v", l, again)
				}
				b.decide(again, topics.DecideReplay, "d2")
				servertest.Eventually(t, "it is refused again", func() bool { return b.refusal("d2") != "" })
				stop()
				b.start() // it holds the application under a next owner, too
				b.send("other", 1)
				b.awaitEffects("other", 1)
				b.awaitEffects("app")
				b.decide(b.standIn(l), topics.DecideDiscard, "d3")
			}
			b.awaitEffects("app", 1)
			b.letters(0)
			b.awaitCommitted()
			for _, m := range b.read(b.route.Writes[0]) {
				if string(m.Value) == `{"n":77}` || string(m.Value) == `{"n":0}` {
					t.Errorf("published %s", m.Value)
				}
			}
		})
	}
}

// A letter that Kafka deletes before anybody has decided it stands in its topic
// again, for else an application would be held by what nobody can see. What its
// sender repeats is not carried out.
func TestALetterThatIsGoneIsSeenAgain(t *testing.T) {
	b := newBench(t, topics.C2)
	b.failing(refuse("app", 0))
	b.start()
	b.send("app", 0, 1)
	l := b.letters(1)[0]
	seen := topics.NewLetterIndex(b.cluster, b.route, 100)
	if err := seen.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.failing(nil)
	deleteRecords(t, b, b.route.DeadTopic(), l.Record.Offset+1)
	again := b.standIn(l)
	if err := seen.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if known := seen.Letters(); len(known) != 1 || !known[0].Lost || known[0].Record.Offset != again.Record.Offset || known[0].Reason != again.Reason {
		t.Errorf("who has seen the letter before sees %+v", known)
	}
	b.decide(again, topics.DecideDiscard, "d1")
	b.awaitEffects("app", 1)
	b.send("app", 0, 2)
	b.awaitEffects("app", 1, 2)
	b.letters(0)
	b.awaitCommitted()
}

// An undo of the discard of such a letter finds nothing to go back to.
func TestUndoOfAStandIn(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(refuse("app", 0))
	b.start()
	b.send("app", 0)
	l := b.letters(1)[0]
	deleteRecords(t, b, b.route.DeadTopic(), l.Record.Offset+1)
	l = b.standIn(l)
	b.decide(l, topics.DecideDiscard, "d1")
	b.letters(0)
	b.undo(l, "d1", "u1")
	servertest.Eventually(t, "the undo is refused", func() bool { return b.refusal("u1") != "" })
	b.send("app", 1)
	b.awaitEffects("app", 1)
	b.letters(0)
	b.awaitCommitted()
}

// What holds nobody stands in for itself as well.
func TestAnUntrustedLetterThatIsGone(t *testing.T) {
	b := newBench(t, topics.C1)
	b.start()
	if err := b.produce.Publish(t.Context(), b.route.Sources[0], topics.Message{Type: "test", Subject: "app"}); err != nil {
		t.Fatal(err)
	}
	l := b.letters(1)[0]
	deleteRecords(t, b, b.route.DeadTopic(), l.Record.Offset+1)
	again := b.standIn(l)
	if again.Holds || again.Class != topics.LetterUntrusted {
		t.Errorf("%+v has come back as %+v", l, again)
	}
	b.send("app", 1)
	b.awaitEffects("app", 1)
	b.decide(again, topics.DecideDiscard, "d1")
	b.letters(0)
	b.awaitCommitted()
}
