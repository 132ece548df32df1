package topics

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// A Cluster is our side of one Kafka cluster: a pool of connections, shared by
// all routes.
type Cluster struct {
	Client *kafka.Client

	brokers   []string
	transport *kafka.Transport
	dialer    *kafka.Dialer

	mu         sync.Mutex
	partitions map[string]int // topic -> number of partitions, once known
}

// NewCluster returns a Cluster for the given addresses. It connects when first
// used.
func NewCluster(brokers []string) *Cluster {
	transport := &kafka.Transport{
		ClientID:    "kandashub",
		DialTimeout: 3 * time.Second,
		IdleTimeout: 5 * time.Minute,
		MetadataTTL: 5 * time.Second,
	}
	return &Cluster{
		Client:     &kafka.Client{Addr: kafka.TCP(brokers...), Transport: transport, Timeout: 10 * time.Second},
		brokers:    brokers,
		transport:  transport,
		dialer:     &kafka.Dialer{ClientID: "kandashub", Timeout: 3 * time.Second},
		partitions: map[string]int{},
	}
}

// Close closes the idle connections.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

// Ping returns nil if a broker answers.
func (c *Cluster) Ping(ctx context.Context) error {
	_, err := c.Client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	return err
}

// Partitions returns how many partitions a topic has.
func (c *Cluster) Partitions(ctx context.Context, topic string) (int, error) {
	c.mu.Lock()
	n := c.partitions[topic]
	c.mu.Unlock()
	if n > 0 {
		return n, nil
	}
	leaders, err := c.leaders(ctx, topic)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	c.partitions[topic] = len(leaders[topic])
	c.mu.Unlock()
	return len(leaders[topic]), nil
}

// leaders returns the leader of each partition of the topics. A topic that does
// not exist, or a partition without a leader, is an error.
func (c *Cluster) leaders(ctx context.Context, topics ...string) (map[string]map[int]int, error) {
	meta, err := c.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, fmt.Errorf("asking for metadata: %w", err)
	}
	out := map[string]map[int]int{}
	for _, t := range meta.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		out[t.Name] = map[int]int{}
		for _, p := range t.Partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("topic %s, partition %d: %w", t.Name, p.ID, p.Error)
			}
			out[t.Name][p.ID] = p.Leader.ID
		}
	}
	for _, t := range topics {
		if len(out[t]) == 0 {
			return nil, fmt.Errorf("topic %s: %w", t, kafka.UnknownTopicOrPartition)
		}
	}
	return out, nil
}

// AllBounds returns the first and the end offset of each partition of topics.
func (c *Cluster) AllBounds(ctx context.Context, names ...string) (first, end map[string]map[int]int64, err error) {
	ask := map[string][]int{}
	for _, topic := range names {
		n, err := c.Partitions(ctx, topic)
		if err != nil {
			return nil, nil, err
		}
		ask[topic] = nil
		for p := range n {
			ask[topic] = append(ask[topic], p)
		}
	}
	return c.Bounds(ctx, ask)
}

// Bounds returns the first and the end offset of the partitions asked for.
func (c *Cluster) Bounds(ctx context.Context, ask map[string][]int) (first, end map[string]map[int]int64, err error) {
	first, end = map[string]map[int]int64{}, map[string]map[int]int64{}
	req := map[string][]kafka.OffsetRequest{}
	for t, ps := range ask {
		first[t], end[t] = map[int]int64{}, map[int]int64{}
		for _, p := range ps {
			req[t] = append(req[t], kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
		}
	}
	resp, err := c.Client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: req})
	if err != nil {
		return nil, nil, fmt.Errorf("listing offsets: %w", err)
	}
	for t, ps := range resp.Topics {
		for _, p := range ps {
			if p.Error != nil {
				return nil, nil, fmt.Errorf("listing offsets of %s/%d: %w", t, p.Partition, p.Error)
			}
			first[t][p.Partition], end[t][p.Partition] = p.FirstOffset, p.LastOffset
		}
	}
	return first, end, nil
}

