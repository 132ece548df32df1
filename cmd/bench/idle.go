package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
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

// routes of a hub, by the groups that they join.
func idleGroups() (groups []string) {
	for _, r := range strings.Fields("register iin-lookup iin-generate iin-record verify notify-migration notify-egov notify-statecorp delivered reissue") {
		groups = append(groups, "hub."+r)
	}
	return groups
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
	env := []string{"HUB_PERSON_KEY=" + strings.Repeat("0f", 32)}
	for _, system := range strings.Fields("MIGRATION KANDAS EGOV GBDFL MIGPOLICE STATECORP EDS") {
		env = append(env, "HUB_"+system+"_URL="+l.url)
	}
	s := &subject{}
	if err := l.startHub(s, 0, k, cell, env...); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ctx, stopWatching := watched(ctx, s.processes...)
	defer stopWatching()
	for _, g := range idleGroups() {
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
