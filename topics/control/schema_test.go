package control_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kandashub/topics"
	"kandashub/topics/control"
)

// schema compiles one of the package's schemas, which asyncapi.yaml names.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	if !strings.Contains(string(topics.AsyncAPI()), "./control/"+name) {
		t.Errorf("asyncapi.yaml does not name control/%s", name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// obeys holds what is written against its schema, and makes sure that the schema
// is closed.
func obeys(t *testing.T, s *jsonschema.Schema, written []byte) {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal(written, &value); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(value); err != nil {
		t.Errorf("%s: %v", written, err)
	}
	value["more"] = true
	if s.Validate(value) == nil {
		t.Errorf("the schema takes anything beside %s", written)
	}
}

func TestControlRecordsObeyTheirSchema(t *testing.T) {
	s := schema(t, "control.v1.json")
	now := time.Now()
	for key, values := range map[string][]any{
		control.PauseKey("r"): {
			control.Pause{Route: "r", Owner: "o", Why: "w", Since: now},
			control.Pause{Route: "r", Owner: "o", Why: "w", Since: now, Until: now},
		},
		control.BreakerKey("r"): {
			control.Breaker{Route: "r", Force: control.ForceOpen, Owner: "o", Why: "w", Since: now},
			control.Breaker{Route: "r", Force: control.ForceClosed, Owner: "o", Why: "w", Since: now, Until: now},
		},
		control.KeyLoss: {
			control.Loss{At: now, By: "hub"},
			control.Loss{At: now, By: "hub", Route: "r", Tags: []int{0, 63}, AcceptedAt: now, AcceptedBy: "o", Why: "w"},
		},
	} {
		for _, v := range values {
			b, err := control.Encode(key, v)
			if err != nil {
				t.Fatal(err)
			}
			obeys(t, s, b)
		}
	}
	for key, wrong := range map[string]any{
		control.PauseKey("other"): control.Pause{Route: "r"},
		control.KeyLoss:           control.Pause{Route: "r"},
		control.BreakerKey("r"):   control.Breaker{Route: "r"},
		"weather":                 42,
	} {
		if _, err := control.Encode(key, wrong); err == nil {
			t.Errorf("%+v is written under %s", wrong, key)
		}
	}
}
