package topics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/servertest"
)

const testPartitions = 4

// order is the payload of the tests' messages.
type order struct {
	N int `json:"n"`
}

// bench is one route on a Kafka and a Redis, with a system that the test plays.
type bench struct {
	t       *testing.T
	route   topics.Route
	brokers []string
	cluster *topics.Cluster
	store   *claims.Store
	rdb     *redis.Client
	losses  topics.Losses
	reports topics.Outcomes
	known   func(name string) bool // of the contract; nil: all
	gate    *topics.Gate
	produce *topics.Producer
	timing  topics.Timing
	window  int
	workers int
	breaker topics.Breaker
	check   func(topic string, m topics.Message) (string, error)
	bytes   atomic.Int64
	calls   atomic.Int64

	mu      sync.Mutex
	paused  map[string]bool
	effects map[string][]int // application -> n, in order
	fail    func(m topics.Message, n int) error
}

// steady admits everything.
type steady struct{ never chan struct{} }

func (steady) Admit() (func(error), time.Duration, bool) { return func(error) {}, 0, true }
func (steady) Open() bool                                { return false }
func (s steady) Changed() <-chan struct{}                { return s.never }

func newBench(t *testing.T, effect topics.Effect) *bench {
	b := &bench{t: t, brokers: servertest.Brokers(t), effects: map[string][]int{}, paused: map[string]bool{}, window: 100, workers: 32, breaker: steady{make(chan struct{})}}
	name := servertest.Unique("r")
	b.route = topics.Route{
		Name: name, Sources: []string{name + ".in", name + ".in2"}, Writes: []string{name + ".out"},
		Operation: topics.Operation{System: "test", Name: "do", Effect: effect, Do: b.do, Settle: 100 * time.Millisecond},
	}
	servertest.CreateTopics(t, b.brokers, testPartitions,
		append(append([]string{}, b.route.Sources...), b.route.Writes[0], b.route.ParkedTopic(), b.route.DeadTopic())...)
	b.cluster = topics.NewCluster(b.brokers)
	t.Cleanup(b.cluster.Close)
	b.timing = topics.Timing{
		Call: time.Second, Lease: 2500 * time.Millisecond, Drain: time.Second, ParkAfter: 200 * time.Millisecond,
		BackoffLeast: 10 * time.Millisecond, BackoffMost: 100 * time.Millisecond,
	}
	b.rdb = servertest.Redis(t)
	b.store = claims.NewStore(b.rdb, claims.Config{Lease: b.timing.Lease, Keep: time.Hour})
	t.Cleanup(b.store.Close)
	b.produce = topics.NewProducer(b.cluster, 5*time.Second, nil)
	return b
}

// do is the system: it notes the effect, unless the test makes it fail.
func (b *bench) do(_ context.Context, m topics.Message) ([]topics.Reply, error) {
	b.calls.Add(1)
	var o order
	if err := m.Decode(&o); err != nil {
		return nil, topics.Fail(topics.Rejected, "schema", "%w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(m, o.N); err != nil {
			return nil, err
		}
	}
	b.effects[m.Subject] = append(b.effects[m.Subject], o.N)
	return []topics.Reply{{Topic: b.route.Writes[0], Type: "test.done.v1", Data: o}}, nil
}

// failing sets what the system does; nil heals it.
func (b *bench) failing(f func(m topics.Message, n int) error) {
	b.mu.Lock()
	b.fail = f
	b.mu.Unlock()
}

// consumer returns one hub with this route.
func (b *bench) consumer() *topics.Consumer {
	b.gate = topics.NewGate(b.breaker, func(reason string, on bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.paused[reason] = on
	})
	check := b.check
	if check == nil {
		check = func(_ string, m topics.Message) (string, error) {
			if !json.Valid(m.Data) {
				return "schema", errors.New("no JSON")
			}
			return "", nil
		}
	}
	return &topics.Consumer{
		Cluster: b.cluster, Partitions: testPartitions, Workers: b.workers, Window: b.window, WindowBytes: 1 << 20, Bytes: &b.bytes,
		Session: 6 * time.Second, Rebalance: 10 * time.Second,
		Delivery: &topics.Delivery{
			Route: b.route, Claims: b.store, Producer: b.produce, Gate: b.gate, Timing: b.timing, Check: check,
			Lease:   func(ctx context.Context, _ time.Time) context.Context { return ctx },
			Metrics: observability.NewMetrics(nil).Route("route"), Log: slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
			Now: time.Now, Losses: b.losses, Outcomes: b.reports, Known: b.known,
		},
	}
}

