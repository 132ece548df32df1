package main

import (
	"strings"
	"testing"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/payload"
	"kandashub/topics/servertest"
)

// TestFromFilingToCertificate follows two applications through all systems, and
// holds what the hub wrote on the way against the rules of its topics.
func TestFromFilingToCertificate(t *testing.T) {
	w := newWorld(t)
	w.start()
	portal, counter := w.flow("iin-generated"), w.flow("extension")
	w.play(portal)
	w.play(counter)
	w.finish(portal, counter)

	for _, f := range []string{portal.Applications[0].ApplicationID, counter.Applications[0].ApplicationID} {
		roots, written := map[string]bool{}, 0
		var replies []*topics.Record
		for _, topic := range w.topicNames() {
			for _, r := range w.recordsOf(topic, f, "") {
				written++
				if want := topics.PartitionOf([]byte(f), w.partitions); r.Partition != want {
					t.Errorf("%s: partition %d, want %d by murmur2", topic, r.Partition, want)
				}
				if got := headerOf(r, "ce_subject"); got != f {
					t.Errorf("%s: ce_subject is %q, and the key is the application id", topic, got)
				}
				if headerOf(r, "ce_source") == topics.SourceHub {
					replies = append(replies, r)
				} else {
					roots[headerOf(r, "ce_time")] = true
				}
			}
			if n := len(w.recordsOf(topic, f, "letter")); n > 0 {
				t.Errorf("%s: %d dead letters of %s", topic, n, f)
			}
		}
		if written < 10 || len(replies) < 5 {
			t.Errorf("%d records of %s, %d of them written by the hub: the test looks at the wrong ones", written, f, len(replies))
		}
		for _, r := range replies {
			if !roots[headerOf(r, "ce_roottime")] {
				t.Errorf("%s: ce_roottime %q is the time of no first message", r.Topic, headerOf(r, "ce_roottime"))
			}
		}
	}
}

// TestTraceIsKept sends two messages with a trace of their own, one by the
// intake and one by Kafka, and finds it on everything that follows.
func TestTraceIsKept(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	trace, err := observability.ParseTrace(parent)
	if err != nil {
		t.Fatal(err)
	}
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	w := newWorld(t)
	w.start()
	a := w.quietly(w.application("migration"))
	m := w.filed(a)
	m.Trace = trace
	if status, _, body := w.post("migration.applications", m); status != 202 {
		t.Fatalf("status %d: %s", status, body)
	}
	w.awaitEffect("kandas", "register", a.ApplicationID)
	if got := headerOf(w.recordsOf("migration.applications", a.ApplicationID, "")[0], "traceparent"); got != parent {
		t.Errorf("the intake wrote traceparent %q", got)
	}

	e := w.event("kandas", payload.TypeRecommended, a.ApplicationID, recommendedEvent(a.ApplicationID, "migration"))
	e.Trace = trace
	w.publish("kandas.events", e)
	notification := topics.DeriveID(e.ID, "verify", "0")
	notice := topics.NoticeID(a.ApplicationID, notification)
	for _, step := range []struct{ topic, id string }{
		{"migration.notifications", notification},
		{"migration.accepted", deliveryID(notice, payload.DeliveryAccepted)},
	} {
		servertest.Eventually(t, step.id+" on "+step.topic, func() bool { return w.message(step.topic, a.ApplicationID, step.id) != nil })
		r := w.message(step.topic, a.ApplicationID, step.id)
		if got := headerOf(r, "traceparent"); !strings.Contains(got, traceID) {
			t.Errorf("%s: traceparent %q is of another trace", step.topic, got)
		}
	}
	w.awaitCommitted()

	other := w.quietly(w.application("egov"))
	if _, fault := w.soap(shepSync, "egov", w.syncMessage("egov", servertest.Unique("message-"), "EGOV_KANDAS_APPLICATION", applicationXML(t, other))); fault != "" {
		t.Fatal(fault)
	}
	w.awaitEffect("kandas", "register", other.ApplicationID)
	if tp := headerOf(w.recordsOf("egov.applications", other.ApplicationID, "")[0], "traceparent"); len(tp) != len(parent) {
		t.Errorf("what comes without a trace is written with traceparent %q", tp)
	}

	delivered := 0
	for _, l := range w.lines(a.ApplicationID) {
		if l["msg"] != "delivered" || l["trace_id"] != traceID {
			continue
		}
		delivered++
		for key, value := range l {
			if value == "[hidden]" {
				t.Errorf("the log hides %s, which the hub itself has made", key)
			}
		}
	}
	if delivered < 4 { // register, verify, notify-migration, delivered
		t.Errorf("%d lines of this trace say delivered, want 4", delivered)
	}
}

// message returns the first record with an id on a topic; nil if there is none.
func (w *world) message(topic, application, id string) *topics.Record {
	w.t.Helper()
	for _, r := range w.recordsOf(topic, application, "") {
		if headerOf(r, "ce_id") == id {
			return r
		}
	}
	return nil
}

// recommendedEvent is an event of kandas that needs no signature.
func recommendedEvent(application string, recipients ...string) payload.Event {
	return payload.Event{
		ApplicationID: application, Recipients: recipients, IssuedAt: "2026-11-21T12:00:00+05:00",
		Text:           payload.Text{KK: "Өтініш бойынша хабар", RU: "Сообщение по заявлению"},
		Recommendation: &payload.Recommendation{Result: "assign", Protocol: "12", Date: "2026-11-20"},
	}
}
