package contract_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kandashub/topics/payload"
	"kandashub/topics/schemas"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// newPayload returns an empty payload of the type's Go form.
func newPayload(ceType string) any {
	switch ceType {
	case payload.TypeMigrationSubmitted, payload.TypeEgovSubmitted, payload.TypeStatecorpSubmitted:
		return new(payload.Application)
	case payload.TypeIINRequested, payload.TypeIINLookup, payload.TypeIINGeneration, payload.TypeIINResult:
		return new(payload.IINRequest)
	case payload.TypeRegistered, payload.TypePackageRefused, payload.TypeRecommended,
		payload.TypeHearingSet, payload.TypeDecided, payload.TypeCertificateIssued:
		return new(payload.Event)
	case payload.TypeNotification:
		return new(payload.Notification)
	case payload.TypeSignatureRejected:
		return new(payload.Rejection)
	case payload.TypeDeliveryRecorded, payload.TypeMigrationReceipt, payload.TypeEgovReceipt, payload.TypeStatecorpReceipt:
		return new(payload.Delivery)
	case payload.TypeCertRequested:
		return new(payload.CertificateRequest)
	}
	return nil
}

// The Go types and the schemas are one contract: the same fields, the same
// kinds of value, and what JSON always carries is what a schema may require.
func TestTypesAgreeWithSchemas(t *testing.T) {
	compiled, err := schemas.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for ceType, s := range compiled {
		schema := s.Compiled()
		p := newPayload(ceType)
		if p == nil {
			t.Errorf("%s has a schema but no Go type", ceType)
			continue
		}
		for schema.Ref != nil {
			schema = schema.Ref
		}
		agree(t, ceType, reflect.TypeOf(p).Elem(), schema)
	}
}

func agree(t *testing.T, where string, typ reflect.Type, s *jsonschema.Schema) {
	t.Helper()
	for s.Ref != nil {
		s = s.Ref
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch typ.Kind() {
	case reflect.Slice:
		items, ok := s.Items2020, s.Items2020 != nil
		if !ok {
			t.Errorf("%s: a list in Go only", where)
			return
		}
		agree(t, where+"/0", typ.Elem(), items)
	case reflect.Struct:
		fields := fieldsOf(typ)
		if got, want := slices.Sorted(maps.Keys(s.Properties)), slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema and the Go type differ: %s", where, cmp.Diff(want, got))
			return
		}
		for name, f := range fields {
			_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if strings.Contains(options, "omitempty") && slices.Contains(s.Required, name) {
				t.Errorf("%s/%s: required, but Go leaves it out when empty", where, name)
			}
			agree(t, where+"/"+name, f.Type, s.Properties[name])
		}
	default:
		kinds := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean"}
		if want := kinds[typ.Kind()]; !allows(s, want) {
			t.Errorf("%s: the schema does not take a %s", where, want)
		}
	}
}

// allows says whether the schema takes values of a JSON type only, by type,
// enum or const.
func allows(s *jsonschema.Schema, want string) bool {
	if s.Types != nil {
		return slices.Equal(s.Types.ToStrings(), []string{want})
	}
	var values []any
	if s.Enum != nil {
		values = s.Enum.Values
	}
	if s.Const != nil {
		values = append(values, *s.Const)
	}
	kinds := map[string]reflect.Kind{"string": reflect.String, "boolean": reflect.Bool}
	return len(values) > 0 && !slices.ContainsFunc(values, func(v any) bool { return reflect.TypeOf(v).Kind() != kinds[want] })
}

// fieldsOf returns the fields that JSON carries, by name; embedded structs are
// part of their parent.
func fieldsOf(typ reflect.Type) map[string]reflect.StructField {
	fields := make(map[string]reflect.StructField)
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields[name] = f
		}
	}
	return fields
}

// Every sample goes through its Go type and back without loss.
func TestSamplesAgreeWithTypes(t *testing.T) {
	for _, ceType := range schemas.Types() {
		p := newPayload(ceType)
		d := json.NewDecoder(bytes.NewReader(sample(t, ceType)))
		d.DisallowUnknownFields()
		if err := d.Decode(p); err != nil {
			t.Errorf("%s: %v", ceType, err)
			continue
		}
		back, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(back, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(object(t, ceType), got); diff != "" {
			t.Errorf("%s: the Go type loses something: %s", ceType, diff)
		}
	}
}

// What the Go constants name, the schemas take.
func TestConstantsAgreeWithSchemas(t *testing.T) {
	c := load(t)
	takes := func(ceType string, change func(o map[string]any)) {
		t.Helper()
		o := object(t, ceType)
		change(o)
		topic := home(t, c, ceType)
		if err := c.Check(topic.Name, message(t, topic, ceType, o)); err != nil {
			t.Error(err)
		}
	}
	for _, reason := range []string{
		payload.ReasonSeveral, payload.ReasonDocumentDiffers, payload.ReasonBirthDiffers, payload.ReasonNamesDiffer, payload.ReasonIINUnknown,
		payload.ReasonRemoved, payload.ReasonExcluded, payload.ReasonDead, payload.ReasonRefused,
	} {
		for _, status := range []string{payload.IINAmbiguous, payload.IINStopped} {
			takes(payload.TypeIINResult, func(o map[string]any) {
				at(o, "persons", 1)["result"] = map[string]any{"status": status, "reason": reason}
			})
		}
	}
	for _, status := range []string{payload.IINFound, payload.IINGenerated} {
		takes(payload.TypeIINResult, func(o map[string]any) {
			at(o, "persons", 1)["result"] = map[string]any{"status": status, "iin": "040101000017"} // seventh digit 0
		})
	}
	for _, state := range []string{payload.DeliveryAccepted, payload.DeliveryDelivered, payload.DeliveryNotDelivered} {
		takes(payload.TypeDeliveryRecorded, func(o map[string]any) { o["state"] = state })
	}
}
