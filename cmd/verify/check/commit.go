package check

import (
	"slices"
	"sort"
	"time"
)

// committed is how a group's offset in one partition went on.
type committed struct {
	group     string
	topic     string
	partition int
}

// checkCommits is I6.
func (v *verdict) checkCommits(r *run) {
	samples := map[committed][]Commit{}
	for _, c := range r.Commits {
		k := committed{c.Group, c.Topic, c.Partition}
		samples[k] = append(samples[k], c)
	}
	for group, ends := range r.Ends {
		for _, c := range ends {
			k := committed{group, c.Topic, c.Partition}
			samples[k] = append(samples[k], c)
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

func (v *verdict) checkRegress(r *run, samples map[committed][]Commit) {
	keys := make([]committed, 0, len(samples))
	for k := range samples {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := keys[i], keys[j]
		return a.group < b.group || a.group == b.group && (a.topic < b.topic || a.topic == b.topic && a.partition < b.partition)
	})
	for _, k := range keys {
		for i, c := range samples[k][1:] {
			if before := samples[k][i].Offset; c.Offset < before && !r.Remade[k.topic] {
				v.add("I6", "commit regress", "group %s, %s/%d: %d after %d", k.group, k.topic, k.partition, c.Offset, before)
			}
		}
	}
}

// passed returns when a group's committed offset was first seen beyond a place.
func passed(samples map[committed][]Commit, o *route, at place) (time.Time, bool) {
	s := samples[committed{o.group(), at.topic, at.partition}]
	i := slices.IndexFunc(s, func(c Commit) bool { return c.Offset > at.offset && !c.At.IsZero() })
	if i < 0 {
		return time.Time{}, false
	}
	return s[i].At, true
}

// checkAhead finds a message that was committed before it was finished. One
// that never was is lost, and told as that.
func (v *verdict) checkAhead(r *run, m *message, samples map[committed][]Commit) {
	for _, o := range r.readers[m.send.Topic] {
		at, ok := passed(samples, o, m.place())
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
func (v *verdict) checkRejectAhead(r *run, x *reject, samples map[committed][]Commit) {
	for _, place := range x.places {
		for _, o := range r.readers[place.topic] {
			at, ok := passed(samples, o, place)
			if ok && !r.Remade[place.topic] && o.badAt[place].finishedLater(at.Add(r.slack)) {
				v.add("I6", "commit ahead", "%s %s at %s was committed by %s, and became a letter later",
					x.send.Kind, x.send.ID, place, at.Format(time.RFC3339Nano))
			}
		}
	}
}
