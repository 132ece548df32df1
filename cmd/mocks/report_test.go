package main

import (
	"slices"
	"strings"
	"testing"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

func TestCompare(t *testing.T) {
	const a, b = "migration-x-1", "egov-x-1"
	flow := samples.Flow{
		Name:         "one",
		Applications: []*samples.Application{{ApplicationID: a}, {ApplicationID: b}},
		Expected: []samples.Expected{
			{System: "migration", Operation: "show", Applications: []string{a}, Detail: "decided", Count: 1},
			{System: "migpolice", Operation: "generate", Applications: []string{a, b}, Count: 1},
			{System: "kandas", Operation: "decided", Applications: []string{b}, Count: 0},
		},
	}
	shown := mocks.Effect{System: "migration", Operation: "show", Application: a, Detail: "notice decided"}
	generated := mocks.Effect{System: "migpolice", Operation: "generate", Application: b}
	read := mocks.Effect{System: "gbdfl", Operation: "find", Application: a}
	repeat := shown
	repeat.Repeat = true
	for _, tc := range []struct {
		name    string
		effects []mocks.Effect
		want    result
		problem string
	}{
		{"all seen", []mocks.Effect{shown, generated}, result{expected: 2, seen: 2}, ""},
		{"reads, repeats and others' effects do not count", []mocks.Effect{shown, repeat, read, read, generated, {System: "eds", Operation: "verify", Application: "other"}},
			result{expected: 2, seen: 2}, ""},
		{"nothing seen", nil, result{expected: 2, missing: 2}, "migration show \"decided\" for migration-x-1: 0 seen, 1 expected"},
		{"shown twice", []mocks.Effect{shown, generated, shown}, result{expected: 2, seen: 2, doubled: 1}, "2 seen, 1 expected"},
		{"generated for both", []mocks.Effect{shown, generated, {System: "migpolice", Operation: "generate", Application: a}},
			result{expected: 2, seen: 2, doubled: 1}, "migpolice generate for migration-x-1 and egov-x-1: 2 seen, 1 expected"},
		{"what must never happen", []mocks.Effect{shown, generated, {System: "kandas", Operation: "decided", Application: b}},
			result{expected: 2, seen: 2, doubled: 1}, "1 seen, 0 expected"},
		{"an id is excused of letters alone", []mocks.Effect{shown, generated, {System: "kandas", Operation: "violation", Application: a}},
			result{expected: 2, seen: 2, doubled: 1}, "not expected"},
		{"what nobody speaks of", []mocks.Effect{shown, generated, {System: "kandas", Operation: "violation", Application: a, Detail: "two IINs"}},
			result{expected: 2, seen: 2, doubled: 1}, "not expected"},
		{"another kind of notice", []mocks.Effect{shown, generated, {System: "migration", Operation: "show", Application: a, Detail: "notice registered"}},
			result{expected: 2, seen: 2, doubled: 1}, "not expected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := compare([]samples.Flow{flow}, tc.effects, map[string]bool{"": true})[0]
			if got.expected != tc.want.expected || got.seen != tc.want.seen || got.doubled != tc.want.doubled || got.missing != tc.want.missing {
				t.Errorf("expected %d seen %d doubled %d missing %d, want %+v", got.expected, got.seen, got.doubled, got.missing, tc.want)
			}
			if tc.problem == "" != got.ok() || !strings.Contains(strings.Join(got.problems, "\n"), tc.problem) {
				t.Errorf("problems %q, want %q", got.problems, tc.problem)
			}
			var out strings.Builder
			if ok := printReport(&out, []result{got}, nil); ok != (tc.problem == "") || !strings.Contains(out.String(), tc.problem) {
				t.Errorf("report says %v:\n%s", ok, out.String())
			}
		})
	}
}

