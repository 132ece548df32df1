package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

// letters watches the hub's dead-letter topics and turns each letter into an
// effect of the system samples.Hub, with the route as operation. It reads the
// topics alone and never asks the hub.
type letters struct {
	client *kafka.Client
	next   map[string]map[int]int64 // the next offset by topic and partition
	seen   map[string]bool          // letters with one id are one letter
	report func(mocks.Effect)
	ask    func(question) // who is asked what the hub cannot know
}

// pollLetters is how often the topics are asked for new letters.
const pollLetters = time.Second

// watchLetters finds the dead-letter topics and where they end now.
func watchLetters(ctx context.Context, brokers []string, report func(mocks.Effect), ask func(question)) (*letters, error) {
	l := &letters{
		client: &kafka.Client{Addr: kafka.TCP(brokers...), Transport: &kafka.Transport{}, Timeout: 5 * time.Second},
		next:   map[string]map[int]int64{},
		seen:   map[string]bool{},
		report: report,
		ask:    ask,
	}
	meta, err := l.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, fmt.Errorf("find the dead-letter topics: %w", err)
	}
	for _, t := range meta.Topics {
		if !strings.HasSuffix(t.Name, ".dead") {
			continue
		}
		l.next[t.Name] = map[int]int64{}
		for _, p := range t.Partitions {
			l.next[t.Name][p.ID] = 0
		}
	}
	ends, err := l.ends(ctx)
	if err != nil {
		return nil, err
	}
	l.next = ends
	return l, nil
}

// ends asks for the end of every partition in one request.
func (l *letters) ends(ctx context.Context) (map[string]map[int]int64, error) {
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for topic, partitions := range l.next {
		for p := range partitions {
			req.Topics[topic] = append(req.Topics[topic], kafka.LastOffsetOf(p))
		}
	}
	if len(req.Topics) == 0 {
		return l.next, nil
	}
	resp, err := l.client.ListOffsets(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("ask for the ends of the dead-letter topics: %w", err)
	}
	ends := map[string]map[int]int64{}
	for topic, partitions := range resp.Topics {
		ends[topic] = map[int]int64{}
		for _, p := range partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("ask for the end of %s: %w", topic, p.Error)
			}
			ends[topic][p.Partition] = p.LastOffset
		}
	}
	return ends, nil
}

// run reports letters until ctx ends. What cannot be read now is read later.
func (l *letters) run(ctx context.Context) {
	defer l.client.Transport.(*kafka.Transport).CloseIdleConnections()
	t := time.NewTicker(pollLetters)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		ends, err := l.ends(ctx)
		if err != nil {
			continue
		}
		for topic, partitions := range ends {
			for p, end := range partitions {
				for l.next[topic][p] < end && l.read(ctx, topic, p) == nil {
				}
			}
		}
	}
}

// read reports what one fetch returns and moves on.
func (l *letters) read(ctx context.Context, topic string, partition int) error {
	resp, err := l.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: topic, Partition: partition, Offset: l.next[topic][partition],
		MinBytes: 1, MaxBytes: 4 << 20, MaxWait: 100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	if resp.Error != nil {
		return resp.Error
	}
	for {
		r, err := resp.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		l.next[topic][partition] = max(l.next[topic][partition], r.Offset+1)
		if err := l.letter(topic, r); err != nil {
			return err
		}
	}
}

func (l *letters) letter(topic string, r *kafka.Record) error {
	header := map[string]string{}
	for _, h := range r.Headers {
		header[h.Key] = string(h.Value)
	}
	id := header["hub_letter"]
	if header["hub_kind"] != "letter" || l.seen[id] {
		return nil // what was decided of a letter, or the same one again
	}
	key, err := readAll(r.Key)
	if err != nil {
		return err
	}
	value, err := readAll(r.Value)
	if err != nil {
		return err
	}
	l.seen[id] = true
	route, class, code := strings.TrimSuffix(topic, ".dead"), header["hub_class"], header["hub_code"]
	l.report(mocks.Effect{
		At: r.Time, System: samples.Hub, Operation: route, Application: string(key), ID: id,
		Detail: fmt.Sprintf("dead letter for a person, %s: %s", class, code),
	})
	if q, ok := questionOf(route, class, code, id, string(key), value); ok {
		l.ask(q)
	}
	return nil
}

// readAll returns the bytes of a record's key or value; nil for none.
func readAll(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	return kafka.ReadAll(b)
}
