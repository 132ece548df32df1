package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"kandashub/cmd/bench/load"
	"kandashub/cmd/bench/target"
)

// A cell says what is measured, apart from whose it is.
type cell struct {
	System       string        `json:"system"` // migration: JSON; egov: SOAP
	Latency      time.Duration `json:"latency_ns"`
	Body         int           `json:"body_bytes"`
	Replicas     int           `json:"replicas"`
	Kafka        string        `json:"kafka"`
	Messages     int           `json:"messages"` // sent, duplicates among them
	Backlog      int           `json:"backlog"`  // sent before, and not measured
	Partitions   int           `json:"partitions"`
	Applications int           `json:"applications"`
	Duplicates   float64       `json:"duplicates"`
}

// standard is the cell from which all others differ in one thing or two.
func standard() cell {
	return cell{
		System: "migration", Body: 1 << 10, Replicas: 1, Kafka: kafkaStandIn, Messages: 20_000, Partitions: 8, Applications: 2_000, Duplicates: 0.1,
	}
}

// plan of the messages of a cell, under ids that no run before has had.
func (c cell) plan() load.Plan {
	return load.Plan{
		Run: rand.Uint32(), System: c.System, Records: c.Messages, Duplicates: c.Duplicates, Applications: c.Applications, Body: c.Body,
	}
}

// A result is one run of one subject in one cell.
type result struct {
	Cell    cell   `json:"cell"`
	Subject string `json:"subject"`

	Rate      float64       `json:"messages_per_second"` // of what was sent, from the first effect to the last call
	Took      time.Duration `json:"took_ns"`
	PerSecond []int         `json:"effects_in_each_second"`
	Startup   time.Duration `json:"startup_ns"` // from the start of the processes to the first effect

	CPU        cpu     `json:"cpu_ms_per_1000"` // messages
	Resident   int64   `json:"resident_bytes"`
	Peak       int64   `json:"peak_bytes"`
	Objects    float64 `json:"allocations_per_message"`
	Bytes      float64 `json:"allocated_bytes_per_message"`
	Lost       int     `json:"lost"`
	Doubled    int     `json:"doubled"`
	OutOfOrder int     `json:"out_of_order"`
}

// cpu is processor time by who used it.
type cpu struct {
	Subject float64 `json:"subject"`
	Target  float64 `json:"target"`
	Kafka   float64 `json:"kafka"`
	Redis   float64 `json:"redis"`
}

// measure runs one subject in one cell.
func (l *lab) measure(ctx context.Context, name string, c cell) (r result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.Patience, fmt.Errorf("it took longer than %s", l.Patience))
	defer cancel()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		}
	}()
	g := group(name, c.System)
	plan := c.plan()
	k, err := l.kafka(ctx, c.Kafka, c.Partitions, []string{g}, plan.Topic())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	if err := l.target.Begin(ctx, target.Run{Run: plan.Run, Messages: plan.Unique(), Applications: plan.Applications, Latency: c.Latency}); err != nil {
		return r, err
	}
	// One process finds all messages there. Several would share them out anew
	// while they come up one after the other, so they are there first.
	if c.Replicas == 1 {
		if err := k.send(ctx, plan); err != nil {
			return r, err
		}
	}
	began := time.Now()
	s, err := l.startSubject(name, k, c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ctx, stopWatching := watched(ctx, append(s.processes, l.played)...)
	defer stopWatching()
	if c.Replicas > 1 {
		if err := k.awaitMembers(ctx, g, c); err != nil {
			return r, err
		}
		began = time.Now()
		if err := k.send(ctx, plan); err != nil {
			return r, err
		}
	}
	r = result{Cell: c, Subject: name}
	return r, l.observe(ctx, &r, k, s, g, plan, began)
}

