package topics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	gate    *topics.Gate
	produce *topics.Producer
	timing  topics.Timing
	window  int

	mu      sync.Mutex
	effects map[string][]int // application -> n, in order
	fail    func(m topics.Message, n int) error
}

// steady admits everything.
type steady struct{ never chan struct{} }

func (steady) Admit() (func(error), time.Duration, bool) { return func(error) {}, 0, true }
func (steady) Open() bool                                { return false }
func (s steady) Changed() <-chan struct{}                { return s.never }

func newBench(t *testing.T, effect topics.Effect) *bench {
	b := &bench{t: t, brokers: servertest.Brokers(t), effects: map[string][]int{}, window: 100}
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
	b.store = claims.NewStore(servertest.Redis(t), claims.Config{Lease: b.timing.Lease, Keep: time.Hour})
	t.Cleanup(b.store.Close)
	b.produce = topics.NewProducer(b.cluster, 5*time.Second, nil)
	return b
}

// do is the system: it notes the effect, unless the test makes it fail.
func (b *bench) do(_ context.Context, m topics.Message) ([]topics.Reply, error) {
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

// start runs one hub with this route; stop ends it as a shutdown does.
func (b *bench) start() (stop func()) {
	b.t.Helper()
	gate := topics.NewGate(steady{make(chan struct{})}, nil)
	b.gate = gate
	c := &topics.Consumer{
		Cluster: b.cluster, Partitions: testPartitions, Workers: 32, Window: b.window, WindowBytes: 1 << 20, Bytes: &atomic.Int64{},
		Session: 6 * time.Second, Rebalance: 10 * time.Second,
		Delivery: &topics.Delivery{
			Route: b.route, Claims: b.store, Producer: b.produce, Gate: gate, Timing: b.timing,
			Check:   func(string, topics.Message) (string, error) { return "", nil },
			Lease:   func(ctx context.Context, _ time.Time) context.Context { return ctx },
			Metrics: observability.NewMetrics(nil), Log: slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
			Now: time.Now,
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		err := c.Run(ctx)
		if err != nil {
			b.t.Errorf("the route ended with %v", err)
		}
		done <- err
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			<-done
		})
	}
	b.t.Cleanup(stop)
	return stop
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

func TestEachMessageOnceInOrder(t *testing.T) {
	for _, effect := range []topics.Effect{topics.ReadOnly, topics.C1, topics.C2, topics.C3} {
		t.Run(effect.String(), func(t *testing.T) {
			b := newBench(t, effect)
			const applications, each = 20, 20
			for n := range each {
				for a := range applications {
					b.send(fmt.Sprintf("app-%d", a), n, n) // each twice
				}
			}
			b.start()
			for a := range applications {
				b.awaitEffects(fmt.Sprintf("app-%d", a), upTo(each)...)
			}
			b.awaitCommitted()
			ids := map[string]int{}
			for _, m := range b.read(b.route.Writes[0]) {
				ids[header(m, "ce_id")]++
				if header(m, "ce_source") != topics.SourceHub || header(m, "ce_roottime") == "" {
					t.Fatalf("reply without source or root time: %v", m.Headers)
				}
			}
			if len(ids) != applications*each {
				t.Errorf("%d replies, want %d", len(ids), applications*each)
			}
			if n := len(b.read(b.route.DeadTopic())); n != 0 {
				t.Errorf("%d dead letters", n)
			}
		})
	}
}

func TestUnavailableWaitsInItsLane(t *testing.T) {
	b := newBench(t, topics.C2)
	b.timing.ParkAfter = time.Hour
	failures := 0
	b.failing(func(m topics.Message, n int) error {
		if m.Subject == "slow" && n == 1 && failures < 5 {
			failures++
			return topics.Fail(topics.Unavailable, "connect", "refused")
		}
		return nil
	})
	b.start()
	b.send("slow", 0, 1, 2)
	b.send("fast", 0, 1, 2)
	b.awaitEffects("fast", 0, 1, 2)
	b.awaitEffects("slow", 0, 1, 2)
	b.awaitCommitted()
	if n := len(b.read(b.route.ParkedTopic())); n != 0 {
		t.Errorf("%d records parked", n)
	}
}

func TestKeyIsParkedAndComesBackInOrder(t *testing.T) {
	b := newBench(t, topics.C2)
	refuse := func(m topics.Message, n int) error {
		if m.Subject == "stuck" {
			return topics.Fail(topics.Unavailable, "connect", "refused")
		}
		return nil
	}
	b.failing(refuse)
	stop := b.start()
	b.send("stuck", 0, 1, 2)
	for n := 0; len(b.read(b.route.ParkedTopic())) < 3; n++ {
		b.send("other", n) // its operation answers others
	}
	b.send("stuck", 3) // follows into the parked topic
	servertest.Eventually(t, "the follower is parked", func() bool { return len(b.read(b.route.ParkedTopic())) >= 4 })
	b.awaitCommitted()
	// The next owner builds its index from the parked topic.
	stop()
	b.start()
	b.send("stuck", 4)
	servertest.Eventually(t, "the next one is parked", func() bool { return len(b.read(b.route.ParkedTopic())) >= 5 })
	b.failing(nil)
	b.awaitEffects("stuck", 0, 1, 2, 3, 4)
	b.send("stuck", 5)
	b.awaitEffects("stuck", 0, 1, 2, 3, 4, 5)
	b.awaitCommitted()
}

func TestRejectedIsADeadLetterThatHoldsItsKey(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(func(m topics.Message, n int) error {
		if m.Subject == "bad" && n == 1 {
			return topics.Fail(topics.Rejected, "http_422", "refused")
		}
		return nil
	})
	stop := b.start()
	b.send("bad", 0, 1, 2)
	b.send("good", 0, 1, 2)
	b.awaitEffects("good", 0, 1, 2)
	b.awaitEffects("bad", 0)
	servertest.Eventually(t, "letter and follower", func() bool {
		return len(b.read(b.route.DeadTopic())) == 1 && len(b.read(b.route.ParkedTopic())) == 1
	})
	letter := b.read(b.route.DeadTopic())[0]
	if header(letter, "hub_kind") != "letter" || header(letter, "hub_code") != "http_422" || header(letter, "hub_class") != topics.LetterRejected ||
		header(letter, "ce_id") != "bad-1" || string(letter.Key) != "bad" || string(letter.Value) != `{"n":1}` {
		t.Errorf("letter is %s %v", letter.Value, letter.Headers)
	}
	b.awaitCommitted()
	stop()
	b.start() // the letter still holds its key
	b.send("bad", 3)
	b.send("good", 3)
	b.awaitEffects("good", 0, 1, 2, 3)
	servertest.Eventually(t, "the next follower is parked", func() bool { return len(b.read(b.route.ParkedTopic())) == 2 })
	b.awaitEffects("bad", 0)
}

func TestWhatCannotBeTrustedHoldsNothing(t *testing.T) {
	b := newBench(t, topics.C1)
	b.start()
	ctx := t.Context()
	raw := func(key, value string, headers ...kafka.Header) {
		p := topics.PartitionOf([]byte(key), testPartitions)
		if _, err := b.produce.Append(ctx, b.route.Sources[0], p, kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte(value)), Headers: headers}); err != nil {
			t.Fatal(err)
		}
	}
	good := message("app", 0)
	raw("app", "rubbish")
	raw("app", "{", good.Headers()...)
	raw("other", `{"n":0}`, good.Headers()...)
	b.send("app", 0)
	conflict := message("app", 0)
	conflict.Data = []byte(`{"n":99}`)
	if err := b.produce.Publish(ctx, b.route.Sources[0], conflict); err != nil {
		t.Fatal(err)
	}
	b.send("app", 1)
	b.awaitEffects("app", 0, 1)
	b.awaitCommitted()
	codes := map[string]int{}
	for _, m := range b.read(b.route.DeadTopic()) {
		codes[header(m, "hub_code")]++
		if header(m, "hub_holds") != "false" || header(m, "hub_class") != topics.LetterUntrusted {
			t.Errorf("letter %v", m.Headers)
		}
	}
	want := map[string]int{"not_cloudevent": 1, "not_json": 1, "key_subject": 1, "conflict": 1}
	if fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("letters %v, want %v", codes, want)
	}
}

