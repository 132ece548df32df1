package topics

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"kandashub/observability"
)

// How a broker is asked. The latency of a message does not depend on the wait:
// a broker answers as soon as it has one byte.
const (
	fetchWait           = 2 * time.Second
	fetchPartitionBytes = 1 << 20
	fetchBytes          = 16 << 20
)

// stream is one partition of one topic as it is read in one generation.
type stream struct {
	topic     string
	partition int
	start     int64   // offset at which this owner began
	tracker   tracker // used by the partition's own goroutine alone

	next      atomic.Int64 // offset to fetch next; written by the fetcher alone
	high      atomic.Int64 // the broker's high watermark when it answered last
	first     atomic.Int64 // the first offset that it still had then
	position  atomic.Int64 // offset that may be committed
	open      atomic.Bool  // there is room for more
	committed int64        // used by the committer alone
	deliver   func(recs []*Record, next int64)
}

// errStop ends a route for good: going on would lose or reorder messages.
type errStop struct{ err error }

func (e errStop) Error() string { return e.err.Error() }
func (e errStop) Unwrap() error { return e.err }

// errLeaders means that a partition has another leader now.
var errLeaders = errors.New("leaders have changed")

// fetcher reads the streams of one generation: one loop for each broker, each
// with one request for all of its partitions.
type fetcher struct {
	cluster *Cluster
	streams []*stream
	metrics *observability.RouteMetrics
	log     func(msg string, err error)

	mu    sync.Mutex
	loops []*brokerLoop
}

// run fetches until ctx ends, or returns an errStop.
func (f *fetcher) run(ctx context.Context) error {
	if len(f.streams) == 0 { // more members than partitions
		<-ctx.Done()
		return nil
	}
	for attempt := 1; ctx.Err() == nil; attempt++ {
		start := time.Now()
		err := f.loop(ctx)
		if time.Since(start) > time.Minute {
			attempt = 1 // it went well for long
		}
		var stop errStop
		if errors.As(err, &stop) {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		f.metrics.FetchError(fetchReason(err))
		if !errors.Is(err, errLeaders) {
			f.log("fetching failed, trying again", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff(attempt, 100*time.Millisecond, 2*time.Second)):
		}
	}
	return nil
}

func fetchReason(err error) string {
	switch {
	case errors.Is(err, errLeaders):
		return "leader"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	default:
		return "other"
	}
}

// loop groups the streams by leader and fetches until the first error.
func (f *fetcher) loop(ctx context.Context) error {
	var names []string
	seen := map[string]bool{}
	for _, s := range f.streams {
		if !seen[s.topic] {
			seen[s.topic] = true
			names = append(names, s.topic)
		}
	}
	leaders, err := f.cluster.leaders(ctx, names...)
	if err != nil {
		return err
	}
	byLeader := map[int]*brokerLoop{}
	for _, s := range f.streams {
		id := leaders[s.topic][s.partition]
		if byLeader[id] == nil {
			byLeader[id] = &brokerLoop{fetcher: f, kicked: make(chan struct{}, 1)}
		}
		byLeader[id].streams = append(byLeader[id].streams, s)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	f.mu.Lock()
	f.loops = f.loops[:0]
	for _, l := range byLeader {
		f.loops = append(f.loops, l)
		wg.Go(func() {
			if err := l.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	f.mu.Unlock()
	wg.Wait()
	return context.Cause(ctx)
}

// kick makes the loops look again at which streams are open.
func (f *fetcher) kick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.loops {
		select {
		case l.kicked <- struct{}{}:
		default:
		}
	}
}

// brokerLoop is the fetch loop of one broker.
type brokerLoop struct {
	*fetcher
	streams []*stream
	kicked  chan struct{}
}

func (l *brokerLoop) run(ctx context.Context) error {
	for ctx.Err() == nil {
		open := l.openStreams()
		if len(open) == 0 {
			select {
			case <-ctx.Done():
			case <-l.kicked:
			}
			continue
		}
		resp, err := l.ask(ctx, open)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, context.Canceled) {
			continue // kicked: a stream has opened that the request did not ask for
		}
		if err != nil {
			return err
		}
		if err := l.take(resp, open); err != nil {
			return err
		}
	}
	return nil
}

func (l *brokerLoop) openStreams() map[topicPartition]*stream {
	open := map[topicPartition]*stream{}
	for _, s := range l.streams {
		if s.open.Load() {
			open[topicPartition{s.topic, s.partition}] = s
		}
	}
	return open
}

// ask sends one long poll. A kick ends it only if it would add a stream.
func (l *brokerLoop) ask(ctx context.Context, open map[topicPartition]*stream) (*fetch.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWait+10*time.Second)
	defer cancel()
	stop := make(chan struct{})
	var watching sync.WaitGroup
	defer watching.Wait() // else it could take the kick that is meant for the next poll
	defer close(stop)
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-l.kicked:
				for tp := range l.openStreams() {
					if open[tp] == nil {
						cancel()
						return
					}
				}
			}
		}
	})
	start := time.Now()
	resp, err := l.cluster.transport.RoundTrip(ctx, l.cluster.Client.Addr, fetchRequest(open))
	if err != nil {
		if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
			return nil, context.Canceled
		}
		return nil, fmt.Errorf("fetching: %w", err)
	}
	l.metrics.KafkaOp("poll", time.Since(start))
	return resp.(*fetch.Response), nil
}