// run runs a hub; stop ends it as a shutdown does and returns what Run did.
func (b *bench) run(c *topics.Consumer) (stop func() error, ended <-chan struct{}) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = c.Run(ctx)
	}()
	stop = func() error {
		cancel()
		<-done
		return err
	}
	b.t.Cleanup(func() { _ = stop() })
	return stop, done
}

// start runs one hub with this route; stop ends it as a shutdown does.
func (b *bench) start() (stop func()) {
	b.t.Helper()
	end, _ := b.run(b.consumer())
	stop = func() {
		if err := end(); err != nil {
			b.t.Errorf("the route ended with %v", err)
		}
	}
	b.t.Cleanup(stop)
	return stop
}

// observed says whether the route is paused for a reason.
func (b *bench) observed(reason string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused[reason]
}

func message(application string, n int) topics.Message {
	data, _ := json.Marshal(order{n})
	return topics.Message{
		ID: fmt.Sprintf("%s-%d", application, n), Type: "test.do.v1", Source: "test", Subject: application, Time: time.Now(), Data: data,
	}
}

// send writes messages n of an application to the first source.
func (b *bench) send(application string, ns ...int) {
	b.t.Helper()
	for _, n := range ns {
		if err := b.produce.Publish(b.t.Context(), b.route.Sources[0], message(application, n)); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) seen(application string) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]int(nil), b.effects[application]...)
}

// awaitEffects waits until the system has seen exactly the given ns, in order.
func (b *bench) awaitEffects(application string, want ...int) {
	b.t.Helper()
	servertest.Eventually(b.t, fmt.Sprintf("%d effects of %s", len(want), application), func() bool { return len(b.seen(application)) >= len(want) })
	if got := b.seen(application); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Fatalf("effects of %s are %v, want %v", application, got, want)
	}
}

// read returns all records of a topic now.
func (b *bench) read(topic string) []kafka.Message {
	b.t.Helper()
	var out []kafka.Message
	for p := range testPartitions {
		conn, err := kafka.DialLeader(b.t.Context(), "tcp", b.brokers[0], topic, p)
		if err != nil {
			b.t.Fatal(err)
		}
		last, err := conn.ReadLastOffset()
		if err != nil {
			b.t.Fatal(err)
		}
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: b.brokers, Topic: topic, Partition: p, MaxWait: 100 * time.Millisecond})
		for range last {
			m, err := r.ReadMessage(b.t.Context())
			if err != nil {
				b.t.Fatal(err)
			}
			out = append(out, m)
			if m.Offset == last-1 {
				break
			}
		}
		_ = r.Close()
		_ = conn.Close()
	}
	return out
}

func header(m kafka.Message, key string) string {
	for _, h := range m.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// lag is how many offsets of the sources are not committed.
func (b *bench) lag() int64 {
	b.t.Helper()
	var n int64
	client := b.cluster.Client
	for _, topic := range b.route.Sources {
		ps := make([]int, testPartitions)
		var ask []kafka.OffsetRequest
		for p := range ps {
			ps[p] = p
			ask = append(ask, kafka.LastOffsetOf(p))
		}
		committed, err := client.OffsetFetch(b.t.Context(), &kafka.OffsetFetchRequest{GroupID: b.route.Group(), Topics: map[string][]int{topic: ps}})
		if err != nil {
			return -1
		}
		ends, err := client.ListOffsets(b.t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
		if err != nil {
			return -1
		}
		at := map[int]int64{}
		for _, p := range committed.Topics[topic] {
			at[p.Partition] = max(0, p.CommittedOffset)
		}
		for _, p := range ends.Topics[topic] {
			n += p.LastOffset - at[p.Partition]
		}
	}
	return n
}

func (b *bench) awaitCommitted() {
	b.t.Helper()
	servertest.Eventually(b.t, "all offsets committed", func() bool { return b.lag() == 0 })
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func (b *bench) awaitSome(n int) {
	b.t.Helper()
	servertest.Eventually(b.t, fmt.Sprint(n, " effects"), func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		total := 0
		for _, e := range b.effects {
			total += len(e)
		}
		return total >= n
	})
}

// end is how many records a topic holds, of ours and others'.
func (b *bench) end(topic string) int64 {
	b.t.Helper()
	var ask []kafka.OffsetRequest
	for p := range testPartitions {
		ask = append(ask, kafka.LastOffsetOf(p))
	}
	ends, err := b.cluster.Client.ListOffsets(b.t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return 0
	}
	var n int64
	for _, p := range ends.Topics[topic] {
		if p.Error != nil {
			return 0 // no answer yet
		}
		n += p.LastOffset
	}
	return n
}
