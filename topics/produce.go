package topics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// produceBatch is what goes to one partition in one request.
type produceBatch struct {
	queue    *produceQueue
	items    []*produceItem
	attempts int
	deadline time.Time // no attempt begins after it
}

func (b *produceBatch) bytes() (n int) {
	for _, it := range b.items {
		n += it.bytes
	}
	return n
}

// findLeaders asks which brokers lead the partitions of queues. While nobody
// says so, it is asked again until what waits is given up.
func (p *Producer) findLeaders(queues []*produceQueue) {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	leaders := map[string]map[int]int{}
	failed := map[string]error{}
	for _, q := range queues {
		if leaders[q.topic] != nil || failed[q.topic] != nil {
			continue
		}
		found, err := p.leaders(ctx, q.topic)
		if err != nil {
			failed[q.topic] = err
			continue
		}
		leaders[q.topic] = found[q.topic]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range queues {
		err := failed[q.topic]
		if err == nil {
			if leader, ok := leaders[q.topic][q.partition]; ok {
				q.leader = leader
				p.enqueue(q)
				continue
			}
			err = fmt.Errorf("topic %s: %w", q.topic, kafka.UnknownTopicOrPartition)
		}
		if b := q.next(time.Now().Add(p.timeout)); b != nil {
			p.failed(b, fmt.Errorf("writing to %s/%d: %w", q.topic, q.partition, err))
		} else {
			q.waiting = false
		}
	}
}

// send makes one request of batches for one broker, and tells everybody what
// came of it.
func (p *Producer) send(batches []*produceBatch) {
	start := time.Now()
	bases, errs := p.ask(batches)
	p.metrics.KafkaOp("send", time.Since(start))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, b := range batches {
		if errs[i] != nil {
			p.failed(b, fmt.Errorf("writing to %s/%d: %w", b.queue.topic, b.queue.partition, errs[i]))
			continue
		}
		p.finish(b, bases[i], nil)
		p.goOn(b.queue)
	}
}

// failed sends a batch again, where the error says that this may go through: a
// repeat can only double records, whose ids say so. p.mu is held.
func (p *Producer) failed(b *produceBatch, err error) {
	q := b.queue
	switch {
	case permanent(err) && len(b.items) > 1:
		for i := len(b.items) - 1; i >= 0; i-- { // one of them is at fault, or all of them together
			q.first = append([]*produceBatch{{queue: q, items: b.items[i : i+1], deadline: b.deadline}}, q.first...)
		}
	case permanent(err) || time.Now().After(b.deadline):
		p.finish(b, 0, err)
	default:
		q.leader = unknownLeader // it may be another one now
		b.attempts++
		q.first = append([]*produceBatch{b}, q.first...)
		time.AfterFunc(backoff(b.attempts, 20*time.Millisecond, 500*time.Millisecond), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.enqueue(q)
		})
		return
	}
	p.goOn(q)
}

// goOn makes a queue ready again if it holds something more. p.mu is held.
func (p *Producer) goOn(q *produceQueue) {
	if len(q.first) > 0 || len(q.pending) > 0 {
		p.enqueue(q)
		return
	}
	q.waiting = false
}

// finish tells the items of a batch what came of them.
func (p *Producer) finish(b *produceBatch, base int64, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	for _, it := range b.items {
		it.base, it.err = base, err
		base += int64(len(it.records))
		p.metrics.Published(b.queue.topic, result)
		close(it.done)
	}
}

// request sends batches in one request, and returns the offset of the first
// record of each, or its error.
func (p *Producer) request(batches []*produceBatch) (bases []int64, errs []error) {
	bases, errs = make([]int64, len(batches)), make([]error, len(batches))
	fail := func(err error) ([]int64, []error) {
		for i := range errs {
			errs[i] = err
		}
		return bases, errs
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	answer, err := p.cluster.transport.RoundTrip(ctx, p.cluster.Client.Addr, produceRequest(batches, p.timeout))
	if err != nil {
		return fail(err)
	}
	at := map[topicPartition]*produce.ResponsePartition{}
	topics := answer.(*produce.Response).Topics
	for i := range topics {
		for j := range topics[i].Partitions {
			r := &topics[i].Partitions[j]
			at[topicPartition{topics[i].Topic, int(r.Partition)}] = r
		}
	}
	for i, b := range batches {
		switch r := at[b.queue.topicPartition]; {
		case r == nil:
			errs[i] = errors.New("the broker's answer does not name the partition")
		case r.ErrorCode != 0:
			errs[i] = kafka.Error(r.ErrorCode)
		default:
			bases[i] = r.BaseOffset
		}
	}
	return bases, errs
}

func produceRequest(batches []*produceBatch, timeout time.Duration) *produce.Request {
	req := &produce.Request{Acks: int16(kafka.RequireAll), Timeout: int32(timeout.Milliseconds())}
	at := map[string]int{}
	for _, b := range batches {
		i, ok := at[b.queue.topic]
		if !ok {
			i = len(req.Topics)
			at[b.queue.topic] = i
			req.Topics = append(req.Topics, produce.RequestTopic{Topic: b.queue.topic})
		}
		var records []kafka.Record
		for _, it := range b.items {
			records = append(records, it.records...)
		}
		rewind(records)
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, produce.RequestPartition{
			Partition: int32(b.queue.partition),
			RecordSet: protocol.RecordSet{Attributes: compression(b.bytes()), Records: kafka.NewRecordReader(records...)},
		})
	}
	return req
}

// compression is for what may be too large as it is: a topic's limit is on what
// a client has compressed, and a letter or a parked record must go out as small
// as its message came in.
func compression(bytes int) protocol.Attributes {
	if bytes > maxBatchBytes {
		return protocol.Attributes(kafka.Zstd)
	}
	return 0
}

// rewind has the records read from their start: an earlier attempt may have read
// them.
func rewind(records []kafka.Record) {
	for _, r := range records {
		for _, b := range []kafka.Bytes{r.Key, r.Value} {
			if s, ok := b.(io.Seeker); ok {
				_, _ = s.Seek(0, io.SeekStart) // in memory: cannot fail
			}
		}
	}
}

// permanent says whether a record can never be written as it is.
func permanent(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge) ||
		errors.Is(err, kafka.InvalidTopic) || errors.Is(err, kafka.InvalidRecord)
}
