package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kandashub/observability/alerts"
	"kandashub/observability/promserver"
)

// Each alert is raised by a fault or says why by none, and is waited for by one trial
// of its stage alone.
func TestEachAlertIsTriedOrSaysWhyNot(t *testing.T) {
	groups, err := alerts.Read(alerts.Render(alerts.Options{Faster: rulesFaster}))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				known[r.Alert] = true
			}
		}
	}
	tried := map[string]bool{watchdog: true} // before and after each stage
	for _, s := range stages() {
		inStage := map[string]bool{}
		for _, one := range s.trials {
			for _, a := range one.all() {
				if !known[a] || inStage[a] {
					t.Errorf("%s: %s: %s is unknown, or another trial waits for it as well", s.name, one.fault, a)
				}
				inStage[a], tried[a] = true, true
			}
		}
	}
	for _, u := range untried {
		if !known[u.alert] || tried[u.alert] || len(u.why) < 20 {
			t.Errorf("%s is unknown, or tried, or says nothing: %q", u.alert, u.why)
		}
		tried[u.alert] = true
	}
	for a := range known {
		if !tried[a] {
			t.Errorf("%s is raised by no fault and does not say why", a)
		}
	}
}

// What only a Kafka of ours or only a real Redis can do is left out on the other, and
// what takes minutes unless it is asked for.
func TestChosenTrials(t *testing.T) {
	chosen := func(c alertsCmd) map[string]bool {
		out := map[string]bool{}
		for _, s := range c.chosen(stages()) {
			for _, one := range s.trials {
				for _, a := range one.all() {
					out[a] = true
				}
			}
		}
		return out
	}
	for _, c := range []struct {
		cmd           alertsCmd
		with, without string
	}{
		{alertsCmd{}, "HubFetchFailing", "HubRedisUnsafePolicy"},
		{alertsCmd{}, "HubCertificateExpiresNow", "HubDeadlineMissed"},
		{alertsCmd{KafkaLibs: "jars"}, "HubRedisUnsafePolicy", "HubFetchFailing"},
		{alertsCmd{Long: true}, "HubDeadlineMissed", "HubRedisUnsafePolicy"},
		{alertsCmd{Only: []string{"HubDLQUnresolvedOld"}}, "HubDLQUnresolvedOld", "HubDown"},
		{alertsCmd{Only: []string{"HubDeadlineMissed"}}, "HubDeadlineAtRisk", "HubDown"},
	} {
		if got := chosen(c.cmd); !got[c.with] || got[c.without] {
			t.Errorf("%+v: %s: %v, %s: %v", c.cmd, c.with, got[c.with], c.without, got[c.without])
		}
	}
}

// What a stage that fails prints is short, and ends with what came last.
func TestWhatIsTold(t *testing.T) {
	sample := promserver.Sample{Labels: map[string]string{"__name__": "hub_parked_messages", "route": "delivered", "job": "hub"}, Value: 3}
	if got, want := lines([]promserver.Sample{sample}), "\n  hub_parked_messages{job=\"hub\",route=\"delivered\"} 3"; got != want {
		t.Errorf("a sample is %q, want %q", got, want)
	}
	if got := lines(slices.Repeat([]promserver.Sample{sample}, 100)); strings.Count(got, "\n") > 25 || !strings.HasSuffix(got, "and 80 more") {
		t.Errorf("100 samples are %s", got)
	}
	var log strings.Builder
	for i := range 100 {
		fmt.Fprintf(&log, "{\"level\":\"ERROR\",\"n\":%d}\n{\"level\":\"INFO\",\"n\":%d}\n", i, i)
	}
	got := lastErrors(log.String())
	if strings.Count(got, "\n") != shownLines || strings.Contains(got, "INFO") || !strings.HasSuffix(got, "{\"level\":\"ERROR\",\"n\":99}\n") {
		t.Errorf("of a long log is shown:\n%s", got)
	}
	if got := shortened(log.String()); strings.Count(got, "\n") != shownLines || !strings.HasPrefix(log.String(), got) {
		t.Errorf("a long text is shortened to:\n%s", got)
	}
}
