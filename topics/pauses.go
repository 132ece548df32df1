package topics

import (
	"cmp"
	"slices"
	"time"
)

// A PastPause is why a route has called nobody, and when. A message that came before
// its end and was handled after its beginning has waited for it.
type PastPause struct {
	Reason string    `json:"reason"` // one of the Pause constants
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: it stood on when this was told
}

// maxPast is how many pauses a route remembers. Which of them an outcome tells is
// bounded as its tries are.
const maxPast = 64

// history is the last pauses of a route that have ended.
type history struct {
	pauses []PastPause
	ended  time.Time // the last end
}

// inKafka returns a time as a record would have it, in whole milliseconds: who came in
// the one in which a pause ended has not waited for it.
func inKafka(t time.Time) time.Time { return t.Truncate(time.Millisecond) }

func (h *history) add(reason string, since, until time.Time) {
	if len(h.pauses) == maxPast {
		h.pauses = slices.Delete(h.pauses, 0, 1)
	}
	if end := inKafka(until); end.After(h.ended) {
		h.ended = end
	}
	h.pauses = append(h.pauses, PastPause{Reason: reason, Since: since.UTC(), Until: until.UTC()})
}

// forget begins the history anew. What a route met in an earlier generation of its
// group may have been other messages' pauses: it had other partitions.
func (g *Gate) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.past = history{}
}

// met returns the pauses that a message waited for which came at one time and was
// begun to be handled at another, in the order in which they began: all that lie
// between, and none in a route that has not been paused since it came. Those that
// stand on are among them.
func (g *Gate) met(came, began time.Time) (met []PastPause) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	if g.broken {
		g.lookAtBreaker() // its end may not have been noticed yet
	}
	if len(g.reasons) == 0 && !g.broken && !g.past.ended.After(came) {
		return nil // so it is on the path of nearly every message
	}
	for _, p := range g.past.pauses {
		if inKafka(p.Until).After(came) && p.Since.Before(began) {
			met = append(met, p)
		}
	}
	for _, p := range g.reasons {
		if p.Since.Before(began) {
			met = append(met, PastPause{Reason: p.Reason, Since: p.Since.UTC()})
		}
	}
	if g.broken && g.brokenAt.Before(began) {
		met = append(met, PastPause{Reason: PauseBreaker, Since: g.brokenAt.UTC()})
	}
	slices.SortFunc(met, func(a, b PastPause) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Reason, b.Reason)) })
	if drop := len(met) - firstTries - lastTries; drop > 0 {
		met = slices.Delete(met, firstTries, firstTries+drop)
	}
	return met
}

// waitedSince returns when the message came to where it has waited for this attempt:
// to its topic, to the parked topic, or by a decision of a person.
func (l *life) waitedSince() time.Time {
	if !l.term.decided.IsZero() {
		return l.term.decided
	}
	return l.record.Time
}
