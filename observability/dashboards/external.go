package dashboards

import "github.com/grafana/grafana-foundation-sdk/go/units"

// What the numbers of a breaker's state stand for, from good to bad.
var breakerStates = []State{{0, "closed", "green"}, {1, "half_open", "yellow"}, {2, "open", "red"}, {3, "forced_closed", "blue"}, {4, "forced_open", "purple"}}

func external() Board {
	return Board{
		UID: "hub-external", Title: "Hub: state systems",
		Description: "How the state systems answer, which of them are not called now, and whose certificates end.",
		Rows:        []Row{{"Calls", calls()}, {"Breakers", breakers()}, {"Certificates", certificates()}},
	}
}

func calls() []Panel {
	recorded := func(name string) string { return series(name, job, system) }
	return []Panel{
		{Title: "Calls per second", Kind: Lines, Unit: units.RequestsPerSecond, Width: 12,
			Description: "Calls of each system. A system at 0 while its routes lag: its breaker is open.",
			Queries:     one(perSecond(ofSystem("hub_external_requests_total"), "system"), label("system"))},
		{Title: "Share of failed calls", Kind: Lines, Unit: units.PercentUnit, Width: 12, Levels: []Level{{.1, "red"}},
			Description: "Calls without a usable answer. Above 10 %: confirm with the system's owner; the results beside say what kind of fault it is.",
			Queries:     one(recorded("job_system:hub_external_errors_per_request:ratio_rate5m"), label("system"))},
		{Title: "Results", Kind: Stacked, Unit: units.RequestsPerSecond, Width: 12,
			Description: "How calls end. tls_error: certificates; connect_error: network or a system that is down; soap_fault: what we send, or the gateway; bad_answer: cut off or unreadable; lease_over: the answer came too late to count.",
			Queries:     one(perSecond(ofSystem("hub_external_requests_total"), "system", "result"), "{{system}} {{result}}")},
		{Title: "Duration", Kind: Lines, Unit: units.Seconds, Width: 12, Exemplars: true,
			Description: "Time of calls. A dot is a single call: open its trace. A p99 near the timeout fails next.",
			Queries:     quantiles(ofSystem("hub_external_request_duration_seconds_bucket"), "system", "operation")},
		{Title: "p99 as a share of the timeout", Kind: Meters, Unit: units.PercentUnit, Width: 12, Levels: []Level{{.5, "orange"}, {.8, "red"}},
			Description: "How near each system is to its timeout. Above 80 %: expect retries, then an open breaker; ask the owner before you raise the timeout.",
			Queries: one(recorded("job_system:hub_external_request_duration_seconds:p99_rate5m")+" / on (job, system) "+
				highest(ofSystem("hub_external_timeout_seconds"), "job", "system"), label("system"))},
		{Title: "In flight", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "Calls under way. At the number of connections allowed: the system is slower than what comes in.",
			Queries:     one(sum(ofSystem("hub_external_inflight_requests"), "system"), label("system"))},
	}
}

func breakers() []Panel {
	state := func(s string) string { return ofSystem("hub_breaker_state", `state="`+s+`"`) }
	return []Panel{
		{Title: "State of each breaker", Kind: Timeline, Unit: units.NoUnit, Width: columns, States: breakerStates,
			Description: "The worst state of each operation's breaker among the instances. open: the system does not answer, and is asked again by single probes. forced: a person holds it, see hubctl audit list.",
			Queries:     one(stateNumber(state, breakerStates, "system", "operation"), "{{system}} {{operation}}")},
		{Title: "Routes whose breaker is not closed, and since when", Kind: Table, Unit: units.Seconds, Width: columns,
			Description: "Time since the breaker was last closed, probes or not: the longest among the instances. What these routes read waits in Kafka, in order.",
			Queries: []Query{{Expr: highest(ofSystem("hub_route_info"), "route", "system", "operation") + " * on (system, operation) group_left() " +
				"(time() - " + lowest(ofSystem("hub_breaker_open_since_timestamp_seconds")+" > 0", "system", "operation") + ")", Legend: "open for",
				Empty: "in a world that is well every breaker is closed"}}},
		{Title: "Calls that breakers refused", Kind: Lines, Unit: units.RequestsPerSecond, Width: 12,
			Description: "Calls that were not made. Their messages wait in their lanes and are not lost.",
			Queries:     one(perSecond(ofSystem("hub_breaker_rejections_total"), "system"), label("system"))},
		{Title: "Changes of state", Kind: Bars, Unit: units.Short, Width: 12,
			Description: "How often breakers change. Many openings in half an hour: part of the system fails; tell its owner which operation.",
			Queries:     one(events(ofSystem("hub_breaker_transitions_total"), "system", "to"), "{{system}} to {{to}}")},
	}
}

func certificates() []Panel {
	return []Panel{
		{Title: "Days until certificates end", Kind: Table, Unit: units.Days, Width: columns,
			Description: "The hub's own certificates and those that systems showed. Below 21 days: have it renewed; below 3: today.",
			Queries: []Query{{Expr: "(" + lowest(ofHub("hub_tls_certificate_not_after_timestamp_seconds"), "purpose", "name") + " - time()) / 86400", Legend: "days",
				Empty: "no system is called with TLS"}}},
	}
}
