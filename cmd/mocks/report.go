package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

// A result is what came of one flow.
type result struct {
	flow     string
	expected int
	seen     int
	doubled  int // beyond what was expected, or not expected at all
	missing  int
	problems []string
}

func (r result) ok() bool { return len(r.problems) == 0 }

// mayHappen are effects that nobody counts: reads, and the systems' own calls to
// the hub, which they repeat until it has accepted.
var mayHappen = map[string]bool{
	"gbdfl find":         true,
	"eds verify":         true,
	"egov callback":      true,
	"statecorp callback": true,
}

// compare holds what the systems did against what each flow expects.
func compare(flows []samples.Flow, effects []mocks.Effect) []result {
	byApplication := map[string][]mocks.Effect{}
	for _, e := range effects {
		if !e.Repeat {
			byApplication[e.Application] = append(byApplication[e.Application], e)
		}
	}
	var results []result
	for _, f := range flows {
		results = append(results, compareFlow(f, byApplication))
	}
	return results
}

func compareFlow(f samples.Flow, byApplication map[string][]mocks.Effect) result {
	r := result{flow: f.Name}
	for _, x := range f.Expected {
		n := 0
		for _, a := range x.Applications {
			for _, e := range byApplication[a] {
				if matches(x, e) {
					n++
				}
			}
		}
		r.expected += x.Needed()
		r.seen += min(n, x.Needed())
		if n > x.Count {
			r.doubled += n - x.Count
			r.problem("%s: %d seen, %d expected", describe(x), n, x.Count)
		}
		if n < x.Needed() {
			r.missing += x.Needed() - n
			r.problem("%s: %d seen, %d expected", describe(x), n, x.Needed())
		}
	}
	for _, a := range f.Applications {
		for _, e := range byApplication[a.ApplicationID] {
			if unexpected(f, e) {
				r.doubled++
				r.problem("%s %s %q for %s: not expected", e.System, e.Operation, e.Detail, e.Application)
			}
		}
		for recipient, told := range overtaken(byApplication[a.ApplicationID]) {
			r.problem("%s was told of %s in another order than it happened: %s", recipient, a.ApplicationID, strings.Join(told, ", "))
		}
	}
	return r
}

// overtaken returns what each recipient was told of an application where a
// later status overtook an earlier one. What kandas issued, in its order, is the
// measure: what a recipient was told is part of it, in the same order.
func overtaken(effects []mocks.Effect) map[string][]string {
	var issued []string
	told := map[string][]string{}
	for _, e := range effects {
		switch {
		case e.System == "kandas" && slices.Contains(samples.Kinds, e.Operation):
			issued = append(issued, e.Operation)
		case slices.Contains(samples.Kinds, e.Detail): // a notice is described by its kind alone
			told[e.System] = append(told[e.System], e.Detail)
		}
	}
	wrong := map[string][]string{}
	for recipient, kinds := range told {
		rest := issued
		for _, k := range kinds {
			i := slices.Index(rest, k)
			if i < 0 {
				wrong[recipient] = kinds
				break
			}
			rest = rest[i+1:]
		}
	}
	return wrong
}

func (r *result) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// matches says whether e is the effect that x speaks of.
func matches(x samples.Expected, e mocks.Effect) bool {
	return !e.Repeat && e.System == x.System && e.Operation == x.Operation &&
		strings.Contains(e.Detail, x.Detail) && slices.Contains(x.Applications, e.Application)
}

// unexpected says whether the flow speaks of no such effect at all.
func unexpected(f samples.Flow, e mocks.Effect) bool {
	if mayHappen[e.System+" "+e.Operation] {
		return false
	}
	return !slices.ContainsFunc(f.Expected, func(x samples.Expected) bool { return matches(x, e) })
}

func describe(x samples.Expected) string {
	s := x.System + " " + x.Operation
	if x.Detail != "" {
		s += fmt.Sprintf(" %q", x.Detail)
	}
	return s + " for " + strings.Join(x.Applications, " and ")
}

// print writes the table of all flows and, below it, what is wrong. It returns
// whether all agree.
func printReport(w io.Writer, results []result, alarms []string) bool {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "expected\tseen\tdoubled\tmissing\t  flow")
	var sum result
	for _, r := range results {
		verdict := ""
		if !r.ok() {
			verdict = "  <-- not through"
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t  %s%s\n", r.expected, r.seen, r.doubled, r.missing, r.flow, verdict)
		sum.expected += r.expected
		sum.seen += r.seen
		sum.doubled += r.doubled
		sum.missing += r.missing
		sum.problems = append(sum.problems, r.problems...)
	}
	fmt.Fprintf(t, "%d\t%d\t%d\t%d\t  all %d flows\n", sum.expected, sum.seen, sum.doubled, sum.missing, len(results))
	t.Flush()
	for _, r := range results {
		for _, p := range r.problems {
			fmt.Fprintf(w, "%s: %s\n", r.flow, p)
		}
	}
	for _, a := range alarms {
		fmt.Fprintln(w, a)
	}
	return sum.ok() && len(alarms) == 0
}
