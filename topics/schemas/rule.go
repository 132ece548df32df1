package schemas

import (
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A Schema is the schema of one event type. It may be used by many goroutines at
// once.
type Schema struct {
	library *jsonschema.Schema
	rule    *rule // nil where a keyword is used that rules do not know
}

// Accepts says whether a payload is valid: in a tenth of the time that the
// library needs to be able to say why it is not. Where it says no, Validate has
// the last word.
func (s *Schema) Accepts(d *Document) bool { return s.rule != nil && s.rule.accepts(d, Root) }

// Validate holds a payload, as decoded from JSON with numbers as json.Number,
// against the schema. The error is the library's.
func (s *Schema) Validate(v any) error { return s.library.Validate(v) }

// Compiled is the schema as the library has compiled it.
func (s *Schema) Compiled() *jsonschema.Schema { return s.library }

// A rule says whether a value is valid, as exactly as the library does; it knows
// the keywords that our schemas use.
type rule struct {
	never bool
	kinds kinds    // 0: any
	texts []string // enum or const, with bools; none of both: any value
	bools []bool

	all, any, one          []*rule
	not, cond, then, other *rule

	required           []string
	leastProps, mostOf int // properties; mostOf -1: any number
	props              map[string]*rule
	closed             bool // no other properties

	leastItems, mostItems int // -1: any number
	unique                bool
	items                 *rule

	leastRunes, mostRunes int // -1: any number
	pattern               jsonschema.Regexp
	format                *jsonschema.Format
	least, most           *big.Rat
}

// ruleMaker makes rules of compiled schemas, each once: they may be recursive.
type ruleMaker struct {
	made    map[*jsonschema.Schema]*rule
	unknown bool // a keyword was met that rules do not know
}

func (m *ruleMaker) rule(s *jsonschema.Schema) *rule {
	if s == nil {
		return nil
	}
	if r := m.made[s]; r != nil {
		return r
	}
	r := &rule{
		never: s.Bool != nil && !*s.Bool, required: s.Required, leastProps: or(s.MinProperties, 0), mostOf: or(s.MaxProperties, -1),
		leastItems: or(s.MinItems, 0), mostItems: or(s.MaxItems, -1), unique: s.UniqueItems,
		leastRunes: or(s.MinLength, 0), mostRunes: or(s.MaxLength, -1),
		pattern: s.Pattern, format: s.Format, least: s.Minimum, most: s.Maximum,
	}
	m.made[s] = r
	m.unknown = m.unknown || s.RecursiveRef != nil || s.DynamicRef != nil ||
		s.PropertyNames != nil || len(s.PatternProperties) > 0 || len(s.Dependencies) > 0 || len(s.DependentRequired) > 0 ||
		len(s.DependentSchemas) > 0 || s.UnevaluatedProperties != nil || s.Contains != nil || s.Items != nil ||
		s.AdditionalItems != nil || len(s.PrefixItems) > 0 || s.UnevaluatedItems != nil || s.ContentEncoding != nil ||
		s.ContentMediaType != nil || s.ContentSchema != nil || s.ExclusiveMaximum != nil || s.ExclusiveMinimum != nil ||
		s.MultipleOf != nil || len(s.Extensions) > 0
	if s.Types != nil {
		for _, name := range s.Types.ToStrings() {
			r.kinds |= kindNamed(name)
		}
	}
	var values []any
	if s.Const != nil {
		values = []any{*s.Const}
	}
	if s.Enum != nil {
		m.unknown = m.unknown || values != nil
		values = s.Enum.Values
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			r.texts = append(r.texts, v)
		case bool:
			r.bools = append(r.bools, v)
		default:
			m.unknown = true
		}
	}
	if s.Ref != nil {
		r.all = append(r.all, m.rule(s.Ref))
	}
	r.all = append(r.all, m.rules(s.AllOf)...)
	r.any, r.one = m.rules(s.AnyOf), m.rules(s.OneOf)
	r.not, r.cond, r.then, r.other = m.rule(s.Not), m.rule(s.If), m.rule(s.Then), m.rule(s.Else)
	r.props = make(map[string]*rule, len(s.Properties))
	for name, p := range s.Properties {
		r.props[name] = m.rule(p)
	}
	switch more := s.AdditionalProperties.(type) {
	case nil:
	case bool:
		r.closed = !more
	default:
		m.unknown = true
	}
	r.items = m.rule(s.Items2020)
	m.unknown = m.unknown || r.unique && !r.items.onlyTexts()
	return r
}

func (m *ruleMaker) rules(of []*jsonschema.Schema) []*rule {
	var out []*rule
	for _, s := range of {
		out = append(out, m.rule(s))
	}
	return out
}

