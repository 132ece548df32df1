package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
	"kandashub/topics/outcomes"
)

var update = flag.Bool("update", false, "write what the commands print now to testdata")

// at is a moment of the day on which all of this happened.
func at(hour, minute int) time.Time { return time.Date(2026, 3, 2, hour, minute, 0, 0, time.UTC) }

// now is when it is looked at.
func now() time.Time { return at(12, 0) }

// A specimen is what one command prints of given data.
type specimen struct {
	command string
	with    string // what sets it apart from others of the command
	data    any
	table   func(io.Writer)
}

func specimens(t *testing.T) []specimen {
	pause := control.Pause{Route: "register", Owner: "duty", Why: "maintenance of kandas", Since: at(11, 0), Until: at(13, 0)}
	breaker := control.Breaker{Route: "verify", Force: control.ForceOpen, Owner: "duty", Why: "eds answers rubbish", Since: at(11, 30)}
	routes := []inspect.Route{
		{Name: "register", Sources: []string{"migration.applications", "egov.applications"}, State: inspect.Paused, Pause: &pause, Group: "Stable",
			Members: 2, Lag: 17, Oldest: at(10, 58), Parked: 3, ParkedKeys: 1, Letters: 1, OldestLetter: at(9, 0)},
		{Name: "verify", Sources: []string{"kandas.events"}, State: inspect.Absent, Breaker: &breaker, Group: "Empty"},
		{Name: "notify-migration", Sources: []string{"migration.notifications"}, State: inspect.Unknown, Group: "Stable", Members: 2},
	}
	told := inspect.Told{Hubs: 2, States: map[string]int{inspect.Paused: 1, inspect.Running: 1}, Pauses: map[string]int{"breaker": 1, "claims_lost": 2},
		Breaker: map[string]int{"half_open": 1, "closed": 1}, OpenSince: at(11, 40), LastCommit: at(11, 39), Rebalances: 3}
	calm := inspect.Told{Hubs: 2, States: map[string]int{inspect.Running: 2}, Pauses: map[string]int{}, Breaker: map[string]int{"closed": 2}, LastCommit: at(11, 59)}
	heard := []inspect.Route{
		{Name: "notify-migration", Sources: []string{"migration.notifications"}, State: inspect.Paused, Group: "Stable", Members: 2, Told: &told},
		{Name: "reissue", Sources: []string{"statecorp.certificate-requests"}, State: inspect.Running, Group: "Stable", Members: 2, Told: &calm},
	}
	breakers := []shownBreaker{
		{Route: "verify", Held: &breaker},
		{Route: "notify-migration", Hubs: told.Breaker, OpenSince: told.OpenSince},
		{Route: "reissue", Hubs: calm.Breaker, Silent: 1},
	}
	groups := []shownGroup{{Group: inspect.Group{Route: "register", Name: "hub.register", State: "Stable",
		Members: []inspect.Member{{ID: "kandashub-1", Client: "kandashub", Host: "/10.0.0.7", Partitions: []int{0, 1}}},
		Partitions: []inspect.Partition{
			{Topic: "migration.applications", Number: 0, Committed: 40, End: 57, Lag: 17, Oldest: at(10, 58), Member: "kandashub-1"},
			{Topic: "migration.applications", Number: 1, Committed: -1, End: 0, Member: "kandashub-1"},
		}}}}
	toldGroups := []shownGroup{{Group: groups[0].Group, Told: &told}}
	letter := topics.Letter{
		ID: "rejected.http_422.1", Class: topics.LetterRejected, Code: "http_422", Reason: "kandas refused: [iin] is known", Holds: true,
		Route: topics.Route{Name: "register"},
		Record: &topics.Record{Key: []byte("migration-1"), Time: at(9, 0), Value: []byte(`{"application_id":"string","persons":[{"iin":"string"}]}`),
			Headers: []kafka.Header{{Key: "ce_id", Value: []byte("m-1")}, {Key: "hub_code", Value: []byte("http_422")}, {Key: "x-foreign", Value: []byte("990101200017")}}},
		Decisions: []topics.Decision{{ID: "d", Action: topics.DecideReplay, Who: "duty", Why: "kandas is mended", At: at(11, 59)}},
		Refused: []topics.RefusedDecision{{Reason: "the given replies break their contract",
			Decision: topics.Decision{ID: "c", Action: topics.DecideAnswer, Who: "duty", Why: "kandas has told", At: at(11, 30)}}},
	}
	w, err := whole(letter)
	if err != nil {
		t.Fatal(err)
	}
	w.Attempts = []outcomes.Attempt{
		{Number: 1, Began: at(8, 59), CallBegan: at(8, 59), CallEnded: at(8, 59).Add(1200 * time.Millisecond), Result: outcomes.AttemptFailed, Code: "timeout"},
		{Number: 2, Began: at(9, 0), Result: topics.ResultRejected, Code: "http_422", Letter: letter.ID},
	}
	list := []shownLetter{w.shownLetter}
	plan := control.Plan{Hash: "m9-4f", Action: topics.DecideReplay, Letters: 1, Excluded: 2,
		Groups: []control.PlanGroup{{Route: "register", Class: topics.LetterRejected, Code: "http_422", Letters: 1, Oldest: at(9, 0)}},
		Orders: []control.OrderRisk{{Route: "register", Application: "migration-1", Letters: 1, Followers: 3}}}
	records := []control.AuditRecord{{Type: "audit.v1", Time: at(11, 0), Writer: "w", Seq: 1, Request: "r", Actor: "duty", Action: "pause route", Object: "register",
		Reason: "maintenance of kandas", Result: control.Asked, Hash: "h"},
		{Type: "audit.v1", Time: at(11, 1), Writer: "w", Seq: 2, Request: "q", Actor: "duty", From: "10.0.0.7", Action: "force breaker open", Object: "verify",
			Until: at(12, 1), Before: control.BeforeByItself, Reason: "eds answers rubbish", Result: control.Done, Prev: "h", Hash: "i"}}
	verdict := auditVerdict{Whole: true, Records: 1, Writers: 1}
	loss := lossStatus{Standing: true, Loss: &control.Loss{At: at(8, 0), By: "hub-1", Route: "iin-generate", Tags: []int{7}}}
	travelled := wayOf("migration-1", chained([]outcomes.Event{
		{At: at(8, 59), Kind: outcomes.EventMade, Message: "m-1", Type: "kz.migration.application.submitted.v1", System: "migration"},
		{At: at(9, 0), After: time.Minute, Kind: outcomes.EventWritten, Route: "register", Topic: "migration.applications", Message: "m-1", Type: "kz.migration.application.submitted.v1"},
		{At: at(9, 0), Kind: outcomes.EventRead, Route: "register", Message: "m-1", System: "kandas", Operation: "register", Attempts: 1},
		{At: at(9, 0).Add(10 * time.Millisecond), After: 10 * time.Millisecond, Kind: outcomes.EventCalled, Route: "register", Message: "m-1", System: "kandas", Operation: "register", Attempts: 1},
		{At: at(9, 0).Add(1210 * time.Millisecond), After: 1200 * time.Millisecond, Kind: outcomes.EventReturned, Route: "register", Message: "m-1", System: "kandas", Operation: "register", Attempts: 1, Code: "timeout"},
		{At: at(9, 0).Add(2 * time.Second), After: 790 * time.Millisecond, Kind: outcomes.EventBreaker, Route: "register", System: "kandas", Operation: "register", Who: "duty", Action: "force breaker open", Reason: "kandas is slow"},
		{At: at(9, 0).Add(2 * time.Second), Kind: outcomes.EventPaused, Route: "register", Message: "m-1", System: "kandas", Operation: "register", Pause: topics.PauseBreaker, Since: at(9, 0).Add(2 * time.Second), Until: at(9, 1)},
		{At: at(9, 1), After: 58 * time.Second, Kind: outcomes.EventResumed, Route: "register", Message: "m-1", System: "kandas", Operation: "register", Pause: topics.PauseBreaker, Since: at(9, 0).Add(2 * time.Second), Until: at(9, 1), Waited: 58 * time.Second},
		{At: at(9, 1), Kind: outcomes.EventCalled, Route: "register", Message: "m-1", System: "kandas", Operation: "register"},
		{At: at(9, 2), After: time.Minute, Kind: outcomes.EventLetter, Route: "register", Message: "m-1", Letter: letter.ID, Class: letter.Class, Code: letter.Code, Reason: letter.Reason, Open: true},
		{At: at(9, 3), After: time.Minute, Kind: outcomes.EventPaused, Route: "verify", Message: "m-2", System: "eds", Operation: "verify", Pause: topics.PauseOperator, Since: at(8, 0), Who: "duty", Waited: 177 * time.Minute, Open: true},
		{At: at(11, 59), After: 176 * time.Minute, Kind: outcomes.EventDecision, Route: "register", Message: "m-1", Letter: letter.ID, Who: "duty", Action: topics.DecideReplay, Reason: "kandas is mended"},
	}), []outcomes.Deadline{
		{From: at(8, 59), Until: at(11, 59), At: now(), Open: true, Source: "migration"},
		{From: at(9, 1), Until: at(12, 1), At: now(), Open: true},
	})
	return []specimen{
		{"trace", "", travelled, func(t io.Writer) { tableWay(t, travelled, now()) }},
		{"route list", "", routes, func(t io.Writer) { tableRoutes(t, routes, now()) }},
		{"route list", "-hubs", heard, func(t io.Writer) { tableRoutes(t, heard, now()) }},
		{"lag", "-hubs", toldGroups, func(t io.Writer) { tableLag(t, toldGroups, false, now()) }},
		{"lag", "", groups, func(t io.Writer) { tableLag(t, groups, false, now()); tableLag(t, groups, true, now()) }},
		{"dead list", "", list, func(t io.Writer) { tableLetters(t, list) }},
		{"dead show", "", w, w.table},
		{"dead plan", "", plan, func(t io.Writer) { tablePlan(t, plan) }},
		{"breaker list", "", breakers, func(t io.Writer) { tableBreakers(t, breakers) }},
		{"claims status", "", loss, func(t io.Writer) { tellLoss(t, loss) }},
		{"audit list", "", records, func(t io.Writer) { tableAudit(t, records) }},
		{"audit verify", "", verdict, func(t io.Writer) { tellVerdict(t, verdict) }},
		{"doctor", "", []inspect.Finding{{Verdict: inspect.Warn, About: "route", Text: "register is paused by duty"}}, nil},
		{"version", "", version{"v1.2.3", "abc", "go1.26"}, func(t io.Writer) { tellVersion(t, version{"v1.2.3", "abc", "go1.26"}) }},
	}
}

