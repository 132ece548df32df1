package topics

import (
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// abortedProducers follows the aborted transactions of one fetch response: a
// producer's records are dropped from the transaction's first offset to its
// marker.
type abortedProducers struct {
	pending []fetch.ResponseTransaction
	open    map[int64]bool
}

func (a *abortedProducers) is(producer, offset int64) bool {
	if producer < 0 {
		return false
	}
	kept := a.pending[:0:0]
	for _, t := range a.pending {
		if t.FirstOffset > offset {
			kept = append(kept, t)
			continue
		}
		if a.open == nil {
			a.open = map[int64]bool{}
		}
		a.open[t.ProducerID] = true
	}
	a.pending = kept
	return a.open[producer]
}

func (a *abortedProducers) end(producer int64) { delete(a.open, producer) }

// skipBatch reads over a batch and moves next behind it.
func skipBatch(b protocol.RecordReader, next *int64) error {
	for {
		r, err := b.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		*next = max(*next, r.Offset+1)
		if err := errors.Join(closeBytes(r.Key), closeBytes(r.Value)); err != nil {
			return err
		}
	}
}

// readBatch copies the records of a batch from offset on and moves next behind
// the last one.
func readBatch(topic string, partition int, b protocol.RecordReader, offset int64, next *int64) ([]*Record, error) {
	var out []*Record
	for {
		r, err := b.ReadRecord()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s/%d: %w", topic, partition, err)
		}
		key, err1 := protocol.ReadAll(r.Key)
		value, err2 := protocol.ReadAll(r.Value)
		if err := errors.Join(err1, err2, closeBytes(r.Key), closeBytes(r.Value)); err != nil {
			return nil, fmt.Errorf("reading %s/%d: %w", topic, partition, err)
		}
		*next = max(*next, r.Offset+1)
		if r.Offset < offset {
			continue // a broker answers with whole batches
		}
		out = append(out, &Record{
			Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time,
			Key: key, Value: value, Headers: append([]protocol.Header(nil), r.Headers...),
		})
	}
}

func closeBytes(b protocol.Bytes) error {
	if b == nil {
		return nil
	}
	return b.Close()
}
