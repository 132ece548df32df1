package topics_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/servertest"
)

// refuse makes one message of one application a dead letter.
func refuse(application string, n int) func(topics.Message, int) error {
	return func(m topics.Message, got int) error {
		if m.Subject == application && got == n {
			return topics.Fail(topics.Rejected, "http_422", "refused")
		}
		return nil
	}
}

// letters waits for as many unresolved letters.
func (b *bench) letters(n int) []topics.Letter {
	b.t.Helper()
	var letters []topics.Letter
	servertest.Eventually(b.t, "unresolved letters", func() bool {
		var err error
		letters, err = topics.ReadLetters(b.t.Context(), b.cluster, b.route)
		return err == nil && len(letters) == n
	})
	return letters
}

func (b *bench) decide(l topics.Letter, action, id string, replies ...topics.GivenReply) {
	b.t.Helper()
	if err := b.produce.Decide(b.t.Context(), l, action, id, "tester", "test", replies...); err != nil {
		b.t.Fatal(err)
	}
}

func TestReplayCarriesTheMessageOutBeforeItsFollowers(t *testing.T) {
	b := newBench(t, topics.C2)
	b.failing(refuse("app", 1))
	stop := b.start()
	b.send("app", 0, 1, 2, 3)
	l := b.letters(1)[0]
	b.decide(l, topics.DecideReplay, "d1") // refused once more: a new letter
	servertest.Eventually(t, "another letter", func() bool { return b.letters(1)[0].ID != l.ID })
	stop()
	b.failing(nil)
	b.start()
	second := b.letters(1)[0]
	b.decide(second, topics.DecideReplay, "d2")
	b.decide(second, topics.DecideDiscard, "d3") // too late
	b.awaitEffects("app", 0, 1, 2, 3)
	b.letters(0)
	b.send("app", 4)
	b.awaitEffects("app", 0, 1, 2, 3, 4)
	b.awaitCommitted()
}

func TestDiscardLetsTheFollowersGoOn(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(refuse("app", 1))
	b.start()
	b.send("app", 0, 1, 2)
	l := b.letters(1)[0]
	b.decide(l, topics.DecideDiscard, "d1")
	b.decide(l, topics.DecideReplay, "d2") // too late
	b.awaitEffects("app", 0, 2)
	b.letters(0)
	b.send("app", 1, 3) // a repeat of what was discarded is dropped
	b.awaitEffects("app", 0, 2, 3)
}

func TestAnswerIsPublishedOnceAndCallsNobody(t *testing.T) {
	b := newBench(t, topics.C3)
	b.failing(func(m topics.Message, n int) error {
		if n == 1 {
			return topics.Fail(topics.Undecided, "unknown", "nobody knows")
		}
		return nil
	})
	b.start()
	b.send("app", 0, 1, 2)
	l := b.letters(1)[0]
	if l.Class != topics.LetterUncertain {
		t.Errorf("class %s", l.Class)
	}
	answer := topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":77}`)}
	b.decide(l, topics.DecideAnswer, "d1", answer)
	b.decide(l, topics.DecideAnswer, "d2", answer)
	b.awaitEffects("app", 0, 2)
	b.letters(0)
	n := 0
	for _, m := range b.read(b.route.Writes[0]) {
		if string(m.Value) == `{"n":77}` {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the answer was published %d times", n)
	}
}

// An answer that breaks the contract is refused before the claim says that all is
// done: the letter waits for another decision, also under a next owner, which
// passes over the one that was refused.
func TestAnswerThatBreaksItsContract(t *testing.T) {
	b := newBench(t, topics.C3)
	b.failing(refuse("app", 0))
	b.check = func(_ string, m topics.Message) (string, error) {
		if string(m.Data) == `{"n":-1}` {
			return "schema", errors.New("below zero")
		}
		return "", nil
	}
	stop := b.start()
	b.send("app", 0, 1)
	l := b.letters(1)[0]
	answer := topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":-1}`)}
	b.decide(l, topics.DecideAnswer, "d1", answer)
	refusals := func() int {
		n := 0
		for _, r := range b.read(b.route.DeadTopic()) {
			if header(r, "hub_kind") == "refused" {
				n++
			}
		}
		return n
	}
	servertest.Eventually(t, "the answer is refused", func() bool { return strings.Contains(b.refusal("d1"), "break their contract") })
	if again := b.letters(1)[0]; again.ID != l.ID || len(again.Decisions) > 0 {
		t.Errorf("the letter is %+v, want the same one, undecided", again)
	}
	stop()
	b.start()
	answer.Data = json.RawMessage(`{"n":77}`)
	b.decide(l, topics.DecideAnswer, "d2", answer)
	b.awaitEffects("app", 1)
	b.letters(0)
	if n := refusals(); n != 1 {
		t.Errorf("the next owner has refused it again: %d refusals", n)
	}
	var published []string
	for _, m := range b.read(b.route.Writes[0]) {
		published = append(published, string(m.Value))
	}
	if !slices.Contains(published, `{"n":77}`) || slices.Contains(published, `{"n":-1}`) {
		t.Errorf("published: %q", published)
	}
}

func TestUntrustedLettersCanOnlyBeDiscarded(t *testing.T) {
	b := newBench(t, topics.C1)
	b.start()
	m := message("app", 0)
	m.ID = ""
	if err := b.produce.Publish(t.Context(), b.route.Sources[0], m); err != nil {
		t.Fatal(err)
	}
	l := b.letters(1)[0]
	b.decide(l, topics.DecideDiscard, "d1")
	b.letters(0)
	b.send("app", 1)
	b.awaitEffects("app", 1)
}

// A hub has accepted an answer and died before it wrote it, and the next one knows a
// contract that the answer breaks: it is written as it was accepted. The claim has
// ended with it, so that no other answer could take its place.
func TestAnAcceptedAnswerIsWrittenUnderAnotherContract(t *testing.T) {
	b := newBench(t, topics.C3)
	b.failing(refuse("app", 0))
	stop := b.start()
	b.send("app", 0, 1)
	l := b.letters(1)[0]
	stop()
	m, err := topics.Parse(l.Record)
	if err != nil {
		t.Fatal(err)
	}
	acted, err := b.store.Decide(t.Context(), claims.Request{
		Route: b.route.Name, Application: m.Subject, Source: m.Source, ID: m.ID, Fingerprint: m.Fingerprint(), DecisionID: "d1",
	}, l.ID, claims.Finish)
	if err != nil || !acted {
		t.Fatal(acted, err)
	}
	b.check = func(_ string, m topics.Message) (string, error) {
		if string(m.Data) == `{"n":77}` || string(m.Data) == `{"n":88}` {
			return "schema", errors.New("not any more")
		}
		return "", nil
	}
	b.decide(l, topics.DecideAnswer, "d0", topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":88}`)})
	b.decide(l, topics.DecideAnswer, "d1", topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":77}`)})
	b.decide(l, topics.DecideAnswer, "d2", topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":78}`)})
	b.start()
	b.awaitEffects("app", 1)
	b.letters(0)
	b.awaitCommitted()
	var published []string
	for _, m := range b.read(b.route.Writes[0]) {
		published = append(published, string(m.Value))
	}
	if want := []string{`{"n":77}`, `{"n":1}`}; !slices.Equal(published, want) {
		t.Errorf("published: %q, want %q", published, want)
	}
	if b.refusal("d1") != "" || !strings.Contains(b.refusal("d0"), "break their contract") {
		t.Errorf("refused with %q and %q", b.refusal("d0"), b.refusal("d1"))
	}
}
