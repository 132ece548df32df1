package topics

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/observability"
)

// Bounds of what one produce request carries: for one partition, and in all.
const (
	maxBatchRecords = 500
	maxBatchBytes   = 900_000
	maxRequestBytes = 16 << 20 // brokers take 100 MiB
)

// A Producer writes records with acks=all. It batches naturally: what has
// queued while the last request to a broker was under way goes with the next,
// for all of its partitions together and with no timer. One batch of a partition
// is under way at a time, so records of one partition keep the order of their
// calls. kafka-go's Writer does not keep it.
type Producer struct {
	cluster *Cluster
	timeout time.Duration
	metrics *observability.Metrics

	// The ways to Kafka: Cluster.leaders and request. Tests of the order play them.
	leaders func(ctx context.Context, topics ...string) (map[string]map[int]int, error)
	ask     func(batches []*produceBatch) (bases []int64, errs []error)

	mu     sync.Mutex
	queues map[topicPartition]*produceQueue
	ready  map[int][]*produceQueue // by leader: they have something to send, and nothing under way
	busy   map[int]bool            // by leader: a request is under way
}

type topicPartition struct {
	topic     string
	partition int
}

// produceQueue is what waits for one partition.
type produceQueue struct {
	topicPartition
	leader  int             // the broker to send to, or unknownLeader
	first   []*produceBatch // to be sent before pending: made, and not written yet
	pending []*produceItem
	waiting bool // it is ready, under way or about to be sent again
}

// unknownLeader stands for the broker of partitions whose leader is to be asked
// for.
const unknownLeader = -1

// produceItem is one call of Append.
type produceItem struct {
	ctx     context.Context
	records []kafka.Record
	bytes   int
	base    int64
	err     error
	done    chan struct{}
}

// NewProducer returns a Producer that gives up a batch after timeout; what was
// written by then is not known.
func NewProducer(c *Cluster, timeout time.Duration, m *observability.Metrics) *Producer {
	p := &Producer{
		cluster: c, timeout: timeout, metrics: m,
		queues: map[topicPartition]*produceQueue{}, ready: map[int][]*produceQueue{}, busy: map[int]bool{},
	}
	p.leaders, p.ask = c.leaders, p.request
	return p
}

// PartitionOf returns the partition of a key among n, by murmur2 as Java's
// producer computes it. librdkafka does the same with
// partitioner=murmur2_random.
func PartitionOf(key []byte, n int) int {
	var few [64]int // without an allocation
	numbers := few[:min(n, len(few))]
	if n > len(few) {
		numbers = make([]int, n)
	}
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
		if r.Value != nil {
			p.metrics.Sending(r.Value.Len())
		}
	}
	tp := topicPartition{topic, partition}
	p.mu.Lock()
	q := p.queues[tp]
	if q == nil {
		q = &produceQueue{topicPartition: tp, leader: unknownLeader}
		p.queues[tp] = q
	}
	q.pending = append(q.pending, item)
	if !q.waiting {
		q.waiting = true
		p.enqueue(q)
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

// enqueue makes a queue ready and sees to it that somebody serves its leader.
// p.mu is held.
func (p *Producer) enqueue(q *produceQueue) {
	p.ready[q.leader] = append(p.ready[q.leader], q)
	if !p.busy[q.leader] {
		p.busy[q.leader] = true
		go p.serve(q.leader)
	}
}

// serve sends one request after another to a leader until nothing is ready.
func (p *Producer) serve(leader int) {
	for {
		runtime.Gosched() // whoever is about to write something comes along
		p.mu.Lock()
		queues := p.ready[leader]
		if len(queues) == 0 {
			p.busy[leader] = false
			p.mu.Unlock()
			return
		}
		delete(p.ready, leader)
		if leader == unknownLeader {
			p.mu.Unlock()
			p.findLeaders(queues)
			continue
		}
		var batches []*produceBatch
		bytes := 0
		for i, q := range queues {
			if bytes > maxRequestBytes {
				p.ready[leader] = queues[i:]
				break
			}
			if b := q.next(time.Now().Add(p.timeout)); b != nil {
				batches = append(batches, b)
				bytes += b.bytes()
			} else {
				q.waiting = false
			}
		}
		p.mu.Unlock()
		if len(batches) > 0 {
			p.send(batches)
		}
	}
}

// next takes the next batch off a queue; nil if there is none. What its caller
// has given up before it was ever sent is not sent.
func (q *produceQueue) next(deadline time.Time) *produceBatch {
	if len(q.first) > 0 {
		b := q.first[0]
		q.first = q.first[1:]
		return b
	}
	b := &produceBatch{queue: q, deadline: deadline}
	n, bytes, count := 0, 0, 0
	for ; n < len(q.pending); n++ {
		it := q.pending[n]
		if err := it.ctx.Err(); err != nil {
			it.err = fmt.Errorf("writing to %s: %w", q.topic, err)
			close(it.done)
			continue
		}
		if count > 0 && (bytes+it.bytes > maxBatchBytes || count+len(it.records) > maxBatchRecords) {
			break
		}
		bytes += it.bytes
		count += len(it.records)
		b.items = append(b.items, it)
	}
	clear(q.pending[:n])
	if q.pending = q.pending[n:]; len(q.pending) == 0 {
		q.pending = nil
	}
	if len(b.items) == 0 {
		return nil
	}
	return b
}
