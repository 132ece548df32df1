package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kandashub/cmd/bench/load"
	"kandashub/cmd/bench/target"
)

// A trial is one run of one subject in one cell, while it is under way.
type trial struct {
	*lab
	cell    cell
	plan    load.Plan
	group   string
	kafka   *kafkaServer
	subject *subject
	began   time.Time
	sent    []int64  // when each message was sent, at a fixed rate
	replies *replies // read at a fixed rate
}

// measure runs one subject in one cell.
func (l *lab) measure(ctx context.Context, name string, c cell) (r result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.Patience, fmt.Errorf("it took longer than %s", l.Patience))
	defer cancel()
	r = result{Cell: c, Subject: name}
	t := &trial{lab: l, cell: c, plan: c.plan(), group: group(name, c.System)}
	if t.kafka, err = l.kafka(ctx, c.Kafka, c.Partitions, []string{t.group}, t.plan.Topic()); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.kafka.close()) }()
	begin := target.Run{Run: t.plan.Run, Messages: t.plan.Unique(), Applications: c.Applications, Latency: c.Latency}
	if err := l.target.Begin(ctx, begin); err != nil {
		return r, err
	}
	if !c.live() {
		if err := t.kafka.send(ctx, t.plan); err != nil {
			return r, err
		}
	}
	t.began = time.Now()
	if t.subject, err = l.startSubject(name, t.kafka, c); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.subject.stop()) }()
	ctx, stopWatching := watched(ctx, append(t.subject.processes, l.played)...)
	defer stopWatching()
	if err := t.run(ctx, &r); err != nil {
		return r, errors.Join(err, context.Cause(ctx))
	}
	return r, nil
}

// run lets the messages through and fills r.
func (t *trial) run(ctx context.Context, r *result) error {
	sending := make(chan error, 1)
	if t.cell.live() {
		if err := t.kafka.awaitMembers(ctx, t.group, t.cell.Replicas); err != nil {
			return err
		}
		if t.cell.PerSecond > 0 {
			var err error
			if t.replies, err = t.kafka.readReplies(ctx, t.plan); err != nil {
				return err
			}
			defer t.replies.close()
			t.sent = make([]int64, t.plan.Unique())
		}
		t.began = time.Now()
		go func() {
			if t.cell.PerSecond > 0 {
				sending <- t.kafka.pace(ctx, t.plan, t.cell.PerSecond, t.sent)
			} else {
				sending <- t.kafka.send(ctx, t.plan)
			}
		}()
	} else {
		sending <- nil
	}
	err := t.observe(ctx, r)
	if err == nil {
		err = <-sending
	}
	if err == nil && t.replies != nil {
		err = t.latencies(ctx, r)
	}
	return err
}

// observe waits for the effects and reads what they cost.
func (t *trial) observe(ctx context.Context, r *result) error {
	first, err := t.target.Wait(ctx, 1)
	if err != nil {
		return err
	}
	before, err := t.usage(ctx)
	if err != nil {
		return err
	}
	measured := t.plan // what is counted: all of it, but of a backlog
	measured.Records = t.cell.Messages
	last, err := t.target.Wait(ctx, measured.Unique())
	if err != nil {
		counts, _ := t.target.Counts(context.WithoutCancel(ctx))
		return fmt.Errorf("%d of %d effects came: %w", counts.Effects, measured.Unique(), err)
	}
	whole := measured.Records == t.plan.Records
	if whole {
		if err := t.kafka.awaitCommitted(ctx, t.group, t.plan.Topic()); err != nil {
			return err
		}
	}
	after, err := t.usage(ctx)
	if err != nil {
		return err
	}
	if whole {
		if last, err = t.target.Counts(ctx); err != nil { // duplicates may have come since
			return err
		}
		r.Wrong.Lost = t.plan.Unique() - last.Effects
	}
	arrived, _, err := t.target.Times(ctx)
	if err != nil {
		return err
	}
	n := float64(measured.Records)
	r.Took = time.Duration(last.LastAt - first.FirstAt)
	r.Rate = n / r.Took.Seconds()
	r.PerSecond = perSecond(arrived)
	r.Startup = time.Unix(0, first.FirstAt).Sub(t.began)
	r.CPU = after.cpu.minus(before.cpu).per(n / 1000)
	r.Resident, r.Peak = memoryOf(t.subject.pids()...)
	r.Objects, r.Bytes = (after.objects-before.objects)/n, (after.bytes-before.bytes)/n
	r.Wrong.Doubled, r.Wrong.OutOfOrder, r.Wrong.Overlapping = last.Doubled, last.Back, last.Overlapping
	return nil
}

// usage is what has been used so far.
type usage struct {
	cpu            cpu // in milliseconds
	objects, bytes float64
}

func (t *trial) usage(ctx context.Context) (u usage, err error) {
	u.cpu = t.processors(t.kafka, t.subject)
	u.objects, u.bytes, err = t.subject.allocations(ctx)
	return u, err
}

// processors is the processor time used so far, in milliseconds.
func (l *lab) processors(k *kafkaServer, s *subject) cpu {
	ms := func(pids ...int) float64 { return float64(cpuOf(pids...).Milliseconds()) }
	return cpu{Subject: ms(s.pids()...), Target: ms(l.played.pid()), Kafka: ms(k.pid), Redis: ms(l.RedisPID)}
}
