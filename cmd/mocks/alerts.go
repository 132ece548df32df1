package main

import (
	"context"
	"time"

	"kandashub/observability/promserver"
)

// watchAlerts tells of each alert of a Prometheus that fires or ends until ctx
// ends.
func watchAlerts(ctx context.Context, server *promserver.Server, note func(format string, args ...any)) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	before := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now, err := firing(ctx, server)
		if err != nil {
			continue // it begins or ends
		}
		for alert := range now {
			if !before[alert] {
				note("alert %s fires", alert)
			}
		}
		for alert := range before {
			if !now[alert] {
				note("alert %s is over", alert)
			}
		}
		before = now
	}
}

// firing returns the alerts that fire now and ask for something to be done, by
// name and what they are about.
func firing(ctx context.Context, server *promserver.Server) (map[string]bool, error) {
	alerts, err := server.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, a := range alerts {
		if a.Labels["severity"] == "none" {
			continue
		}
		name := a.Labels["alertname"]
		for _, about := range []string{"route", "system", "operation"} {
			if v := a.Labels[about]; v != "" {
				name += " " + v
			}
		}
		found[name] = true
	}
	return found, nil
}
