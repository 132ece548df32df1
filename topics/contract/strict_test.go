package contract_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/schemas"
)

// What JSON readers could understand differently is refused.
func TestCheckJSON(t *testing.T) {
	const ceType, topic = "kz.statecorp.certificate.requested.v1", "statecorp.certificate-requests"
	c := load(t)
	valid := string(sample(t, ceType))
	for name, data := range map[string]string{
		"empty":                 "",
		"cut off":               valid[:len(valid)-4],
		"two values":            valid + valid,
		"text behind it":        valid + "x",
		"a name twice":          strings.Replace(valid, `"reason"`, `"reason": "damaged", "reason"`, 1),
		"an escaped name twice": strings.Replace(valid, `"reason"`, `"re\u0061son": "damaged", "reason"`, 1),
		"a name in capitals":    strings.Replace(valid, `"iin"`, `"IIN"`, 1),
		"not UTF-8":             strings.Replace(valid, "lost", "l\xffst", 1),
		"windows-1251":          "\xef\xf0\xe8\xe2\xe5\xf2",
		"deep":                  strings.Repeat("[", 100000),
		"a comment":             "/* */" + valid,
		"a trailing comma":      strings.Replace(valid, "\n}", ",}", 1),
	} {
		t.Run(name, func(t *testing.T) {
			v := violationOf(t, c.Check(topic, topics.Message{Type: ceType, Source: "statecorp", Subject: "statecorp-1899-000001", Data: []byte(data)}))
			if v.Code != contract.Schema {
				t.Errorf("got %v", v)
			}
		})
	}
}

func TestCheckOutsideTheContract(t *testing.T) {
	c := load(t)
	m := topics.Message{Type: "kz.hub.notification.v1", Source: "hub", Subject: "egov-1", Data: []byte("{}")}
	for _, topic := range []string{"nowhere", "", "register.dead", "hub.control"} {
		if v := violationOf(t, c.Check(topic, m)); v.Code != contract.UnknownType {
			t.Errorf("%q: got %v", topic, v)
		}
	}
}

// Whatever a sender puts into a payload, as a value or as a name, no error
// repeats it; and there are at most ten places.
func TestCheckNamesNoValue(t *testing.T) {
	const secret = "СЕКРЕТ"
	c := load(t)
	for _, ceType := range schemas.Types() {
		topic := home(t, c, ceType)
		for _, wrong := range []any{secret, 987654321987, []any{secret}, map[string]any{secret: secret}, strings.Repeat(secret, 2000), nil} {
			o := spoil(object(t, ceType), wrong).(map[string]any)
			o[secret] = secret
			m := message(t, topic, ceType, o)
			m.Subject = "egov-1"
			v := violationOf(t, c.Check(topic.Name, m))
			text := fmt.Sprint(v.Error(), v.Places)
			if strings.Contains(text, secret) || strings.Contains(text, "987654321987") {
				t.Errorf("%s: the error repeats a value: %s", ceType, text)
			}
			if len(v.Places) == 0 || len(v.Places) > 10 {
				t.Errorf("%s: %d places", ceType, len(v.Places))
			}
		}
	}
}

// spoil returns a tree with every leaf replaced.
func spoil(v, with any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = spoil(v[k], with)
		}
		return v
	case []any:
		for i := range v {
			v[i] = spoil(v[i], with)
		}
		return v
	}
	return with
}

// Check answers every input with nil or a violation of a known code, and what
// it lets through both readers of the hub understand alike.
func FuzzCheck(f *testing.F) {
	c := load(f)
	types := schemas.Types()
	for i, ceType := range types {
		f.Add(uint8(i), sample(f, ceType))
	}
	f.Add(uint8(0), []byte(`{"a":1,"a":2}`))
	f.Add(uint8(0), []byte(`[[[[`))
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		ceType := types[int(i)%len(types)]
		topic := home(t, c, ceType)
		var id struct {
			ID string `json:"application_id"`
		}
		_ = json.Unmarshal(data, &id) // an id that cannot be read is none
		err := c.Check(topic.Name, topics.Message{ID: "1", Type: ceType, Source: topic.Sources[0], Subject: id.ID, Data: data})
		if err == nil {
			if v := newPayload(ceType); json.Unmarshal(data, v) != nil {
				t.Fatalf("%s: the schema takes what the Go type does not", ceType)
			}
			return
		}
		codes := []string{contract.UnknownType, contract.WrongSource, contract.Schema, contract.Consent, contract.IIN, contract.Subject}
		if v := violationOf(t, err); !slices.Contains(codes, v.Code) {
			t.Fatalf("unknown code %q", v.Code)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	const ceType = "kz.migration.application.submitted.v1"
	c := load(b)
	m := topics.Message{Type: ceType, Source: "migration", Subject: "migration-1899-000001", Data: sample(b, ceType)}
	b.ReportAllocs()
	b.SetBytes(int64(len(m.Data)))
	for b.Loop() {
		if err := c.Check("migration.applications", m); err != nil {
			b.Fatal(err)
		}
	}
}