// A letter beyond what a flow expects is excused by its id alone; the letter
// that a flow expects must come all the same.
func TestCompareLetters(t *testing.T) {
	const a = "migration-x-1"
	letter := func(id string) mocks.Effect {
		return mocks.Effect{System: samples.Hub, Operation: "iin-lookup", Application: a, ID: id, Detail: "uncertain"}
	}
	for _, tc := range []struct {
		name     string
		expected int
		letters  []string
		excused  []string
		doubled  int
		missing  int
	}{
		{"none", 0, nil, nil, 0, 0},
		{"not excused", 0, []string{"1"}, nil, 1, 0},
		{"excused", 0, []string{"1"}, []string{"1"}, 0, 0},
		{"another is excused", 0, []string{"1", "2"}, []string{"1"}, 1, 0},
		{"expected", 1, []string{"1"}, []string{"1"}, 0, 0},
		{"expected, and missing", 1, nil, nil, 0, 1},
		{"expected, and one more", 1, []string{"1", "2"}, nil, 1, 0},
		{"expected, and one more of the same", 1, []string{"1", "2"}, []string{"1"}, 1, 0},
		{"expected, and one more by a death", 1, []string{"1", "2"}, []string{"1", "2"}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			flow := samples.Flow{Name: "one", Applications: []*samples.Application{{ApplicationID: a}}}
			if tc.expected > 0 {
				flow.Expected = []samples.Expected{{
					System: samples.Hub, Operation: "iin-lookup", Applications: []string{a}, Detail: "uncertain", Count: tc.expected,
				}}
			}
			var effects []mocks.Effect
			for _, id := range tc.letters {
				effects = append(effects, letter(id))
			}
			excused := map[string]bool{}
			for _, id := range tc.excused {
				excused[id] = true
			}
			r := compare([]samples.Flow{flow}, effects, excused)[0]
			if r.doubled != tc.doubled || r.missing != tc.missing || r.ok() != (tc.doubled+tc.missing == 0) {
				t.Errorf("doubled %d, missing %d, %q; want %d, %d", r.doubled, r.missing, r.problems, tc.doubled, tc.missing)
			}
		})
	}
}

func TestReportAlarms(t *testing.T) {
	var out strings.Builder
	if printReport(&out, []result{{flow: "one"}}, []string{"1 persons were given a second IIN"}) || !strings.Contains(out.String(), "second IIN") {
		t.Errorf("an alarm is overheard:\n%s", out.String())
	}
}

func TestOutOfOrder(t *testing.T) {
	const a = "egov-x-1"
	flow := samples.Flow{Name: "one", Applications: []*samples.Application{{ApplicationID: a}}}
	issue := func(kind, event string) mocks.Effect {
		return mocks.Effect{System: "kandas", Operation: kind, Application: a, Event: event}
	}
	tell := func(recipient, event string) mocks.Effect {
		return mocks.Effect{System: recipient, Operation: "notify", Application: a, Detail: "something", Event: event}
	}
	back := mocks.Effect{System: "kandas", Operation: "rejection-received", Application: a, Event: "2"}
	repeat := tell("egov", "1")
	repeat.Repeat = true
	for _, tc := range []struct {
		name    string
		effects []mocks.Effect
		late    int
		problem string
	}{
		{"in order", []mocks.Effect{issue("registered", "1"), tell("egov", "1"), issue("decided", "2"), tell("egov", "2"), tell("statecorp", "2")}, 0, ""},
		{"a repeat that was recognised", []mocks.Effect{issue("registered", "1"), issue("decided", "2"), tell("egov", "1"), tell("egov", "2"), repeat}, 0, ""},
		{"issued anew", []mocks.Effect{issue("decided", "2"), back, issue("decided", "3"), tell("egov", "3")}, 0, ""},
		{"overtaken", []mocks.Effect{issue("registered", "1"), issue("decided", "2"), tell("egov", "2"), tell("egov", "1"), tell("statecorp", "2")}, 1, "egov was told \"something\" of egov-x-1 after something later"},
		{"overtaken by its like", []mocks.Effect{issue("certificate-issued", "1"), issue("certificate-issued", "2"), tell("egov", "2"), tell("egov", "1")}, 1, "after something later"},
		{"two overtaken", []mocks.Effect{issue("registered", "1"), issue("recommended", "2"), issue("decided", "3"), tell("egov", "3"), tell("egov", "1"), tell("egov", "2")}, 2, "after something later"},
		{"of what never happened", []mocks.Effect{issue("registered", "1"), tell("migration", "2")}, 1, "never issued"},
		{"of what came back", []mocks.Effect{issue("decided", "2"), tell("egov", "2"), back}, 1, "had rejected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := flow
			for _, e := range tc.effects { // all of them are expected
				x := samples.Expected{System: e.System, Operation: e.Operation, Applications: []string{a}, Count: 1}
				same := func(y samples.Expected) bool { return y.System == x.System && y.Operation == x.Operation }
				if i := slices.IndexFunc(f.Expected, same); i < 0 {
					f.Expected = append(f.Expected, x)
				} else if !e.Repeat {
					f.Expected[i].Count++
				}
			}
			r := compare([]samples.Flow{f}, tc.effects, nil)[0]
			if r.late != tc.late || r.ok() != (tc.late == 0) || !strings.Contains(strings.Join(r.problems, "\n"), tc.problem) {
				t.Errorf("%d late, %q; want %d, %q", r.late, r.problems, tc.late, tc.problem)
			}
			var out strings.Builder
			if ok := printReport(&out, []result{r}, nil); ok != (tc.late == 0) || !strings.Contains(out.String(), "out of order") {
				t.Errorf("report says %v:\n%s", ok, out.String())
			}
		})
	}
}