func or(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}

// onlyTexts says whether a rule is seen to accept nothing but texts.
func (r *rule) onlyTexts() bool {
	return r != nil && (r.kinds == aText || len(r.texts) > 0 && len(r.bools) == 0 || slices.ContainsFunc(r.all, (*rule).onlyTexts))
}

// kinds is a set of JSON's kinds of values.
type kinds uint8

const (
	aText kinds = 1 << iota
	anObject
	anArray
	aNumber
	anInteger
	aBoolean
	aNull
)

func kindNamed(name string) kinds {
	return map[string]kinds{
		"string": aText, "object": anObject, "array": anArray, "number": aNumber, "integer": anInteger, "boolean": aBoolean, "null": aNull,
	}[name]
}

func (r *rule) may(k kinds) bool { return r.kinds == 0 || r.kinds&k != 0 }

// accepts says whether a value is valid.
func (r *rule) accepts(d *Document, at int) bool {
	if r.never {
		return false
	}
	chosen := len(r.texts) > 0 || len(r.bools) > 0
	ok := false
	switch n := &d.nodes[at]; n.kind {
	case '"':
		ok = r.may(aText) && (!chosen || slices.Contains(r.texts, n.text)) && r.acceptsText(n.text)
	case '{':
		ok = r.may(anObject) && !chosen && r.acceptsObject(d, at)
	case '[':
		ok = r.may(anArray) && !chosen && r.acceptsArray(d, at)
	case '0':
		ok = !chosen && r.acceptsNumber(n.text)
	case 't', 'f':
		ok = r.may(aBoolean) && (!chosen || slices.Contains(r.bools, n.kind == 't'))
	case 'n':
		ok = r.may(aNull) && !chosen
	}
	return ok && r.acceptsCombined(d, at)
}

func (r *rule) acceptsCombined(d *Document, at int) bool {
	for _, x := range r.all {
		if !x.accepts(d, at) {
			return false
		}
	}
	accepting := func(of []*rule) (n int) {
		for _, x := range of {
			if x.accepts(d, at) {
				n++
			}
		}
		return n
	}
	if len(r.any) > 0 && accepting(r.any) == 0 || len(r.one) > 0 && accepting(r.one) != 1 || r.not != nil && r.not.accepts(d, at) {
		return false
	}
	if r.cond != nil {
		next := r.other
		if r.cond.accepts(d, at) {
			next = r.then
		}
		return next == nil || next.accepts(d, at)
	}
	return true
}

func (r *rule) acceptsText(s string) bool {
	if r.leastRunes > 0 || r.mostRunes >= 0 {
		n := utf8.RuneCountInString(s)
		if n < r.leastRunes || r.mostRunes >= 0 && n > r.mostRunes {
			return false
		}
	}
	return (r.pattern == nil || r.pattern.MatchString(s)) && (r.format == nil || r.format.Validate(s) == nil)
}

func (r *rule) acceptsObject(d *Document, at int) bool {
	size := d.nodes[at].size
	if size < r.leastProps || r.mostOf >= 0 && size > r.mostOf {
		return false
	}
	for _, name := range r.required {
		if _, ok := d.Member(at, name); !ok {
			return false
		}
	}
	if len(r.props) == 0 && !r.closed {
		return true
	}
	for m := range d.Items(at) {
		switch p := r.props[d.nodes[m].name]; {
		case p != nil:
			if !p.accepts(d, m) {
				return false
			}
		case r.closed:
			return false
		}
	}
	return true
}

func (r *rule) acceptsArray(d *Document, at int) bool {
	size := d.nodes[at].size
	if size < r.leastItems || r.mostItems >= 0 && size > r.mostItems {
		return false
	}
	for i := range d.Items(at) {
		if r.items != nil && !r.items.accepts(d, i) {
			return false
		}
		if !r.unique { // else they are texts, or would not have been accepted
			continue
		}
		for j := range d.Items(at) {
			if j >= i {
				break
			}
			if d.nodes[j].text == d.nodes[i].text {
				return false
			}
		}
	}
	return true
}

func (r *rule) acceptsNumber(n string) bool {
	if r.least == nil && r.most == nil && (r.may(aNumber) || r.may(anInteger) && !strings.ContainsAny(n, ".eE")) {
		return true
	}
	x, ok := new(big.Rat).SetString(n)
	return ok && (r.may(aNumber) || r.may(anInteger) && x.IsInt()) &&
		(r.least == nil || x.Cmp(r.least) >= 0) && (r.most == nil || x.Cmp(r.most) <= 0)
}
