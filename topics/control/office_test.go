package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// office is a desk beside a hub with one route, whose system refuses what the
// test says.
type office struct {
	*desk
	route topics.Route
	redis *redis.Client

	mu      sync.Mutex
	refuses func(application string) bool
	effects []string // messages that were carried out
	calls   atomic.Int64
}

func newOffice(t *testing.T) *office { return newOfficeOn(t, servertest.Brokers(t)) }

func newOfficeOn(t *testing.T, brokers []string) *office {
	name := servertest.Unique("r")
	o := &office{desk: newDesk(t, brokers, name), refuses: func(string) bool { return true }}
	o.route = topics.Route{
		Name: name, Sources: []string{name + ".in"}, Writes: []string{name + ".out"},
		Operation: topics.Operation{System: "test", Name: "do", Effect: topics.C1, Do: o.do},
	}
	return o
}

func (o *office) do(_ context.Context, m topics.Message) ([]topics.Reply, error) {
	o.calls.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuses(m.Subject) {
		return nil, topics.Fail(topics.Rejected, "http_422", "refused")
	}
	o.effects = append(o.effects, m.ID)
	return []topics.Reply{{Topic: o.route.Writes[0], Type: "test.done.v1", Data: map[string]string{"by": "system"}}}, nil
}

func (o *office) refusing(f func(application string) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuses = f
}

// start runs the hub until the test ends.
func (o *office) start() { o.t.Cleanup(o.run()) }

// run runs the hub until stop is called.
func (o *office) run() (stop func()) {
	t := o.t
	if o.redis == nil {
		o.redis = servertest.Redis(t)
	}
	store := claims.NewStore(o.redis, claims.Config{Lease: 3 * time.Second, Keep: time.Hour})
	t.Cleanup(store.Close)
	breaker := open{make(chan struct{})}
	c := &topics.Consumer{
		Cluster: o.cluster, Partitions: 2, Workers: 8, Window: 100, WindowBytes: 1 << 20, Bytes: new(atomic.Int64),
		Session: 6 * time.Second, Rebalance: 10 * time.Second,
		Delivery: &topics.Delivery{
			Route: o.route, Claims: store, Producer: o.producer, Gate: topics.NewGate(breaker, nil),
			Timing: topics.Timing{Call: time.Second, Lease: 3 * time.Second, Drain: time.Second, ParkAfter: time.Minute,
				BackoffLeast: 10 * time.Millisecond, BackoffMost: 100 * time.Millisecond},
			Check: func(topic string, _ topics.Message) (string, error) {
				if topic == "broken" {
					return "unknown_topic", errors.New("no topic of the contract")
				}
				return "", nil
			},
			Lease:   func(ctx context.Context, _ time.Time) context.Context { return ctx },
			Metrics: observability.NewMetrics(nil).Route("route"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now,
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the hub ended with: %v", err)
		}
	}
}

// open is a breaker that admits everything.
type open struct{ changed chan struct{} }

func (open) Admit() (func(error), time.Duration, bool) { return func(error) {}, 0, true }
func (open) Open() bool                                { return false }
func (b open) Changed() <-chan struct{}                { return b.changed }

// send writes one message of an application.
func (o *office) send(application string, n int) {
	o.t.Helper()
	m := topics.Message{ID: fmt.Sprint(application, "-", n), Type: "test.order.v1", Source: "test", Subject: application,
		Time: time.Now(), Data: json.RawMessage(`{"iin":"990101200017","persons":[{"name":"secret"}]}`)}
	if err := o.producer.Publish(o.t.Context(), o.route.Sources[0], m); err != nil {
		o.t.Fatal(err)
	}
}

// letters waits for as many letters that nobody has decided.
func (o *office) letters(n int) (letters []topics.Letter) {
	o.t.Helper()
	servertest.Eventually(o.t, fmt.Sprint(n, " letters"), func() bool {
		var err error
		letters, err = o.Letters(o.t.Context(), control.Filter{})
		return err == nil && len(letters) == n
	})
	return letters
}

func (o *office) awaitEffects(want ...string) {
	o.t.Helper()
	slices.Sort(want)
	servertest.Eventually(o.t, fmt.Sprint("effects ", want), func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return slices.Equal(slices.Sorted(slices.Values(o.effects)), want)
	})
}

// replies counts what was written, by whom and of which application.
func (o *office) replies() map[string]int {
	o.t.Helper()
	out := map[string]int{}
	for p := range 2 {
		resp, err := o.cluster.Client.Fetch(o.t.Context(), fetchAll(o.route.Writes[0], p))
		if err != nil {
			o.t.Fatal(err)
		}
		for {
			r, err := resp.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				o.t.Fatal(err)
			}
			value, err := io.ReadAll(r.Value)
			if err != nil {
				o.t.Fatal(err)
			}
			var by struct{ By string }
			if err := json.Unmarshal(value, &by); err != nil {
				o.t.Fatal(err)
			}
			key, err := io.ReadAll(r.Key)
			if err != nil {
				o.t.Fatal(err)
			}
			out[by.By+" "+string(key)]++
		}
	}
	return out
}

func fetchAll(topic string, partition int) *kafka.FetchRequest {
	return &kafka.FetchRequest{Topic: topic, Partition: partition, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond}
}
