package check

import (
	"cmp"
	"slices"
	"time"
)

// A Point is what happened in one step of time.
type Point struct {
	At      time.Time // the step's beginning
	Acked   int       // sends in it
	Effects int       // in it, the first of each want
	Unseen  int       // at its end: acked wants that have come to nothing yet
}

// Timeline returns what happened in each step from the first send on.
//
// A want is seen once it has its effect, or once its message has become a
// letter, or has been parked behind one: it then waits for a person. A want that
// is lost stays unseen for ever.
func Timeline(h *History, step time.Duration) []Point {
	r := tie(h)
	moves := r.moves()
	if len(moves) == 0 || step <= 0 {
		return nil
	}
	start := moves[0].at.Truncate(step)
	points := make([]Point, moves[len(moves)-1].at.Sub(start)/step+1)
	for i := range points {
		points[i].At = start.Add(time.Duration(i) * step)
	}
	at := func(t time.Time) *Point { return &points[t.Sub(start)/step] }
	for i := range r.Sends {
		if s := &r.Sends[i]; s.Outcome == Acked && !s.Done.Before(start) && s.Done.Sub(start)/step < time.Duration(len(points)) {
			at(s.Done).Acked++
		}
	}
	unseen, next := 0, 0
	for i := range points {
		for ; next < len(moves) && moves[next].at.Sub(start)/step <= time.Duration(i); next++ {
			unseen += moves[next].unseen
			points[i].Effects += moves[next].effects
		}
		points[i].Unseen = unseen
	}
	return points
}

// A move is a change of what is unseen.
type move struct {
	at              time.Time
	unseen, effects int
}

// moves returns all changes in their order. What is seen before its
// acknowledgement was unseen for no time.
func (r *run) moves() []move {
	var out []move
	for _, m := range r.messages {
		if m.standing != must {
			continue
		}
		for _, w := range m.wants {
			out = append(out, move{at: m.acked, unseen: 1})
			if at, ok := r.seen(w); ok {
				if at.Before(m.acked) {
					at = m.acked
				}
				out = append(out, move{at: at, unseen: -1, effects: min(1, len(w.effects))})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b move) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(b.unseen, a.unseen))
	})
	return out
}

// seen returns when a want was seen.
func (r *run) seen(w *want) (time.Time, bool) {
	switch {
	case len(w.effects) > 0:
		return r.Effects[w.first()].At, true
	case w.state < waiting || w.by == nil:
		return time.Time{}, false
	}
	at := w.by.first.buried
	if at.IsZero() {
		at = w.by.first.parked
	}
	if at.IsZero() {
		at = w.by.first.written
	}
	return at, true
}

// Recovery returns how long after healed the last want was unseen that had been
// sent before it; later ones come and go as load does. ok is false if one was
// never seen.
func Recovery(h *History, healed time.Time) (took time.Duration, ok bool) {
	r := tie(h)
	for _, m := range r.messages {
		if m.standing != must || m.acked.After(healed) {
			continue
		}
		for _, w := range m.wants {
			at, seen := r.seen(w)
			if !seen {
				return 0, false
			}
			took = max(took, at.Sub(healed))
		}
	}
	return took, true
}

// Slowest returns the longest time from an acknowledgement to the first effect,
// and whose it was.
func Slowest(h *History) (took time.Duration, application string) {
	r := tie(h)
	for _, m := range r.messages {
		if m.standing != must {
			continue
		}
		for _, w := range m.wants {
			if len(w.effects) == 0 {
				continue
			}
			if d := r.Effects[w.first()].At.Sub(m.acked); d > took {
				took, application = d, m.send.Application
			}
		}
	}
	return took, application
}

// Rate returns the first effects per second of one route's wants in a time, for
// I9.
func Rate(h *History, route string, from, to time.Time) float64 {
	if !to.After(from) {
		return 0
	}
	r, n := tie(h), 0
	for _, m := range r.messages {
		for _, w := range m.wants {
			if w.Route != route || len(w.effects) == 0 {
				continue
			}
			if at := r.Effects[w.first()].At; !at.Before(from) && at.Before(to) {
				n++
			}
		}
	}
	return float64(n) / to.Sub(from).Seconds()
}
