package check

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// checkEffects is I2, I3 and I7.
func (v *verdict) checkEffects(r *run) {
	for i := range r.Effects {
		if e := &r.Effects[i]; e.Operation == violationRow {
			v.add("I2", "violation at system", "%s, application %s, id %s: %s", e.System, e.Application, e.ID, e.Detail)
		}
	}
	for _, i := range r.phantoms {
		e := &r.Effects[i]
		v.add("I3", "phantom", "%s %s, application %s, event %s, id %s: nobody sent it", e.System, e.Operation, e.Application, e.Event, e.ID)
	}
	for _, g := range r.sortedGroups() {
		for _, w := range g.wants {
			switch {
			case len(w.effects) == 0:
			case w.message.standing == mustNo:
				v.add("I3", "aborted read", "%s was not written, and came to %s", w.message, w)
			case w.message.standing == poison:
				v.add("I5", "both", "%s %s, application %s: came to %s", w.message.send.Kind, w.message.id, w.message.send.Application, w)
			default:
				v.checkDoubled(r, w)
			}
		}
	}
}

// sortedGroups returns the groups by application, so that two checks of one
// history say the same.
func (r *run) sortedGroups() []*group {
	keys := slices.SortedFunc(maps.Keys(r.groups), func(a, b effectKey) int {
		return cmp.Or(cmp.Compare(a.application, b.application), cmp.Compare(a.system, b.system),
			cmp.Compare(a.operation, b.operation), cmp.Compare(a.event, b.event), cmp.Compare(a.id, b.id))
	})
	out := make([]*group, len(keys))
	for i, k := range keys {
		out[i] = r.groups[k]
	}
	return out
}

// checkDoubled counts the rows of a want after the first. After a decision to
// replay it is the replay that doubled.
func (v *verdict) checkDoubled(r *run, w *want) {
	if w.Contract == ReadOnly {
		return
	}
	replayed, ok := r.replayed(w)
	for _, i := range w.effects[1:] {
		e := &r.Effects[i]
		if ok && e.At.After(replayed.Add(-r.slack)) {
			v.add("I7", "replay duplicate", "%s: %s once more at %s, id %s, after a replay", w.message, w, e.At.Format(time.RFC3339Nano), e.ID)
			continue
		}
		v.add("I2", "duplicate effect", "%s: %s (%s) once more at %s, id %s", w.message, w, w.Contract, e.At.Format(time.RFC3339Nano), e.ID)
	}
}

// replayed returns when a want's message was first ordered to be replayed.
func (r *run) replayed(w *want) (at time.Time, ok bool) {
	o := r.routes[w.Route]
	if o == nil {
		return at, false
	}
	for _, c := range r.carriers(o, w) {
		for _, l := range c.letters {
			if l.decision == "replay" {
				earliest(&at, l.decidedAt)
				ok = true
			}
		}
	}
	return at, ok
}

// first returns the ledger row by which a want came to its effect; -1: none.
func (w *want) first() int {
	if len(w.effects) == 0 {
		return -1
	}
	return w.effects[0]
}