// observe waits for the effects of a run and reads what they cost.
func (l *lab) observe(ctx context.Context, r *result, k *kafkaServer, s *subject, group string, plan load.Plan, began time.Time) error {
	if _, err := l.target.Wait(ctx, 1); err != nil {
		return err
	}
	before := l.usage(k, s)
	objects, size, err := s.allocations(ctx)
	if err != nil {
		return err
	}
	if _, err := l.target.Wait(ctx, plan.Unique()); err != nil {
		counts, _ := l.target.Counts(context.WithoutCancel(ctx))
		return fmt.Errorf("%d of %d effects: %w", counts.Effects, plan.Unique(), err)
	}
	if err := k.awaitCommitted(ctx, group, plan.Topic()); err != nil {
		return err
	}
	after := l.usage(k, s)
	objectsAfter, sizeAfter, err := s.allocations(ctx)
	if err != nil {
		return err
	}
	counts, err := l.target.Counts(ctx)
	if err != nil {
		return err
	}
	arrived, _, err := l.target.Times(ctx)
	if err != nil {
		return err
	}
	n := float64(plan.Records)
	r.Took = time.Duration(counts.LastAt - counts.FirstAt)
	r.Rate = n / r.Took.Seconds()
	r.PerSecond = perSecond(arrived)
	r.Startup = time.Unix(0, counts.FirstAt).Sub(began)
	r.CPU = after.minus(before).per(n / 1000)
	r.Resident, r.Peak = memoryOf(s.pids()...)
	r.Objects, r.Bytes = (objectsAfter-objects)/n, (sizeAfter-size)/n
	r.Lost, r.Doubled, r.OutOfOrder = plan.Unique()-counts.Effects, counts.Doubled, counts.Back
	return nil
}

// usage is the processor time used so far, in milliseconds.
func (l *lab) usage(k *kafkaServer, s *subject) cpu {
	ms := func(pids ...int) float64 { return float64(cpuOf(pids...).Milliseconds()) }
	return cpu{Subject: ms(s.pids()...), Target: ms(l.played.pid()), Kafka: ms(k.pid), Redis: ms(l.RedisPID)}
}

func (c cpu) minus(o cpu) cpu {
	return cpu{c.Subject - o.Subject, c.Target - o.Target, c.Kafka - o.Kafka, c.Redis - o.Redis}
}

func (c cpu) per(n float64) cpu { return cpu{c.Subject / n, c.Target / n, c.Kafka / n, c.Redis / n} }

// send writes all messages of a plan.
func (k *kafkaServer) send(ctx context.Context, p load.Plan) error {
	for _, r := range p.All() {
		k.client.Produce(ctx, r, nil) // an error stops Flush
	}
	if err := k.client.Flush(ctx); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}

// poll is how often Kafka is asked what it tells nobody by itself.
const poll = 20 * time.Millisecond

// await asks until it is so.
func await(ctx context.Context, what string, so func() (bool, error)) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		ok, err := so()
		if ok && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, errors.Join(context.Cause(ctx), err))
		case <-tick.C:
		}
	}
}

// awaitMembers waits until all replicas share the partitions.
func (k *kafkaServer) awaitMembers(ctx context.Context, group string, c cell) error {
	return await(ctx, "all replicas are members of "+group, func() (bool, error) {
		groups, err := k.admin.DescribeGroups(ctx, group)
		if err != nil {
			return false, err
		}
		g := groups[group]
		return g.State == "Stable" && len(g.Members) == c.Replicas, g.Err
	})
}

// awaitCommitted waits until a group has committed all of a topic.
func (k *kafkaServer) awaitCommitted(ctx context.Context, group, topic string) error {
	ends, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	return await(ctx, group+" has committed all", func() (bool, error) {
		committed, err := k.admin.FetchOffsets(ctx, group)
		if err != nil {
			return false, err
		}
		left := 0
		for _, e := range ends[topic] {
			if at, ok := committed.Lookup(topic, e.Partition); e.Offset > 0 && (!ok || at.At < e.Offset) {
				left++
			}
		}
		return left == 0, nil
	})
}
