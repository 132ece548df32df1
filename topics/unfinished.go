package topics

import (
	"context"
	"time"
)

// maxUnfinished bounds how many records of a partition are looked at for those of
// one application. A route behind which more lie is far from an end anyway.
const maxUnfinished = 20_000

// ReadUnfinished returns the records of an application that lie in a route's sources
// behind what its group has committed, as outcomes without a result, and whether
// these are all. Some may be finished already: offsets are committed in order. Names
// of types and sources that known does not know are left out, as in other outcomes.
func ReadUnfinished(ctx context.Context, c *Cluster, route Route, application string, known func(name string) bool) (found []Outcome, whole bool, err error) {
	d := Delivery{Route: route, Known: known, Now: func() (none time.Time) { return }}
	ask := map[string][]int{}
	for _, topic := range route.Sources {
		n, err := c.Partitions(ctx, topic)
		if err != nil {
			return nil, false, err
		}
		ask[topic] = []int{PartitionOf([]byte(application), n)}
	}
	first, end, err := c.Bounds(ctx, ask)
	if err != nil {
		return nil, false, err
	}
	committed, err := c.Committed(ctx, route, ask)
	if err != nil {
		return nil, false, err
	}
	whole = true
	for topic, ps := range ask {
		p := ps[0]
		at := max(first[topic][p], committed[topic][p])
		last := min(end[topic][p], at+maxUnfinished)
		whole = whole && last == end[topic][p]
		for at < last {
			recs, next, err := c.readFrom(ctx, topic, p, at, fetchPartitionBytes)
			if err != nil {
				return nil, false, err
			}
			at = next
			for _, r := range recs {
				if string(r.Key) == application {
					found = append(found, d.unfinished(r))
				}
			}
		}
	}
	return found, whole, nil
}

// unfinished tells of a record that has come to nothing yet.
func (d *Delivery) unfinished(r *Record) Outcome {
	r.disown()
	o := d.outcome(r, ResultNone)
	if m, err := parseHead(r); err == nil {
		d.identify(&o, m)
	}
	return o
}
