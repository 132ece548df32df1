// Package schemas holds the JSON Schema (draft 2020-12) of each event type: one
// file per ce_type, and what they share in definitions.json. The Go types of
// the same payloads are in topics/payload; a test of topics/contract holds the
// two together.
//
// The schemas are closed: what they do not name is refused. Three formats are
// asserted beyond the standard ones: iin, partial-date, and date-time as Go
// reads it. Nothing is ever loaded from a network or a disk.
package schemas

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"kandashub/topics/iin"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed *.json
var files embed.FS

const (
	base        = "https://kandashub/schemas/"
	definitions = "definitions.json"
)

// Source returns the schema of an event type as it is written; false if there
// is none.
func Source(ceType string) ([]byte, bool) {
	b, err := files.ReadFile(ceType + ".json")
	return b, err == nil && ceType+".json" != definitions
}

// Types returns the event types that have a schema, sorted.
func Types() []string {
	var types []string
	names, _ := fs.Glob(files, "*.json") // its only error is a bad pattern
	for _, n := range names {
		if n != definitions {
			types = append(types, strings.TrimSuffix(n, ".json"))
		}
	}
	return types
}

// Compile returns the schema of every event type, by ce_type.
func Compile() (map[string]*Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(closed{})
	c.AssertFormat()
	for _, f := range formats() {
		c.RegisterFormat(f)
	}
	for _, name := range append(Types(), strings.TrimSuffix(definitions, ".json")) {
		b, err := files.ReadFile(name + ".json")
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		if err := c.AddResource(base+name+".json", doc); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
	}
	compiled := make(map[string]*Schema)
	for _, t := range Types() {
		s, err := c.Compile(base + t + ".json")
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", t, err)
		}
		compiled[t] = &Schema{library: s}
		m := ruleMaker{made: map[*jsonschema.Schema]*rule{}}
		if r := m.rule(s); !m.unknown {
			compiled[t].rule = r
		}
	}
	return compiled, nil
}

// closed refuses to load: every document is added before.
type closed struct{}

func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not one of the embedded schemas", url)
}

func formats() []*jsonschema.Format {
	format := func(name string, check func(string) error) *jsonschema.Format {
		return &jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok {
				return check(s)
			}
			return nil
		}}
	}
	return []*jsonschema.Format{
		format("iin", iin.Check),
		format("partial-date", partialDate),
		format("date-time", func(s string) error {
			if _, err := time.Parse(time.RFC3339, s); err != nil {
				return errors.New("not an RFC 3339 time")
			}
			return nil
		}),
	}
}

// partialDate accepts a day, a month or a year of the calendar.
func partialDate(s string) error {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(layout, s); err == nil && len(s) == len(layout) {
			return nil
		}
	}
	return errors.New("not YYYY-MM-DD, YYYY-MM or YYYY")
}
