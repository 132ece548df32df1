package main

import (
	"net/http"
	"testing"

	"kandashub/mocks"
	"kandashub/topics/servertest"
)

// TestWrongCredentialsPauseARoute has kandas refuse our token, and its address
// be wrong, for a while: nothing of the route is lost or dead, other routes go
// on, and one call at a time finds out that it is over.
func TestWrongCredentialsPauseARoute(t *testing.T) {
	w := newWorld(t)
	w.start()
	for status, reason := range map[int]string{
		http.StatusUnauthorized: "auth", http.StatusForbidden: "auth", http.StatusNotFound: "target", http.StatusMethodNotAllowed: "target",
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			w.in(t)
			paused := `hub_route_paused{reason="` + reason + `",route="register"}`
			w.systems["kandas"].Faults.Set(mocks.Fault{Operation: "register", Status: status, LatencyMS: 20})
			var filed []string
			file := func(n int) {
				for range n {
					a := w.quietly(w.application("migration"))
					w.accept("migration.applications", w.filed(a))
					filed = append(filed, a.ApplicationID)
				}
			}
			file(1)
			servertest.Eventually(t, "the route is paused", func() bool { return w.metric(paused) == "1" })
			w.calls["kandas"].restart("/api/v1/applications")
			file(20)
			probes := w.calls["kandas"].with("/api/v1/applications")
			servertest.Eventually(t, "a probe is made", func() bool { return w.calls["kandas"].with("/api/v1/applications") >= probes+2 })
			if most := w.calls["kandas"].restart("/api/v1/applications"); most > 1 {
				t.Errorf("%d calls at once while the route is paused: one probe is enough", most)
			}
			if status, _ := w.get("/readyz"); status != http.StatusOK {
				t.Errorf("/readyz says %d: a system's refusal is no reason to restart the hub", status)
			}
			w.systems["kandas"].Faults.Clear()
			for _, a := range filed {
				w.awaitEffect("kandas", "register", a)
			}
			w.awaitCommittedBy("register")
			if v := w.metric(paused); v != "0" {
				t.Errorf("%s is %q afterwards", paused, v)
			}
			for _, a := range filed {
				if n := len(w.recordsOf("register.dead", a, "")) + len(w.recordsOf("register.parked", a, "")); n != 0 {
					t.Errorf("%d letters or parked messages of %s", n, a)
				}
			}
		})
	}
}
