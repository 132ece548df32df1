package outcomes

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"kandashub/topics"
)

// noon is when the messages of these tests are made.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 123456789, time.UTC)

// full is an outcome of which everything is known.
func full() Outcome {
	at := func(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }
	return Outcome{
		Application: "egov-17", Route: "register", Topic: "egov.applications", Partition: 3, Offset: 42,
		ID: "id\"\\\n<é>", Type: "kz.egov.application.submitted.v1", Source: "egov", System: "kandas", Operation: "register",
		Result: topics.ResultDeadLettered, Letter: "uncertain.http_500.1", Class: topics.LetterUncertain, Code: "http_500", Attempts: 3,
		Tries:  []topics.Try{{Began: at(2), Code: "claim"}, {Began: at(2), CallBegan: at(2), CallEnded: at(3), Code: "timeout"}},
		Pauses: []topics.PastPause{{Reason: topics.PauseBreaker, Since: at(-9), Until: at(2)}, {Reason: topics.PauseOperator, Since: at(2)}},
		Time:   at(0), Root: at(0), Written: at(1), Parked: at(2), Read: at(3), CallBegan: at(4), CallEnded: at(5), Finished: at(6),
		Trace: "0123456789abcdef0123456789abcdef",
	}
}

// bare is an outcome of which as little is known as can be.
func bare() Outcome {
	return Outcome{Route: "register", Topic: "egov.applications", System: "kandas", Operation: "register",
		Result: topics.ResultRejected, Letter: "l", Class: topics.LetterUntrusted, Code: "not_json", Finished: noon}
}

func TestEncodingIsThatOfJSON(t *testing.T) {
	for _, o := range []Outcome{full(), bare()} {
		written := appendJSON(nil, &o)
		byReflection, err := json.Marshal(struct {
			Version string `json:"type"`
			Outcome
		}{typeOutcome, o})
		if err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if err := json.Unmarshal(byReflection, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the encoding loses something: %s", diff)
		}
		back, err := decode(written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, back); diff != "" {
			t.Errorf("an outcome does not come back as it was: %s", diff)
		}
	}
}

func TestRecordsObeyTheirSchema(t *testing.T) {
	const name = "outcome.v1.json"
	if !strings.Contains(string(topics.AsyncAPI()), "./outcomes/"+name) {
		t.Errorf("asyncapi.yaml does not name outcomes/%s", name)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	all := []Outcome{full(), bare()}
	for _, result := range []string{topics.ResultDelivered, topics.ResultDuplicate, topics.ResultParked, topics.ResultAnswered, topics.ResultDiscarded} {
		o := full()
		o.Result, o.Letter, o.Class, o.Code = result, "", "", ""
		all = append(all, o)
	}
	for _, reason := range []string{topics.PauseBreaker, topics.PauseAuth, topics.PauseTarget, topics.PauseRedis, topics.PauseKafka, topics.PauseDead,
		topics.PausePartitions, topics.PauseClaims, topics.PauseOperator, topics.PauseStopped} {
		o := full()
		o.Pauses = []topics.PastPause{{Reason: reason, Since: noon}}
		all = append(all, o)
	}
	for _, o := range all {
		var value map[string]any
		if err := json.Unmarshal(appendJSON(nil, &o), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%v: %v", value, err)
		}
		value["payload"] = "x"
		if schema.Validate(value) == nil {
			t.Error("the schema takes a payload")
		}
	}
}

func TestWhatTakesThePlaceOfWhat(t *testing.T) {
	delivered := full()
	delivered.Result = topics.ResultDelivered
	same := func(change func(o *Outcome)) bool {
		o := delivered
		change(&o)
		return keyOf(&o) == keyOf(&delivered)
	}
	for name, c := range map[string]struct {
		want   bool
		change func(o *Outcome)
	}{
		"a letter, then its end":       {true, func(o *Outcome) { o.Result = topics.ResultDeadLettered }},
		"a discard":                    {true, func(o *Outcome) { o.Result = topics.ResultDiscarded }},
		"read at another offset":       {true, func(o *Outcome) { o.Offset++ }},
		"met again":                    {false, func(o *Outcome) { o.Result = topics.ResultDuplicate }},
		"parked, perhaps after an end": {false, func(o *Outcome) { o.Result = topics.ResultParked }},
		"another route":                {false, func(o *Outcome) { o.Route = "verify" }},
		"another sender":               {false, func(o *Outcome) { o.Source = "kandas" }},
		"another message":              {false, func(o *Outcome) { o.ID += "x" }},
		"a conflict under the same id": {false, func(o *Outcome) { o.ID, o.Source, o.Letter = "", "", "l" }},
		"parts that run together":      {false, func(o *Outcome) { o.Source, o.ID = "ego", "v"+o.ID }},
	} {
		if same(c.change) != c.want {
			t.Errorf("%s: takes the place of the result: %v, want %v", name, !c.want, c.want)
		}
	}
	d := keyOf(&delivered)
	if back, ok := parseDigest(d.appendText(nil)); !ok || back != d {
		t.Errorf("a key %x comes back as %x, %v", d, back, ok)
	}
	for _, bad := range []string{"", "0", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("g", 32)} {
		if _, ok := parseDigest([]byte(bad)); ok {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}

// TestOtherVersionsArePassedOver: a later hub may write what this one does not
// know.
func TestOtherVersionsArePassedOver(t *testing.T) {
	o := full()
	key := keyOf(&o).appendText(nil)
	written := appendJSON(nil, &o)
	for _, value := range [][]byte{nil, []byte("{"), []byte("[]"), []byte(strings.Replace(string(written), "outcome.v1", "outcome.v2", 1))} {
		if e, ok := readEntry(key, value); ok {
			t.Errorf("%q is taken for %+v", value, e.outcome)
		}
	}
	if _, ok := readEntry(key, written); !ok {
		t.Error("an outcome is not read")
	}
}

func BenchmarkReport(b *testing.B) {
	o := full()
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		key := keyOf(&o)
		buffer = appendJSON(key.appendText(buffer[:0]), &o)
	}
	b.ReportMetric(float64(len(buffer)), "bytes/record")
}
