package check

import "encoding/json"

// checkOutcomes is I12: what has become of each good message that a route has
// committed is in hub.outcomes, whatever died on the way.
func (v *verdict) checkOutcomes(r *run) {
	if !r.History.Outcomes {
		return
	}
	type told struct {
		route string
		identity
	}
	reported := map[told]bool{}
	for i := range r.Records["hub.outcomes"] {
		var o struct {
			Route  string `json:"route"`
			ID     string `json:"ce_id"`
			Source string `json:"ce_source"`
		}
		if err := json.Unmarshal(r.Records["hub.outcomes"][i].Value, &o); err != nil {
			v.add("I12", "outcome unreadable", "hub.outcomes, offset %d: %v", r.Records["hub.outcomes"][i].Offset, err)
			continue
		}
		reported[told{o.Route, identity{o.Source, o.ID}}] = true
	}
	// A write that was repeated has left copies of what cannot be trusted: the outcomes
	// of these name no id.
	poisoned := map[identity]bool{}
	for _, x := range r.rejects {
		poisoned[identity{x.send.Source, x.send.ID}] = x.send.Kind == Poison
	}
	for _, o := range r.list {
		for _, topic := range o.Sources {
			for i := range r.Records[topic] {
				rec := &r.Records[topic][i]
				if r.bad[place{topic, rec.Partition, rec.Offset}] != nil || o.beyond(rec) || r.Remade[topic] {
					continue
				}
				if id := identityOf(rec); !poisoned[id] && !reported[told{o.Name, id}] {
					v.add("I12", "outcome missing", "route %s has committed message %s (%s/%d, offset %d), and nothing says what has become of it",
						o.Name, id.id, topic, rec.Partition, rec.Offset)
				}
			}
		}
	}
}
