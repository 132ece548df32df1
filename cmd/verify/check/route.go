package check

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"
)

// route is what one route's topics tell: which messages it met, which of them
// wait, and which became letters.
type route struct {
	Route
	carried  map[identity]*carried
	byApp    map[string][]*carried
	byName   map[string][]*carried
	letters  []*letter // each id once, in the order of their topic
	byID     map[string]*letter
	byOrigin map[place][]*letter
	copies   []*letter         // every record that is a letter, for what it must hold
	held     map[string]int    // by key: letters that hold it and that nobody decided
	badOpen  map[place]bool    // bad records that are unfinished: parked, or beyond the committed offset
	badAt    map[place]moments // when a bad record was first parked or buried
	ends     map[place]int64   // committed at the end, by partition (offset 0)
	through  map[throughKey]int64
}

type throughKey struct {
	partition int
	key       string
}

// carried is one message as a route met it.
type carried struct {
	identity
	key     string
	about   string // of a message that the hub wrote: the event or request that it follows from
	first   moments
	open    bool // unfinished: parked, or beyond the committed offset
	letters []*letter
}

// moments are when a message was first seen where; zero: never.
type moments struct{ written, parked, buried time.Time }

func earliest(t *time.Time, at time.Time) {
	if t.IsZero() || at.Before(*t) {
		*t = at
	}
}

// finishedBy says whether the message had been parked or had become a letter.
func (m moments) finishedBy(at time.Time) bool {
	return !m.parked.IsZero() && !m.parked.After(at) || !m.buried.IsZero() && !m.buried.After(at)
}

// finishedLater says whether that came to pass only afterwards.
func (m moments) finishedLater(at time.Time) bool {
	return !m.finishedBy(at) && !(m.parked.IsZero() && m.buried.IsZero())
}

func newRoute(c Route) *route {
	return &route{
		Route: c, carried: map[identity]*carried{}, byApp: map[string][]*carried{}, byName: map[string][]*carried{},
		byID: map[string]*letter{}, byOrigin: map[place][]*letter{}, held: map[string]int{}, badOpen: map[place]bool{}, badAt: map[place]moments{},
		ends: map[place]int64{}, through: map[throughKey]int64{},
	}
}

func (o *route) group() string       { return "hub." + o.Name }
func (o *route) parkedTopic() string { return o.Name + ".parked" }
func (o *route) deadTopic() string   { return o.Name + ".dead" }

// read reads the route's topics.
func (o *route) read(r *run) {
	for _, c := range r.Ends[o.group()] {
		o.ends[place{c.Topic, c.Partition, 0}] = c.Offset
	}
	for _, topic := range o.Sources {
		for i := range r.Records[topic] {
			o.readSource(r, &r.Records[topic][i])
		}
	}
	o.readDead(r)
	parked := r.Records[o.parkedTopic()]
	for i := range parked {
		if rec := &parked[i]; rec.Headers[headerKind] == "through" {
			k := throughKey{rec.Partition, string(rec.Key)}
			if n, err := strconv.ParseInt(rec.Headers["hub_offset"], 10, 64); err == nil {
				o.through[k] = max(o.through[k], n+1)
			}
		}
	}
	for i := range parked {
		if parked[i].Headers[headerKind] == "parked" {
			o.readParked(r, &parked[i])
		}
	}
}

// beyond says whether a record lies beyond what the route has committed.
func (o *route) beyond(rec *Record) bool {
	return rec.Offset >= o.ends[place{rec.Topic, rec.Partition, 0}]
}

func (o *route) readSource(r *run, rec *Record) {
	at := place{rec.Topic, rec.Partition, rec.Offset}
	if r.bad[at] != nil {
		o.badOpen[at] = o.badOpen[at] || o.beyond(rec)
		return
	}
	c := o.carry(rec)
	earliest(&c.first.written, rec.Time)
	c.open = c.open || o.beyond(rec)
}

func (o *route) readParked(r *run, rec *Record) {
	at, _ := originOf(rec)
	open := o.beyond(rec) && rec.Offset >= o.through[throughKey{rec.Partition, string(rec.Key)}]
	if r.bad[at] != nil {
		o.badOpen[at] = o.badOpen[at] || open
		m := o.badAt[at]
		earliest(&m.parked, rec.Time)
		o.badAt[at] = m
		return
	}
	c := o.carry(rec)
	earliest(&c.first.parked, rec.Time)
	c.open = c.open || open
}

// carry returns the message that a record carries.
func (o *route) carry(rec *Record) *carried {
	id := identityOf(rec)
	c := o.carried[id]
	if c != nil {
		return c
	}
	c = &carried{identity: id, key: string(rec.Key)}
	if id.source == "hub" {
		c.about = cmp.Or(namesOf(rec))
	}
	o.carried[id] = c
	o.byApp[c.key] = append(o.byApp[c.key], c)
	o.byName[id.id] = append(o.byName[id.id], c)
	if c.about != "" && c.about != id.id {
		o.byName[c.about] = append(o.byName[c.about], c)
	}
	return c
}

// explain returns the state of a message that has no effect.
func (o *route) explain(r *run, c *carried) state {
	s := missing
	for _, l := range c.letters {
		switch {
		case !l.resolved:
			return lettered
		case l.decision == "answer" || l.decision == "discard":
			s = decided
		}
	}
	switch {
	case c.open && o.held[c.key] > 0:
		return waiting
	case s == decided:
		return decided
	case c.open || r.openClaim(o.Name, c.identity):
		return open
	}
	return missing
}

func identityOf(rec *Record) identity {
	return identity{rec.Headers["ce_source"], rec.Headers["ce_id"]}
}

// namesOf returns the event and the request of kandas that a payload names.
func namesOf(rec *Record) (event, request string) {
	var p struct {
		Event   string `json:"event_id"`
		Request string `json:"request_id"`
	}
	if json.Unmarshal(rec.Value, &p) != nil {
		return "", ""
	}
	return p.Event, p.Request
}

// originOf returns where a parked record or a letter says that it was first
// read.
func originOf(rec *Record) (place, bool) {
	p, err1 := strconv.Atoi(rec.Headers["hub_partition"])
	n, err2 := strconv.ParseInt(rec.Headers["hub_offset"], 10, 64)
	topic, ok := rec.Headers["hub_topic"]
	return place{topic, p, n}, ok && topic != "" && err1 == nil && err2 == nil
}
