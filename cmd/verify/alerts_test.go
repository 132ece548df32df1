package main

import (
	"slices"
	"testing"

	"kandashub/observability/alerts"
)

// Each alert of a trial exists, is waited for by one trial of its stage alone, and
// there are enough of them.
func TestTrialsNameAlerts(t *testing.T) {
	groups, err := alerts.Read(alerts.Render(alerts.Options{Faster: rulesFaster}))
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, g := range groups {
		for _, r := range g.Rules {
			known = append(known, r.Alert)
		}
	}
	all := map[string]bool{}
	for _, s := range stages() {
		inStage := map[string]bool{}
		for _, one := range s.trials {
			for _, a := range one.alerts {
				if !slices.Contains(known, a) || inStage[a] {
					t.Errorf("%s: %s: %s is unknown, or another trial waits for it as well", s.name, one.fault, a)
				}
				inStage[a], all[a] = true, true
			}
		}
	}
	if len(all) < 20 {
		t.Errorf("only %d alerts are tried on the real thing", len(all))
	}
}
