package main

import (
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
			{System: "kandas", Operation: "record-delivery", Applications: []string{b}, Detail: "egov accepted", Count: 1, AtMost: true},
			{System: "kandas", Operation: "decided", Applications: []string{b}, Count: 0},
		},
	}
	shown := mocks.Effect{System: "migration", Operation: "show", Application: a, Detail: "notice decided"}
	generated := mocks.Effect{System: "migpolice", Operation: "generate", Application: b}
	accepted := mocks.Effect{System: "kandas", Operation: "record-delivery", Application: b, Detail: "egov accepted"}
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
		{"reads, repeats and others' effects do not count", []mocks.Effect{shown, repeat, read, read, generated, accepted, {System: "eds", Operation: "verify", Application: "other"}},
			result{expected: 2, seen: 2}, ""},
		{"nothing seen", nil, result{expected: 2, missing: 2}, "migration show \"decided\" for migration-x-1: 0 seen, 1 expected"},
		{"shown twice", []mocks.Effect{shown, generated, shown}, result{expected: 2, seen: 2, doubled: 1}, "2 seen, 1 expected"},
		{"generated for both", []mocks.Effect{shown, generated, {System: "migpolice", Operation: "generate", Application: a}},
			result{expected: 2, seen: 2, doubled: 1}, "migpolice generate for migration-x-1 and egov-x-1: 2 seen, 1 expected"},
		{"too often what may be fewer", []mocks.Effect{shown, generated, accepted, accepted}, result{expected: 2, seen: 2, doubled: 1}, "2 seen, 1 expected"},
		{"what must never happen", []mocks.Effect{shown, generated, {System: "kandas", Operation: "decided", Application: b}},
			result{expected: 2, seen: 2, doubled: 1}, "1 seen, 0 expected"},
		{"what nobody speaks of", []mocks.Effect{shown, generated, {System: "kandas", Operation: "violation", Application: a, Detail: "two IINs"}},
			result{expected: 2, seen: 2, doubled: 1}, "not expected"},
		{"another kind of notice", []mocks.Effect{shown, generated, {System: "migration", Operation: "show", Application: a, Detail: "notice registered"}},
			result{expected: 2, seen: 2, doubled: 1}, "not expected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := compare([]samples.Flow{flow}, tc.effects)[0]
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

func TestReportAlarms(t *testing.T) {
	var out strings.Builder
	if printReport(&out, []result{{flow: "one"}}, []string{"1 persons were given a second IIN"}) || !strings.Contains(out.String(), "second IIN") {
		t.Errorf("an alarm is overheard:\n%s", out.String())
	}
}

func TestOvertaken(t *testing.T) {
	issue := func(kind string) mocks.Effect { return mocks.Effect{System: "kandas", Operation: kind} }
	tell := func(recipient, kind string) mocks.Effect {
		return mocks.Effect{System: recipient, Operation: "notify", Detail: kind}
	}
	for _, tc := range []struct {
		name    string
		effects []mocks.Effect
		wrong   string
	}{
		{"in order", []mocks.Effect{issue("registered"), tell("egov", "registered"), issue("decided"), tell("egov", "decided"), tell("statecorp", "decided")}, ""},
		{"one was not told of all", []mocks.Effect{issue("registered"), issue("decided"), tell("statecorp", "decided")}, ""},
		{"issued twice, told once", []mocks.Effect{issue("decided"), issue("decided"), issue("certificate-issued"), tell("egov", "decided"), tell("egov", "certificate-issued")}, ""},
		{"overtaken", []mocks.Effect{issue("registered"), issue("decided"), tell("egov", "decided"), tell("egov", "registered"), tell("statecorp", "decided")}, "egov"},
		{"told of what never happened", []mocks.Effect{issue("registered"), tell("migration", "decided")}, "migration"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := overtaken(tc.effects)
			if _, named := got[tc.wrong]; len(got) > 1 || tc.wrong == "" && len(got) > 0 || tc.wrong != "" && !named {
				t.Errorf("%v, want %q", got, tc.wrong)
			}
		})
	}
}
