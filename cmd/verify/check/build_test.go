package check_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/mocks"
)

// A builder writes the history of a run step by step. Each step takes a second.
//
// The world: topic notices is read by route show, which calls cabinet (C1, with
// results); makes by route make, which calls office (C3, wants that name no
// event); events by route sign, which writes letters for route tell, which calls
// gateway (C2).
type builder struct {
	check.History
	now  time.Time
	next map[string]int64 // offset, by topic
	seq  map[string]int   // by application
}

func newBuilder() *builder {
	return &builder{
		History: check.History{
			Records: map[string][]check.Record{}, Ends: map[string][]check.Commit{}, Redis: map[string]string{}, Remade: map[string]bool{},
			Routes: []check.Route{
				{Name: "show", Sources: []string{"notices"}, Writes: []string{"shown"}},
				{Name: "make", Sources: []string{"makes"}},
				{Name: "sign", Sources: []string{"events"}, Writes: []string{"told"}},
				{Name: "tell", Sources: []string{"told"}},
			},
		},
		now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), next: map[string]int64{}, seq: map[string]int{},
	}
}

func (b *builder) tick() time.Time {
	b.now = b.now.Add(time.Second)
	return b.now
}

// record appends a record to partition 0 of a topic and returns its offset.
func (b *builder) record(topic, key, value string, headers map[string]string) int64 {
	at := b.next[topic]
	b.next[topic]++
	b.Records[topic] = append(b.Records[topic], check.Record{
		Topic: topic, Offset: at, Time: b.tick(), Key: []byte(key), Value: []byte(value), Headers: headers,
	})
	return at
}

// good sends a message of an application, and returns it.
func (b *builder) good(topic, app string) *check.Send {
	b.seq[app]++
	n := b.seq[app]
	id := fmt.Sprintf("%s-%d", app, n)
	s := check.Send{ID: id, Source: "kandas", Type: "t.v1", Topic: topic, Application: app, Seq: n, Kind: check.Good}
	switch topic {
	case "notices":
		s.Wants = []check.Want{{Route: "show", System: "cabinet", Operation: "show", Event: id, Contract: check.C1, Ordered: true, Result: "shown"}}
	case "makes":
		s.Wants = []check.Want{{Route: "make", System: "office", Operation: "generate", Contract: check.C3}}
	case "events":
		s.Wants = []check.Want{{Route: "tell", System: "gateway", Operation: "notify", Event: id, Contract: check.C2, Ordered: true}}
	}
	return b.write(s, check.Acked)
}

// write puts a send into its topic.
func (b *builder) write(s check.Send, o check.Outcome) *check.Send {
	s.Outcome, s.At, s.Offset = o, b.now, -1
	if o != check.Failed {
		s.Offset = b.record(s.Topic, s.Application, payloadOf(&s), ce(s.Source, s.ID))
	}
	s.Done = b.now
	b.Sends = append(b.Sends, s)
	return &b.Sends[len(b.Sends)-1]
}

func payloadOf(s *check.Send) string {
	if s.Kind == check.Conflict {
		return `{"other":true}`
	}
	return `{}`
}

func ce(source, id string) map[string]string {
	return map[string]string{"ce_source": source, "ce_id": id, "ce_type": "t.v1", "ce_specversion": "1.0"}
}

// effect has a system do what the first want of s asks for.
func (b *builder) effect(s *check.Send) {
	w := s.Wants[0]
	b.Effects = append(b.Effects, mocks.Effect{
		At: b.tick(), System: w.System, Operation: w.Operation, Application: s.Application, Event: w.Event, ID: "call-" + s.ID,
	})
}

// result writes what follows from the effect of s.
func (b *builder) result(s *check.Send) {
	b.record("shown", s.Application, `{"event_id":"`+s.ID+`"}`, ce("hub", "result-"+s.ID))
}

// through carries s to its end.
func (b *builder) through(s *check.Send) {
	switch s.Topic {
	case "notices":
		b.effect(s)
		b.result(s)
	case "makes":
		b.effect(s)
	case "events":
		b.derived(s)
		b.effect(s)
	}
}

// derived writes what route sign makes of s.
func (b *builder) derived(s *check.Send) check.Record {
	b.record("told", s.Application, `{"event_id":"`+s.ID+`"}`, ce("hub", "told-"+s.ID))
	return b.Records["told"][len(b.Records["told"])-1]
}

// last returns the last record of a topic.
func (b *builder) last(topic string) *check.Record {
	return &b.Records[topic][len(b.Records[topic])-1]
}

// original returns the record of s.
func (b *builder) original(s *check.Send) check.Record { return b.Records[s.Topic][s.Offset] }

func readBy(topic string) string {
	return map[string]string{"notices": "show", "makes": "make", "events": "sign", "told": "tell"}[topic]
}

func from(r check.Record, more map[string]string) map[string]string {
	h := maps.Clone(r.Headers)
	h["hub_topic"], h["hub_partition"], h["hub_offset"] = r.Topic, strconv.Itoa(r.Partition), strconv.FormatInt(r.Offset, 10)
	h["hub_written"] = r.Time.UTC().Format(time.RFC3339Nano)
	maps.Copy(h, more)
	return h
}

// letter makes r a dead letter; id names it.
func (b *builder) letter(r check.Record, id, class string, holds bool) {
	route := readBy(r.Topic)
	b.record(route+".dead", string(r.Key), string(r.Value), from(r, map[string]string{
		"hub_kind": "letter", "hub_letter": id, "hub_class": class, "hub_code": "code", "hub_reason": "why", "hub_route": route,
		"hub_holds": strconv.FormatBool(holds), "hub_at": b.now.Format(time.RFC3339Nano),
	}))
}

// decide has a person decide of a letter, and the hub carry it out.
func (b *builder) decide(route, key, letter, decision string) {
	b.record(route+".dead", key, "", map[string]string{"hub_kind": "decision", "hub_letter": letter, "hub_decision": decision})
	b.record(route+".dead", key, "", map[string]string{"hub_kind": "resolved", "hub_letter": letter})
}

// park parks r and returns its offset there.
func (b *builder) park(r check.Record) int64 {
	return b.record(readBy(r.Topic)+".parked", string(r.Key), string(r.Value), from(r, map[string]string{"hub_kind": "parked"}))
}

// finished says that a key's parked entries up to an offset are finished.
func (b *builder) finished(route, key string, offset int64) {
	b.record(route+".parked", key, "", map[string]string{"hub_kind": "through", "hub_offset": strconv.FormatInt(offset, 10)})
}

// commit samples what a route has committed of a topic.
func (b *builder) commit(route, topic string, offset int64) {
	b.Commits = append(b.Commits, check.Commit{At: b.tick(), Group: "hub." + route, Topic: topic, Offset: offset})
}

// end commits everything that has been written to the source topics, but the
// parked topics only as far as was said before.
func (b *builder) end() *check.History {
	for _, r := range b.Routes {
		group := "hub." + r.Name
		for _, topic := range r.Sources {
			if !slices.ContainsFunc(b.Ends[group], func(c check.Commit) bool { return c.Topic == topic }) {
				b.Ends[group] = append(b.Ends[group], check.Commit{Group: group, Topic: topic, Offset: b.next[topic]})
			}
		}
	}
	return &b.History
}

// endAt says where a route ended in a topic.
func (b *builder) endAt(route, topic string, offset int64) {
	b.Ends["hub."+route] = append(b.Ends["hub."+route], check.Commit{Group: "hub." + route, Topic: topic, Offset: offset})
}
