package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"kandashub/adapters"
	"kandashub/cmd/bench/load"
	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/contract"
)

// A keysResult is one line of the table of Confluent's Parallel Consumer: 10,000
// messages in one partition, a handler that sleeps 0 to 5 ms at random, 100 at
// once, in the order of each key.
type keysResult struct {
	Kafka     string        `json:"kafka"`
	Keys      int           `json:"keys"`
	Messages  int           `json:"messages"`
	FromFirst time.Duration `json:"from_first_call_ns"` // to the last completion
	FromRun   time.Duration `json:"from_run_ns"`        // likewise, with the group joined within it
	InSeries  time.Duration `json:"in_series_ns"`       // the same sleeps one after another, measured
	Published time.Duration `json:"published_ns"`       // by Parallel Consumer; 0: none
}

// publishedKeys are the numbers of keys in Parallel Consumer's README, and
// published what it says of them.
func publishedKeys() []int { return []int{1, 2, 5, 10, 20, 50, 100, 1_000, 10_000} }

func published(keys int) time.Duration {
	return map[int]time.Duration{
		1: 26_743 * time.Millisecond, 2: 13_576 * time.Millisecond, 5: 5_916 * time.Millisecond, 10: 3_310 * time.Millisecond, 20: 2_242 * time.Millisecond,
		50: 2_204 * time.Millisecond, 100: 2_178 * time.Millisecond, 1_000: 2_056 * time.Millisecond, 10_000: 2_128 * time.Millisecond,
	}[keys]
}

const (
	keysAtOnce  = 100
	keysLongest = 5 * time.Millisecond
)

type keysCmd struct {
	settings
	Keys     []int  `default:"1,2,5,10,20,50,100,1000,10000" help:"Numbers of keys (${default})."`
	Messages int    `default:"10000" help:"In the one partition (${default})."`
	Kafka    string `default:"standin" enum:"standin,real" help:"Kind of Kafka (${default})."`
}

// Run is `bench keys`.
func (c *keysCmd) Run(ctx context.Context) error { return c.settings.bench(ctx, c) }

func (c *keysCmd) measure(ctx context.Context, l *lab, out *report) error {
	k, err := l.kafka(ctx, c.Kafka, 1, nil)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	defer k.close()
	sleeps := drawn(c.Messages)
	series := inSeries(ctx, sleeps)
	fmt.Fprintf(os.Stderr, "keys: the sleeps in series take %s\n", series.Round(time.Millisecond))
	for _, keys := range c.Keys {
		r := keysResult{Kafka: c.Kafka, Keys: keys, Messages: c.Messages, InSeries: series, Published: published(keys)}
		if err := l.keys(ctx, k, sleeps, &r); err != nil {
			return fmt.Errorf("%d keys: %w", keys, err)
		}
		fmt.Fprintf(os.Stderr, "keys: %d keys take %s\n", keys, r.FromFirst.Round(time.Millisecond))
		out.Keys = append(out.Keys, r)
	}
	return nil
}

// drawn are the sleeps of the messages, the same in every run.
func drawn(n int) []time.Duration {
	rng := rand.New(rand.NewPCG(1, 2))
	sleeps := make([]time.Duration, n)
	for i := range sleeps {
		sleeps[i] = time.Duration(rng.Int64N(int64(keysLongest)))
	}
	return sleeps
}

// inSeries is how long the sleeps take one after another on this machine: it
// sleeps longer than it is told.
func inSeries(ctx context.Context, sleeps []time.Duration) time.Duration {
	began := time.Now()
	for _, d := range sleeps {
		if ctx.Err() != nil {
			break
		}
		time.Sleep(d)
	}
	return time.Since(began)
}

// handler is the operation of the route.
type handler struct {
	sleeps []time.Duration
	first  atomic.Int64 // Unix time in nanoseconds
	left   atomic.Int64
	last   chan time.Time
}

