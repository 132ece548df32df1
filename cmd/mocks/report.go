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
	late     int // notices that something later overtook, or that tell of nothing that happened
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

// compare holds what the systems did against what each flow expects. Letters
// whose ids are in excused may come beyond what a flow expects.
func compare(flows []samples.Flow, effects []mocks.Effect, excused map[string]bool) []result {
	byApplication := map[string][]mocks.Effect{}
	for _, e := range effects {
		if !e.Repeat {
			byApplication[e.Application] = append(byApplication[e.Application], e)
		}
	}
	var results []result
	for _, f := range flows {
		results = append(results, compareFlow(f, byApplication, excused))
	}
	return results
}

func compareFlow(f samples.Flow, byApplication map[string][]mocks.Effect, excused map[string]bool) result {
	r := result{flow: f.Name}
	for _, x := range f.Expected {
		n, pardoned := 0, 0
		for _, a := range x.Applications {
			for _, e := range byApplication[a] {
				if matches(x, e) {
					n++
					if isExcused(e, excused) {
						pardoned++
					}
				}
			}
		}
		n -= max(0, pardoned-x.Count)
		r.expected += x.Count
		r.seen += min(n, x.Count)
		r.doubled += max(0, n-x.Count)
		r.missing += max(0, x.Count-n)
		if n != x.Count {
			r.problem("%s: %d seen, %d expected", describe(x), n, x.Count)
		}
	}
	for _, a := range f.Applications {
		for _, e := range byApplication[a.ApplicationID] {
			if unexpected(f, e) && !isExcused(e, excused) {
				r.doubled++
				r.problem("%s %s %q for %s: not expected", e.System, e.Operation, e.Detail, e.Application)
			}
		}
		for _, late := range outOfOrder(byApplication[a.ApplicationID]) {
			r.late++
			r.problem("%s", late)
		}
	}
	return r
}

// outOfOrder says of one application's effects which notices came after a later
// one at the same system, or tell of an event that kandas never issued, or whose
// signature came back. The measure is the order in which kandas issued them.
func outOfOrder(effects []mocks.Effect) (late []string) {
	issued := map[string]int{} // place in the order, by event
	for _, e := range effects {
		switch {
		case e.System == "kandas" && slices.Contains(samples.Kinds, e.Operation):
			issued[e.Event] = len(issued)
		case e.System == "kandas" && e.Operation == "rejection-received":
			issued[e.Event] = -1
		}
	}
	newest := map[string]int{} // by recipient
	for _, e := range effects {
		if e.System == "kandas" || e.Event == "" {
			continue
		}
		switch place, known := issued[e.Event]; {
		case !known || place < 0:
			late = append(late, fmt.Sprintf("%s was told %q of %s, which kandas never issued or had rejected", e.System, e.Detail, e.Application))
		case place < newest[e.System]:
			late = append(late, fmt.Sprintf("%s was told %q of %s after something later", e.System, e.Detail, e.Application))
		default:
			newest[e.System] = place
		}
	}
	return late
}

func (r *result) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// matches says whether e is the effect that x speaks of.
func matches(x samples.Expected, e mocks.Effect) bool {
	return !e.Repeat && e.System == x.System && e.Operation == x.Operation &&
		strings.Contains(e.Detail, x.Detail) && slices.Contains(x.Applications, e.Application)
}

// isExcused says whether e is a letter that may come unexpected.
func isExcused(e mocks.Effect, excused map[string]bool) bool {
	return e.System == samples.Hub && excused[e.ID]
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
	fmt.Fprintln(t, "expected\tseen\tdoubled\tmissing\tout of order\t  flow")
	var sum result
	for _, r := range results {
		verdict := ""
		if !r.ok() {
			verdict = "  <-- not through"
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t  %s%s\n", r.expected, r.seen, r.doubled, r.missing, r.late, r.flow, verdict)
		sum.expected += r.expected
		sum.seen += r.seen
		sum.doubled += r.doubled
		sum.missing += r.missing
		sum.late += r.late
		sum.problems = append(sum.problems, r.problems...)
	}
	fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t  all %d flows\n", sum.expected, sum.seen, sum.doubled, sum.missing, sum.late, len(results))
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
