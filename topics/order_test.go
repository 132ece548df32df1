package topics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"
)

// world is all that one partition number meets, in memory and on a clock of its
// own: the logs, the system with its claims, and a gate that opens and closes.
type world struct {
	route Route

	mu      sync.Mutex
	rng     *rand.Rand
	logs    map[string][]*Record
	commits map[string]int64
	effects map[string]int       // key -> how many messages were carried out, in order
	running map[string]bool      // claims: a call is under way
	letters map[string]string    // claims: dead, with the letter's id
	failing map[string]time.Time // keys whose calls fail until then
	closed  bool                 // the gate
	dying   float64              // share of messages that become letters
	wrong   []string
}

func newWorld(seed uint64, dying float64) *world {
	return &world{
		route: Route{Name: "r", Sources: []string{"a", "b"}}, rng: rand.New(rand.NewPCG(seed, 1)),
		logs: map[string][]*Record{}, commits: map[string]int64{}, effects: map[string]int{}, running: map[string]bool{},
		letters: map[string]string{}, failing: map[string]time.Time{}, dying: dying,
	}
}

// some returns true with probability p, and upTo a duration below d.
func (w *world) some(p float64) bool { w.mu.Lock(); defer w.mu.Unlock(); return w.rng.Float64() < p }

func (w *world) pause(d time.Duration) {
	w.mu.Lock()
	wait := time.Duration(w.rng.Int64N(int64(d)))
	w.mu.Unlock()
	time.Sleep(wait)
}

// write appends after a while; like a broker it may do so although the writer
// has given up, and the writer may not learn of it.
func (w *world) write(ctx context.Context, topic string, _ int, records ...kafka.Record) (int64, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if w.some(0.1) {
		return 0, errors.New("not written")
	}
	w.pause(20 * time.Millisecond)
	w.mu.Lock()
	base := int64(len(w.logs[topic]))
	rewind(records)
	for i, r := range records {
		key, _ := kafka.ReadAll(r.Key)
		value, _ := kafka.ReadAll(r.Value)
		w.logs[topic] = append(w.logs[topic], &Record{Topic: topic, Offset: base + int64(i), Key: key, Value: value, Headers: r.Headers})
	}
	w.mu.Unlock()
	if w.some(0.1) {
		return 0, errors.New("no answer, but written")
	}
	return base, nil
}

func (w *world) fetchAt(_ context.Context, topic string, _ int, offset int64) (*Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logs[topic][offset], nil
}

// carry stands for Delivery.Deliver: claims, a call, and what comes of it.
func (w *world) carry(ctx context.Context, r *Record) outcome {
	key, id := string(r.Key), string(r.Value)
	w.mu.Lock()
	var n int
	_, _ = fmt.Sscanf(id, key+" %d", &n)
	fails := time.Now().Before(w.failing[key])
	letter, dead := w.letters[id]
	busy, done, closed := w.running[id], n < w.effects[key], w.closed
	if !busy && !done && !closed && !dead && !fails {
		w.running[id] = true
	}
	w.mu.Unlock()
	switch {
	case closed:
		w.pause(time.Millisecond) // the gate may open before the partition hears of it
		return outcome{kind: paused, after: time.Hour}
	case busy:
		return outcome{kind: waiting, after: 5 * time.Millisecond}
	case done:
		return outcome{kind: finished}
	case fails:
		return outcome{kind: retry}
	case dead:
		return w.bury(ctx, r, letter)
	}
	w.pause(10 * time.Millisecond) // the call, also after the generation has ended
	dies := w.some(w.dying)
	w.mu.Lock()
	delete(w.running, id)
	switch {
	case dies:
		letter = "letter of " + id
		w.letters[id] = letter
	case w.effects[key] != n:
		w.wrong = append(w.wrong, fmt.Sprintf("%s after %d effects", id, w.effects[key]))
	default:
		w.effects[key]++
	}
	w.mu.Unlock()
	if dies {
		return w.bury(ctx, r, letter)
	}
	return outcome{kind: finished}
}

func (w *world) bury(ctx context.Context, r *Record, id string) outcome {
	for {
		l := letter{id: id, class: LetterRejected, holds: true, record: r}
		offset, err := w.write(ctx, w.route.DeadTopic(), 0, l.encode("r", time.Now()))
		if err == nil {
			return outcome{kind: held, letter: id, offset: offset}
		}
		if ctx.Err() != nil {
			return outcome{kind: stopped}
		}
		time.Sleep(time.Millisecond)
	}
}

