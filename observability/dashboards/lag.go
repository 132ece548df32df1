package dashboards

import "github.com/grafana/grafana-foundation-sdk/go/units"

func lag() Board {
	return Board{
		UID: "hub-lag", Title: "Hub: lag and consumer groups",
		Description: "Whether the hub keeps up with Kafka, and whether its consumer groups hold together.",
		Rows:        []Row{{"Lag", lagPanels()}, {"Groups", groups()}, {"Kafka", kafka()}},
	}
}

func lagPanels() []Panel {
	const lagMessages = "job_route:hub_consumer_lag_messages:sum"
	recorded := func(name string) string { return series(name, job, route) }
	return []Panel{
		{Title: "Lag in messages", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "Messages in Kafka that are not finished. A line that only climbs: more comes in than the system bears or the hub can do.",
			Queries:     one(recorded(lagMessages), label("route"))},
		{Title: "Lag in time", Kind: Lines, Unit: units.Seconds, Width: 12,
			Description: "Age of the oldest unfinished message. Decide by this one: a thousand messages are nothing for one route and a day for another.",
			Queries:     one(recorded("job_route:hub_consumer_lag_seconds:max"), label("route"))},
		{Title: "Taken minus finished", Kind: Lines, Unit: units.MessagesPerSecond, Width: 12,
			Description: "Above 0 messages pile up in memory, in lanes or parked; below 0 the hub works off what has piled up.",
			Queries: one(perSecond(ofRoute("hub_messages_consumed_total"), "route")+" - "+
				perSecond(ofRoute("hub_messages_final_total"), "route"), label("route"))},
		{Title: "Time to work the lag off", Kind: Number, Unit: units.Seconds, Width: 12,
			Description: "Lag divided by what was taken in the last five minutes. Infinite: the route takes nothing at all; see whether it is paused.",
			Queries:     one(recorded(lagMessages)+" / "+recorded("job_route:hub_messages_consumed:rate5m"), label("route"))},
		{Title: "Lag by partition, top 20", Kind: Table, Unit: units.Short, Width: 12,
			Description: "One partition far ahead of the others: one application with very many messages, or one that cannot go on. hubctl shows which key is at its head.",
			Queries:     one("topk(20, "+highest(ofRoute("hub_consumer_lag_messages"), "route", "topic", "partition")+")", "messages")},
		{Title: "Lag as Kafka's exporter sees it", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "The same from outside: a hub that is dead cannot tell its own lag. Differs from the hub's: believe this one. Needs kafka_exporter.",
			Queries: []Query{{Expr: `sum by (consumergroup, topic) (kafka_consumergroup_lag{consumergroup=~"hub\\..+"})`, Legend: "{{consumergroup}} {{topic}}",
				Empty: "made by kafka_exporter, where it is deployed"}}},
	}
}

func groups() []Panel {
	return []Panel{
		{Title: "Partitions without a consumer", Kind: Number, Unit: units.Short, Width: 6, Levels: alarmAbove0,
			Description: "Partitions that no hub reads. More than 0 for minutes: too few hubs, a group that rebalances without end, or a route that no instance runs.",
			Queries: one("sum("+highest(ofHub("hub_route_partitions"), "route")+" - "+
				sum(ofHub("hub_consumer_assigned_partitions"), "route")+")", "partitions")},
		{Title: "Age of these figures", Kind: Number, Unit: units.Seconds, Width: 6, Levels: []Level{{120, "orange"}},
			Description: "Time since a hub last told a lag. Minutes: its collector is stuck, and the panels above say nothing.",
			Queries:     one("max(time() - "+ofHub("hub_consumer_lag_refreshed_timestamp_seconds")+")", "age")},
		{Title: "Rebalances", Kind: Bars, Unit: units.Short, Width: 12,
			Description: "Generations joined. A few at each deployment; again and again: a hub that is killed, or calls that hold a partition longer than the drain time.",
			Queries:     one(events(ofRoute("hub_consumer_rebalances_total"), "route"), label("route"))},
		{Title: "Partitions by instance", Kind: Lines, Unit: units.Short, Width: 8,
			Description: "How many partitions each hub holds. Uneven for long: an instance has no work for some routes, or keeps leaving its groups.",
			Queries:     one(sum(ofRoute("hub_consumer_assigned_partitions"), "instance"), label("instance"))},
		{Title: "Commits by result", Kind: Stacked, Unit: units.OpsPerSecond, Width: 8,
			Description: "Commits of offsets. Errors at a rebalance are normal: another hub has the partition. Errors otherwise: Kafka's coordinator.",
			Queries:     one(perSecond(ofRoute("hub_consumer_commits_total"), "result"), label("result"))},
		{Title: "Since the last commit", Kind: Lines, Unit: units.Seconds, Width: 8,
			Description: "Time since any hub last committed offsets of the route. Climbs while nothing comes in, which is normal; climbs while the lag does: nothing is finished.",
			Queries:     one(since(ofRoute("hub_consumer_last_commit_timestamp_seconds"), "route"), label("route"))},
	}
}

func kafka() []Panel {
	return []Panel{
		{Title: "Fetch errors", Kind: Lines, Unit: units.OpsPerSecond, Width: 8,
			Description: "Fetches that failed. leader: partitions move between brokers, short and normal; timeout and other: brokers, credentials or the network between.",
			Queries:     one(perSecond(ofRoute("hub_consumer_fetch_errors_total"), "reason"), label("reason"))},
		{Title: "Messages written, by topic and result", Kind: Lines, Unit: units.MessagesPerSecond, Width: 8,
			Description: "What the hub writes. Errors: nothing is lost, partitions stand still until Kafka takes writes again.",
			Queries:     one(perSecond(ofHub("hub_messages_produced_total"), "topic", "result"), "{{topic}} {{result}}")},
		{Title: "Kafka operations, p99", Kind: Lines, Unit: units.Seconds, Width: 8,
			Description: "Round trips to Kafka. Slow send: min.insync.replicas and disks of the brokers. poll waits for messages and may be slow at night.",
			Queries:     one(quantile(.99, ofHub("hub_kafka_operation_duration_seconds_bucket"), "operation"), label("operation"))},
	}
}
