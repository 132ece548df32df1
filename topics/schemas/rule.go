package schemas

import (
	"encoding/json"
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

// Validate holds a payload, as decoded from JSON with numbers as json.Number,
// against the schema. Nearly every payload is valid, and to find that out takes
// a tenth of the time that the library needs to be able to say why not: it is
// asked where the quick look finds a fault, and its error is returned.
func (s *Schema) Validate(v any) error {
	if s.rule != nil && s.rule.accepts(v) {
		return nil
	}
	return s.library.Validate(v)
}

// Compiled is the schema as the library has compiled it.
func (s *Schema) Compiled() *jsonschema.Schema { return s.library }

// A rule says whether a value is valid, as exactly as the library does; it knows
// the keywords that our schemas use.
type rule struct {
	never  bool
	kinds  []string // of JSON; none: any
	values []any    // enum or const, texts and booleans; none: any

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
		r.kinds = s.Types.ToStrings()
	}
	if s.Const != nil {
		r.values = []any{*s.Const}
	}
	if s.Enum != nil {
		m.unknown = m.unknown || r.values != nil
		r.values = s.Enum.Values
	}
	for _, v := range r.values {
		switch v.(type) {
		case string, bool:
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
	return r != nil && (slices.Equal(r.kinds, []string{"string"}) ||
		len(r.values) > 0 && !slices.ContainsFunc(r.values, func(v any) bool { _, ok := v.(string); return !ok }) ||
		slices.ContainsFunc(r.all, (*rule).onlyTexts))
}

// accepts says whether v is valid.
func (r *rule) accepts(v any) bool {
	if r.never || len(r.values) > 0 && !r.lists(v) {
		return false
	}
	switch v := v.(type) {
	case string:
		if !r.isKind("string") || !r.acceptsText(v) {
			return false
		}
	case map[string]any:
		if !r.isKind("object") || !r.acceptsObject(v) {
			return false
		}
	case []any:
		if !r.isKind("array") || !r.acceptsArray(v) {
			return false
		}
	case json.Number:
		if !r.acceptsNumber(v) {
			return false
		}
	case bool:
		if !r.isKind("boolean") {
			return false
		}
	case nil:
		if !r.isKind("null") {
			return false
		}
	default:
		return false
	}
	return r.acceptsCombined(v)
}

func (r *rule) isKind(kind string) bool { return len(r.kinds) == 0 || slices.Contains(r.kinds, kind) }

// lists says whether v is one of the values; an object or an array never is.
func (r *rule) lists(v any) bool {
	switch v.(type) {
	case string, bool:
		return slices.Contains(r.values, v)
	}
	return false
}

func (r *rule) acceptsCombined(v any) bool {
	for _, x := range r.all {
		if !x.accepts(v) {
			return false
		}
	}
	if len(r.any) > 0 && !slices.ContainsFunc(r.any, func(x *rule) bool { return x.accepts(v) }) {
		return false
	}
	if len(r.one) > 0 {
		n := 0
		for _, x := range r.one {
			if x.accepts(v) {
				n++
			}
		}
		if n != 1 {
			return false
		}
	}
	if r.not != nil && r.not.accepts(v) {
		return false
	}
	if r.cond != nil {
		next := r.other
		if r.cond.accepts(v) {
			next = r.then
		}
		return next == nil || next.accepts(v)
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

func (r *rule) acceptsObject(o map[string]any) bool {
	if len(o) < r.leastProps || r.mostOf >= 0 && len(o) > r.mostOf {
		return false
	}
	for _, name := range r.required {
		if _, ok := o[name]; !ok {
			return false
		}
	}
	if len(r.props) == 0 && !r.closed {
		return true
	}
	for name, v := range o {
		switch p := r.props[name]; {
		case p != nil:
			if !p.accepts(v) {
				return false
			}
		case r.closed:
			return false
		}
	}
	return true
}

func (r *rule) acceptsArray(a []any) bool {
	if len(a) < r.leastItems || r.mostItems >= 0 && len(a) > r.mostItems {
		return false
	}
	if r.items != nil && slices.ContainsFunc(a, func(v any) bool { return !r.items.accepts(v) }) {
		return false
	}
	if r.unique { // they are texts, or would not have been accepted
		for i := range a {
			if slices.Contains(a[:i], a[i]) {
				return false
			}
		}
	}
	return true
}

func (r *rule) acceptsNumber(n json.Number) bool {
	if r.least == nil && r.most == nil && (r.isKind("number") || r.isKind("integer") && !strings.ContainsAny(string(n), ".eE")) {
		return true
	}
	x, ok := new(big.Rat).SetString(string(n))
	return ok && (r.isKind("number") || r.isKind("integer") && x.IsInt()) &&
		(r.least == nil || x.Cmp(r.least) >= 0) && (r.most == nil || x.Cmp(r.most) <= 0)
}