// chained gives the events of each message a chain of its own, and those of no message
// none.
func chained(events []outcomes.Event) []outcomes.Event {
	for i := range events {
		switch e := &events[i]; e.Message {
		case "m-1":
			e.Root, e.Trace = at(8, 59), "4bf92f3577b34da6a3ce929d0e0e4736"
		case "m-2":
			e.Root = at(9, 1)
		}
	}
	return events
}

// What each command prints in each form is pinned to the byte, and its JSON is as
// shapes.json describes it.
func TestGolden(t *testing.T) {
	shapes := compiled(t)
	for _, s := range specimens(t) {
		for _, form := range []string{"table", "json", "yaml", "jsonl"} {
			if form == "table" && s.table == nil {
				continue // printed line by line
			}
			var out bytes.Buffer
			if err := (outputFlag{form}).print(&out, s.data, s.table); err != nil {
				t.Fatal(err)
			}
			if form == "json" {
				shapes.obeyed(t, s.command, out.Bytes())
			}
			if strings.Contains(out.String(), "990101200017") {
				t.Errorf("%s -o %s tells an IIN", s.command, form)
			}
			golden(t, strings.ReplaceAll(s.command, " ", "-")+s.with+"."+form, out.Bytes())
		}
	}
}

// golden holds what was printed against a file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got; go test ./cmd/hubctl -update accepts it):\n%s", file, diff)
	}
}

// shapeSet holds the schemas of shapes.json.
type shapeSet struct{ compiler *jsonschema.Compiler }

func compiled(t *testing.T) shapeSet {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(shapes))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("shapes.json", doc); err != nil {
		t.Fatal(err)
	}
	return shapeSet{c}
}

// obeyed holds what a command has printed against its shape.
func (s shapeSet) obeyed(t *testing.T, command string, printed []byte) {
	t.Helper()
	schema, err := s.compiler.Compile("shapes.json#/$defs/" + strings.ReplaceAll(command, " ", "%20"))
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(printed, &value); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %v", command, err)
	}
}
