package report

import (
	"fmt"
	"io"
	"strings"
)

// line is the table's layout: of its head, and of its rows.
const (
	headLine = "%-10s %-34s %8s %8s %5s %7s %8s %8s %9s %7s %8s %8s %8s %8s\n"
	rowLine  = "%-10s %-34s %8d %8d %5d %7d %8d %8d %9d %7d %8d %8.1f %8.1f %8.1f\n"
)

// PrintHead prints the head of the table.
func PrintHead(w io.Writer) {
	fmt.Fprintf(w, headLine, "result", "scenario", "messages", "effects", "lost", "doubled", "disorder", "personal",
		"uncertain", "letters", "unknown", "recov. s", "slow. s", "took s")
}

// Print prints a row as one line of the table, and below it what is wrong with
// it.
func (r Row) Print(w io.Writer) {
	if r.Result == NeedsReal {
		fmt.Fprintf(w, "%-10s %-34s %s\n", r.Result, r.name(), strings.Join(r.Notes, "; "))
		return
	}
	fmt.Fprintf(w, rowLine, r.Result, r.name(), r.Messages, r.Effects, r.Lost, r.Doubled, r.Disorder, r.Personal,
		r.Uncertain, r.Letters, r.UnknownSends, r.Recovery, r.Slowest, r.Duration)
	const most = 5
	for i, v := range r.Violations {
		if i == most {
			fmt.Fprintf(w, "%-10s and %d more\n", "", len(r.Violations)-most)
			break
		}
		fmt.Fprintf(w, "%-10s %s %s: %s\n", "", v.Invariant, v.Name, v.What)
	}
	if r.Result == Void {
		for _, n := range r.Notes {
			fmt.Fprintf(w, "%-10s %s\n", "", n)
		}
	}
}

// name is the scenario with its faults.
func (r Row) name() string {
	if len(r.Faults) == 0 {
		return r.Scenario
	}
	return r.Scenario + " (" + strings.Join(r.Faults, " ") + ")"
}

// Print prints the sums, and what may be said of each fault.
func (t Totals) Print(w io.Writer) {
	fmt.Fprintf(w, "\n%d scenarios: %d passed, %d failed, %d void, %d need real servers, in %.0f s\n",
		t.Scenarios, t.Passed, t.Failed, t.Void, t.NeedsReal, t.Duration)
	fmt.Fprintf(w, "%d messages, %d effects: lost %d, doubled %d, order violations %d, personal data left behind %d, uncertain %d, letters %d, sends of unknown outcome %d\n",
		t.Messages, t.Effects, t.Lost, t.Doubled, t.Disorder, t.Personal, t.Uncertain, t.Letters, t.UnknownSends)
	for _, b := range t.Bounds {
		fmt.Fprintf(w, "%6d x %s: %s\n", b.Bit, b.Fault, b.Says())
	}
}

// Says is what may be said of a fault.
func (b Bound) Says() string {
	switch {
	case b.Violated:
		return "no bound, a scenario with it failed"
	case b.Upper >= 1:
		return "too few to say anything"
	}
	return fmt.Sprintf("at most %.2g %% of them break something (95 %% confidence)", 100*b.Upper)
}
