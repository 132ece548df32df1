package topics

import (
	"context"
	"maps"
	"slices"

	"github.com/segmentio/kafka-go"
)

// A LetterLog reads all dead letters of a route, also those that are resolved.
// It is for one goroutine.
type LetterLog struct {
	cluster  *Cluster
	route    Route
	at       map[int]int64 // offset to read next, by partition; nil before the first Read
	letters  []*Letter
	byID     map[string]*Letter
	lastOf   map[[2]string]*Letter // by message
	resolved map[string]bool       // also of letters that lie before the start
	refused  map[string]string     // decisions that were refused, by the decision's id: why

	light  bool  // keeps names, not what letters carry
	before int64 // start so many records before what the route has committed; -1: at the first
}

// NewLetterLog returns a log that has read nothing yet.
func NewLetterLog(c *Cluster, route Route) *LetterLog {
	return &LetterLog{cluster: c, route: route, byID: map[string]*Letter{}, lastOf: map[[2]string]*Letter{}, resolved: map[string]bool{}, refused: map[string]string{}, before: -1}
}

// NewLetterIndex returns a log that keeps what names its letters, and not what
// they carry, so that many of them fit into memory: their records have no value
// and no headers but source, id, type and topic of the message. It begins with recent
// records of each partition that are resolved already, at most so many.
func NewLetterIndex(c *Cluster, route Route, recent int64) *LetterLog {
	g := NewLetterLog(c, route)
	g.light, g.before = true, recent
	return g
}

// begin finds where to read from: the start, or what the route has committed,
// before which everything is resolved.
func (g *LetterLog) begin(ctx context.Context, committed bool) (err error) {
	g.at, err = g.cluster.starts(ctx, g.route, g.route.DeadTopic(), committed)
	return err
}

// beginBefore finds where an index begins.
func (g *LetterLog) beginBefore(ctx context.Context) error {
	first, err := g.cluster.starts(ctx, g.route, g.route.DeadTopic(), false)
	if err != nil {
		return err
	}
	committed, err := g.cluster.starts(ctx, g.route, g.route.DeadTopic(), true)
	if err != nil {
		return err
	}
	for p := range first {
		first[p] = max(first[p], committed[p]-g.before)
	}
	g.at = first
	return nil
}

// starts returns the first offset of each partition of a topic of a route, or
// the one that the route has committed.
func (c *Cluster) starts(ctx context.Context, route Route, topic string, committed bool) (map[int]int64, error) {
	n, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	first, _, err := c.Bounds(ctx, map[string][]int{topic: numbers})
	if err != nil || !committed {
		return first[topic], err
	}
	offsets, err := c.Committed(ctx, route, map[string][]int{topic: numbers})
	for p, offset := range offsets[topic] {
		first[topic][p] = max(first[topic][p], offset)
	}
	return first[topic], err
}

// scan gives every record of a topic, from the offsets on to the end as it is
// now, to take, and moves the offsets on.
func (c *Cluster) scan(ctx context.Context, topic string, at map[int]int64, take func(*Record)) error {
	numbers := slices.Sorted(maps.Keys(at))
	_, end, err := c.Bounds(ctx, map[string][]int{topic: numbers})
	if err != nil {
		return err
	}
	for _, p := range numbers {
		for at[p] < end[topic][p] {
			recs, next, err := c.readFrom(ctx, topic, p, at[p], fetchPartitionBytes)
			if err != nil {
				return err
			}
			at[p] = next
			for _, r := range recs {
				take(r)
			}
		}
	}
	return nil
}

// Read reads on, to the end as it is now.
func (g *LetterLog) Read(ctx context.Context) error {
	if g.at == nil {
		begin := func(ctx context.Context) error { return g.begin(ctx, false) }
		if g.before >= 0 {
			begin = g.beginBefore
		}
		if err := begin(ctx); err != nil {
			return err
		}
	}
	return g.cluster.scan(ctx, g.route.DeadTopic(), g.at, g.take)
}

