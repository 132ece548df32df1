package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// decideAll decides all letters of a route by a plan, as a person would with hubctl,
// and returns what hubctl says at the end.
func decideAll(ctx context.Context, hubctl func(context.Context, ...string) (string, error), route, action, why string) (string, error) {
	out, err := hubctl(ctx, "dead", "plan", "--route", route, "--action", action, "-o", "json")
	if err != nil {
		return "", err
	}
	var plan struct {
		Hash    string `json:"hash"`
		Letters int    `json:"letters"`
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		return "", fmt.Errorf("hubctl dead plan: %w", err)
	}
	if plan.Letters == 0 {
		return "", errors.New("there is no letter to decide of")
	}
	return hubctl(ctx, "dead", "run", "--plan", plan.Hash, "--route", route, "--action", action, "--rate", "50/s", "--canary", "1",
		"--who", "verify", "--why", why)
}
