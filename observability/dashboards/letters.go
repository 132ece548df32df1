package dashboards

import "github.com/grafana/grafana-foundation-sdk/go/units"

func deadLetters() Board {
	return Board{
		UID: "hub-dead-letters", Title: "Hub: parked messages and dead letters",
		Description: "What waits by itself, and what waits for a person's decision.",
		Rows:        []Row{{"Parked", parked()}, {"Dead letters", letters()}},
	}
}

func parked() []Panel {
	return []Panel{
		{Title: "Applications parked", Kind: Lines, Unit: units.Short, Width: 12, Drill: "hub-external",
			Description: "Applications whose messages wait because the system answers others but not them. Tried again with growing waits; ask the system's owner about one of them.",
			Queries:     one(sum(ofRoute("hub_parked_keys"), "route"), label("route"))},
		{Title: "Messages parked", Kind: Stacked, Unit: units.Short, Width: 12,
			Description: "Their messages: every later one of the same application waits behind the first, so that order is kept.",
			Queries:     one(sum(ofRoute("hub_parked_messages"), "route"), label("route"))},
		{Title: "Longest parked", Kind: Lines, Unit: units.Seconds, Width: 12, Drill: "hub-deadline",
			Description: "How long the oldest parked message waits; 0: none. Hours: it will not go on by itself; compare with its legal time.",
			Queries:     one(age(ofRoute("hub_parked_oldest_timestamp_seconds"), "route"), label("route"))},
		{Title: "Attempts repeated", Kind: Lines, Unit: units.MessagesPerSecond, Width: 12, Drill: "hub-external",
			Description: "Attempts that got no answer and are tried again. A breaker should open soon after this rises.",
			Queries:     one(perSecond(ofRoute("hub_messages_processed_total", `outcome="retried"`), "route"), label("route"))},
		{Title: "Attempts needed, p95", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "How many attempts a message needs. Above 1 for one route: its system is unreliable even while its breaker is closed.",
			Queries:     one(quantile(.95, ofRoute("hub_message_attempts_bucket"), "route"), label("route"))},
		{Title: "Attempts past their lease", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "Attempts that run on though their time is up. They hold their application; more than 0 for minutes: restart that hub and keep its log.",
			Queries:     one(sum(ofRoute("hub_stuck_attempts"), "route"), label("route"))},
	}
}

func letters() []Panel {
	return []Panel{
		{Title: "Unresolved", Kind: Stacked, Unit: units.Short, Width: 12,
			Description: "Dead letters that nobody has decided. Decide each with hubctl dead, many alike with hubctl dead plan and run.",
			Queries:     one(sum(ofRoute("hub_dlq_unresolved_messages"), "route"), label("route"))},
		{Title: "Age of the oldest", Kind: Lines, Unit: units.Seconds, Width: 12, Levels: []Level{{4 * 3600, "orange"}},
			Description: "How long the oldest letter waits for a decision; 0: none. Four hours: it has no owner; give it one.",
			Queries:     one(age(ofRoute("hub_dlq_oldest_unresolved_timestamp_seconds"), "route"), label("route"))},
		{Title: "Arrivals by reason", Kind: Bars, Unit: units.Short, Width: 12,
			Description: "Dead letters written, by letter code. Many of one code: pause the route, find the cause, and only then replay.",
			Queries:     one(events(ofRoute("hub_dlq_messages_total"), "reason"), label("reason"))},
		{Title: "Resolved by action", Kind: Bars, Unit: units.Short, Width: 12,
			Description: "What people decided. Many discarded: write down why, and tell the sender.",
			Queries:     one(events(ofRoute("hub_dlq_resolved_total"), "action"), label("action"))},
		{Title: "Letters that could not be written", Kind: Number, Unit: units.Short, Width: 12, Levels: alarmAbove0, Drill: "hub-lag",
			Description: "Each holds its partition until Kafka takes the letter. More than 0: repair Kafka; nothing else helps, and nothing is lost meanwhile.",
			Queries:     one(inRange(ofRoute("hub_dlq_publish_failures_total")), "failures")},
	}
}
