package topics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/observability"
)

// Bounds of one produce request.
const (
	maxBatchRecords = 500
	maxBatchBytes   = 900_000
)

// A Producer writes records with acks=all. It batches naturally: what has
// queued for a partition while its last request was under way goes with the
// next, with no timer. One request per partition is in flight, so records of
// one partition keep the order of their calls. kafka-go's Writer does not keep
// it.
type Producer struct {
	cluster *Cluster
	timeout time.Duration
	metrics *observability.Metrics

	mu     sync.Mutex
	queues map[topicPartition]*produceQueue
}

type topicPartition struct {
	topic     string
	partition int
}

type produceQueue struct {
	pending []*produceItem
	running bool
}

type produceItem struct {
	ctx     context.Context
	records []kafka.Record
	bytes   int
	base    int64
	err     error
	done    chan struct{}
}

// NewProducer returns a Producer whose requests are given up after timeout;
// what was written by then is not known.
func NewProducer(c *Cluster, timeout time.Duration, m *observability.Metrics) *Producer {
	return &Producer{cluster: c, timeout: timeout, metrics: m, queues: map[topicPartition]*produceQueue{}}
}

// PartitionOf returns the partition of a key among n, by murmur2 as Java's
// producer computes it. librdkafka does the same with
// partitioner=murmur2_random.
func PartitionOf(key []byte, n int) int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, numbers...)
}

// Publish writes m to the partition of its subject and returns nil once all
// in-sync replicas have it.
func (p *Producer) Publish(ctx context.Context, topic string, m Message) error {
	n, err := p.cluster.Partitions(ctx, topic)
	if err != nil {
		return err
	}
	key := []byte(m.Subject)
	_, err = p.Append(ctx, topic, PartitionOf(key, n), record(key, m.Data, m.Headers()))
	return err
}

func record(key, value []byte, headers []kafka.Header) kafka.Record {
	return kafka.Record{Key: kafka.NewBytes(key), Value: kafka.NewBytes(value), Headers: headers}
}

// Append writes records to one partition, in order and next to each other, and
// returns the offset of the first. After an error some may have been written.
func (p *Producer) Append(ctx context.Context, topic string, partition int, records ...kafka.Record) (int64, error) {
	item := &produceItem{ctx: ctx, records: records, done: make(chan struct{})}
	for _, r := range records {
		item.bytes += recordBytes(r)
	}
	tp := topicPartition{topic, partition}
	p.mu.Lock()
	q := p.queues[tp]
	if q == nil {
		q = &produceQueue{}
		p.queues[tp] = q
	}
	q.pending = append(q.pending, item)
	if !q.running {
		q.running = true
		go p.drain(tp, q)
	}
	p.mu.Unlock()
	<-item.done
	return item.base, item.err
}

func recordBytes(r kafka.Record) int {
	n := 64
	for _, b := range []kafka.Bytes{r.Key, r.Value} {
		if b != nil {
			n += b.Len()
		}
	}
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 8
	}
	return n
}

// drain sends one request after another until the queue is empty.
func (p *Producer) drain(tp topicPartition, q *produceQueue) {
	for {
		p.mu.Lock()
		n, bytes, count := 0, 0, 0
		for n < len(q.pending) && (n == 0 || bytes+q.pending[n].bytes <= maxBatchBytes && count+len(q.pending[n].records) <= maxBatchRecords) {
			bytes += q.pending[n].bytes
			count += len(q.pending[n].records)
			n++
		}
		if n == 0 {
			q.running = false
			delete(p.queues, tp)
			p.mu.Unlock()
			return
		}
		batch := q.pending[:n:n]
		q.pending = q.pending[n:]
		p.mu.Unlock()
		p.send(tp, batch, count)
	}
}

// send writes one batch and tells its items what came of it.
func (p *Producer) send(tp topicPartition, batch []*produceItem, count int) {
	records := make([]kafka.Record, 0, count)
	live := batch[:0]
	for _, it := range batch {
		if err := it.ctx.Err(); err != nil {
			it.err = fmt.Errorf("writing to %s: %w", tp.topic, err)
			close(it.done)
			continue
		}
		records = append(records, it.records...)
		live = append(live, it)
	}
	if len(live) == 0 {
		return
	}
	start := time.Now()
	base, err := p.produce(tp, records)
	p.metrics.KafkaOp("send", time.Since(start))
	if permanent(err) && len(live) > 1 {
		for _, it := range live { // one of them is at fault, or all of them together
			p.send(tp, []*produceItem{it}, len(it.records))
		}
		return
	}
	result := "ok"
	if err != nil {
		result = "error"
	}
	for _, it := range live {
		it.base, it.err = base, err
		base += int64(len(it.records))
		p.metrics.Published(tp.topic, result)
		close(it.done)
	}
}

// produce sends one request, and again within the time-out where the error says
// that a repeat may go through: a repeat can only double records, whose ids say
// so.
func (p *Producer) produce(tp topicPartition, records []kafka.Record) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		resp, err := p.cluster.Client.Produce(ctx, &kafka.ProduceRequest{
			Topic: tp.topic, Partition: tp.partition, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(rewound(records)...), Compression: compression(records),
		})
		if err == nil {
			err = resp.Error
		}
		if err == nil {
			return resp.BaseOffset, nil
		}
		err = fmt.Errorf("writing to %s/%d: %w", tp.topic, tp.partition, err)
		if permanent(err) {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-time.After(backoff(attempt, 20*time.Millisecond, 500*time.Millisecond)):
		}
	}
}

// compression is for what may be too large as it is: a topic's limit is on what
// a client has compressed, and a letter or a parked record must go out as small
// as its message came in.
func compression(records []kafka.Record) kafka.Compression {
	n := 0
	for _, r := range rewound(records) {
		n += recordBytes(r)
	}
	if n > maxBatchBytes {
		return kafka.Zstd
	}
	return 0
}

// rewound returns the records with their bytes at the start, for one more
// reading.
func rewound(records []kafka.Record) []kafka.Record {
	out := make([]kafka.Record, len(records))
	for i, r := range records {
		for _, b := range []kafka.Bytes{r.Key, r.Value} {
			if s, ok := b.(io.Seeker); ok {
				_, _ = s.Seek(0, io.SeekStart) // in memory: cannot fail
			}
		}
		out[i] = r
	}
	return out
}

// permanent says whether a record can never be written as it is.
func permanent(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge) ||
		errors.Is(err, kafka.InvalidTopic) || errors.Is(err, kafka.InvalidRecord)
}
