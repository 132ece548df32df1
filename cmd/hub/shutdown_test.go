package main

import (
	"net/http"
	"strings"
	"testing"

	"kandashub/mocks"
	"kandashub/topics"
	"kandashub/topics/payload"
	"kandashub/topics/servertest"
)

// TestShutdownWhileCallsHang stops the hub while a C1 and a C2 system have done
// what they were asked and do not answer. It ends in time, and the next hub
// brings both to their end: what was done is not done again.
func TestShutdownWhileCallsHang(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	known := w.quietly(w.application("egov"))
	w.accept("egov.applications", w.filed(known))
	w.awaitEffect("egov", "notify", known.ApplicationID) // of its registration
	w.awaitCommitted()

	hang := mocks.Fault{Times: 1, HangAfterMS: 4000} // longer than a call may take
	hang.Operation = "register"
	w.systems["kandas"].Faults.Set(hang)
	hang.Operation = "sendMessage"
	w.systems["egov"].Faults.Set(hang)
	a := w.quietly(w.application("migration"))
	w.accept("migration.applications", w.filed(a))
	event := w.event("kandas", payload.TypeRecommended, known.ApplicationID, recommendedEvent(known.ApplicationID, "egov"))
	w.publish("kandas.events", event)
	notice := topics.NoticeID(known.ApplicationID, topics.DeriveID(event.ID, "verify", "0"))
	w.awaitEffect("kandas", "register", a.ApplicationID)
	servertest.Eventually(t, "the notice is shown", func() bool { return w.notices(notice) > 0 })

	if err := stop(); err != nil {
		t.Fatalf("the hub did not end in order: %v", err)
	}
	if w.lag("register") != 1 || w.lag("notify-egov") != 1 {
		t.Errorf("what nobody has answered is committed: lag %d and %d", w.lag("register"), w.lag("notify-egov"))
	}
	if conn, err := http.Get("http://" + w.door); err == nil {
		conn.Body.Close()
		t.Error("the door is still open")
	}

	w.start()
	servertest.Eventually(t, "kandas recognises the repeat", func() bool { return w.repeats("kandas", "register", a.ApplicationID) == 1 })
	servertest.Eventually(t, "the gateway is asked", func() bool { return w.calls["egov"].with("getMessageStatus", notice) > 0 })
	w.awaitCommitted()
	if n := len(w.effects("kandas", "register", a.ApplicationID)); n != 1 {
		t.Errorf("registered %d times", n)
	}
	if n := w.notices(notice); n != 1 {
		t.Errorf("the notice was shown %d times", n)
	}
	if w.calls["kandas"].with("/deliveries", notice) == 0 {
		t.Error("kandas was not told of the notice")
	}
	for _, topic := range []string{"register.dead", "notify-egov.dead"} {
		if n := len(w.recordsOf(topic, a.ApplicationID, "")) + len(w.recordsOf(topic, known.ApplicationID, "")); n != 0 {
			t.Errorf("%d records on %s: what is cancelled has not failed", n, topic)
		}
	}
}

// notices counts how often a notice was shown at egov.
func (w *world) notices(notice string) (n int) {
	for _, e := range w.systems["egov"].Ledger.Effects() {
		if e.Operation == "notify" && e.ID == notice {
			n++
		}
	}
	return n
}

// repeats counts the calls that a system has recognised as repeats.
func (w *world) repeats(system, operation, application string) (n int) {
	for _, e := range w.systems[system].Ledger.Effects() {
		if e.Operation == operation && e.Application == application && e.Repeat {
			n++
		}
	}
	return n
}

// TestTwoHubsShareTheWork runs a second replica beside the first, takes it away
// again, and finds every effect once.
func TestTwoHubsShareTheWork(t *testing.T) {
	w := newWorld(t)
	w.start()
	other := *w
	other.environ = map[string]string{}
	for name, value := range w.environ {
		other.environ[name] = value
	}
	other.door, other.probes, other.log = servertest.FreeAddress(t, w.door, w.probes), servertest.FreeAddress(t, w.door, w.probes), &logLines{}
	other.environ["HUB_LISTEN"], other.environ["HUB_METRICS"] = other.door, other.probes
	stop := other.start()
	assigned := `hub_consumer_assigned_partitions{route="register"}`
	servertest.Eventually(t, "both have partitions", func() bool {
		mine, theirs := w.metric(assigned), other.metric(assigned)
		return mine != "" && mine != "0" && theirs != "" && theirs != "0"
	})
	var filed []string
	file := func(n int) {
		for range n {
			a := w.quietly(w.application("migration"))
			w.accept("migration.applications", w.filed(a))
			filed = append(filed, a.ApplicationID)
		}
	}
	file(10)
	servertest.Eventually(t, "both have delivered", func() bool {
		return strings.Contains(w.log.String(), `"delivered"`) && strings.Contains(other.log.String(), `"delivered"`)
	})
	file(10)
	if err := stop(); err != nil {
		t.Errorf("the second hub ended with: %v", err)
	}
	file(10)
	for _, a := range filed {
		w.awaitEffect("kandas", "register", a)
	}
	w.awaitCommitted()
	for _, a := range filed {
		if n := w.calls["kandas"].with("/api/v1/applications", a); n != 1 {
			t.Errorf("kandas was called %d times for %s", n, a)
		}
	}
}