func (h *handler) do(_ context.Context, m topics.Message) ([]topics.Reply, error) {
	h.first.CompareAndSwap(0, time.Now().UnixNano())
	_, number, _, ok := load.Notice([]byte(topics.NoticeID(m.Subject, m.ID)))
	if !ok || number >= len(h.sleeps) {
		return nil, topics.Fail(topics.Rejected, "schema", "no message of the bench")
	}
	time.Sleep(h.sleeps[number])
	if h.left.Add(-1) == 0 {
		h.last <- time.Now()
	}
	return nil, nil
}

// keys runs one line of the table, with the hub's own consumer in this process.
func (l *lab) keys(ctx context.Context, k *kafkaServer, sleeps []time.Duration, r *keysResult) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.Patience, fmt.Errorf("it took longer than %s", l.Patience))
	defer cancel()
	h := &handler{sleeps: sleeps, last: make(chan time.Time, 1)}
	h.left.Store(int64(len(sleeps)))
	plan := load.Plan{Run: rand.Uint32(), System: "migration", Records: len(sleeps), Applications: r.Keys, InTurn: true}
	name := fmt.Sprintf("bench-%08x", plan.Run)
	route := topics.Route{
		Name: name, Sources: []string{name + ".in"},
		Operation: topics.Operation{System: "bench", Name: "sleep", Effect: topics.C1, Do: h.do},
	}
	if _, err := k.admin.CreateTopics(ctx, 1, 1, nil, route.Sources[0], route.ParkedTopic(), route.DeadTopic()); err != nil {
		return fmt.Errorf("making topics: %w", err)
	}
	if err := k.sendTo(ctx, route.Sources[0], plan); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(l.dir, "keys.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	consumer, closing, err := l.consumer(k, route, plan.Topic(), log)
	if err != nil {
		return err
	}
	defer closing()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- consumer.Run(running) }()
	select {
	case last := <-h.last:
		r.FromFirst, r.FromRun = last.Sub(time.Unix(0, h.first.Load())), last.Sub(began)
		stop()
		return <-ended
	case err := <-ended:
		return errors.Join(errors.New("the route has ended by itself"), err)
	case <-ctx.Done():
		stop()
		return errors.Join(context.Cause(ctx), <-ended)
	}
}

// consumer is a route as the hub runs it, with the hub's own defaults, but for
// what the table says: 100 at once.
func (l *lab) consumer(k *kafkaServer, route topics.Route, contractTopic string, log io.Writer) (*topics.Consumer, func(), error) {
	agreed, err := contract.Load()
	if err != nil {
		return nil, nil, err
	}
	metrics := observability.NewMetrics(prometheus.NewRegistry())
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{l.Redis}, MaxRetries: -1, DisableIdentity: true})
	timing := topics.Timing{
		Call: 8 * time.Second, Lease: 12 * time.Second, Drain: 5 * time.Second, ParkAfter: 30 * time.Second,
		BackoffLeast: 200 * time.Millisecond, BackoffMost: 10 * time.Second,
	}
	store := claims.NewStore(rdb, claims.Config{Lease: timing.Lease, Keep: 15 * 24 * time.Hour, Metrics: metrics})
	cluster := topics.NewCluster([]string{k.brokers})
	breaker := adapters.NewBreaker(adapters.BreakerConfig{System: route.Operation.System, Operation: route.Operation.Name, Metrics: metrics})
	c := &topics.Consumer{
		Cluster: cluster, Partitions: 1, Workers: keysAtOnce, Window: 1000, WindowBytes: 64 << 20, Bytes: new(atomic.Int64),
		Session: 10 * time.Second, Rebalance: 15 * time.Second,
		Delivery: &topics.Delivery{
			Route: route, Claims: store, Producer: topics.NewProducer(cluster, 5*time.Second, metrics), Gate: topics.NewGate(breaker, nil), Timing: timing,
			Check: func(_ string, m topics.Message) (string, error) {
				if err := agreed.Check(contractTopic, m); err != nil {
					return "schema", err
				}
				return "", nil
			},
			Lease: adapters.WithLease, Metrics: metrics.Route(route.Name), Log: observability.NewLogger(log, slog.LevelInfo, nil, metrics), Now: time.Now,
		},
	}
	return c, func() {
		store.Close()
		_ = rdb.Close()
		cluster.Close()
	}, nil
}