func fetchRequest(open map[topicPartition]*stream) *fetch.Request {
	byTopic := map[string][]fetch.RequestPartition{}
	for tp, s := range open {
		byTopic[tp.topic] = append(byTopic[tp.topic], fetch.RequestPartition{
			Partition: int32(tp.partition), CurrentLeaderEpoch: -1, FetchOffset: s.next.Load(),
			LogStartOffset: -1, PartitionMaxBytes: fetchPartitionBytes,
		})
	}
	req := &fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(fetchWait / time.Millisecond), MinBytes: 1, MaxBytes: fetchBytes,
		IsolationLevel: 1, SessionEpoch: -1,
	}
	for topic, ps := range byTopic {
		req.Topics = append(req.Topics, fetch.RequestTopic{Topic: topic, Partitions: ps})
	}
	return req
}

// take hands the records of a response to their partitions. The error of one
// partition does not keep the others from theirs.
func (l *brokerLoop) take(resp *fetch.Response, open map[topicPartition]*stream) error {
	if resp.ErrorCode != 0 {
		return fmt.Errorf("fetching: %w", kafka.Error(resp.ErrorCode))
	}
	var failed error
	for _, t := range resp.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			s := open[topicPartition{t.Topic, int(p.Partition)}]
			if s == nil {
				continue
			}
			if p.ErrorCode != 0 {
				failed = worse(failed, fetchError(s, kafka.Error(p.ErrorCode)))
				continue
			}
			recs, next, err := readRecords(t.Topic, p, s.next.Load())
			if err != nil {
				failed = worse(failed, err)
				continue
			}
			s.high.Store(p.HighWatermark)
			s.first.Store(p.LogStartOffset)
			if s.next.Swap(next) != next {
				s.deliver(recs, next)
			}
		}
	}
	return failed
}

// worse returns the error that says more: one that stops the route, else the
// first.
func worse(first, second error) error {
	var stop errStop
	if first == nil || errors.As(second, &stop) {
		return second
	}
	return first
}

func fetchError(s *stream, err kafka.Error) error {
	switch err {
	case kafka.NotLeaderForPartition, kafka.LeaderNotAvailable, kafka.FencedLeaderEpoch, kafka.ReplicaNotAvailable:
		return errLeaders
	case kafka.OffsetOutOfRange:
		return errStop{fmt.Errorf("%s/%d no longer holds offset %d, which comes next: records were deleted before they were read, or the topic was made again; "+
			"decide what to do about the gap, then set the group's offset by hand", s.topic, s.partition, s.next.Load())}
	default:
		return fmt.Errorf("fetching %s/%d: %w", s.topic, s.partition, err)
	}
}
