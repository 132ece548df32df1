package schemas

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
)

// Each of our schemas has a rule: else its type would be checked slowly, and
// nobody would know.
func TestEverySchemaHasARule(t *testing.T) {
	compiled, err := Compile()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range compiled {
		if s.rule == nil {
			t.Errorf("%s uses a keyword that rules do not know", name)
		}
	}
}

// What JSON readers could understand differently is not parsed, and what is
// parsed is read as others read it.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `[1,-2.5e3,"a\n\u04a3",true,false,null,{"a":{"b":[]}}]`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{} x`, `{}{}`, "\"\xff\"", `[[[[`, `{"a":`,
		`{"a":1,}`, `/**/{}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Document
		if !d.Parse(data) {
			return
		}
		var want any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("only we can read it: %v", err)
		}
		if got := d.value(Root); !reflect.DeepEqual(got, want) {
			t.Fatalf("read as %#v, others read %#v", got, want)
		}
	})
}

// value is a value as encoding/json decodes it.
func (d *Document) value(at int) any {
	switch n := d.nodes[at]; n.kind {
	case '{':
		o := map[string]any{}
		for m := range d.Items(at) {
			o[d.nodes[m].name] = d.value(m)
		}
		return o
	case '[':
		a := []any{}
		for i := range d.Items(at) {
			a = append(a, d.value(i))
		}
		return a
	case '"':
		return n.text
	case '0':
		return json.Number(n.text)
	case 'n':
		return nil
	default:
		return n.kind == 't'
	}
}

// FuzzRules holds the rules against the library: whatever is done to a payload,
// they say the same of it.
func FuzzRules(f *testing.F) {
	compiled, err := Compile()
	if err != nil {
		f.Fatal(err)
	}
	types := Types()
	for i := range types {
		for seed := range uint64(20) {
			f.Add(i, seed)
		}
	}
	f.Fuzz(func(t *testing.T, i int, seed uint64) {
		if i < 0 || i >= len(types) {
			t.Skip("no such type")
		}
		s := compiled[types[i]]
		rng := rand.New(rand.NewPCG(seed, 1))
		v := payload(t, types[i])
		if !accepts(t, s, v) || s.library.Validate(v) != nil {
			t.Fatal("the sample is not valid")
		}
		for range 30 { // one after another, so that several faults meet, and faults are mended
			if spot := pick(rng, &v); rng.IntN(3) > 0 {
				spoil(rng, spot, payload(t, types[rng.IntN(len(types))]))
			} else if v = payload(t, types[i]); rng.IntN(2) == 0 {
				spoil(rng, pick(rng, &v), payload(t, types[i]))
			}
			if got, want := accepts(t, s, v), s.library.Validate(v) == nil; got != want {
				text, _ := json.Marshal(v)
				t.Fatalf("%s: the rule says %t, the library %t: %s", types[i], got, want, text)
			}
		}
	})
}

func accepts(t *testing.T, s *Schema, v any) bool {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var d Document
	if !d.Parse(b) {
		t.Fatalf("cannot be parsed: %s", b)
	}
	return s.Accepts(&d)
}

func payload(t *testing.T, ceType string) (v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + ceType + ".json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// A place is where a value stands.
type place struct {
	get func() any
	set func(any)
}

// pick walks down from a value to somewhere below.
func pick(rng *rand.Rand, v *any) place {
	at := place{func() any { return *v }, func(x any) { *v = x }}
	for rng.IntN(4) > 0 {
		switch x := at.get().(type) {
		case map[string]any:
			if len(x) == 0 {
				return at
			}
			name := slices.Sorted(maps.Keys(x))[rng.IntN(len(x))]
			at = place{func() any { return x[name] }, func(v any) { x[name] = v }}
		case []any:
			if len(x) == 0 {
				return at
			}
			i := rng.IntN(len(x))
			at = place{func() any { return x[i] }, func(v any) { x[i] = v }}
		default:
			return at
		}
	}
	return at
}

// spoil changes a value; other is where pieces come from.
func spoil(rng *rand.Rand, at place, other any) {
	odd := []any{
		nil, true, false, "", "a", " a", "a\n", "p0", "p07", "KAZ", "kaz", "1890-01-02", "1890-13-02", "1890-01", "1890", "assign", "registered", "5", "19-1",
		"egov-1", "2026-11-22T10:11:12+05:00", "2026-11-22 10:11", "880101100123", json.Number("0"), json.Number("1"), json.Number("-1"), json.Number("1.0"),
		json.Number("1.5"), json.Number("1e3"), json.Number("100000000000000000000"), string(bytes.Repeat([]byte("ң"), 40)), string(bytes.Repeat([]byte("a"), 3000)),
		map[string]any{}, []any{}, []any{"1", "1"}, []any{"1", "2"}, []any{"5", "19-1"},
	}
	switch x := at.get().(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(x))
		switch rng.IntN(4) {
		case 0:
			if len(names) > 0 {
				delete(x, names[rng.IntN(len(names))])
			}
			return
		case 1:
			from := pick(rng, &other).get()
			if o, ok := from.(map[string]any); ok && len(o) > 0 {
				name := slices.Sorted(maps.Keys(o))[rng.IntN(len(o))]
				x[name] = o[name]
				return
			}
		case 2:
			x["unknown"] = odd[rng.IntN(len(odd))]
			return
		}
	case []any:
		if rng.IntN(2) == 0 && len(x) > 0 {
			at.set(append(slices.Clone(x), x[rng.IntN(len(x))])) // twice
			return
		}
		if len(x) > 0 && rng.IntN(2) == 0 {
			at.set(x[1:])
			return
		}
	}
	if rng.IntN(4) == 0 {
		at.set(pick(rng, &other).get())
		return
	}
	at.set(odd[rng.IntN(len(odd))])
}
