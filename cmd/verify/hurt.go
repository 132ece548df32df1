package main

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"kandashub/cmd/verify/check"
)

// terminate is what a process is told to end in good order.
const terminate = syscall.SIGTERM

// written waits until everything has been sent.
func (r *run) written(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for len(r.driver.Acked(0)) < r.driver.Total() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// keep reads a topic before something of it is deleted.
func (r *run) keep(ctx context.Context, topic string) error {
	all, err := readTopics(ctx, r.world, r.admin)
	if err != nil {
		return err
	}
	r.kept[topic], r.remade[topic] = all[topic], true
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
