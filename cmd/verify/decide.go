package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
)

// errNoLetter says that a route has no letter to decide of.
var errNoLetter = errors.New("there is no letter to decide of")

// decideAll decides all letters of a route by a plan, as a person would with hubctl,
// and returns how many there were and what hubctl says at the end.
func decideAll(ctx context.Context, hubctl func(context.Context, ...string) (string, error), route, action, why string) (letters int, said string, err error) {
	out, err := hubctl(ctx, "dead", "plan", "--route", route, "--action", action, "-o", "json")
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.ExitCode() == nothingMatched {
		return 0, "", fmt.Errorf("%s: %w", route, errNoLetter)
	}
	if err != nil {
		return 0, "", err
	}
	var plan struct {
		Hash    string `json:"hash"`
		Letters int    `json:"letters"`
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		return 0, "", fmt.Errorf("hubctl dead plan: %w", err)
	}
	said, err = hubctl(ctx, "dead", "run", "--plan", plan.Hash, "--route", route, "--action", action, "--rate", "50/s", "--canary", "1",
		"--who", "verify", "--why", why)
	return plan.Letters, said, err
}
