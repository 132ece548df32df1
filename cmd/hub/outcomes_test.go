package main

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/mocks/samples"
	"kandashub/topics"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// TestWhereIsTheApplication lets an application travel through all systems, and
// then finds its whole way: in the topic, in the index that the hub has kept,
// and as a timeline.
func TestWhereIsTheApplication(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, "HUB_OUTCOMES_DIR="+dir)
	w.start()
	f := w.flow("filed-egov")
	w.play(f)
	w.finish(f) // everything is committed, so everything has been reported
	application := f.Applications[0].ApplicationID

	all, err := outcomes.Find(t.Context(), w.cluster, application, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.reported(application, all)
	if t.Failed() {
		t.Logf("%+v", all)
	}
	// A second look into the folder sees what the hub stores there.
	x, err := outcomes.Open(dir, outcomes.Options{Cluster: w.cluster, Keep: time.Hour, Most: 1000, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var indexed []outcomes.Outcome
	servertest.Eventually(t, "the hub's index has read all", func() bool {
		if indexed, err = x.Application(t.Context(), application); err != nil {
			t.Fatal(err)
		}
		return len(indexed) >= len(all)
	})
	if diff := cmp.Diff(all, indexed); diff != "" {
		t.Errorf("the index and the topic differ: %s", diff)
	}
	if lag := w.metric("hub_outcomes_index_lag_messages"); lag != "0" {
		t.Errorf("the index is %s records behind", lag)
	}

	events := outcomes.Timeline(application, all, nil, nil, outcomes.Now{})
	for i, e := range events {
		if e.Open {
			t.Errorf("%+v waits", e)
		}
		if i > 0 && (e.At.Before(events[i-1].At) || e.After != e.At.Sub(events[i-1].At)) {
			t.Errorf("%+v comes %s after %+v", e, e.After, events[i-1])
		}
	}
	if events[0].Kind != outcomes.EventMade || events[0].System != "egov" {
		t.Errorf("it begins with %+v", events[0])
	}
	if n := len(all); count(events, outcomes.EventDelivered) != n || count(events, outcomes.EventReturned) != n {
		t.Errorf("of %d messages, %d are delivered and %d calls have returned", n, count(events, outcomes.EventDelivered), count(events, outcomes.EventReturned))
	}
}

func count(events []outcomes.Event, kind string) (n int) {
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// reported holds the outcomes of an application against what was read and what
// the systems did: each message of a source topic has one, and each is of a
// message.
func (w *world) reported(application string, all []outcomes.Outcome) {
	w.t.Helper()
	var want, got []string
	for _, r := range routes {
		for _, topic := range r.reads {
			for _, record := range w.recordsOf(topic, application, "") {
				want = append(want, fmt.Sprint(r.name, " ", topic, " ", record.Partition, " ", record.Offset, " ", headerOf(record, "ce_id")))
			}
		}
	}
	for _, o := range all {
		got = append(got, fmt.Sprint(o.Route, " ", o.Topic, " ", o.Partition, " ", o.Offset, " ", o.ID))
		if o.Result != topics.ResultDelivered || o.Application != application {
			w.t.Errorf("%s of %s is %s", o.ID, o.Application, o.Result)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("what was read and what is reported differ: %s", diff)
	}
	if len(all) < len(samples.Flows(w.run, 1)[0].Expected) {
		w.t.Errorf("only %d outcomes: the application has not travelled", len(all))
	}
}
