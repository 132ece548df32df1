package kandas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// The topics that the system writes and reads in the ministry's contour.
const (
	topicEvents      = "kandas.events"
	topicIINRequests = "kandas.iin-requests"
	topicRejections  = "kandas.rejections"
)

const (
	produceSlots   = 16 // produce requests under way at once, over all applications
	produceTimeout = 10 * time.Second
	pollWait       = 2 * time.Second
	pollBytes      = 1 << 20
	firstRetry     = 50 * time.Millisecond
	lastRetry      = 2 * time.Second
)

// A message is one CloudEvent as the system writes it; Key is the application.
type message struct {
	Topic   string
	Key     string
	ID      string
	Type    string
	Time    time.Time
	Payload []byte
}

// A contour is the system's connection to Kafka.
type contour struct {
	client *kafka.Client
	slots  chan struct{}
	logf   func(string, ...any)

	mu         sync.Mutex
	partitions map[string][]int
}

func newContour(brokers []string, logf func(string, ...any)) *contour {
	return &contour{
		client: &kafka.Client{
			Addr: kafka.TCP(brokers...),
			// Errors about topics that are just being made must not be kept long.
			Transport: &kafka.Transport{ClientID: "kandas", MetadataTTL: time.Second, Dial: (&net.Dialer{}).DialContext},
		},
		slots:      make(chan struct{}, produceSlots),
		logf:       logf,
		partitions: map[string][]int{},
	}
}

func (c *contour) close() {
	c.client.Transport.(*kafka.Transport).CloseIdleConnections()
}

// write appends m and returns once all replicas in sync have it. It tries with
// the same ids until then: an unclear outcome may leave two of them, which is
// what the readers' deduplication is for. It fails only when ctx ends.
func (c *contour) write(ctx context.Context, m message) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.retry(ctx, "write to "+m.Topic, func() error { return c.produce(ctx, m) })
}

func (c *contour) produce(ctx context.Context, m message) error {
	partitions, err := c.partitionsOf(ctx, m.Topic)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, produceTimeout)
	defer cancel()
	// The partitioner of Java's clients, on which the hub's lanes rely.
	partition := kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(m.Key)}, partitions...)
	answer, err := c.client.Produce(ctx, &kafka.ProduceRequest{
		Topic:        m.Topic,
		Partition:    partition,
		RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{
			Key:   kafka.NewBytes([]byte(m.Key)),
			Value: kafka.NewBytes(m.Payload),
			Time:  m.Time,
			Headers: []kafka.Header{
				{Key: "ce_specversion", Value: []byte("1.0")},
				{Key: "ce_id", Value: []byte(m.ID)},
				{Key: "ce_type", Value: []byte(m.Type)},
				{Key: "ce_source", Value: []byte(name)},
				{Key: "ce_subject", Value: []byte(m.Key)},
				{Key: "ce_time", Value: []byte(m.Time.UTC().Format(time.RFC3339Nano))},
				{Key: "content-type", Value: []byte("application/json")},
			},
		}),
	})
	if err != nil {
		return err
	}
	return answer.Error
}

// partitionsOf returns the partition numbers of a topic, asked once.
func (c *contour) partitionsOf(ctx context.Context, topic string) ([]int, error) {
	c.mu.Lock()
	known := c.partitions[topic]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	answer, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	for _, t := range answer.Topics {
		if t.Name != topic || t.Error != nil || len(t.Partitions) == 0 {
			continue
		}
		for n := range t.Partitions {
			known = append(known, n)
		}
		c.mu.Lock()
		c.partitions[topic] = known
		c.mu.Unlock()
		return known, nil
	}
	return nil, fmt.Errorf("topic %s does not exist", topic)
}

// read hands every record of topic, from its beginning, to f: those of one
// partition in order, the partitions side by side. It returns when ctx ends.
func (c *contour) read(ctx context.Context, topic string, f func(id string, value []byte)) error {
	var partitions []int
	err := c.retry(ctx, "look up "+topic, func() (err error) {
		partitions, err = c.partitionsOf(ctx, topic)
		return err
	})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, p := range partitions {
		wg.Go(func() {
			next := kafka.FirstOffset
			for ctx.Err() == nil {
				c.retry(ctx, "read "+topic, func() (err error) { //nolint:errcheck // it fails only when ctx ends
					next, err = c.poll(ctx, topic, p, next, f)
					return err
				})
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// poll waits for records from offset next on and returns the offset after them.
func (c *contour) poll(ctx context.Context, topic string, partition int, next int64, f func(string, []byte)) (int64, error) {
	answer, err := c.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: topic, Partition: partition, Offset: next, MinBytes: 1, MaxBytes: pollBytes, MaxWait: pollWait,
	})
	if err != nil {
		return next, err
	}
	if answer.Error != nil {
		return next, answer.Error
	}
	for {
		r, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return next, nil
		}
		if err != nil {
			return next, err
		}
		if r.Offset < next { // a batch may begin before what was asked for
			continue
		}
		value, err := kafka.ReadAll(r.Value)
		if err != nil {
			return next, err
		}
		next = r.Offset + 1
		id := ""
		for _, h := range r.Headers {
			if h.Key == "ce_id" {
				id = string(h.Value)
			}
		}
		f(id, value)
	}
}

// retry calls f until it succeeds or ctx ends.
func (c *contour) retry(ctx context.Context, what string, f func() error) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if wait == lastRetry {
			c.logf("kandas: %s: %v; trying on", what, err)
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// sleep waits for d and says whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types of wire.go always marshal
	}
	return b
}
