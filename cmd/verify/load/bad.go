package load

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/verify/check"
	"kandashub/topics"
)

// repeat sends an earlier notice once more, byte for byte.
func (m *maker) repeat() planned {
	p := m.sent[m.rng.IntN(len(m.sent))]
	p.record = copyOf(p.record)
	p.send.Kind, p.send.Wants = check.Repeat, nil
	return p
}

// conflict sends other content under an earlier notice's id.
func (m *maker) conflict() planned {
	p := m.sent[m.rng.IntN(len(m.sent))]
	p.record = copyOf(p.record)
	p.record.Value = bytes.Replace(p.record.Value, []byte("Заявление"), []byte("Обращение"), 1)
	p.send.Kind, p.send.Wants = check.Conflict, nil
	return p
}

func copyOf(r *kgo.Record) *kgo.Record {
	return &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: slices.Clone(r.Headers)}
}

// spoils are the ways in which a record is no message, or one that can never
// succeed. Each begins with a good record of an application of its own.
var spoils = []struct {
	name  string
	spoil func(r *kgo.Record)
}{
	{"bad json", func(r *kgo.Record) { r.Value = r.Value[:len(r.Value)/2] }},
	{"zero bytes", func(r *kgo.Record) { r.Value = []byte{} }},
	{"null value", func(r *kgo.Record) { r.Value = nil }},
	{"invalid utf-8", func(r *kgo.Record) { r.Value = []byte("{\"text\":\"\xff\xfe\"") }},
	{"missing key", func(r *kgo.Record) { r.Key = nil }},
	{"another key", func(r *kgo.Record) { r.Key = []byte("migration-other") }},
	{"missing id", func(r *kgo.Record) { without(r, "ce_id") }},
	{"missing type", func(r *kgo.Record) { without(r, "ce_type") }},
	{"no specversion", func(r *kgo.Record) { without(r, "ce_specversion") }},
	{"wrong source", func(r *kgo.Record) { with(r, "ce_source", "egov") }},
	{"two subjects", func(r *kgo.Record) { with(r, "ce_subject", "migration-somebody-else") }},
	{"unknown type", func(r *kgo.Record) { with(r, "ce_type", "kz.kandas.application.unheard-of.v1") }},
	{"wrong schema", func(r *kgo.Record) {
		r.Value = bytes.Replace(r.Value, []byte(`"recipients"`), []byte(`"recipient"`), 1)
	}},
	{"too large", func(r *kgo.Record) {
		r.Value = bytes.Replace(r.Value, []byte("Заявление"), bytes.Repeat([]byte("Заявление "), 40000), 1)
	}},
}

func without(r *kgo.Record, key string) {
	r.Headers = slices.DeleteFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == key })
}

// with adds a header beside the one that is there: the last one counts.
func with(r *kgo.Record, key, value string) {
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
}

// poison is a record that can only become a dead letter.
func (m *maker) poison() planned {
	m.seq["poison"]++
	n := m.seq["poison"]
	app := fmt.Sprintf("migration-%s-bad-%d", m.plan.Run, n)
	good := m.sent[m.rng.IntN(len(m.sent))]
	id := topics.DeriveID("verify", app, "poison")
	r := &kgo.Record{Topic: good.record.Topic, Key: []byte(app), Headers: slices.Clone(good.record.Headers)}
	r.Value = bytes.ReplaceAll(good.record.Value, good.record.Key, r.Key)
	for i, h := range r.Headers {
		switch h.Key {
		case "ce_id":
			r.Headers[i].Value = []byte(id)
		case "ce_subject":
			r.Headers[i].Value = []byte(app)
		}
	}
	spoils[n%len(spoils)].spoil(r)
	return planned{record: r, send: check.Send{
		ID: id, Source: "kandas", Type: good.send.Type, Topic: r.Topic, Application: app, Seq: 0, Kind: check.Poison,
	}}
}
