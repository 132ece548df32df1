package topics

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// play is a world in which the partition changes hands while its old owner goes
// on, people decide of letters, and what came of a call may not be known. Its
// keys have messages in both sources.
type play struct {
	*world
	window  int
	current int // the owner whose commits the broker takes
	owners  int
	bytes   atomic.Int64
	claims  map[string]*playClaim
	effects map[string]int
}

// playClaim is what Redis knows of one message.
type playClaim struct {
	lease     time.Time
	sent      time.Time // zero: not sent
	done      bool
	discarded bool
	letter    string
	died      time.Time
}

const (
	playLease  = 15 * time.Millisecond
	playSettle = 25 * time.Millisecond
)

func newPlay(seed uint64) *play {
	w := newWorld(seed, 0)
	return &play{world: w, window: 1 + w.rng.IntN(6), claims: map[string]*playClaim{}, effects: map[string]int{}}
}

// deliver stands for Delivery.Deliver, with claims that are a map.
func (s *play) deliver(ctx context.Context, r *Record) outcome {
	id := string(append([]byte(nil), r.Value...))
	s.mu.Lock()
	now := time.Now()
	c := s.claims[id]
	if c == nil {
		c = &playClaim{}
		s.claims[id] = c
	}
	rest := playSettle - now.Sub(c.sent)
	letter, busy := c.letter, c.lease.Sub(now)
	switch {
	case s.closed:
		s.mu.Unlock()
		s.pause(time.Millisecond)
		return outcome{kind: paused, after: time.Hour}
	case c.done:
		s.mu.Unlock()
		return outcome{kind: finished}
	case letter != "":
		s.mu.Unlock()
		return s.bury(ctx, r, letter)
	case busy > 0, !c.sent.IsZero() && rest > 0:
		s.mu.Unlock()
		return outcome{kind: waiting, after: max(rest, busy)}
	case !c.sent.IsZero() && s.effects[id] > 0: // asked: it arrived
		c.done = true
		s.mu.Unlock()
		return outcome{kind: finished}
	case now.Before(s.failing[string(r.Key)]) || ctx.Err() != nil:
		s.mu.Unlock()
		return outcome{kind: retry}
	}
	c.lease, c.sent = now.Add(playLease), now
	s.mu.Unlock()
	return s.call(ctx, r, c)
}

// call is one call and what comes of it.
func (s *play) call(ctx context.Context, r *Record, c *playClaim) outcome {
	id := string(r.Value)
	s.pause(playLease * 2 / 3)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p := s.rng.Float64(); {
	case p < 0.06: // no answer; it may arrive late, but before anybody asks
		if s.rng.IntN(2) == 0 {
			after := time.Duration(s.rng.Int64N(int64(playSettle / 4)))
			time.AfterFunc(after, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.act(id)
			})
		}
		return outcome{kind: waiting, after: playLease}
	case p < 0.10: // surely failed
		c.lease, c.sent = time.Time{}, time.Time{}
		return outcome{kind: retry}
	case p < 0.14: // refused
		letter := "letter of " + id
		c.letter, c.died = letter, time.Now()
		s.mu.Unlock()
		out := s.bury(ctx, r, letter)
		s.mu.Lock()
		return out
	case p < 0.17 && ctx.Err() != nil: // it ends in the middle
		return outcome{kind: stopped}
	}
	s.act(id)
	c.done = true
	return outcome{kind: finished}
}

// act is one effect: once, and after all before it in its source.
func (s *play) act(id string) {
	if s.effects[id]++; s.effects[id] > 1 {
		s.wrong = append(s.wrong, id+" is carried out twice")
	}
	cut := strings.LastIndexByte(id, ' ')
	n, _ := strconv.Atoi(id[cut+1:])
	for before := range n {
		b := id[:cut+1] + strconv.Itoa(before)
		if c := s.claims[b]; s.effects[b] == 0 && (c == nil || !c.discarded) {
			s.wrong = append(s.wrong, id+" is carried out before "+b)
		}
	}
}