func TestUncertainC2IsAskedBeforeItIsRepeated(t *testing.T) {
	for _, arrived := range []bool{true, false} {
		t.Run(fmt.Sprint("arrived=", arrived), func(t *testing.T) {
			b := newBench(t, topics.C2)
			asked, reset := 0, false
			b.route.Operation.Ask = func(_ context.Context, m topics.Message, sent time.Time) ([]topics.Reply, bool, error) {
				b.mu.Lock()
				defer b.mu.Unlock()
				asked++
				if asked == 1 {
					return nil, false, topics.Fail(topics.Unavailable, "connect", "refused")
				}
				return []topics.Reply{{Topic: b.route.Writes[0], Type: "test.done.v1", Data: order{0}}}, arrived, nil
			}
			b.failing(func(m topics.Message, n int) error {
				if n == 0 && !reset {
					reset = true
					if arrived {
						b.effects[m.Subject] = append(b.effects[m.Subject], n)
					}
					return topics.Fail(topics.Uncertain, "reset", "connection reset")
				}
				return nil
			})
			b.start()
			b.send("app", 0, 1)
			b.awaitEffects("app", 0, 1)
			b.awaitCommitted()
			if asked != 2 {
				t.Errorf("asked %d times", asked)
			}
			if n := len(b.read(b.route.Writes[0])); n != 2 {
				t.Errorf("%d replies", n)
			}
		})
	}
}

func TestPanicIsADeadLetter(t *testing.T) {
	b := newBench(t, topics.C2)
	b.failing(func(m topics.Message, n int) error {
		if m.Subject == "bad" {
			panic("personal data")
		}
		return nil
	})
	b.start()
	b.send("bad", 0)
	b.send("good", 0)
	b.awaitEffects("good", 0)
	b.awaitCommitted()
	letters := b.read(b.route.DeadTopic())
	if len(letters) != 1 || header(letters[0], "hub_class") != topics.LetterUncertain || header(letters[0], "hub_code") != "panic" {
		t.Errorf("letters: %v", letters)
	}
}

func TestMembersComeAndGo(t *testing.T) {
	b := newBench(t, topics.C3)
	const applications, each = 30, 30
	stop1 := b.start()
	var sending sync.WaitGroup
	sending.Go(func() {
		for n := range each {
			for a := range applications {
				b.send(fmt.Sprintf("app-%d", a), n)
			}
		}
	})
	b.awaitSome(100)
	b.start()
	b.awaitSome(300)
	b.start()
	b.awaitSome(500)
	stop1()
	sending.Wait()
	for a := range applications {
		b.awaitEffects(fmt.Sprintf("app-%d", a), upTo(each)...)
	}
	b.awaitCommitted()
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
