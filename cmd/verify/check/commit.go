package check

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// committed is how a group's offset in one partition went on.
type committed struct {
	group     string
	topic     string
	partition int
}

// A track is what was seen of a committed offset, and the highest so far.
type track struct {
	seen    []Commit
	highest []int64
}

type tracks map[committed]*track

func (t tracks) add(c Commit) {
	k := committed{c.Group, c.Topic, c.Partition}
	x := t[k]
	if x == nil {
		x = &track{}
		t[k] = x
	}
	highest := c.Offset
	if n := len(x.seen); n > 0 {
		highest = max(highest, x.highest[n-1])
	}
	x.seen, x.highest = append(x.seen, c), append(x.highest, highest)
}

// passed returns when a group's committed offset was first seen beyond a place.
func (t tracks) passed(o *route, at place) (time.Time, bool) {
	x := t[committed{o.group(), at.topic, at.partition}]
	if x == nil {
		return time.Time{}, false
	}
	i, _ := slices.BinarySearch(x.highest, at.offset+1)
	if i == len(x.seen) || x.seen[i].At.IsZero() {
		return time.Time{}, false
	}
	return x.seen[i].At, true
}

// checkCommits is I6.
func (v *verdict) checkCommits(r *run) {
	samples := tracks{}
	for _, c := range r.Commits {
		samples.add(c)
	}
	for group, ends := range r.Ends {
		for _, c := range ends {
			samples.add(Commit{Group: group, Topic: c.Topic, Partition: c.Partition, Offset: c.Offset})
		}
	}
	v.checkRegress(r, samples)
	for _, m := range r.messages {
		if m.standing == must && m.send.Offset >= 0 && !r.Remade[m.send.Topic] {
			v.checkAhead(r, m, samples)
		}
	}
	for _, x := range r.rejects {
		v.checkRejectAhead(r, x, samples)
	}
}

func (v *verdict) checkRegress(r *run, samples tracks) {
	keys := slices.SortedFunc(maps.Keys(samples), func(a, b committed) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	for _, k := range keys {
		for i, c := range samples[k].seen[1:] {
			if before := samples[k].seen[i].Offset; c.Offset < before && !r.Remade[k.topic] {
				v.add("I6", "commit regress", "group %s, %s/%d: %d after %d", k.group, k.topic, k.partition, c.Offset, before)
			}
		}
	}
}

// checkAhead finds a message that was committed before it was finished. One
// that never was is lost, and told as that.
func (v *verdict) checkAhead(r *run, m *message, samples tracks) {
	for _, o := range r.readers[m.send.Topic] {
		at, ok := samples.passed(o, m.place())
		c := o.carried[m.identity]
		if !ok || c == nil || c.first.finishedBy(at.Add(r.slack)) {
			continue
		}
		late := c.first.finishedLater(at.Add(r.slack))
		for _, w := range m.wants {
			began, known := r.reached(o, w)
			if !known {
				continue
			}
			if began.After(at.Add(r.slack)) || began.IsZero() && late {
				v.add("I6", "commit ahead", "%s at %s was committed by %s, and %s came later", m, m.place(), at.Format(time.RFC3339Nano), w)
				break
			}
		}
	}
}

// reached returns when a want had gone through a route: it came to its effect
// there, or was written to a topic that follows. Zero: never.
func (r *run) reached(o *route, w *want) (at time.Time, known bool) {
	if w.Route == o.Name {
		if len(w.effects) == 0 {
			return at, true
		}
		return r.Effects[w.first()].At, w.precise(r)
	}
	next := r.routes[w.Route]
	if next == nil || w.Event == "" || !leadsTo(o, next) {
		return at, false
	}
	for _, c := range r.carriers(next, w) {
		if !c.first.written.IsZero() {
			earliest(&at, c.first.written)
		}
	}
	return at, true
}

// precise says whether a want's ledger row is surely its own, and not that of
// another want which names as little.
func (w *want) precise(r *run) bool {
	g := r.groups[effectKey{w.System, w.Operation, w.message.send.Application, w.Event, w.ID}]
	return g != nil && len(g.wants) == 1
}

// checkRejectAhead finds a reject that was committed before it was a letter.
func (v *verdict) checkRejectAhead(r *run, x *reject, samples tracks) {
	for _, place := range x.places {
		for _, o := range r.readers[place.topic] {
			at, ok := samples.passed(o, place)
			if ok && !r.Remade[place.topic] && o.badAt[place].finishedLater(at.Add(r.slack)) {
				v.add("I6", "commit ahead", "%s %s at %s was committed by %s, and became a letter later",
					x.send.Kind, x.send.ID, place, at.Format(time.RFC3339Nano))
			}
		}
	}
}
