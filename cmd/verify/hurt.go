package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/world"
)

// terminate is what a process is told to end in good order.
const terminate = syscall.SIGTERM

// until looks every so often whether something has come about.
func until(ctx context.Context, every time.Duration, ok func() bool) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// written waits until everything has been sent.
func (r *run) written(ctx context.Context) error {
	return until(ctx, 50*time.Millisecond, func() bool { return r.driver.Written() == r.driver.Total() })
}

// away takes something away while messages are on their way, and brings it back
// after a time.
func (r *run) away(ctx context.Context, fault, what string, d time.Duration, take func(), back func() error) error {
	if err := r.flowing(ctx); err != nil {
		return err
	}
	defer r.band(fault + " " + what)()
	r.bit(fault, min(1, r.inFlight()))
	take()
	return errors.Join(pause(ctx, d), back())
}

// kill ends a process as a power cut would, and starts it again.
func (r *run) kill(ctx context.Context, p *world.Process, d time.Duration) error {
	return r.away(ctx, "SIGKILL", p.Name, d, p.Kill, func() error { return errors.Join(p.Start(), p.Ready(ctx)) })
}

// freeze stops a process for a time; its connections stay open.
func (r *run) freeze(ctx context.Context, p *world.Process, d time.Duration) error {
	return r.away(ctx, "SIGSTOP", p.Name, d, p.Stop, func() error {
		p.Cont()
		return nil
	})
}

// keep reads a topic before something of it is deleted.
func (r *run) keep(ctx context.Context, topic string) error {
	found, err := readTopics(ctx, r.world, r.admin, topic)
	if err != nil {
		return err
	}
	r.kept[topic], r.remade[topic] = found[topic], true
	return nil
}

// merged are the records of a topic from before and after something was deleted,
// each once.
func merged(before, after []check.Record) []check.Record {
	out := slices.Clone(before)
	for _, a := range after {
		if !slices.ContainsFunc(before, func(b check.Record) bool {
			return a.Partition == b.Partition && a.Offset == b.Offset && bytes.Equal(a.Value, b.Value)
		}) {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b check.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return out
}

// logHas says whether one line of a log holds all of the texts.
func (r *run) logHas(path string, texts ...string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	for line := range bytes.Lines(data) {
		if !slices.ContainsFunc(texts, func(t string) bool { return !bytes.Contains(line, []byte(t)) }) {
			return true
		}
	}
	return false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
