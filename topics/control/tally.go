package control

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
)

// A Tally counts what operators do, from hub.audit: whichever program they use, each
// command that has come to an end is counted once. Every hub that runs one counts all.
type Tally struct {
	Metrics interface {
		Operator(action, result string) // one of Actions or "other"; Done, Refused or Failed
	}
	Log *slog.Logger

	journal journal
	next    int64             // offset to read; -1: from the end
	seen    map[string]string // hash of the last record, by writer: a write may be repeated
}

// NewTally returns a Tally that has counted nothing.
func NewTally(cluster *topics.Cluster) *Tally {
	return &Tally{Log: slog.New(slog.DiscardHandler), journal: journal{cluster, AuditTopic}, next: -1, seen: map[string]string{}}
}

// Run counts what is put on record from now on, until ctx ends. While the topic cannot
// be read nothing is counted, and all that came meanwhile once it can.
func (t *Tally) Run(ctx context.Context) error {
	follow(ctx, t.step, func(err error) { t.Log.Warn("hub.audit cannot be read, trying again", "error", err.Error()) })
	return nil
}

// begin finds the end, unless that has been done.
func (t *Tally) begin(ctx context.Context) error {
	if t.next >= 0 {
		return nil
	}
	_, end, err := t.journal.bounds(ctx)
	if err == nil {
		t.next = end
	}
	return err
}

// step reads once and counts what came.
func (t *Tally) step(ctx context.Context) error {
	if err := t.begin(ctx); err != nil {
		return err
	}
	notes, next, _, err := t.journal.fetch(ctx, t.next, longPoll)
	if errors.Is(err, kafka.OffsetOutOfRange) {
		t.next = -1 // the topic was made again
	}
	if err != nil {
		return err
	}
	for _, n := range notes {
		r, err := DecodeAudit(n.value)
		if err != nil || r.Hash == t.seen[r.Writer] {
			continue
		}
		t.seen[r.Writer] = r.Hash
		if r.Result == Asked {
			continue
		}
		if !slices.Contains(Actions(), r.Action) {
			r.Action = "other" // of another version
		}
		t.Metrics.Operator(r.Action, r.Result)
	}
	t.next = next
	return nil
}
