package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"kandashub/topics/contract"
)

// An idleResult is a hub with all routes and nothing to do.
type idleResult struct {
	Kafka    string        `json:"kafka"`
	For      time.Duration `json:"for_ns"`
	CPU      cpu           `json:"cpu_ms_per_second"`
	Resident int64         `json:"resident_bytes"`
	Peak     int64         `json:"peak_bytes"`
}

type idleCmd struct {
	settings
	For   time.Duration `default:"10s" help:"How long (${default})."`
	Kafka []string      `default:"standin" enum:"standin,real" help:"Kinds of Kafka (${default})."`
}

// Run is `bench idle`.
func (c *idleCmd) Run(ctx context.Context) error { return c.settings.bench(ctx, c) }

func (c *idleCmd) measure(ctx context.Context, l *lab, out *report) error {
	for _, kind := range c.Kafka {
		r, err := l.idle(ctx, kind, c.For)
		if err != nil {
			return fmt.Errorf("idle: %w", err)
		}
		fmt.Fprintf(os.Stderr, "idle: %.1f ms of CPU a second, %s\n", r.CPU.Subject, size(int(r.Resident)))
		out.Idle = append(out.Idle, r)
	}
	return nil
}

// groups are those that a hub with all routes joins: a route is what has a topic
// for what waits.
func groups() (names []string, err error) {
	agreed, err := contract.Load()
	if err != nil {
		return nil, err
	}
	for _, t := range agreed.Topics() {
		if route, ok := strings.CutSuffix(t.Name, ".parked"); ok {
			names = append(names, "hub."+route)
		}
	}
	return names, nil
}

// everySystem are settings by which a hub finds all systems at one URL. The hub
// itself says which there are.
func (l *lab) everySystem(ctx context.Context) (env []string, err error) {
	text, err := exec.CommandContext(ctx, l.program("hub"), "settings").Output()
	if err != nil {
		return nil, fmt.Errorf("hub settings: %w", err)
	}
	_, list, _ := strings.Cut(string(text), "`<SYSTEM>` is one of ")
	list, _, _ = strings.Cut(list, ";")
	for system := range strings.SplitSeq(list, ", ") {
		env = append(env, "HUB_"+system+"_URL="+l.url)
	}
	return env, nil
}

func (l *lab) idle(ctx context.Context, kind string, d time.Duration) (r idleResult, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.Patience, fmt.Errorf("it took longer than %s", l.Patience))
	defer cancel()
	cell := standard()
	k, err := l.kafka(ctx, kind, cell.Partitions, nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	env, err := l.everySystem(ctx)
	if err != nil {
		return r, err
	}
	s := &subject{}
	if err := l.startHub(s, 0, k, cell, "hub", append(env, "HUB_PERSON_KEY="+strings.Repeat("0f", 32))...); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ctx, stopWatching := watched(ctx, s.processes...)
	defer stopWatching()
	joined, err := groups()
	if err != nil {
		return r, err
	}
	for _, g := range joined {
		if err := k.awaitMembers(ctx, g, 1); err != nil {
			return r, errors.Join(err, context.Cause(ctx))
		}
	}
	before := l.processors(k, s)
	select {
	case <-time.After(d): // nothing happens: that is what is measured
	case <-ctx.Done():
		return r, context.Cause(ctx)
	}
	r = idleResult{Kafka: kind, For: d, CPU: l.processors(k, s).minus(before).per(d.Seconds())}
	r.Resident, r.Peak = memoryOf(s.pids()...)
	return r, nil
}
