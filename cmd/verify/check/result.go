package check

import (
	"cmp"
	"maps"
	"slices"
)

// A told is what results speak of: an event, or where they name none an
// application.
type told struct{ topic, application, event string }

// checkResults is I8: each effect has one result, known by its ce_id. What a
// letter, or a message that waits, still holds back is not missing.
func (v *verdict) checkResults(r *run) {
	wants := map[told][]*want{}
	for _, m := range r.messages {
		for _, w := range m.wants {
			if w.Result != "" && len(w.effects) > 0 {
				k := told{w.Result, m.send.Application, r.Effects[w.first()].Event}
				wants[k] = append(wants[k], w)
			}
		}
	}
	found := r.results(wants)
	keys := slices.SortedFunc(maps.Keys(wants), func(a, b told) int {
		return cmp.Or(cmp.Compare(a.application, b.application), cmp.Compare(a.topic, b.topic), cmp.Compare(a.event, b.event))
	})
	for _, k := range keys {
		needed, excused := 0, 0
		for _, w := range wants[k] {
			if r.holdsBack(w) {
				excused++
			} else {
				needed++
			}
		}
		most := 0
		for _, ids := range found[k] {
			most = max(most, len(ids))
		}
		if most < needed {
			v.addTimes(needed-most, "I8", "result lost", "%s: %d results on %s", wants[k][0].message, most, k.topic)
		}
		if most > needed+excused {
			v.addTimes(most-needed-excused, "I8", "result double", "%s: %d results on %s for %d effects", wants[k][0].message, most, k.topic, needed+excused)
		}
	}
}

func (v *verdict) addTimes(n int, invariant, name, format string, args ...any) {
	for range n {
		v.add(invariant, name, format, args...)
	}
}

// results returns the ids of the results, by what they speak of and by type.
func (r *run) results(wants map[told][]*want) map[told]map[string]map[string]bool {
	topics := map[string]bool{}
	for k := range wants {
		topics[k.topic] = true
	}
	found := map[told]map[string]map[string]bool{}
	for topic := range topics {
		for i := range r.Records[topic] {
			rec := &r.Records[topic][i]
			event, _ := namesOf(rec)
			k := told{topic, string(rec.Key), event}
			if found[k] == nil {
				found[k] = map[string]map[string]bool{}
			}
			kind := rec.Headers["ce_type"]
			if found[k][kind] == nil {
				found[k][kind] = map[string]bool{}
			}
			found[k][kind][rec.Headers["ce_id"]] = true
		}
	}
	return found
}

// holdsBack says whether the result of a want that has its effect may be
// missing: the hub does not know of the effect, or could not publish it, or a
// person has ended it.
func (r *run) holdsBack(w *want) bool {
	o := r.routes[w.Route]
	if o == nil {
		return false
	}
	own := r.carriers(o, w)
	return slices.ContainsFunc(own, func(c *carried) bool {
		s := o.explain(r, c)
		return s == waiting || s == lettered || s == decided
	})
}
