package check

import (
	"cmp"
	"slices"
	"time"
)

// A line is the ordered wants of one application at one operation of a system.
type line struct{ system, operation, application string }

// checkOrder is I4.
func (v *verdict) checkOrder(r *run) {
	lines := map[line][]*want{}
	var keys []line
	for _, m := range r.messages {
		if m.standing == mustNo {
			continue
		}
		for _, w := range m.wants {
			if !w.Ordered {
				continue
			}
			k := line{w.System, w.Operation, m.send.Application}
			if lines[k] == nil {
				keys = append(keys, k)
			}
			lines[k] = append(lines[k], w)
		}
	}
	for _, k := range keys {
		v.checkLine(r, lines[k])
	}
}

// checkLine holds the first effects of a line against Seq, and then what is
// missing, or waits for a person, against what came later.
func (v *verdict) checkLine(r *run, wants []*want) {
	var told []*want
	for _, w := range wants {
		if len(w.effects) > 0 {
			told = append(told, w)
		}
	}
	slices.SortStableFunc(told, func(a, b *want) int { return cmp.Compare(a.first(), b.first()) })
	highest := 0
	for _, w := range told {
		seq := w.message.send.Seq
		if seq < highest {
			v.add("I4", "order", "%s: %s came after that of seq %d", w.message, w, highest)
		}
		highest = max(highest, seq)
	}
	for _, w := range wants {
		from, until, held := r.holds(w)
		if !held {
			continue
		}
		for _, later := range told {
			at := r.Effects[later.first()].At
			if later.message.send.Seq > w.message.send.Seq && at.After(from) && (until.IsZero() || at.Before(until)) {
				v.add("I4", "overtaken", "%s: %s is held, and seq %d came to its effect at %s",
					w.message, w, later.message.send.Seq, at.Format(time.RFC3339Nano))
				break
			}
		}
	}
}

// holds says in what time no later message of the application may come to its
// effect: while a letter holds its key, or at all before a message that has not
// come to an end. Zero times: from ever, for ever.
func (r *run) holds(w *want) (from, until time.Time, held bool) {
	switch {
	case w.state == missing:
		return from, until, false // it is lost, and told as that
	case w.state == open, w.state == waiting:
		return from, until, true
	case w.by == nil:
		return from, until, false
	}
	for _, l := range w.by.letters {
		if !l.holds {
			continue
		}
		held = true
		if w.state == done {
			from = l.record.Time.Add(r.slack)
		}
		until = time.Time{}
		if l.resolved {
			until = l.decidedAt.Add(-r.slack)
		}
	}
	return from, until, held
}
