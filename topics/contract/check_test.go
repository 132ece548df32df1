package contract_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/payload"
	"kandashub/topics/schemas"
)

func load(t testing.TB) *contract.Contract {
	t.Helper()
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sample returns a valid payload with every optional field that it can have.
func sample(t testing.TB, ceType string) []byte {
	t.Helper()
	b, err := os.ReadFile("../schemas/testdata/" + ceType + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// object returns the sample as a tree that a test can break.
func object(t testing.TB, ceType string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(sample(t, ceType), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// message wraps a payload as its type's own source would send it.
func message(t testing.TB, topic contract.Topic, ceType string, data any) topics.Message {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var id struct {
		ID string `json:"application_id"`
	}
	_ = json.Unmarshal(b, &id) // not every broken payload has one
	return topics.Message{ID: "1", Type: ceType, Source: topic.Sources[0], Subject: id.ID, Time: time.Unix(0, 0), Data: b}
}

// home returns a topic on which the type may stand.
func home(t testing.TB, c *contract.Contract, ceType string) contract.Topic {
	t.Helper()
	for _, topic := range c.Topics() {
		if slices.Contains(topic.Types, ceType) {
			return topic
		}
	}
	t.Fatalf("%s stands on no topic", ceType)
	return contract.Topic{}
}

func violationOf(t testing.TB, err error) *contract.Violation {
	t.Helper()
	var v *contract.Violation
	if !errors.As(err, &v) {
		t.Fatalf("got %v, want a violation", err)
	}
	return v
}

// Every type: its sample passes on every topic that carries it, and what breaks
// one rule that all types have in common is refused for that rule.
func TestCheckEveryType(t *testing.T) {
	c := load(t)
	for _, ceType := range schemas.Types() {
		t.Run(ceType, func(t *testing.T) {
			topic := home(t, c, ceType)
			for _, on := range c.Topics() {
				if slices.Contains(on.Types, ceType) {
					if err := c.Check(on.Name, message(t, on, ceType, object(t, ceType))); err != nil {
						t.Errorf("the sample on %s: %v", on.Name, err)
					}
				}
			}
			refuse := func(name, code string, want contract.Place, m topics.Message) {
				t.Helper()
				v := violationOf(t, c.Check(topic.Name, m))
				if v.Code != code || want.Rule != "" && !slices.Contains(v.Places, want) {
					t.Errorf("%s: got %v, want %s at %v", name, v, code, want)
				}
			}

			o := object(t, ceType)
			o["surplus"] = 1
			refuse("unknown name", contract.Schema, contract.Place{Pointer: "", Rule: "additionalProperties"}, message(t, topic, ceType, o))

			o = object(t, ceType)
			delete(o, "application_id")
			refuse("no application", contract.Schema, contract.Place{Pointer: "/application_id", Rule: "required"}, message(t, topic, ceType, o))

			m := message(t, topic, ceType, object(t, ceType))
			m.Subject += "0"
			refuse("another subject", contract.Subject, contract.Place{}, m)

			m = message(t, topic, ceType, object(t, ceType))
			m.Source = "labourmarket"
			refuse("another source", contract.WrongSource, contract.Place{}, m)

			m = message(t, topic, ceType, object(t, ceType))
			m.Type = strings.Replace(m.Type, ".v1", ".v9", 1)
			refuse("another version", contract.UnknownType, contract.Place{}, m)

			refuse("an array", contract.Schema, contract.Place{Pointer: "", Rule: "type"}, message(t, topic, ceType, []any{}))
		})
	}
}

// A receipt speaks of its own application's notices to its own system, and does
// not say which event they tell of.
func TestCheckReceipts(t *testing.T) {
	c := load(t)
	topic := home(t, c, payload.TypeMigrationReceipt)
	for field, tc := range map[string]struct{ value, code string }{
		"notice":    {"egov-1899-000001.0123456789abcdef", contract.Subject},
		"recipient": {"statecorp", contract.Schema},
		"event_id":  {"e-1", contract.Schema},
	} {
		o := object(t, payload.TypeMigrationReceipt)
		o[field] = tc.value
		if v := violationOf(t, c.Check(topic.Name, message(t, topic, payload.TypeMigrationReceipt, o))); v.Code != tc.code {
			t.Errorf("%s: %v, want %s", field, v, tc.code)
		}
	}
}

// at returns the object at a path of names and indexes.
func at(o map[string]any, path ...any) map[string]any {
	var v any = o
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v.(map[string]any)
}

// Each case breaks one rule of one form, and is refused at that place.
func TestCheckForms(t *testing.T) {
	const (
		application  = "kz.migration.application.submitted.v1"
		extension    = "kz.statecorp.application.submitted.v1"
		requested    = "kz.kandas.iin.requested.v1"
		result       = "kz.hub.iin.result.v1"
		registered   = "kz.kandas.application.registered.v1"
		decided      = "kz.kandas.application.decided.v1"
		notification = "kz.hub.notification.v1"
		reported     = "kz.egov.delivery.reported.v1"
		cert         = "kz.statecorp.certificate.requested.v1"
	)
	c := load(t)
	set := func(name string, value any, path ...any) func(map[string]any) {
		return func(o map[string]any) { at(o, path...)[name] = value }
	}
	unset := func(name string, path ...any) func(map[string]any) {
		return func(o map[string]any) { delete(at(o, path...), name) }
	}
	persons := func(n int) func(map[string]any) {
		return func(o map[string]any) {
			family := make([]any, n)
			for i := range family {
				family[i] = at(o, "family", 0)
			}
			o["family"] = family
		}
	}
	for _, tc := range []struct {
		name, ceType string
		broken       func(map[string]any)
		code         string
		place        contract.Place
	}{
		{"no consent", application, set("given", false, "consent"), contract.Consent, contract.Place{Pointer: "/consent/given", Rule: "const"}},
		{"consent is missing", application, unset("consent"), contract.Consent, contract.Place{Pointer: "/consent", Rule: "required"}},
		{"consent without time", application, unset("at", "consent"), contract.Consent, contract.Place{Pointer: "/consent/at", Rule: "required"}},
		{"control digit", application, set("iin", "990101200018", "applicant"), contract.IIN, contract.Place{Pointer: "/applicant/iin", Rule: "iin"}},
		{"birth date of an IIN", application, set("iin", "000229200019", "family", 1), contract.IIN, contract.Place{Pointer: "/family/1/iin", Rule: "iin"}},
		{"IIN in a request", cert, set("iin", "1"), contract.IIN, contract.Place{Pointer: "/iin", Rule: "iin"}},
		{"neither surname nor name", application, unset("name", "family", 0), contract.Schema, contract.Place{Pointer: "/family/0", Rule: "anyOf"}},
		{"blank name", application, set("name", " ", "applicant"), contract.Schema, contract.Place{Pointer: "/applicant/name", Rule: "pattern"}},
		{"line break in a name", application, set("name", "A\nB", "applicant"), contract.Schema, contract.Place{Pointer: "/applicant/name", Rule: "pattern"}},
		{"long name", application, set("surname", strings.Repeat("ә", 101), "applicant"), contract.Schema, contract.Place{Pointer: "/applicant/surname", Rule: "maxLength"}},
		{"day that does not exist", application, set("birth_date", "1899-02-29", "applicant"), contract.Schema, contract.Place{Pointer: "/applicant/birth_date", Rule: "partial-date"}},
		{"month that does not exist", application, set("birth_date", "1899-13", "family", 1), contract.Schema, contract.Place{Pointer: "/family/1/birth_date", Rule: "partial-date"}},
		{"date the other way round", application, set("birth_date", "01.01.1899", "applicant"), contract.Schema, contract.Place{Pointer: "/applicant/birth_date", Rule: "partial-date"}},
		{"partial date of a document", application, set("expires_on", "1908", "applicant", "document"), contract.Schema, contract.Place{Pointer: "/applicant/document/expires_on", Rule: "date"}},
		{"time without offset", application, set("filed_at", "2026-11-20T09:30:00"), contract.Schema, contract.Place{Pointer: "/filed_at", Rule: "date-time"}},
		{"purpose without its part", application, unset("region", "purpose"), contract.Schema, contract.Place{Pointer: "/purpose", Rule: "oneOf"}},
		{"purpose with another's part", application, set("kind", "study", "purpose"), contract.Schema, contract.Place{Pointer: "/purpose", Rule: "oneOf"}},
		{"purpose with two parts", application, func(o map[string]any) {
			at(o, "purpose")["study"] = map[string]any{"university": "A", "speciality": "B", "from": "1898-09-01", "to": "1899-05-31"}
		}, contract.Schema, contract.Place{Pointer: "/purpose", Rule: "oneOf"}},
		{"applicant who is not p0", application, set("ref", "p7", "applicant"), contract.Schema, contract.Place{Pointer: "/applicant/ref", Rule: "const"}},
		{"family member p0", application, set("ref", "p0", "family", 0), contract.Schema, contract.Place{Pointer: "/family/0/ref", Rule: "not"}},
		{"the same ref twice", application, set("ref", "p1", "family", 1), contract.Schema, contract.Place{Pointer: "/family/1/ref", Rule: "unique"}},
		{"51 members", application, persons(51), contract.Schema, contract.Place{Pointer: "/family", Rule: "maxItems"}},
		{"another channel's number", application, set("application_id", "egov-1899-000001"), contract.Schema, contract.Place{Pointer: "/application_id", Rule: "pattern"}},
		{"41 characters", application, set("application_id", "migration-"+strings.Repeat("1", 31)), contract.Schema, contract.Place{Pointer: "/application_id", Rule: "maxLength"}},
		{"Cyrillic in an application id", application, set("application_id", "migration-А1"), contract.Schema, contract.Place{Pointer: "/application_id", Rule: "pattern"}},
		{"extension without certificate", extension, unset("certificate"), contract.Schema, contract.Place{Pointer: "/certificate", Rule: "required"}},
		{"checksum of a file", application, set("sha256", "AB", "attachments", 0), contract.Schema, contract.Place{Pointer: "/attachments/0/sha256", Rule: "pattern"}},
		{"number as text", extension, set("years", "12", "purpose", "employer"), contract.Schema, contract.Place{Pointer: "/purpose/employer/years", Rule: "type"}},

		{"request with a result", requested, set("result", map[string]any{"status": "stopped", "reason": "dead"}, "persons", 0), contract.Schema, contract.Place{Pointer: "/persons/0/result", Rule: "false"}},
		{"request with a generation", requested, set("generation", map[string]any{"ref": "p0", "generated_since": "2026-11-20T10:00:00Z", "message_id": "1"}), contract.Schema, contract.Place{Pointer: "/generation", Rule: "false"}},
		{"request for nobody", requested, set("persons", []any{}), contract.Schema, contract.Place{Pointer: "/persons", Rule: "minItems"}},
		{"two persons with one ref", requested, set("ref", "p0", "persons", 2), contract.Schema, contract.Place{Pointer: "/persons/2/ref", Rule: "unique"}},
		{"person not settled in a result", result, unset("result", "persons", 1), contract.Schema, contract.Place{Pointer: "/persons/1/result", Rule: "required"}},
		{"generated without IIN", result, unset("iin", "persons", 0, "result"), contract.Schema, contract.Place{Pointer: "/persons/0/result/iin", Rule: "required"}},
		{"ambiguous with IIN", result, set("iin", "990101200017", "persons", 1, "result"), contract.Schema, contract.Place{Pointer: "/persons/1/result/iin", Rule: "false"}},
		{"stopped without reason", result, unset("reason", "persons", 2, "result"), contract.Schema, contract.Place{Pointer: "/persons/2/result/reason", Rule: "required"}},

		{"event without its part", registered, unset("registration"), contract.Schema, contract.Place{Pointer: "/registration", Rule: "required"}},
		{"event with two parts", registered, set("recommendation", map[string]any{"result": "assign", "protocol": "1", "date": "2026-11-20"}), contract.Schema, contract.Place{Pointer: "", Rule: "oneOf"}},
		{"event for nobody", registered, set("recipients", []any{}), contract.Schema, contract.Place{Pointer: "/recipients", Rule: "minItems"}},
		{"recipient twice", registered, set("recipients", []any{"egov", "egov"}), contract.Schema, contract.Place{Pointer: "/recipients", Rule: "uniqueItems"}},
		{"unknown recipient", registered, set("recipients", []any{"gbdfl"}), contract.Schema, contract.Place{Pointer: "/recipients/0", Rule: "enum"}},
		{"text in one language", registered, unset("kk", "text"), contract.Schema, contract.Place{Pointer: "/text/kk", Rule: "required"}},
		{"ground that the rules do not know", decided, set("grounds", []any{"6"}, "decision"), contract.Schema, contract.Place{Pointer: "/decision/grounds/0", Rule: "enum"}},
		{"kind of another event", notification, set("kind", "registered"), contract.Schema, contract.Place{Pointer: "", Rule: "oneOf"}},

		{"receipt of another system", reported, set("recipient", "migration"), contract.Schema, contract.Place{Pointer: "/recipient", Rule: "const"}},
		{"notice without its digits", reported, set("notice", "egov-1899-000001"), contract.Schema, contract.Place{Pointer: "/notice", Rule: "pattern"}},
		{"state that does not exist", reported, set("state", "lost"), contract.Schema, contract.Place{Pointer: "/state", Rule: "enum"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := object(t, tc.ceType)
			tc.broken(o)
			topic := home(t, c, tc.ceType)
			v := violationOf(t, c.Check(topic.Name, message(t, topic, tc.ceType, o)))
			if v.Code != tc.code || !slices.Contains(v.Places, tc.place) {
				t.Errorf("got %s at %v, want %s at %v", v.Code, v.Places, tc.code, tc.place)
			}
		})
	}
}
