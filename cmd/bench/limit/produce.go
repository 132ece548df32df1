package limit

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/payload"
)

// Bounds of one produce request, as the hub's.
const (
	batchRecords = 500
	batchBytes   = 900_000
)

// producer writes with acks=all, in natural batches: what has queued for a
// partition while its last request was under way goes with the next. Nobody
// waits for it.
type producer struct {
	client *kafka.Client

	mu     sync.Mutex
	queues map[place]*queue
}

type place struct {
	topic     string
	partition int
}

type queue struct {
	records []kafka.Record
	sizes   []int
	running bool
}

func newProducer(brokers []string) *producer {
	return &producer{
		client: &kafka.Client{Addr: kafka.TCP(brokers...), Transport: &kafka.Transport{MetadataTTL: 5 * time.Second}, Timeout: 5 * time.Second},
		queues: map[place]*queue{},
	}
}

func (p *producer) add(topic string, partition int, r kafka.Record) {
	to := place{topic, partition}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[to]
	if q == nil {
		q = &queue{}
		p.queues[to] = q
	}
	q.records, q.sizes = append(q.records, r), append(q.sizes, r.Value.Len()+256)
	if !q.running {
		q.running = true
		go p.drain(to, q)
	}
}

// drain sends one request after another until the queue is empty.
func (p *producer) drain(to place, q *queue) {
	for {
		p.mu.Lock()
		n, bytes := 0, 0
		for n < len(q.records) && n < batchRecords && (n == 0 || bytes+q.sizes[n] <= batchBytes) {
			bytes += q.sizes[n]
			n++
		}
		if n == 0 {
			q.running = false
			p.mu.Unlock()
			return
		}
		batch := q.records[:n:n]
		q.records, q.sizes = q.records[n:], q.sizes[n:]
		p.mu.Unlock()
		_, _ = p.client.Produce(context.Background(), &kafka.ProduceRequest{ // no guarantee: what fails is gone
			Topic: to.topic, Partition: to.partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(batch...),
		})
	}
}

// reply says that the system has taken a message over, as the hub says it.
func reply(system string, m kafka.Message) kafka.Record {
	key := string(m.Key)
	id := header(m, "ce_id")
	value, _ := json.Marshal(payload.Delivery{ // payload types always marshal
		ApplicationID: key, Notice: topics.NoticeID(key, id), Recipient: system, State: payload.DeliveryAccepted, EventID: "e" + id,
	})
	h := []kafka.Header{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(id)}, {Key: "ce_type", Value: []byte(payload.TypeDeliveryRecorded)},
		{Key: "ce_source", Value: []byte(topics.SourceHub)}, {Key: "ce_subject", Value: m.Key},
		{Key: "ce_time", Value: time.Now().UTC().AppendFormat(nil, time.RFC3339Nano)}, {Key: "ce_roottime", Value: []byte(header(m, "ce_time"))},
		{Key: "content-type", Value: []byte("application/json")},
	}
	return kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(value), Headers: h}
}
