package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// watchAlerts tells of each alert of a Prometheus that fires or ends until ctx
// ends.
func watchAlerts(ctx context.Context, url string, note func(format string, args ...any)) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	t := time.NewTicker(time.Second)
	defer t.Stop()
	before := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now, err := firing(ctx, client, url)
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
func firing(ctx context.Context, client *http.Client, url string) (map[string]bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/alerts", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string            `json:"state"`
				Labels map[string]string `json:"labels"`
			} `json:"alerts"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("ask Prometheus: %s: %w", resp.Status, err)
	}
	found := map[string]bool{}
	for _, a := range answer.Data.Alerts {
		if a.State != "firing" || a.Labels["severity"] == "none" {
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
