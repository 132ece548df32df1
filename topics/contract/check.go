package contract

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kandashub/topics"
	"kandashub/topics/schemas"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// The codes of a Violation: a closed set.
const (
	UnknownType = "unknown_type" // the type does not belong on the topic
	WrongSource = "wrong_source" // ce_source may not write to the topic
	Schema      = "schema"       // the payload has not the form of its type
	Consent     = "consent"      // no consent to the processing of personal data
	IIN         = "iin"          // a number is no IIN
	Subject     = "subject"      // ce_subject is not the payload's application id, or its notice's
)

// A Violation says how a message breaks the contract. It names places and
// rules, never a value.
type Violation struct {
	Code   string
	Err    error
	Places []Place // of Schema, Consent and IIN: at most ten
}

// A Place is where a payload breaks a rule of its schema.
type Place struct {
	Pointer string `json:"pointer"` // RFC 6901; empty for the whole payload
	Rule    string `json:"rule"`    // the keyword of JSON Schema, or the format's name
}

func (v *Violation) Error() string { return v.Code + ": " + v.Err.Error() }

// Unwrap returns the cause.
func (v *Violation) Unwrap() error { return v.Err }

func violation(code, format string, args ...any) *Violation {
	return &Violation{Code: code, Err: fmt.Errorf(format, args...)}
}

// maxPlaces bounds what one bad message can make us say.
const maxPlaces = 10

// Check holds a message read from or written to topic against the contract: its
// source may write there, its type belongs there, its payload has the form of
// its type, and ce_subject is the payload's application id, and that of the
// notice it speaks of. The error is a *Violation.
func (c *Contract) Check(topic string, m topics.Message) error {
	t, ok := c.byName[topic]
	if !ok {
		return violation(UnknownType, "the contract knows no such topic")
	}
	if !slices.Contains(t.Sources, m.Source) {
		return violation(WrongSource, "%s takes messages of %s only", topic, strings.Join(t.Sources, ", "))
	}
	if !slices.Contains(t.Types, m.Type) {
		return violation(UnknownType, "the type does not belong on %s", topic)
	}
	if c.accepts(m) {
		return nil
	}
	value, err := decode(m.Data)
	if err != nil {
		return &Violation{Code: Schema, Err: err}
	}
	if err := c.schemas[m.Type].Validate(value); err != nil {
		return broken(err)
	}
	if place, ok := repeatedRef(value); ok {
		return &Violation{Code: Schema, Err: describe([]Place{place}), Places: []Place{place}}
	}
	fields, _ := value.(map[string]any)
	if id, _ := fields["application_id"].(string); id != m.Subject {
		return violation(Subject, "ce_subject is not the application_id of the payload")
	}
	if notice, ok := fields["notice"].(string); ok && !strings.HasPrefix(notice, m.Subject+".") {
		return violation(Subject, "the notice is one of another application")
	}
	return nil
}

// accepts says whether a payload is good, which nearly all are, in a tenth of the
// time that it takes to find out why one is not. Both look for the same.
func (c *Contract) accepts(m topics.Message) bool {
	d := c.documents.Get().(*schemas.Document)
	defer c.documents.Put(d)
	if !d.Parse(m.Data) || !c.schemas[m.Type].Accepts(d) || hasRepeatedRef(d) {
		return false
	}
	text := func(name string) string {
		at, _ := d.Member(schemas.Root, name)
		text, _ := d.Text(at)
		return text
	}
	_, speaksOfNotice := d.Member(schemas.Root, "notice")
	return text("application_id") == m.Subject && (!speaksOfNotice || strings.HasPrefix(text("notice"), m.Subject+"."))
}

// hasRepeatedRef is repeatedRef for accepts.
func hasRepeatedRef(d *schemas.Document) bool {
	for _, list := range []string{"family", "persons"} {
		at, ok := d.Member(schemas.Root, list)
		if !ok {
			continue
		}
		var seen []string
		for person := range d.Items(at) {
			ref := ""
			if r, ok := d.Member(person, "ref"); ok {
				ref, _ = d.Text(r)
			}
			if slices.Contains(seen, ref) {
				return true
			}
			seen = append(seen, ref)
		}
	}
	return false
}

// broken turns the library's tree of errors into places. Missing consent goes
// before a bad IIN, and that before everything else: these two are what a
// sender can act on by himself.
func broken(err error) *Violation {
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return violation(Schema, "the payload cannot be checked")
	}
	places := leaves(ve, nil)
	v := &Violation{Code: Schema, Err: describe(places), Places: places}
	for _, p := range places {
		if p.Pointer == "/consent" || strings.HasPrefix(p.Pointer, "/consent/") {
			v.Code = Consent
			return v
		}
		if p.Rule == "iin" {
			v.Code = IIN
		}
	}
	return v
}

func describe(places []Place) error {
	texts := make([]string, len(places))
	for i, p := range places {
		texts[i] = fmt.Sprintf("%q breaks %s", p.Pointer, p.Rule)
	}
	return errors.New(strings.Join(texts, "; "))
}

// leaves collects the places at which e begins. Why each branch of an anyOf or
// oneOf failed is no help to a reader; the choice itself is named instead.
func leaves(e *jsonschema.ValidationError, to []Place) []Place {
	pointer := pointerOf(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
	case *kind.Not:
		return add(to, Place{pointer, "not"})
	case *kind.Required:
		for _, name := range k.Missing {
			to = add(to, Place{pointer + "/" + name, "required"})
		}
		return to
	case *kind.Format:
		return add(to, Place{pointer, k.Want})
	default:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				to = leaves(cause, to)
			}
			return to
		}
	}
	rule := "false"
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		rule = path[0]
	}
	return add(to, Place{pointer, rule})
}

func add(to []Place, p Place) []Place {
	if len(to) >= maxPlaces || slices.Contains(to, p) {
		return to
	}
	return append(to, p)
}

// pointerOf is safe to show: the schemas are closed and name every property, so
// no name in it was chosen by the sender.
func pointerOf(location []string) string {
	var b strings.Builder
	for _, token := range location {
		b.WriteByte('/')
		b.WriteString(token)
	}
	return b.String()
}

// repeatedRef finds a person whose ref is taken by an earlier one: the rule of
// the forms that JSON Schema cannot say.
func repeatedRef(value any) (Place, bool) {
	root, _ := value.(map[string]any)
	for _, list := range []string{"family", "persons"} {
		persons, _ := root[list].([]any)
		seen := make(map[any]bool, len(persons))
		for i, p := range persons {
			person, _ := p.(map[string]any)
			if seen[person["ref"]] {
				return Place{"/" + list + "/" + strconv.Itoa(i) + "/ref", "unique"}, true
			}
			seen[person["ref"]] = true
		}
	}
	return Place{}, false
}