// Route returns the name of the route.
func (g *LetterLog) Route() string { return g.route.Name }

// Letters returns what has been read, by partition in the order of the topic,
// as far as it was read at once.
func (g *LetterLog) Letters() []Letter {
	out := make([]Letter, len(g.letters))
	for i, l := range g.letters {
		out[i] = *l
		out[i].Decisions, out[i].Refused = slices.Clone(l.Decisions), slices.Clone(l.Refused)
	}
	return out
}

// Each calls f with each letter that has been read, in the order of Letters. f
// must not change it, and Read may once f has returned.
func (g *LetterLog) Each(f func(*Letter)) {
	for _, l := range g.letters {
		f(l)
	}
}

// Refused says why the hub has refused a decision, by its id; empty if it has not.
func (g *LetterLog) Refused(id string) string { return g.refused[id] }

func (g *LetterLog) take(r *Record) {
	id, _ := r.header("hub_letter")
	switch kind, _ := r.header(headerKind); kind {
	case kindLetter:
		g.letter(id, r)
	case kindDecision:
		if l := g.byID[id]; l != nil {
			l.Decisions = append(l.Decisions, decisionOf(r))
		}
	case kindResolved:
		g.resolved[id] = true
		if l := g.byID[id]; l != nil && !l.Resolved {
			l.Resolved = true
			l.Result, _ = r.header(headerResult)
		}
	case kindRefused:
		d := RefusedDecision{Decision: decisionOf(r)}
		d.Reason, _ = r.header("hub_reason")
		g.refused[d.ID] = d.Reason
		if l := g.byID[id]; l != nil {
			l.refuse(d)
		}
	}
}

// decisionOf reads a decision, also from the record that refuses it.
func decisionOf(r *Record) Decision {
	d := Decision{At: r.Time}
	d.ID, _ = r.header(headerDecisionID)
	d.Action, _ = r.header(headerDecision)
	d.Who, _ = r.header("hub_who")
	d.Why, _ = r.header("hub_why")
	return d
}

// refuse takes a decision back that the hub could not carry out.
func (l *Letter) refuse(d RefusedDecision) {
	l.Decisions = slices.DeleteFunc(l.Decisions, func(known Decision) bool {
		if known.ID != d.ID {
			return false
		}
		d.At = known.At // when it was written
		return true
	})
	l.Refused = append(l.Refused, d)
}

// letter takes a letter; several records may carry it.
func (g *LetterLog) letter(id string, r *Record) {
	read := letterOf(g.route, id, r)
	if known := g.byID[id]; known != nil {
		if read.Lost {
			known.lose(read)
		}
		return
	}
	l := &read
	l.Resolved = g.resolved[id]
	if g.light {
		l.Record = r.named()
	}
	g.byID[id] = l
	g.letters = append(g.letters, l)
	if !l.Holds || l.Lost {
		return // what it says of its message is not to be trusted, or nothing
	}
	source, message := l.Message()
	if before := g.lastOf[[2]string{source, message}]; before != nil {
		before.Next = id
	}
	g.lastOf[[2]string{source, message}] = l
}

// lose takes over what stands in for a letter that has been read before Kafka has
// deleted it.
func (l *Letter) lose(standIn Letter) {
	record := *l.Record
	record.Offset = standIn.Record.Offset
	l.Record, l.Reason, l.Lost = &record, standIn.Reason, true
}

// named returns what names a record: all but its value, and of the headers those
// that say which message it holds.
func (r *Record) named() *Record {
	out := *r
	out.Value, out.Headers = nil, nil
	for _, h := range r.Headers {
		switch h.Key {
		case "ce_source", "ce_id", "ce_type", "hub_topic":
			out.Headers = append(out.Headers, kafka.Header{Key: h.Key, Value: slices.Clone(h.Value)})
		}
	}
	return &out
}
