package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
)

// fetchBytes is asked for in one fetch. It is many times what one batch of the
// topic may weigh, so that an answer without records means that there are none.
const fetchBytes = 16 << 20

// A journal is a topic of one partition that is read whole, without a group.
type journal struct {
	cluster *topics.Cluster
	topic   string
}

// note is one record of a journal.
type note struct {
	offset     int64
	time       time.Time
	key, value []byte // value nil: taken back
}

// bounds returns the first offset and the one after the last.
func (j journal) bounds(ctx context.Context) (first, end int64, err error) {
	resp, err := j.cluster.Client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		j.topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)},
	}})
	if err != nil {
		return 0, 0, fmt.Errorf("asking where %s ends: %w", j.topic, err)
	}
	of := resp.Topics[j.topic]
	if len(of) == 0 {
		return 0, 0, fmt.Errorf("asking where %s ends: the broker does not name it", j.topic)
	}
	if of[0].Error != nil {
		return 0, 0, fmt.Errorf("asking where %s ends: %w", j.topic, of[0].Error)
	}
	return of[0].FirstOffset, of[0].LastOffset, nil
}

// fetch returns what lies at an offset and after it, the offset to read next,
// and where the topic ends. It waits up to wait for a first record.
//
// Compaction leaves holes. An answer without records therefore leads to the end
// of the topic: else a reader would wait before a hole at its end for ever.
func (j journal) fetch(ctx context.Context, offset int64, wait time.Duration) (notes []note, next, end int64, err error) {
	resp, err := j.cluster.Client.Fetch(ctx, &kafka.FetchRequest{
		Topic: j.topic, Partition: 0, Offset: offset, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: wait,
	})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		return nil, offset, 0, fmt.Errorf("reading %s at %d: %w", j.topic, offset, err)
	}
	next = offset
	for {
		r, err := resp.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, offset, 0, fmt.Errorf("reading %s at %d: %w", j.topic, next, err)
		}
		n := note{offset: r.Offset, time: r.Time}
		if n.key, err = contents(r.Key); err == nil {
			n.value, err = contents(r.Value)
		}
		if err != nil {
			return nil, offset, 0, fmt.Errorf("reading %s at %d: %w", j.topic, r.Offset, err)
		}
		if r.Offset < offset {
			continue // a broker answers with whole batches
		}
		notes = append(notes, n)
		next = r.Offset + 1
	}
	if len(notes) == 0 {
		next = max(next, resp.HighWatermark)
	}
	return notes, next, resp.HighWatermark, nil
}

// contents returns the bytes of a key or value; nil for none.
func contents(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	return kafka.ReadAll(b)
}

// each hands every record from an offset on to take, up to an end, and returns the
// offset to read next: behind the last record that take was given.
func (j journal) each(ctx context.Context, at, end int64, take func(note) error) (next int64, err error) {
	for at < end {
		notes, next, _, err := j.fetch(ctx, at, 100*time.Millisecond)
		if err != nil {
			return at, err
		}
		for _, n := range notes {
			if err := take(n); err != nil {
				return n.offset + 1, err
			}
		}
		at = next
	}
	return at, nil
}

// write appends a record and returns once all in-sync replicas have it; a nil
// value takes the key back.
func (j journal) write(ctx context.Context, producer *topics.Producer, key, value []byte) error {
	r := kafka.Record{Key: kafka.NewBytes(key)}
	if value != nil {
		r.Value = kafka.NewBytes(value)
	}
	_, err := producer.Append(ctx, j.topic, 0, r)
	return err
}
