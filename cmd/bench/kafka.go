package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/bench/load"
)

// send writes all messages of a plan, as fast as Kafka takes them.
func (k *kafkaServer) send(ctx context.Context, p load.Plan) error {
	return k.sendTo(ctx, p.Topic(), p)
}

// sendTo is send to another topic than the plan's own.
func (k *kafkaServer) sendTo(ctx context.Context, topic string, p load.Plan) error {
	var w writing
	for _, r := range p.All() {
		r.Topic = topic
		k.client.Produce(ctx, r, w.done)
	}
	return errors.Join(k.client.Flush(ctx), w.failed())
}

// pace writes the messages of a plan at a fixed rate and notes when. A message
// that is late is sent at once; its time is when it was sent.
func (k *kafkaServer) pace(ctx context.Context, p load.Plan, perSecond int, sent []int64) error {
	var w writing
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began, n := time.Now(), 0
	for number, r := range p.All() {
		for time.Since(began) < time.Duration(n)*time.Second/time.Duration(perSecond) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		n++
		if sent[number] == 0 {
			sent[number] = time.Now().UnixNano()
		}
		k.client.Produce(ctx, r, w.done)
	}
	return errors.Join(k.client.Flush(ctx), w.failed())
}

// writing keeps the first error of many produces.
type writing struct {
	mu  sync.Mutex
	err error
}

func (w *writing) done(_ *kgo.Record, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("sending: %w", err)
	}
}

func (w *writing) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// replies reads what a subject writes and notes when it could be read.
type replies struct {
	client *kgo.Client
	stop   context.CancelFunc
	read   []int64 // of each message; Unix time in nanoseconds
	all    chan struct{}
}

// readReplies begins to read, from here on.
func (k *kafkaServer) readReplies(ctx context.Context, p load.Plan) (*replies, error) {
	topic := p.System + ".accepted"
	ends, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("replies: %w", err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.brokers), kgo.ConsumePartitions(ends.KOffsets()))
	if err != nil {
		return nil, fmt.Errorf("replies: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	r := &replies{client: client, stop: stop, read: make([]int64, p.Unique()), all: make(chan struct{})}
	go r.run(ctx, p.Run)
	return r, nil
}

func (r *replies) run(ctx context.Context, run uint32) {
	for left := len(r.read); left > 0; {
		fetches := r.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		at := time.Now().UnixNano()
		for rec := range fetches.RecordsAll() {
			_, after, _ := bytes.Cut(rec.Value, []byte(`"notice":"`))
			notice, _, _ := bytes.Cut(after, []byte(`"`))
			of, number, _, ok := load.Notice(notice)
			if ok && of == run && number < len(r.read) && r.read[number] == 0 {
				r.read[number] = at
				left--
			}
		}
	}
	close(r.all)
}

func (r *replies) close() {
	r.stop()
	r.client.Close()
}

// poll is how often Kafka is asked what it tells nobody by itself.
const poll = 20 * time.Millisecond

// errNotYet means that what is waited for has not come.
var errNotYet = errors.New("not yet")

// await asks until there is no error.
func await(ctx context.Context, what string, ask func() error) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, errors.Join(context.Cause(ctx), err))
		case <-tick.C:
		}
	}
}

// awaitMembers waits until so many members share the partitions.
func (k *kafkaServer) awaitMembers(ctx context.Context, group string, members int) error {
	return await(ctx, fmt.Sprintf("%s has %d members", group, members), func() error {
		groups, err := k.admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		if g := groups[group]; g.State != "Stable" || len(g.Members) != members {
			return fmt.Errorf("%w: %d members, %s", errNotYet, len(g.Members), g.State)
		}
		return nil
	})
}

// awaitCommitted waits until a group has committed all of a topic.
func (k *kafkaServer) awaitCommitted(ctx context.Context, group, topic string) error {
	ends, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return await(ctx, group+" has committed all", func() error {
		committed, err := k.admin.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		for _, e := range ends[topic] {
			if at, ok := committed.Lookup(topic, e.Partition); e.Offset > 0 && (!ok || at.At < e.Offset) {
				return fmt.Errorf("%w: partition %d stands at %d of %d", errNotYet, e.Partition, at.At, e.Offset)
			}
		}
		return nil
	})
}
