package dashboards

import (
	"math"

	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// What the numbers of a route's state stand for, from good to bad.
var routeStates = []State{{0, "running", "green"}, {1, "paused", "orange"}, {2, "failed", "red"}}

// Colours of numbers that should be 0.
var (
	warnAbove0  = []Level{{1, "orange"}}
	alarmAbove0 = []Level{{1, "red"}}
)

// goodFrom colours what should be high.
func goodFrom(v float64) []Level { return []Level{{math.Inf(-1), "red"}, {v, "green"}} }

func overview() Board {
	return Board{
		UID: "hub-overview", Title: "Hub: overview",
		Description: "Whether all is well, which route is not, and how much of the error budget is left. Begin here.",
		Rows:        []Row{{"Now", now()}, {"Routes", routeMap()}, {"Messages", messages()}, {"Promises", promises()}},
	}
}

func now() []Panel {
	return []Panel{
		{Title: "Firing alerts", Kind: Number, Unit: units.Short, Width: 4, Levels: alarmAbove0,
			Description: "Alerts of the hub that fire now, without the watchdog. More than 0: open the alert list and follow the runbook of the most severe one.",
			Queries:     one(`count(ALERTS{alertstate="firing",alertname=~"Hub.+",alertname!="HubWatchdog"}) or vector(0)`, "firing")},
		{Title: "Instances up", Kind: Number, Unit: units.Short, Width: 4, Drill: "hub-runtime",
			Description: "Hubs that Prometheus can read. Fewer than were deployed: see which one is missing and why it ended; its partitions go to the others.",
			Queries:     one(sum(ofHub("up")), "up")},
		{Title: "Taken per second", Kind: Number, Unit: units.MessagesPerSecond, Width: 4, Drill: "hub-lag",
			Description: "Messages read from Kafka, all routes together. 0 by day: look at the lag; without lag nobody sends.",
			Queries:     one(perSecond(ofHub("hub_messages_consumed_total")), "messages")},
		{Title: "Worst lag", Kind: Number, Unit: units.Seconds, Width: 4, Drill: "hub-lag", Levels: []Level{{60, "orange"}, {300, "red"}},
			Description: "Age of the oldest unfinished message. Minutes: find its route below and see whether it is paused, its system slow, or the hub too small.",
			Queries:     one("max("+series("job_route:hub_consumer_lag_seconds:max", job)+")", "lag")},
		{Title: "Unresolved dead letters", Kind: Number, Unit: units.Short, Width: 4, Drill: "hub-dead-letters", Levels: warnAbove0,
			Description: "Messages that wait for a person's decision. More than 0: list them with hubctl dead list, and replay, answer or discard each.",
			Queries:     one(sum(ofHub("hub_dlq_unresolved_messages")), "letters")},
		{Title: "Applications parked", Kind: Number, Unit: units.Short, Width: 4, Drill: "hub-dead-letters", Levels: warnAbove0,
			Description: "Applications whose messages wait because a system answers others but not them. They go on by themselves; a number that grows means a fault at the system.",
			Queries:     one(sum(ofHub("hub_parked_keys")), "applications")},
		{Title: "Routes not running", Kind: Number, Unit: units.Short, Width: 4, Levels: warnAbove0,
			Description: "Routes that are paused or have stopped for good. The map below names them; the log says why.",
			Queries:     one("sum("+highest(ofHub("hub_route_state", `state=~"paused|failed"`), "route", "state")+")", "routes")},
		{Title: "Open breakers", Kind: Number, Unit: units.Short, Width: 4, Drill: "hub-external", Levels: alarmAbove0,
			Description: "Operations of systems that are not called now, because they do not answer or because a person said so.",
			Queries:     one("sum("+highest(ofHub("hub_breaker_state", `state=~"open|forced_open"`), "system", "operation", "state")+")", "open")},
		{Title: "Messages near their deadline", Kind: Number, Unit: units.Short, Width: 4, Drill: "hub-deadline", Levels: alarmAbove0,
			Description: "Unfinished messages with less than a fifth of their legal time left. More than 0: find what holds them back before anything else.",
			Queries:     one(sum(ofHub("hub_deadline_at_risk_messages")), "at risk")},
		{Title: "Claims", Kind: Number, Unit: units.NoUnit, Width: 4, Drill: "hub-redis",
			States:      []State{{0, "kept", "green"}, {1, "lost", "red"}},
			Description: "Whether Redis still holds what was claimed. Lost: routes whose system does not recognise a repeat wait until a person has accepted the loss with hubctl claims accept.",
			Queries:     one(highest(ofHub("hub_claims_lost")), "claims")},
		{Title: "Good outcomes, 30 days", Kind: Number, Unit: units.PercentUnit, Width: 4, Drill: "hub-dead-letters", Levels: goodFrom(.999),
			Description: "Share of finished messages that did not become dead letters by the hub's or a system's fault. The promise is 99.9 %.",
			Queries:     one("1 - "+deadShare, "good")},
		{Title: "Error budget left, 30 days", Kind: Dial, Unit: units.PercentUnit, Width: 4, Drill: "hub-dead-letters", Levels: goodFrom(.25),
			Description: "What is left of the one message in a thousand that may become a dead letter. Below 0: no risky change until it has recovered.",
			Queries:     one("1 - ("+deadShare+") / 0.001", "budget left")},
	}
}

// deadShare is the share of dead letters in all that was finished in 30 days.
var deadShare = "sum(increase(" + ofHub("hub_messages_final_total", `outcome="dead_lettered"`) + "[30d])) / sum(increase(" + ofHub("hub_messages_final_total") + "[30d]))"

func routeMap() []Panel {
	state := func(s string) string { return ofRoute("hub_route_state", `state="`+s+`"`) }
	return []Panel{
		{Title: "Route map", Kind: Table, Unit: units.Short, Width: columns, Drill: "hub-lag",
			Description: "Every route: its state, what flows, what waits. Begin with a route that does not run, then with the one that lags most.",
			Queries: []Query{
				{Expr: stateNumber(state, routeStates, "route"), Legend: "state", States: routeStates},
				{Expr: perSecond(ofRoute("hub_messages_consumed_total"), "route"), Legend: "taken per second", Unit: units.MessagesPerSecond},
				{Expr: sum(ofRoute("hub_consumer_lag_messages"), "route"), Legend: "lag, messages"},
				{Expr: highest(ofRoute("hub_consumer_lag_seconds"), "route"), Legend: "lag, time", Unit: units.Seconds},
				{Expr: sum(ofRoute("hub_messages_inflight"), "route"), Legend: "in flight"},
				{Expr: sum(ofRoute("hub_parked_keys"), "route"), Legend: "applications parked"},
				{Expr: sum(ofRoute("hub_dlq_unresolved_messages"), "route"), Legend: "dead letters"},
				{Expr: since(ofRoute("hub_last_success_timestamp_seconds"), "route"), Legend: "since the last success", Unit: units.Seconds},
			}},
		{Title: "Why routes are paused", Kind: Timeline, Unit: units.NoUnit, Width: columns, Drill: "hub-external",
			States:      []State{{0, "no", "green"}, {1, "paused", "orange"}},
			Description: "Each reason for which a route of those chosen is paused. breaker, redis, kafka and dead (a letter cannot be written) end when the other side is well again; auth, target, partitions, claims_lost and operator need a person; stopped needs a look at the log and a restart.",
			Queries:     one(highest(ofRoute("hub_route_paused"), "reason"), label("reason"))},
	}
}

func messages() []Panel {
	return []Panel{
		{Title: "Messages taken, by route", Kind: Lines, Unit: units.MessagesPerSecond, Width: 12, Drill: "hub-lag",
			Description: "Messages read from Kafka. A route at 0 while others flow is paused, has lost its partitions, or has nothing to do: compare with its lag.",
			Queries:     one(perSecond(ofRoute("hub_messages_consumed_total"), "route"), label("route"))},
		{Title: "Attempts by outcome", Kind: Stacked, Unit: units.MessagesPerSecond, Width: 12, Drill: "hub-dead-letters",
			Description: "How attempts end. Many retried: a system does not answer, see its breaker. Duplicates are repeats that were recognised: no harm, but ask who sends twice.",
			Queries:     one(perSecond(ofRoute("hub_messages_processed_total"), "outcome"), label("outcome"))},
		{Title: "Final outcomes", Kind: Stacked, Unit: units.MessagesPerSecond, Width: 12, Drill: "hub-dead-letters",
			Description: "How messages end, once each. rejected is the sender's fault, dead_lettered ours or a system's: the latter uses up the error budget.",
			Queries:     one(perSecond(ofRoute("hub_messages_final_total"), "outcome"), label("outcome"))},
		{Title: "Refused input by reason", Kind: Bars, Unit: units.Short, Width: 12,
			Description: "Messages that the hub could not accept, by letter code. One sender's release often shows here first: tell its owner.",
			Queries:     one(events(ofRoute("hub_messages_rejected_total"), "reason"), label("reason"))},
		{Title: "End to end", Kind: Lines, Unit: units.Seconds, Width: 12, Exemplars: true, Drill: "hub-external",
			Description: "From the first message of a chain to its effect. The promise is 99 % within 60 s. Slow: open a dot's trace and see whether waiting, the hub or a system took the time.",
			Queries:     quantiles(ofRoute("hub_end_to_end_latency_seconds_bucket"))},
		{Title: "End to end, all of them", Kind: Heat, Unit: units.Seconds, Width: 12,
			Description: "The same as a picture of every message: two bands mean two kinds of message, for example those that waited for a breaker.",
			Queries:     one(events(ofRoute("hub_end_to_end_latency_seconds_bucket"), "le"), label("le"))},
		{Title: "In flight, and how many may be", Kind: Lines, Unit: units.Short, Width: 8, Drill: "hub-external",
			Description: "Messages held in memory, beside how many of a route may be under way at once. The limit follows what the system bears: a limit that falls means a system in trouble.",
			Queries: []Query{
				{Expr: sum(ofRoute("hub_messages_inflight"), "route"), Legend: label("route")},
				{Expr: sum(ofRoute("hub_route_concurrency_limit"), "route"), Legend: "{{route}} limit"},
			}},
		{Title: "The hub's own time, p99", Kind: Lines, Unit: units.Seconds, Width: 8, Exemplars: true, Drill: "hub-runtime",
			Description: "Time of an attempt without the call of the system: claims in Redis and writes to Kafka. Slow: look at Redis and at Kafka's operations.",
			Queries:     one(quantile(.99, ofRoute("hub_message_process_duration_seconds_bucket"), "route"), label("route"))},
		{Title: "Message sizes, p99", Kind: Lines, Unit: units.BytesIEC, Width: 8,
			Description: "Sizes of messages in and out. Growth comes before refusals as too large: ask the sender.",
			Queries:     one(quantile(.99, ofHub("hub_message_size_bytes_bucket"), "direction"), label("direction"))},
	}
}

// promises are the burn rates of the error budgets: 1 uses the budget up exactly in
// 30 days.
func promises() []Panel {
	burn := func(ratio string, budget string) (out []Query) {
		for _, window := range []string{"1h", "6h", "3d"} {
			out = append(out, Query{Expr: series(ratio+"_rate"+window, job) + " / " + budget, Legend: window})
		}
		return out
	}
	levels := []Level{{1, "orange"}, {6, "red"}}
	return []Panel{
		{Title: "Delivery: budget burnt", Kind: Lines, Unit: units.NoUnit, Width: 12, Levels: levels, Drill: "hub-dead-letters",
			Description: "How fast dead letters use up the delivery budget: 1 lasts 30 days, 14.4 two. Above 6: stop what fills the dead letters before anything is replayed.",
			Queries:     burn("job:hub_delivery_errors_per_final:ratio", "0.001")},
		{Title: "Latency: budget burnt", Kind: Lines, Unit: units.NoUnit, Width: 12, Levels: levels, Drill: "hub-external",
			Description: "How fast messages slower than 60 s use up the latency budget of one in a hundred. Above 6: find the slow system or the lagging route.",
			Queries:     burn("job:hub_delivery_slow_per_final:ratio", "0.01")},
	}
}
