package topics

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/observability"
)

// A Letter is a dead letter, for people.
type Letter struct {
	ID, Class, Code, Reason string
	Holds                   bool // later messages of the application wait for the decision
	Route                   Route
	Record                  *Record // as it lies in the dead topic

	Decisions []Decision // in the order in which they were written
	Resolved  bool       // one of them has been carried out

	// Next is the next letter of the same message: it was replayed, and died
	// again, or its discard was undone. Empty if there is none.
	Next string
}

// A Decision is what a person wrote down of a letter.
type Decision struct {
	ID, Action, Who, Why string
	At                   time.Time
}

// Message returns source and id of the message that the letter holds; both are
// empty where it has none.
func (l Letter) Message() (source, id string) {
	source, _ = l.Record.header("ce_source")
	id, _ = l.Record.header("ce_id")
	return source, id
}

// Application returns the letter's application as a person may see it. The key of
// a letter that holds nothing may be anything, a name perhaps: "[key]" stands for
// it.
func (l Letter) Application() string {
	if l.Holds {
		return observability.MaskID(string(l.Record.Key))
	}
	return "[key]"
}

// Header returns a header of the letter, and whether it is there.
func (l Letter) Header(name string) (string, bool) { return l.Record.header(name) }

// ReadLetters returns the unresolved dead letters of a route.
func ReadLetters(ctx context.Context, c *Cluster, route Route) ([]Letter, error) {
	log := NewLetterLog(c, route)
	if err := log.begin(ctx, true); err != nil {
		return nil, err
	}
	if err := log.Read(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(log.Letters(), func(l Letter) bool { return l.Resolved }), nil
}

// ReadLetterAt returns the one letter that lies at an offset of a route's dead
// topic, without its decisions; an error if there is none.
func ReadLetterAt(ctx context.Context, c *Cluster, route Route, partition int, offset int64) (Letter, error) {
	r, err := c.readAt(ctx, route.DeadTopic(), partition, offset)
	if err != nil {
		return Letter{}, err
	}
	if kind, _ := r.header(headerKind); kind != kindLetter {
		return Letter{}, fmt.Errorf("reading %s/%d: no letter at offset %d", route.DeadTopic(), partition, offset)
	}
	id, _ := r.header("hub_letter")
	return letterOf(route, id, r), nil
}

// letterOf reads a letter as it lies in the dead topic.
func letterOf(route Route, id string, r *Record) Letter {
	l := Letter{ID: id, Route: route, Record: r}
	l.Class, _ = r.header("hub_class")
	l.Code, _ = r.header("hub_code")
	l.Reason, _ = r.header("hub_reason")
	holds, _ := r.header("hub_holds")
	l.Holds = holds == "true"
	return l
}

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
	refused  map[string]string     // undos that were refused, by the decision's id: why

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

// Letters returns what has been read, by partition in the order of the topic,
// as far as it was read at once.
func (g *LetterLog) Letters() []Letter {
	out := make([]Letter, len(g.letters))
	for i, l := range g.letters {
		out[i] = *l
		out[i].Decisions = slices.Clone(l.Decisions)
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

// Refused says why the hub has refused an undo, by the id of that decision; empty
// if it has not.
func (g *LetterLog) Refused(id string) string { return g.refused[id] }

func (g *LetterLog) take(r *Record) {
	id, _ := r.header("hub_letter")
	switch kind, _ := r.header(headerKind); kind {
	case kindLetter:
		g.letter(id, r)
	case kindDecision:
		if l := g.byID[id]; l != nil {
			d := Decision{At: r.Time}
			d.ID, _ = r.header(headerDecisionID)
			d.Action, _ = r.header(headerDecision)
			d.Who, _ = r.header("hub_who")
			d.Why, _ = r.header("hub_why")
			l.Decisions = append(l.Decisions, d)
		}
	case kindResolved:
		g.resolved[id] = true
		if l := g.byID[id]; l != nil {
			l.Resolved = true
		}
	case kindRefused:
		decision, _ := r.header(headerDecisionID)
		g.refused[decision], _ = r.header("hub_reason")
	}
}

// letter takes a letter; several records may carry it.
func (g *LetterLog) letter(id string, r *Record) {
	if g.byID[id] != nil {
		return
	}
	read := letterOf(g.route, id, r)
	l := &read
	l.Resolved = g.resolved[id]
	if g.light {
		l.Record = r.named()
	}
	g.byID[id] = l
	g.letters = append(g.letters, l)
	if !l.Holds {
		return // what it says of its message is not to be trusted
	}
	source, message := l.Message()
	if before := g.lastOf[[2]string{source, message}]; before != nil {
		before.Next = id
	}
	g.lastOf[[2]string{source, message}] = l
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

// Decide writes what a person decided of a letter: a record beside it, which the
// hub that owns the partition carries out. id names the decision, so that a
// repeat of the command is the same one; who and why are kept with it.
func (p *Producer) Decide(ctx context.Context, l Letter, action, id, who, why string, replies ...GivenReply) error {
	var value []byte
	if action == DecideAnswer {
		var err error
		if value, err = json.Marshal(replies); err != nil {
			return fmt.Errorf("the answer cannot be encoded: %w", err)
		}
	}
	return p.decide(ctx, l, action, id, who, why, value)
}

// decide writes a decision beside its letter.
func (p *Producer) decide(ctx context.Context, l Letter, action, id, who, why string, value []byte, more ...kafka.Header) error {
	var headers []kafka.Header
	for _, kv := range [][2]string{{headerKind, kindDecision}, {"hub_letter", l.ID}, {headerDecision, action},
		{headerDecisionID, id}, {"hub_who", who}, {"hub_why", why}} {
		headers = append(headers, kafka.Header{Key: kv[0], Value: []byte(kv[1])})
	}
	_, err := p.Append(ctx, l.Route.DeadTopic(), l.Record.Partition, record(l.Record.Key, value, append(headers, more...)))
	return err
}
