package topics_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/servertest"
)

// claimed is a claim that an earlier hub has left behind.
func (b *bench) claimed(m topics.Message, sent bool) *claims.Claim {
	b.t.Helper()
	c, err := b.store.Claim(b.t.Context(), claims.Request{
		Route: b.route.Name, Application: m.Subject, Source: m.Source, ID: m.ID, Fingerprint: m.Fingerprint(),
	})
	if err == nil && sent {
		err = b.store.Sent(b.t.Context(), c)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// A hub died after it had kept the answer.
func TestKeptAnswerIsPublishedAndNobodyIsCalled(t *testing.T) {
	b := newBench(t, topics.C3)
	m := message("app", 0)
	answer := topics.Message{ID: "kept", Type: "test.done.v1", Source: topics.SourceHub, Subject: "app", Time: time.Now(), Data: []byte(`{"n":0}`)}
	if err := b.store.Answered(t.Context(), b.claimed(m, true), topics.KeptReply(b.route.Writes[0], answer)); err != nil {
		t.Fatal(err)
	}
	b.send("app", 0, 1)
	b.start()
	b.awaitEffects("app", 1)
	b.awaitCommitted()
	replies := b.read(b.route.Writes[0])
	if len(replies) != 2 || header(replies[0], "ce_id") != "kept" {
		t.Errorf("replies: %v", replies)
	}
}

// A hub died after the claim said dead, before the letter was written.
func TestLetterOfADeadClaimIsWritten(t *testing.T) {
	b := newBench(t, topics.C2)
	if err := b.store.Dead(t.Context(), b.claimed(message("app", 0), true), "uncertain.timeout.1"); err != nil {
		t.Fatal(err)
	}
	b.send("app", 0, 1)
	b.start()
	l := b.letters(1)[0]
	if l.ID != "uncertain.timeout.1" || l.Class != topics.LetterUncertain || l.Code != "timeout" || !l.Holds {
		t.Errorf("letter %+v", l)
	}
	b.awaitCommitted()
	b.awaitEffects("app")
}

// A hub died after done, before it committed.
func TestDoneButNotCommittedIsDropped(t *testing.T) {
	b := newBench(t, topics.C3)
	if err := b.store.Done(t.Context(), b.claimed(message("app", 0), true)); err != nil {
		t.Fatal(err)
	}
	b.send("app", 0, 1)
	b.start()
	b.awaitEffects("app", 1)
	b.awaitCommitted()
}

// A hub died after it had said sent: what follows is the effect contract's.
func TestSentAndLeaseOver(t *testing.T) {
	for _, tc := range []struct {
		effect  topics.Effect
		ask     bool
		effects []int
		letters int
	}{
		{topics.ReadOnly, false, []int{0, 1}, 0},
		{topics.C1, false, []int{0, 1}, 0},
		{topics.C2, true, []int{1}, 0}, // asked: it had arrived
		{topics.C3, false, nil, 1},
	} {
		t.Run(tc.effect.String(), func(t *testing.T) {
			b := newBench(t, tc.effect)
			asked := make(chan struct{}, 10)
			if tc.ask {
				b.route.Operation.Ask = func(context.Context, topics.Message, time.Time) ([]topics.Reply, bool, error) {
					asked <- struct{}{}
					return nil, true, nil
				}
			}
			b.claimed(message("app", 0), true)
			b.send("app", 0, 1)
			b.start()
			b.awaitEffects("app", tc.effects...)
			letters := b.letters(tc.letters)
			b.awaitCommitted()
			if tc.ask != (len(asked) == 1) {
				t.Errorf("asked %d times", len(asked))
			}
			if tc.letters > 0 && letters[0].Class != topics.LetterUncertain {
				t.Errorf("letter %+v", letters[0])
			}
			b.awaitEffects("app", tc.effects...)
		})
	}
}

// What the contract refuses is a plain rejection, unless it was called before.
func TestBrokenContract(t *testing.T) {
	for sent, class := range map[bool]string{false: topics.LetterRejected, true: topics.LetterUncertain} {
		t.Run(class, func(t *testing.T) {
			b := newBench(t, topics.C2)
			b.check = func(topic string, m topics.Message) (string, error) {
				if topic == b.route.Sources[0] && m.ID == "app-0" {
					return "schema", errors.New("field n: wrong")
				}
				return "", nil
			}
			if sent {
				b.claimed(message("app", 0), true)
			}
			b.send("app", 0, 1)
			b.start()
			if l := b.letters(1)[0]; l.Class != class || l.Code != "schema" {
				t.Errorf("letter %+v", l)
			}
			b.awaitCommitted()
			b.awaitEffects("app")
		})
	}
}

// A question that the system refuses leaves open what became of the call.
func TestRefusedQuestionIsForAPerson(t *testing.T) {
	b := newBench(t, topics.C2)
	b.route.Operation.Ask = func(context.Context, topics.Message, time.Time) ([]topics.Reply, bool, error) {
		return nil, false, topics.Fail(topics.Rejected, "http_400", "refused")
	}
	b.claimed(message("app", 0), true)
	b.send("app", 0)
	b.start()
	if l := b.letters(1)[0]; l.Class != topics.LetterUncertain {
		t.Errorf("letter %+v", l)
	}
}

func TestUndecidedIsForAPerson(t *testing.T) {
	b := newBench(t, topics.C3)
	b.failing(func(m topics.Message, n int) error { return topics.Fail(topics.Undecided, "none", "nobody knows") })
	b.send("app", 0)
	b.start()
	if l := b.letters(1)[0]; l.Class != topics.LetterUncertain || l.Code != "none" {
		t.Errorf("letter %+v", l)
	}
	b.awaitCommitted()
}

// The deadline of a call counts from before anything is noted of it. Whoever asks
// what became of it reckons from what was noted, and would ask too early if the
// process stood still between that and the call.
func TestDeadlineCountsFromBeforeTheClaimSaysSent(t *testing.T) {
	b := newBench(t, topics.C3)
	var noted time.Time
	late := make(chan time.Duration, 1)
	b.route.Operation.Markers = func(topics.Message) ([]string, error) {
		noted = time.Now()
		return []string{servertest.Unique("person")}, nil
	}
	b.route.Operation.Freed = func(topics.Message, []topics.Reply) bool { return false }
	b.route.Operation.Taken = func(topics.Message, string, time.Time) ([]topics.Reply, error) { return nil, nil }
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		until, _ := ctx.Deadline()
		late <- until.Sub(noted.Add(b.timing.Call))
		return b.do(ctx, m)
	}
	b.send("app", 0)
	b.start()
	b.awaitEffects("app", 0)
	if d := <-late; d > 0 {
		t.Errorf("the call may go on for %s longer than its deadline after it was noted", d)
	}
}

// limitReplies sets how large a batch of replies may be, in bytes.
func (b *bench) limitReplies(most string) {
	b.t.Helper()
	resp, err := b.cluster.Client.AlterConfigs(b.t.Context(), &kafka.AlterConfigsRequest{Resources: []kafka.AlterConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: b.route.Writes[0],
		Configs: []kafka.AlterConfigRequestConfig{{Name: "max.message.bytes", Value: most}},
	}}})
	for _, e := range resp.Errors {
		err = errors.Join(err, e)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A person's answer that no topic takes is not lost either. The claim has said that
// all is done, so it is kept and tried again until Kafka takes it, and what follows
// waits.
func TestAnswerThatCannotBePublished(t *testing.T) {
	b := newBench(t, topics.C2)
	b.failing(refuse("app", 0))
	b.limitReplies("2000")
	b.start()
	b.send("app", 0, 1)
	l := b.letters(1)[0]
	large := `{"n":77,"text":"` + strings.Repeat("x", 5000) + `"}`
	b.decide(l, topics.DecideAnswer, "d1", topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(large)})
	b.send("beside", 0) // of another application: it goes on
	b.awaitEffects("beside", 0)
	b.letters(1)
	b.limitReplies("1000000")
	b.awaitEffects("app", 1)
	b.letters(0)
	var answers, replies int
	for _, m := range b.read(b.route.Writes[0]) {
		if replies++; string(m.Value) == large {
			answers++
		}
	}
	if answers != 1 || replies != 3 {
		t.Errorf("%d answers among %d replies", answers, replies)
	}
}

