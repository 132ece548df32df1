package main

import (
	"testing"

	"kandashub/observability/alerts"
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