// take makes a new owner, which starts where the commits are. Whoever had the
// partition goes on until it is told to end.
func (s *play) take(t *testing.T) (p *partition, end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	g := &generation{
		ctx: ctx, limiter: newLimiter(3, nil), crew: crew{make(chan func())}, bytes: &s.bytes, count: 1, window: s.window, windowBytes: 1 << 20,
		fetcher: &fetcher{}, committer: &committer{dirtied: make(chan struct{}, 1)},
		carry: oneByOne(s.deliver), write: s.write, fetchAt: s.fetchAt,
		delivery: &Delivery{Route: s.route, Gate: NewGate(openBreaker{}, nil), Log: slog.New(slog.DiscardHandler), Now: time.Now,
			Timing: Timing{Drain: 5 * time.Millisecond, ParkAfter: 5 * time.Millisecond, BackoffLeast: time.Millisecond, BackoffMost: 8 * time.Millisecond}},
	}
	p = &partition{generation: g, index: newIndex(), lanes: map[string]*lane{}, early: map[*stream]map[int64]bool{},
		events: make(chan func(), 256), gone: make(chan struct{})}
	s.mu.Lock()
	s.owners++
	s.current, p.owner = s.owners, uint64(s.owners)
	for _, topic := range []string{"a", "b", s.route.ParkedTopic(), s.route.DeadTopic()} {
		p.add(topic, s.commits[topic], int64(len(s.logs[topic])), s.route)
	}
	s.mu.Unlock()
	var working sync.WaitGroup
	for _, st := range g.fetcher.streams {
		working.Go(func() { s.feed(ctx, st) })
	}
	working.Go(func() { s.watch(ctx, p) })
	go p.run(ctx)
	return p, func() {
		cancel()
		<-p.gone
		working.Wait()
		s.commit(p)
	}
}

// watch commits now and then, and holds the window against its bound.
func (s *play) watch(ctx context.Context, p *partition) {
	for ctx.Err() == nil {
		s.pause(4 * time.Millisecond)
		s.commit(p)
		p.post(func() {
			for _, st := range p.sources {
				if n := st.tracker.span(); n > s.window-1+3 { // feed hands over three at most
					s.mu.Lock()
					s.wrong = append(s.wrong, fmt.Sprintf("%d messages of %s are held, the window is %d", n, st.topic, s.window))
					s.mu.Unlock()
				}
			}
		})
	}
}

// commit commits for an owner that still has the partition. Each message that is
// not settled must lie where a next owner would find it.
func (s *play) commit(p *partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != int(p.owner) {
		return
	}
	for _, st := range p.fetcher.streams {
		at := st.position.Load()
		if at < s.commits[st.topic] {
			s.wrong = append(s.wrong, fmt.Sprintf("%s would go back from %d to %d", st.topic, s.commits[st.topic], at))
		}
		s.commits[st.topic] = at
	}
	for _, topic := range s.route.Sources {
		for _, r := range s.logs[topic][:s.commits[topic]] {
			if c := s.claims[string(r.Value)]; (c == nil || !c.done) && !s.findable(string(r.Value)) {
				s.wrong = append(s.wrong, string(r.Value)+" is lost")
			}
		}
	}
}

// findable says whether a message lies on the parked or dead topic where a next
// owner would take it up.
func (s *play) findable(id string) bool {
	parked, dead := s.route.ParkedTopic(), s.route.DeadTopic()
	for _, e := range s.logs[parked][s.commits[parked]:] {
		if kind, _ := e.header(headerKind); kind != kindParked || string(e.Value) != id {
			continue
		}
		covered := false
		for _, n := range s.logs[parked][e.Offset:] {
			kind, _ := n.header(headerKind)
			covered = covered || kind == kindThrough && string(n.Key) == string(e.Key) && readNote(n).covers(parkedEntry{e.Offset, e.writer()})
		}
		if !covered {
			return true
		}
	}
	for _, l := range s.logs[dead][s.commits[dead]:] {
		if kind, _ := l.header(headerKind); kind == kindLetter && string(l.Value) == id {
			return true
		}
	}
	return false
}

// discard is a person who discards some of the letters, or all. People are slower
// than a record that lands late: a copy that landed after their decision would
// have to be decided once more.
func (s *play) discard(share float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dead := s.route.DeadTopic()
	for _, r := range s.logs[dead] {
		c := s.claims[string(r.Value)]
		if kind, _ := r.header(headerKind); kind != kindLetter || c.done || time.Since(c.died) < 200*time.Millisecond || s.rng.Float64() > share {
			continue
		}
		c.done, c.discarded = true, true
		note := controlRecord(string(r.Key), kindResolved, "hub_letter", c.letter)
		s.logs[dead] = append(s.logs[dead], &Record{Topic: dead, Offset: int64(len(s.logs[dead])), Key: r.Key, Headers: note.Headers})
	}
}
