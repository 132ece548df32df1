package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// untried are the alerts that no fault here raises, and why.
var untried = []struct{ alert, why string }{
	{"HubAuditWriteFailing", "counted by the console alone, which nobody opens here; hubctl tells whoever called it"},
	{"HubConsumerStalled", "a topic that cannot be read does not raise it: lag is counted from what is fetched, and HubFetchFailing tells instead; it needs a hub that reads and finishes nothing, though nothing pauses it"},
	{"HubDeliveryErrorBudgetBurn", "needs letters of the hub's own fault in a hundred messages: panics, or effects that nobody can know of"},
	{"HubDuplicateSpike", "the load's repeats do not raise it, for each new message makes two more: it needs a fifth of duplicates for a quarter of an hour"},
	{"HubGoroutineLeak", "needs 5,000 goroutines that grow for hours: a hub that is broken on purpose"},
	{"HubLagMetricStale", "needs a hub whose loop of a partition stands still while it answers Prometheus: one that is broken on purpose"},
	{"HubOutcomesIndexBehind", "needs an index that cannot keep up with its own hub's outcomes: a slow disk"},
	{"HubOutcomesLost", "outcomes are given up after ten minutes of real time, or 16 MiB of them; the writer's test does so with a clock of its own"},
	{"HubPanics", "needs a hub that is broken on purpose"},
	{"HubPersonalDataInLogs", "needs a hub with a log line that is wrong"},
	{"HubRouteFailed", "an empty topic that is taken away does not raise it: it needs records that vanish before they are read, after which nothing is as before (scenario records-deleted of verify run)"},
	{"HubVersionSkew", "needs a second build of the hub"},
}

// listAlerts prints each alert with the fault that must raise it, or why there is
// none.
func listAlerts(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ALERT\tSTAGE\tSERVERS\tFAULT")
	fmt.Fprintf(t, "%s\tall\tany\tnone: before and after each stage it alone fires\n", watchdog)
	for _, s := range stages() {
		name := s.name
		if s.long {
			name += " (--long)"
		}
		for _, one := range s.trials {
			on := one.on
			if on == "" {
				on = "any"
			}
			for _, a := range one.all() {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", a, name, on, one.fault)
			}
		}
	}
	for _, u := range untried {
		fmt.Fprintf(t, "%s\t-\t-\tnot tried: %s\n", u.alert, u.why)
	}
	return t.Flush()
}