// Committed returns the offsets that a route's group has committed, of the
// partitions asked for. One of which it has committed nothing is not among them.
func (c *Cluster) Committed(ctx context.Context, route Route, ask map[string][]int) (map[string]map[int]int64, error) {
	resp, err := c.Client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: route.Group(), Topics: ask})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) {
		return nil, nil // it has never been at work
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the offsets of %s: %w", route.Group(), err)
	}
	out := map[string]map[int]int64{}
	for t, ps := range resp.Topics {
		out[t] = map[int]int64{}
		for _, p := range ps {
			if p.Error != nil {
				return nil, fmt.Errorf("asking for the offset of %s in %s/%d: %w", route.Group(), t, p.Partition, p.Error)
			}
			if p.CommittedOffset >= 0 {
				out[t][p.Partition] = p.CommittedOffset
			}
		}
	}
	return out, nil
}

// TimeAt returns the time of the first record at an offset or after it; zero
// where there is none.
func (c *Cluster) TimeAt(ctx context.Context, topic string, partition int, offset int64) (time.Time, error) {
	recs, _, err := c.readFrom(ctx, topic, partition, offset, 1<<10)
	if err != nil || len(recs) == 0 {
		return time.Time{}, err
	}
	return recs[0].Time, nil
}

// errGone means that no record is at an offset, and others are behind it or the
// topic does not reach there.
var errGone = errors.New("the record is not there any more")

// readAt returns the one record at an offset. The error is errGone if it is
// not there, for Kafka has deleted or compacted it away.
func (c *Cluster) readAt(ctx context.Context, topic string, partition int, offset int64) (*Record, error) {
	recs, _, err := c.readFrom(ctx, topic, partition, offset, 1<<16)
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return nil, errors.Join(errGone, err)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range recs {
		if r.Offset == offset {
			return r, nil
		}
	}
	err = fmt.Errorf("reading %s/%d: no record at offset %d", topic, partition, offset)
	if len(recs) > 0 {
		err = errors.Join(errGone, err) // others have come after it
	}
	return nil, err
}

// readFrom returns records from an offset on, about as many bytes as asked for
// but at least one record, and the offset to read next.
func (c *Cluster) readFrom(ctx context.Context, topic string, partition int, offset int64, bytes int32) ([]*Record, int64, error) {
	req := &fetch.Request{
		ReplicaID: -1, MaxWaitTime: 1000, MinBytes: 1, MaxBytes: bytes, IsolationLevel: 1, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: topic, Partitions: []fetch.RequestPartition{{
			Partition: int32(partition), CurrentLeaderEpoch: -1, FetchOffset: offset, LogStartOffset: -1, PartitionMaxBytes: bytes,
		}}}},
	}
	resp, err := c.transport.RoundTrip(ctx, c.Client.Addr, req)
	if err != nil {
		return nil, offset, fmt.Errorf("reading %s/%d at %d: %w", topic, partition, offset, err)
	}
	answer := resp.(*fetch.Response).Topics
	if len(answer) == 0 || len(answer[0].Partitions) == 0 {
		return nil, offset, fmt.Errorf("reading %s/%d at %d: the broker's answer names no partition", topic, partition, offset)
	}
	p := &answer[0].Partitions[0]
	if p.ErrorCode != 0 {
		return nil, offset, fmt.Errorf("reading %s/%d at %d: %w", topic, partition, offset, kafka.Error(p.ErrorCode))
	}
	return readRecords(topic, p, offset)
}

// readRecords returns the committed records of one partition of a fetch
// response from offset on, and the offset to read next. kafka-go hands out
// aborted records and hides the offsets of transaction markers, so both are
// dealt with here.
func readRecords(topic string, p *fetch.ResponsePartition, offset int64) ([]*Record, int64, error) {
	aborted := abortedProducers{pending: p.AbortedTransactions}
	next := offset
	var out []*Record
	batches := []protocol.RecordReader{}
	switch rs := p.RecordSet.Records.(type) {
	case nil:
	case *protocol.RecordStream:
		batches = rs.Records
	default:
		batches = append(batches, rs)
	}
	for _, b := range batches {
		switch b := b.(type) {
		case *protocol.ControlBatch:
			aborted.end(b.ProducerID)
			next = max(next, b.BaseOffset+1)
			continue
		case *protocol.RecordBatch:
			next = max(next, b.BaseOffset+1)
			if aborted.is(b.ProducerID, b.BaseOffset) {
				if err := skipBatch(b, &next); err != nil {
					return nil, offset, err
				}
				continue
			}
		}
		recs, err := readBatch(topic, int(p.Partition), b, offset, &next)
		if err != nil {
			return nil, offset, err
		}
		out = append(out, recs...)
	}
	return out, next, nil
}
