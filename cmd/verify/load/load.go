// Package load is what a fault run sends: messages with known ids, whose effects
// at the systems are known beforehand.
//
// There are two kinds. Notices are events of kandas, which travel the whole way
// to the applicant's channel and back:
//
//	kandas.events ─> verify ─> <channel>.notifications ─> notify-<channel> ─> <channel>.accepted ─> delivered
//
// Requests for IINs are of people whom no register knows, so that each needs
// one generation, which no machine may repeat:
//
//	kandas.iin-requests ─> iin-lookup ─> iin-generate ─> iin-lookup ─> iin-record
//
// The ids of everything that follows derive from what is sent, so each send
// names the effects that it must come to (check.Want).
package load

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/verify/check"
	"kandashub/mocks"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// A Plan says what to send.
type Plan struct {
	Run          string   // tells the applications of one run from another's; a-z and 0-9
	Seed         int64    // the same plan and seed give the same messages
	Notices      int      // events in all
	Applications int      // that they are about, each filed by one of Channels in turn
	Channels     []string // migration, egov, statecorp
	Signed       float64  // share of the events that are decisions with a signature
	IINs         int      // requests for IINs, each of an application of its own
	Twins        int      // so many of these in a row are for the same person; 0: one
	Repeats      float64  // beside them, as a share of Notices: byte for byte once more
	Conflicts    float64  // the id of an earlier one with other content
	Poison       float64  // what can never succeed
	Fresh        bool     // each is of the time at which it is sent; else all are of the same, so that repeats are equal
	Direct       bool     // the last leg alone: notices to migration, and receipts of it, which kandas is told of
}

// A planned message is one record to be sent, and what is known of it.
type planned struct {
	record *kgo.Record
	send   check.Send
}

// maker makes the messages of a plan in their order.
type maker struct {
	plan   Plan
	rng    *rand.Rand
	people people
	began  time.Time
	seq    map[string]int
	sent   []planned      // good notices so far
	person payload.Person // for whom the last IIN was asked
}

// Messages returns everything that a plan sends, in order.
func (p Plan) messages() ([]planned, []string) {
	m := &maker{
		plan: p, rng: rand.New(rand.NewPCG(uint64(p.Seed), 0x6c6f6164)), began: time.Now().UTC().Truncate(time.Second),
		seq: map[string]int{}, people: people{run: p.Run, seed: p.Seed},
	}
	var out []planned
	every := 0
	if p.IINs > 0 {
		every = max(1, p.Notices/p.IINs)
	}
	iins := 0
	for i := range p.Notices {
		if m.plan.Direct {
			out = append(out, m.direct(i))
			continue
		}
		out = append(out, m.notice())
		for _, extra := range []struct {
			share float64
			make  func() planned
		}{{p.Repeats, m.repeat}, {p.Conflicts, m.conflict}, {p.Poison, m.poison}} {
			if m.rng.Float64() < extra.share {
				out = append(out, extra.make())
			}
		}
		if iins < p.IINs && i%every == 0 {
			out = append(out, m.iinRequest(iins))
			iins++
		}
	}
	for ; iins < p.IINs; iins++ {
		out = append(out, m.iinRequest(iins))
	}
	return out, m.people.said
}

// application picks one; its channel follows from its number.
func (m *maker) application() (id, channel string) {
	n := m.rng.IntN(m.plan.Applications)
	channel = m.plan.Channels[n%len(m.plan.Channels)]
	return fmt.Sprintf("%s-%s-%d", channel, m.plan.Run, n), channel
}

// notice is one event of kandas, for the applicant's channel alone.
func (m *maker) notice() planned {
	app, channel := m.application()
	m.seq[app]++
	seq := m.seq[app]
	id := topics.DeriveID("verify", app, fmt.Sprint(seq))
	event := payload.Event{
		ApplicationID: app, Recipients: []string{channel}, IssuedAt: m.began.Format(time.RFC3339),
		Text: payload.Text{KK: "Өтініш тіркелді", RU: "Заявление зарегистрировано"},
	}
	kind := payload.TypeRegistered
	if m.rng.Float64() < m.plan.Signed {
		kind = payload.TypeDecided
		event.Decision = m.people.decision(fmt.Sprintf("%s-%d", app, seq), m.began)
		event.Signature = sign(app, kind, event.Decision)
	} else {
		event.Registration = &payload.Registration{Number: fmt.Sprint(seq), Date: m.began.Format(time.DateOnly)}
	}
	p := planned{record: record("kandas.events", app, id, kind, "kandas", m.began, event)}
	p.send = check.Send{
		ID: id, Source: "kandas", Type: kind, Topic: "kandas.events", Application: app, Seq: seq, Kind: check.Good,
		Wants: noticeWants(app, channel, id),
	}
	m.sent = append(m.sent, p)
	return p
}