// own starts an owner of the partition where the last commits left it; give ends
// its ownership.
func (w *world) own(t *testing.T, window int, bytes *atomic.Int64) (p *partition, give func()) {
	ctx, cancel := context.WithCancel(t.Context())
	g := &generation{
		ctx: ctx, limiter: newLimiter(3, nil), crew: crew{make(chan func())}, bytes: bytes, count: 1, window: window, windowBytes: 1 << 20,
		fetcher: &fetcher{}, committer: &committer{dirtied: make(chan struct{}, 1)},
		carry: oneByOne(w.carry), write: w.write, fetchAt: w.fetchAt,
		delivery: &Delivery{Route: w.route, Gate: NewGate(openBreaker{}, nil), Log: slog.New(slog.DiscardHandler), Now: time.Now,
			Timing: Timing{Drain: 5 * time.Millisecond, ParkAfter: 5 * time.Millisecond, BackoffLeast: time.Millisecond, BackoffMost: 8 * time.Millisecond}},
	}
	p = &partition{generation: g, index: newIndex(), lanes: map[string]*lane{}, early: map[*stream]map[int64]bool{},
		events: make(chan func(), 256), gone: make(chan struct{})}
	w.mu.Lock()
	for _, topic := range []string{"a", "b", w.route.ParkedTopic(), w.route.DeadTopic()} {
		p.add(topic, w.commits[topic], int64(len(w.logs[topic])), w.route)
	}
	w.mu.Unlock()
	var reading sync.WaitGroup
	for _, s := range g.fetcher.streams {
		reading.Go(func() { w.feed(ctx, s) })
	}
	go p.run(ctx)
	return p, func() {
		cancel()
		<-p.gone
		reading.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, s := range g.fetcher.streams {
			at := s.position.Load()
			if at < w.commits[s.topic] {
				w.wrong = append(w.wrong, fmt.Sprintf("%s would go back from %d to %d", s.topic, w.commits[s.topic], at))
			}
			if w.rng.Float64() < 0.7 { // else it died before it committed
				w.commits[s.topic] = at
			}
		}
		if n := bytes.Load(); n != 0 {
			w.wrong = append(w.wrong, fmt.Sprintf("%d bytes are held by nobody", n))
		}
	}
}

// feed reads one topic a few records at a time, while there is room.
func (w *world) feed(ctx context.Context, s *stream) {
	for ctx.Err() == nil {
		w.pause(2 * time.Millisecond)
		w.mu.Lock()
		at, end := s.next.Load(), int64(len(w.logs[s.topic]))
		if at == end || !s.open.Load() {
			w.mu.Unlock()
			continue
		}
		next := min(end, at+1+w.rng.Int64N(3))
		recs := append([]*Record(nil), w.logs[s.topic][at:next]...)
		w.mu.Unlock()
		s.next.Store(next)
		s.deliver(recs, next)
	}
}

// finished says what is not as it must be once nothing fails any more.
func (w *world) unfinished(sent map[string]int, p *partition) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	wrong := w.wrong
	for key, n := range sent {
		_, held := w.letters[fmt.Sprintf("%s %d", key, w.effects[key])]
		if w.effects[key] != n && !held {
			wrong = append(wrong, fmt.Sprintf("%s stands after %d of %d messages", key, w.effects[key], n))
		}
	}
	for _, s := range p.sources {
		if at, end := s.position.Load(), int64(len(w.logs[s.topic])); at != end {
			wrong = append(wrong, fmt.Sprintf("source %s is finished up to %d of %d", s.topic, at, end))
		}
	}
	return wrong
}

// Whatever fails, pauses, dies, lands late or is owned by somebody else, the
// messages of a key are carried out in order and once, and all of them, up to
// the first that became a letter.
func TestOrderWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		window := rapid.IntRange(1, 6).Draw(rt, "window")
		rounds := rapid.IntRange(1, 4).Draw(rt, "owners")
		each := rapid.IntRange(1, 12).Draw(rt, "messages per owner")
		dying := rapid.SampledFrom([]float64{0, 0, 0.1}).Draw(rt, "letters")
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = live(t, newWorld(seed, dying), window, rounds, each) })
		if len(wrong) > 0 {
			rt.Fatalf("%v", wrong)
		}
	})
}

func live(t *testing.T, w *world, window, rounds, each int) []string {
	var bytes atomic.Int64
	sent := map[string]int{}
	source := map[string]string{"k1": "a", "k2": "a", "k3": "b"}
	for range rounds {
		p, give := w.own(t, window, &bytes)
		for range each {
			w.mu.Lock()
			key := fmt.Sprintf("k%d", 1+w.rng.IntN(3))
			topic := source[key]
			w.logs[topic] = append(w.logs[topic], &Record{Topic: topic, Offset: int64(len(w.logs[topic])), Key: []byte(key), Value: fmt.Appendf(nil, "%s %d", key, sent[key])})
			sent[key]++
			if w.rng.Float64() < 0.3 {
				w.failing[key] = time.Now().Add(time.Duration(w.rng.Int64N(int64(60 * time.Millisecond))))
			}
			w.closed = w.rng.Float64() < 0.2
			open := !w.closed
			w.mu.Unlock()
			if open {
				p.delivery.Gate.mu.Lock()
				p.delivery.Gate.answered = time.Now() // its operation answers others
				p.delivery.Gate.mu.Unlock()
				p.post(p.unblock)
			}
			w.pause(15 * time.Millisecond)
		}
		give()
	}
	w.mu.Lock()
	w.closed = false
	w.mu.Unlock()
	p, give := w.own(t, window, &bytes)
	time.Sleep(2 * time.Second)
	wrong := w.unfinished(sent, p)
	give()
	time.Sleep(time.Hour) // late calls and timers end
	return wrong
}