// An answer that no topic takes is not lost: a letter says that the effect is
// done.
func TestReplyThatCannotBePublished(t *testing.T) {
	b := newBench(t, topics.C2)
	b.limitReplies("2000")
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		replies, err := do(ctx, m)
		replies[0].Data = strings.Repeat("x", 5000)
		return replies, err
	}
	b.send("app", 0)
	b.start()
	if l := b.letters(1)[0]; l.Class != topics.LetterEffectDone {
		t.Errorf("letter %+v", l)
	}
	b.awaitEffects("app", 0)
	b.awaitCommitted()
}

func TestStaleIsAnsweredWithoutACall(t *testing.T) {
	b := newBench(t, topics.C3)
	b.route.Operation.Stale = func(m topics.Message, _, _ time.Time) ([]topics.Reply, bool) {
		return []topics.Reply{{Topic: b.route.Writes[0], Type: "test.stale.v1", Data: order{0}}}, m.ID == "app-0"
	}
	b.send("app", 0, 1)
	b.start()
	b.awaitEffects("app", 1)
	b.awaitCommitted()
	if r := b.read(b.route.Writes[0]); len(r) != 2 || header(r[0], "ce_type") != "test.stale.v1" {
		t.Errorf("replies %v", r)
	}
}

// marked gives the route's messages one person's marker.
func (b *bench) marked(person string) {
	op := &b.route.Operation
	op.Markers = func(topics.Message) ([]string, error) { return []string{person}, nil }
	op.Freed = func(topics.Message, []topics.Reply) bool { return false }
	op.Taken = func(m topics.Message, holder string, _ time.Time) ([]topics.Reply, error) {
		return []topics.Reply{{Topic: b.route.Writes[0], Type: "test.taken.v1", Data: holder}}, nil
	}
}

// Two messages about one person at the same moment: one is called, the other
// learns whose marker it is, once that has settled.
func TestOneMarkerOneCall(t *testing.T) {
	b := newBench(t, topics.C3)
	b.marked(servertest.Unique("person"))
	b.send("one", 0)
	b.send("two", 0)
	b.start()
	b.awaitSome(1)
	servertest.Eventually(t, "two replies", func() bool { return b.end(b.route.Writes[0]) == 2 })
	b.awaitCommitted()
	types := map[string]int{}
	for _, m := range b.read(b.route.Writes[0]) {
		types[header(m, "ce_type")]++
	}
	if types["test.done.v1"] != 1 || types["test.taken.v1"] != 1 {
		t.Errorf("replies %v", types)
	}
}

// A call that surely did not happen frees its person at once.
func TestMarkerIsTakenBack(t *testing.T) {
	b := newBench(t, topics.C3)
	b.route.Operation.Settle = time.Hour // nobody else could take it
	b.marked(servertest.Unique("person"))
	b.failing(unavailable("one"))
	b.send("one", 0)
	b.start()
	servertest.Eventually(t, "one has failed", func() bool { return b.calls.Load() > 0 })
	b.send("two", 0)
	b.awaitEffects("two", 0)
	if slices.Contains(b.seen("one"), 0) {
		t.Error("one was carried out")
	}
}
