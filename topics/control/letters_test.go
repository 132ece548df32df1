package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// Replay, answer and discard of one letter at once have one effect between them,
// and the message after it goes on.
func TestDecisionsThatRaceHaveOneEffect(t *testing.T) {
	o := newOffice(t)
	o.start()
	var applications []string
	for n := range 8 {
		applications = append(applications, fmt.Sprint("app-", n))
		o.send(applications[n], 0)
	}
	letters := o.letters(len(applications))
	o.refusing(func(string) bool { return false })
	for _, a := range applications {
		o.send(a, 1) // waits behind the letter
	}
	answer := []topics.GivenReply{{Topic: o.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"by":"person"}`)}}
	var racing sync.WaitGroup
	late := func(err error) {
		var r *control.Refusal
		if err != nil && !errors.As(err, &r) { // another decision may have been carried out already
			t.Error(err)
		}
	}
	for _, l := range letters {
		racing.Go(func() { late(o.Replay(t.Context(), order, o.route.Name, l.ID)) })
		racing.Go(func() {
			late(o.Answer(t.Context(), order, o.route.Name, l.ID, func(topics.Letter) ([]topics.GivenReply, error) { return answer, nil }))
		})
		racing.Go(func() { late(o.Discard(t.Context(), order, o.route.Name, l.ID)) })
	}
	racing.Wait()
	o.letters(0)
	carried := func() map[string]int {
		o.mu.Lock()
		defer o.mu.Unlock()
		count := map[string]int{}
		for _, id := range o.effects {
			count[id]++
		}
		return count
	}
	servertest.Eventually(t, "the followers are through", func() bool {
		effects := carried()
		return !slices.ContainsFunc(applications, func(a string) bool { return effects[a+"-1"] == 0 })
	})
	effects, replies := carried(), o.replies()
	for _, a := range applications {
		if replayed, answered := effects[a+"-0"], replies["person "+a]; replayed+answered > 1 || effects[a+"-1"] != 1 {
			t.Errorf("the letter of %s was replayed %d times and answered %d times, the message after it carried out %d times", a, replayed, answered, effects[a+"-1"])
		}
	}
}

// Of a letter whose decision waits to be carried out, no other is taken: it would
// seem to be written down, and the first takes effect. The same request may come
// again.
func TestSecondDecisionIsRefused(t *testing.T) {
	o := newOffice(t)
	stop := o.run()
	o.send("app-1", 0)
	id := o.letters(1)[0].ID
	stop() // nobody carries out what is decided now
	first := order
	first.ID = "0f0e0d0c-0b0a-4f0e-8d0c-0a0b0c0d0e0f"
	o.must(o.Discard(t.Context(), first, o.route.Name, id))
	o.refused(o.Replay(t.Context(), order, o.route.Name, id), "has been decided already: discard, by duty")
	o.must(o.Discard(t.Context(), first, o.route.Name, id))
	for _, d := range o.letters(1)[0].Decisions {
		if d.ID != first.ID || d.Action != topics.DecideDiscard {
			t.Errorf("written down is %+v", d)
		}
	}
}

// A plan counts what would be decided and what waits behind it, and changes
// nothing; what has been decided is no part of the next one.
func TestPlan(t *testing.T) {
	o := newOffice(t)
	o.start()
	for _, a := range []string{"app-1", "app-2", "app-3"} {
		o.send(a, 0)
	}
	if err := o.producer.Publish(t.Context(), o.route.Sources[0], topics.Message{Type: "test", Subject: "app-4"}); err != nil {
		t.Fatal(err)
	}
	letters := o.letters(4)
	o.send("app-2", 1)
	o.send("app-2", 2)
	servertest.Eventually(t, "followers are parked", func() bool {
		parked, err := topics.ReadFollowers(t.Context(), o.cluster, o.route)
		return err == nil && parked["app-2"] == 2
	})
	p, err := o.Plan(t.Context(), control.Filter{Routes: []string{o.route.Name}}, topics.DecideReplay)
	o.must(err)
	if p.Letters != 3 || p.Excluded != 1 || len(p.Groups) != 1 || p.Groups[0].Letters != 3 || p.Groups[0].Code != "http_422" {
		t.Errorf("%+v", p)
	}
	if first := p.Orders[0]; first.Application != "app-2" || first.Followers != 2 || p.Orders[1].Followers != 0 {
		t.Errorf("orders %+v", p.Orders)
	}
	if again, err := o.Plan(t.Context(), control.Filter{}, topics.DecideReplay); err != nil || again.Hash != p.Hash {
		t.Errorf("%s again is %s (%v)", p.Hash, again.Hash, err)
	}
	for name, f := range map[string]control.Filter{
		"class": {Class: topics.LetterUncertain}, "code": {Code: "http_400"}, "application": {Application: "nobody"}, "since": {Since: time.Now().Add(time.Hour)},
		"before": {Before: time.Now().Add(-time.Hour)}, "text": {Text: "accepted"}, "letters": {Letters: []string{"none"}},
	} {
		if other, err := o.Plan(t.Context(), f, topics.DecideReplay); err != nil || other.Letters != 0 {
			t.Errorf("filter by %s takes %d letters (%v)", name, other.Letters, err)
		}
	}
	if same, err := o.Plan(t.Context(), control.Filter{Text: "REFUS", Before: time.Now().Add(time.Hour)}, topics.DecideReplay); err != nil || same.Hash != p.Hash {
		t.Errorf("a filter that takes all comes to %+v (%v)", same, err)
	}
	discard, err := o.Plan(t.Context(), control.Filter{}, topics.DecideDiscard)
	if err != nil || discard.Letters != 4 || discard.Hash == p.Hash {
		t.Errorf("%+v, %v", discard, err)
	}
	shows := func(application string) bool {
		return slices.ContainsFunc(discard.Orders, func(r control.OrderRisk) bool { return r.Application == application })
	}
	if shows("app-4") || !shows("[key]") || !shows("app-1") {
		t.Errorf("the key of what cannot be trusted shows in %+v", discard.Orders)
	}
	_, err = o.Plan(t.Context(), control.Filter{}, topics.DecideAnswer)
	o.refused(err, "an answer is given to one")
	if got := o.steps(); len(got) != 0 {
		t.Errorf("on record is %q", got)
	}

	// Somebody decides one of them: the plan does not come to the same any more.
	i := slices.IndexFunc(letters, func(l topics.Letter) bool { return string(l.Record.Key) == "app-3" })
	o.must(o.Discard(t.Context(), order, o.route.Name, letters[i].ID))
	_, err = o.RunPlan(t.Context(), order, control.Run{Action: topics.DecideReplay, Plan: p.Hash, Rate: 500, Wait: time.Minute})
	o.refused(err, "make a new plan")
	_, err = o.RunPlan(t.Context(), order, control.Run{Action: topics.DecideReplay, Plan: "rubbish", Rate: 500, Wait: time.Minute})
	o.refused(err, "names no plan")
	for _, rate := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, 1e-10, 501} {
		_, err = o.RunPlan(t.Context(), order, control.Run{Action: topics.DecideReplay, Plan: p.Hash, Rate: rate, Wait: time.Minute})
		o.refused(err, "the rate is")
	}
}

// A run that is cut off is taken up again, decides nothing twice, and letters
// that came after the plan are left alone.
func TestRunGoesOnWhereItWasCutOff(t *testing.T) {
	o := newOffice(t)
	o.start()
	var applications []string
	for n := range 10 {
		applications = append(applications, fmt.Sprint("app-", n))
		o.send(applications[n], 0)
	}
	o.letters(10)
	p, err := o.Plan(t.Context(), control.Filter{}, topics.DecideReplay)
	o.must(err)
	servertest.Eventually(t, "a later letter", func() bool {
		o.send(servertest.Unique("late-"), 0)
		late, err := o.Letters(t.Context(), control.Filter{})
		return err == nil && slices.ContainsFunc(late, func(l topics.Letter) bool {
			return strings.HasPrefix(string(l.Record.Key), "late-")
		})
	})
	o.refusing(func(a string) bool { return !strings.HasPrefix(a, "app-") })
	run := control.Run{Action: topics.DecideReplay, Plan: p.Hash, Rate: 500, StopAt: 0, Wait: time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	run.Report = func(p control.Progress) {
		if p.Decided == 4 {
			cancel()
		}
	}
	first, err := o.RunPlan(ctx, order, run)
	if !errors.Is(err, context.Canceled) || first.Decided < 4 || first.Decided == 10 {
		t.Fatalf("%+v, %v", first, err)
	}
	run.Report = nil
	second, err := o.RunPlan(t.Context(), order, run)
	o.must(err)
	if second.Letters != 10 || second.Skipped != first.Decided || second.Decided != 10-first.Decided || second.Done != second.Decided || second.Died != 0 {
		t.Errorf("%+v and then %+v", first, second)
	}
	for i := range applications {
		applications[i] += "-0"
	}
	o.awaitEffects(applications...)
	got := o.steps()
	if len(got) != 4 || !strings.HasSuffix(got[1], ": failed") || !strings.HasSuffix(got[3], ": done") {
		t.Errorf("on record is %q", got)
	}
	records, err := control.ReadAuditOf(t.Context(), o.cluster, o.audit)
	o.must(err)
	if want := fmt.Sprintf("10 letters: 0 decided before, %d decided, ", first.Decided); !strings.HasPrefix(records[1].Detail, want) {
		t.Errorf("on record is %q, want %q: what was done before the run was cut off", records[1].Detail, want)
	}
}

// A run stops when its letters die again, after the canary if there is one.
func TestRunStopsWhenLettersDieAgain(t *testing.T) {
	o := newOffice(t)
	o.start()
	for n := range 6 {
		o.send(fmt.Sprint("app-", n), 0)
	}
	o.letters(6)
	before := o.calls.Load()
	p, err := o.Plan(t.Context(), control.Filter{}, topics.DecideReplay)
	o.must(err)
	got, err := o.RunPlan(t.Context(), order, control.Run{Action: topics.DecideReplay, Plan: p.Hash, Rate: 500, Canary: 2, StopAt: 0.5, Wait: time.Minute})
	if err == nil || !strings.Contains(err.Error(), "died again") || got.Decided == 0 || got.Decided > 2 || got.Died == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if n := o.calls.Load() - before; n > 2 {
		t.Errorf("%d calls, the canary has 2 letters", n)
	}
}

// A letter that Kafka has deleted can be seen and discarded, and nothing else: there
// is nothing to replay, to answer or to go back to.
func TestALetterThatIsGoneCanOnlyBeDiscarded(t *testing.T) {
	o := newOffice(t)
	o.start()
	o.send("app-1", 0)
	l := o.letters(1)[0]
	o.refusing(func(string) bool { return false })
	o.send("app-1", 1) // waits behind it
	servertest.DeleteRecords(t, o.brokers, o.route.DeadTopic(), l.Record.Partition, l.Record.Offset+1)
	servertest.Eventually(t, "it stands in its topic again", func() bool {
		shown, err := o.Show(t.Context(), o.route.Name, l.ID, nil)
		return err == nil && shown.Lost && strings.Contains(shown.Reason, "hubctl trace")
	})
	o.refused(o.Replay(t.Context(), order, o.route.Name, l.ID), "Kafka has deleted")
	o.refused(o.Answer(t.Context(), order, o.route.Name, l.ID, nil), "can only be discarded")
	if p, err := o.Plan(t.Context(), control.Filter{}, topics.DecideReplay); err != nil || p.Letters != 0 || p.Excluded != 1 {
		t.Errorf("a replay of all comes to %+v, %v", p, err)
	}
	o.must(o.Discard(t.Context(), order, o.route.Name, l.ID))
	o.awaitEffects("app-1-1")
	o.letters(0)
	_, err := o.Undo(t.Context(), order, o.route.Name, l.ID, time.Minute)
	o.refused(err, "nothing to go back to")
}

// What a letter carries is shown in its form only, unless that is asked for.
func TestShowMasksThePayload(t *testing.T) {
	o := newOffice(t)
	o.start()
	o.send("app-1", 0)
	id := o.letters(1)[0].ID
	l, err := o.Show(t.Context(), o.route.Name, id, nil)
	o.must(err)
	if got := string(l.Record.Value); got != `{"iin":"string","persons":[{"name":"string"}]}` {
		t.Errorf("shows %s", got)
	}
	if len(o.steps()) != 0 {
		t.Error("a look at the form is on record")
	}
	l, err = o.ShowPayload(t.Context(), order, o.route.Name, id, nil)
	o.must(err)
	if !strings.Contains(string(l.Record.Value), "990101200017") {
		t.Errorf("shows %s", l.Record.Value)
	}
	if got := o.steps(); len(got) != 2 || !strings.HasPrefix(got[0], "show payload ") {
		t.Errorf("on record is %q", got)
	}
}

// Whoever knows where a letter lies is shown that one, and no other.
func TestShowAtAPlace(t *testing.T) {
	o := newOffice(t)
	o.start()
	for n := range 4 {
		o.send(fmt.Sprint("app-", n), 0)
	}
	letters := o.letters(4)
	for _, l := range letters {
		at := &control.Place{Partition: l.Record.Partition, Offset: l.Record.Offset}
		shown, err := o.Show(t.Context(), o.route.Name, l.ID, at)
		o.must(err)
		payload, err := o.ShowPayload(t.Context(), order, o.route.Name, l.ID, at)
		o.must(err)
		if !reflect.DeepEqual(shown, control.Masked(l)) || !reflect.DeepEqual(payload, l) {
			t.Errorf("shown are %+v and %+v, want %+v", shown, payload, l)
		}
	}
	at := &control.Place{Partition: letters[0].Record.Partition, Offset: letters[0].Record.Offset}
	_, err := o.ShowPayload(t.Context(), order, o.route.Name, letters[1].ID, at)
	o.refused(err, "another letter")
	_, err = o.Show(t.Context(), "nowhere", letters[0].ID, at)
	o.refused(err, "no route")
	o.must(o.Discard(t.Context(), order, o.route.Name, letters[0].ID))
	o.letters(3)
	dead := o.route.DeadTopic()
	_, end, err := o.cluster.Bounds(t.Context(), map[string][]int{dead: {at.Partition}})
	o.must(err)
	if _, err := o.Show(t.Context(), o.route.Name, letters[0].ID, &control.Place{Partition: at.Partition, Offset: end[dead][at.Partition] - 1}); err == nil {
		t.Error("what is no letter is shown as one")
	}
}