// noticeWants are the effects of one event: the notice, and what kandas is told
// became of it.
func noticeWants(app, channel, event string) []check.Want {
	notice := topics.NoticeID(app, topics.DeriveID(event, "verify", "0"))
	tell := check.Want{
		Route: "notify-" + channel, System: channel, Operation: "notify", Event: event, Contract: check.C2,
		Ordered: true, Result: channel + ".accepted", Upstream: []string{"verify"},
	}
	states := []string{payload.DeliveryAccepted, payload.DeliveryDelivered}
	if channel == "migration" {
		tell.Operation, tell.Contract = "show", check.C1
		states = states[:1]
	}
	wants := []check.Want{tell}
	for _, state := range states {
		wants = append(wants, check.Want{
			Route: "delivered", System: "kandas", Operation: "record-delivery", ID: topics.DeriveID("delivery", notice, state),
			Contract: check.C1, Upstream: []string{"verify", "notify-" + channel},
		})
	}
	return wants
}

// iinRequest asks for the IIN of one person who has none.
func (m *maker) iinRequest(n int) planned {
	app := fmt.Sprintf("migration-%s-iin-%d", m.plan.Run, n)
	id := topics.DeriveID("verify", app, "iin")
	if m.plan.Twins < 2 || n%m.plan.Twins == 0 {
		m.person = m.people.person()
	}
	request := payload.IINRequest{ApplicationID: app, RequestID: id, Persons: []payload.PersonRequest{{Person: m.person}}}
	p := planned{record: record("kandas.iin-requests", app, id, payload.TypeIINRequested, "kandas", m.began, request)}
	upstream := []string{"iin-lookup"}
	p.send = check.Send{
		ID: id, Source: "kandas", Type: payload.TypeIINRequested, Topic: "kandas.iin-requests", Application: app, Seq: 1, Kind: check.Good,
		Wants: []check.Want{
			{Route: "iin-generate", System: "migpolice", Operation: "generate", Contract: check.C3, Upstream: upstream, Optional: m.plan.Twins > 1},
			{Route: "iin-record", System: "kandas", Operation: "record-iins", ID: topics.DeriveID(id, "iin.results"), Contract: check.C1,
				Upstream: append(upstream, "iin-generate")},
		},
	}
	return p
}

// record is a CloudEvent in Kafka's binary mode.
func record(topic, key, id, kind, source string, at time.Time, data any) *kgo.Record {
	value, err := json.Marshal(data)
	if err != nil {
		panic(err) // payload types always marshal
	}
	r := &kgo.Record{Topic: topic, Key: []byte(key), Value: value}
	for _, h := range [][2]string{
		{"ce_specversion", "1.0"}, {"ce_id", id}, {"ce_type", kind}, {"ce_source", source}, {"ce_subject", key},
		{"ce_time", at.Format(time.RFC3339Nano)}, {"content-type", "application/json"},
	} {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return r
}

// sign has the head of МИО sign a decision, as kandas does.
func sign(app, kind string, d *payload.Decision) *payload.Signature {
	var b strings.Builder
	b.WriteString(`<s:statement xmlns:s="urn:kandashub:statement:v1">`)
	for _, e := range [][2]string{{"application_id", app}, {"event_type", kind}, {"number", d.Number}, {"date", d.Date}, {"result", d.Result}} {
		fmt.Fprintf(&b, "<%s>%s</%s>", e[0], e[1], e[0])
	}
	b.WriteString(`</s:statement>`)
	return &payload.Signature{Format: "xml", Value: mocks.SignXML(b.String())}
}
