package topics

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// send writes the next message of a key to one of its sources, and lets
// something go wrong or right.
func (s *play) send(sent map[string]int) (open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, topic := fmt.Sprintf("k%d", 1+s.rng.IntN(3)), s.route.Sources[s.rng.IntN(2)]
	id := key + " " + topic
	s.logs[topic] = append(s.logs[topic], &Record{Topic: topic, Offset: int64(len(s.logs[topic])), Key: []byte(key), Value: fmt.Appendf(nil, "%s %d", id, sent[id])})
	sent[id]++
	if s.rng.Float64() < 0.3 {
		s.failing[key] = time.Now().Add(time.Duration(s.rng.Int64N(int64(60 * time.Millisecond))))
	}
	s.closed = s.rng.Float64() < 0.15
	return !s.closed
}

// perform plays one seed, and says what went wrong.
func (s *play) perform(t *testing.T) []string {
	sent := map[string]int{}
	turns := 10 + s.rng.IntN(40)
	p, end := s.take(t)
	ends := []func(){end}
	for range turns {
		if s.send(sent) {
			p.delivery.Gate.mu.Lock()
			p.delivery.Gate.answered = time.Now() // its operation answers others
			p.delivery.Gate.mu.Unlock()
			p.post(p.unblock)
		}
		s.pause(15 * time.Millisecond)
		s.discard(0.05)
		if s.some(0.08) { // the old owner may not hear of it at once
			p, end = s.take(t)
			ends = append(ends, end)
		}
		if len(ends) > 1 && s.some(0.3) {
			ends[0]()
			ends = ends[1:]
		}
	}
	for _, end := range ends {
		end()
	}
	s.mu.Lock()
	s.closed = false
	s.mu.Unlock()
	p, end = s.take(t)
	for range 60 { // until nothing is left to be decided
		s.discard(1)
		time.Sleep(50 * time.Millisecond)
	}
	end()
	time.Sleep(time.Hour) // late calls and timers end
	return s.unsettled(sent, p)
}

// unsettled says what is not as it must be once nothing fails any more.
func (s *play) unsettled(sent map[string]int, p *partition) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := s.wrong
	for id, n := range sent {
		for i := range n {
			m := fmt.Sprintf("%s %d", id, i)
			if c := s.claims[m]; c == nil || !c.done || s.effects[m] == 0 && !c.discarded {
				wrong = append(wrong, m+" is not carried out")
			}
		}
	}
	for _, st := range p.fetcher.streams {
		if at, end := s.commits[st.topic], int64(len(s.logs[st.topic])); at != end {
			wrong = append(wrong, fmt.Sprintf("%s is finished up to %d of %d", st.topic, at, end))
		}
	}
	if n := s.bytes.Load(); n != 0 {
		wrong = append(wrong, fmt.Sprintf("%d bytes are held by nobody", n))
	}
	return wrong
}

// Whatever fails, stays unclear, is refused, parked, paused, decided, lands late
// or is owned twice: each message has one effect, in the order of its source, or
// a person discards it; nothing is lost by any commit, and the window holds.
func TestLanesWhateverHappens(t *testing.T) {
	base, runs := rand.Uint64(), 300
	if underRace {
		runs = 60
	}
	for i := range uint64(runs) {
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = newPlay(base + i).perform(t) })
		if len(wrong) > 0 {
			t.Fatalf("seed %d: %d things, first: %v", base+i, len(wrong), wrong[:min(len(wrong), 8)])
		}
	}
}
