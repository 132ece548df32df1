package topics

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
)

// brokers play a Kafka that moves leaders, refuses, is slow, and says that it
// failed where it did not.
type brokers struct {
	t   *testing.T
	rng *rand.Rand

	mu      sync.Mutex
	logs    map[topicPartition][]string
	under   map[topicPartition]bool // a batch of it is under way
	bad     float64                 // share of what fails
	largest int                     // batches of one request
}

func (b *brokers) some(share float64) bool { return b.rng.Float64() < share }

func (b *brokers) leaders(_ context.Context, topics ...string) (map[string]map[int]int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.some(b.bad) {
		return nil, errors.New("nobody knows")
	}
	out := map[string]map[int]int{}
	for _, t := range topics {
		out[t] = map[int]int{}
		for p := range 4 {
			out[t][p] = b.rng.IntN(3)
		}
	}
	return out, nil
}

// ask writes what it does not refuse. A record of "large" is too large.
func (b *brokers) ask(batches []*produceBatch) ([]int64, []error) {
	bases, errs := make([]int64, len(batches)), make([]error, len(batches))
	b.mu.Lock()
	b.largest = max(b.largest, len(batches))
	for _, x := range batches {
		if b.under[x.queue.topicPartition] {
			b.t.Errorf("two batches of %v are under way at once", x.queue.topicPartition)
		}
		b.under[x.queue.topicPartition] = true
	}
	wait := time.Duration(b.rng.IntN(20)) * time.Millisecond
	b.mu.Unlock()
	time.Sleep(wait) // of the test's clock
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, x := range batches {
		tp := x.queue.topicPartition
		b.under[tp] = false
		var texts []string
		for _, it := range x.items {
			for _, r := range it.records {
				v, _ := kafka.ReadAll(r.Value)
				texts = append(texts, string(v))
			}
			rewind(it.records)
		}
		if strings.Contains(strings.Join(texts, " "), "large") {
			errs[i] = kafka.MessageSizeTooLarge
			continue
		}
		if b.some(b.bad) {
			errs[i] = kafka.NotLeaderForPartition
			continue
		}
		bases[i] = int64(len(b.logs[tp]))
		b.logs[tp] = append(b.logs[tp], texts...)
		if b.some(b.bad) {
			errs[i] = kafka.RequestTimedOut // and yet it is written
		}
	}
	return bases, errs
}

func newTestProducer(b *brokers) *Producer {
	p := NewProducer(&Cluster{}, 5*time.Second, nil)
	p.leaders, p.ask = b.leaders, b.ask
	return p
}

func value(text string) kafka.Record { return record([]byte("k"), []byte(text), nil) }

// Whatever the brokers do, each record that a caller was told of lies where it
// was told, and those of one partition lie in the order of their calls.
func TestProducerKeepsOrder(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			b := &brokers{t: t, rng: rand.New(rand.NewPCG(seed, 7)), logs: map[topicPartition][]string{}, under: map[topicPartition]bool{}, bad: 0.2}
			p := newTestProducer(b)
			var wg sync.WaitGroup
			for i := range 8 {
				tp := topicPartition{fmt.Sprintf("t%d", i%2), i % 4}
				for w := range 3 { // several callers, each in its own order
					wg.Go(func() {
						for n := range 40 {
							texts := []kafka.Record{value(fmt.Sprintf("%d/%d/%d", i, w, 2*n)), value(fmt.Sprintf("%d/%d/%d", i, w, 2*n+1))}
							base, err := p.Append(t.Context(), tp.topic, tp.partition, texts...)
							if err != nil {
								t.Errorf("seed %d: %v", seed, err)
								return
							}
							b.mu.Lock()
							if got := b.logs[tp][base : base+2]; got[0] != fmt.Sprintf("%d/%d/%d", i, w, 2*n) || got[1] != fmt.Sprintf("%d/%d/%d", i, w, 2*n+1) {
								t.Errorf("seed %d: at offset %d lies %v", seed, base, got)
							}
							b.mu.Unlock()
						}
					})
				}
			}
			wg.Wait()
			for tp, log := range b.logs {
				next := map[string]int{}
				for _, text := range log {
					var i, w, n int
					fmt.Sscanf(text, "%d/%d/%d", &i, &w, &n)
					caller := fmt.Sprint(i, w)
					if n > next[caller] {
						t.Fatalf("seed %d: %v: %s comes before %d", seed, tp, text, next[caller])
					}
					next[caller] = max(next[caller], n+1)
				}
			}
			if b.largest < 2 {
				t.Errorf("seed %d: no request carried two partitions", seed)
			}
		})
	}
}

// One record that is too large is refused alone, and those beside it are
// written, in order.
func TestProducerRefusesOneRecordAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &brokers{t: t, rng: rand.New(rand.NewPCG(1, 1)), logs: map[topicPartition][]string{}, under: map[topicPartition]bool{}}
		p := newTestProducer(b)
		var wg sync.WaitGroup
		for i := range 20 {
			text := fmt.Sprint(i)
			if i == 7 {
				text = "large"
			}
			wg.Go(func() {
				_, err := p.Append(t.Context(), "t", 0, value(text))
				if (text == "large") != (err != nil) || err != nil && !permanent(err) {
					t.Errorf("%s: %v", text, err)
				}
			})
		}
		wg.Wait()
		if n := len(b.logs[topicPartition{"t", 0}]); n != 19 {
			t.Errorf("%d records were written, want 19", n)
		}
	})
}

// What a caller has given up before it was sent is not sent, and a Kafka that
// never answers well is given up after the time-out.
func TestProducerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &brokers{t: t, rng: rand.New(rand.NewPCG(1, 1)), logs: map[topicPartition][]string{}, under: map[topicPartition]bool{}, bad: 1}
		p := newTestProducer(b)
		began := time.Now()
		if _, err := p.Append(t.Context(), "t", 0, value("a")); err == nil {
			t.Error("written although nobody leads")
		}
		if took := time.Since(began); took < 5*time.Second || took > 11*time.Second {
			t.Errorf("given up after %s", took)
		}
		b.bad = 0
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Append(ctx, "t", 0, value("b")); !errors.Is(err, context.Canceled) {
			t.Errorf("a call that was given up says %v", err)
		}
		if _, err := p.Append(t.Context(), "t", 0, value("c")); err != nil {
			t.Errorf("after all that: %v", err)
		}
		if got := fmt.Sprint(b.logs[topicPartition{"t", 0}]); got != "[c]" {
			t.Errorf("the log holds %s", got)
		}
	})
}
