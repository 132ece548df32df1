package dashboards

import "github.com/grafana/grafana-foundation-sdk/go/units"

func redis() Board {
	return Board{
		UID: "hub-redis", Title: "Hub: claims and Redis",
		Description: "What the claims on effects say, and how the Redis does that holds them.",
		Rows:        []Row{{"Claims", claims()}, {"Redis as the hub sees it", redisOfHub()}, {"Redis as its exporter sees it", redisOfExporter()}},
	}
}

func claims() []Panel {
	return []Panel{
		{Title: "Claims by result", Kind: Stacked, Unit: units.OpsPerSecond, Width: 12,
			Description: "new goes on to the system; done and answered were done before; busy is another hub's. conflict: two different messages with one id, ask the sender. uncertain: a person decides.",
			Queries:     one(perSecond(ofRoute("hub_dedup_checks_total"), "result"), label("result"))},
		{Title: "Share of repeats", Kind: Lines, Unit: units.PercentUnit, Width: 12, Levels: []Level{{.2, "orange"}},
			Description: "Claims whose effect was done already. High for long: someone sends again, or offsets were reset. No effect happens twice.",
			Queries:     one(series("job:hub_dedup_duplicates_per_check:ratio_rate5m", job), "repeats")},
		{Title: "Claims held", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "Keys in Redis. Grows with the traffic of the time that claims are kept; faster means more memory soon.",
			Queries:     one(highest(ofHub("hub_dedup_keys")), "keys")},
		{Title: "Claims that failed", Kind: Number, Unit: units.Short, Width: 6, Levels: alarmAbove0,
			Description: "Claims that Redis did not answer. Their messages wait: without a claim nothing is called.",
			Queries:     one(inRange(ofRoute("hub_dedup_checks_total", `result="error"`)), "failed")},
		{Title: "Loss of claims", Kind: Number, Unit: units.NoUnit, Width: 6, States: []State{{0, "none", "green"}, {1, "not accepted", "red"}},
			Description: "Whether Redis lost claims and nobody has accepted it. Then the routes whose systems do not recognise a repeat wait: hubctl claims status, then accept.",
			Queries:     one(highest(ofHub("hub_claims_lost")), "loss")},
	}
}

func redisOfHub() []Panel {
	reachable := []State{{0, "not reachable", "red"}, {1, "reachable", "green"}}
	return []Panel{
		{Title: "Reachable", Kind: Timeline, Unit: units.NoUnit, Width: 12, States: reachable,
			Description: "Whether each hub reaches Redis. Not reachable: routes wait and nothing is called; restore Redis, do not pass by it.",
			Queries:     one(lowest(ofHub("hub_redis_up"), "instance"), label("instance"))},
		{Title: "Commands, p99", Kind: Lines, Unit: units.Seconds, Width: 12, Levels: []Level{{.1, "red"}},
			Description: "Time of commands. Above 100 ms: Redis waits for its disk or its network, or runs something slow.",
			Queries:     one(quantile(.99, ofHub("hub_redis_command_duration_seconds_bucket"), "command"), label("command"))},
		{Title: "Commands that failed", Kind: Lines, Unit: units.OpsPerSecond, Width: 12,
			Description: "Commands that Redis refused or did not answer in time. With Redis up: its memory is full, or too few replicas have a claim.",
			Queries:     one(perSecond(ofHub("hub_redis_commands_total", `result="error"`), "command"), label("command"))},
		{Title: "Connections", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "The pool. waiting above 0: commands queue for a connection, Redis is too slow for this many.",
			Queries:     one(sum(ofHub("hub_redis_pool_connections"), "state"), label("state"))},
		{Title: "Memory, and its limit", Kind: Lines, Unit: units.BytesIEC, Width: 12,
			Description: "Memory of Redis; limit 0: none set. Near the limit Redis refuses claims, and routes wait: raise it in time.",
			Queries: []Query{
				{Expr: highest(ofHub("hub_redis_memory_bytes")), Legend: "used"},
				{Expr: highest(ofHub("hub_redis_memory_limit_bytes")), Legend: "limit"},
			}},
		{Title: "Evicted keys", Kind: Number, Unit: units.Short, Width: 6, Levels: alarmAbove0,
			Description: "Keys that Redis threw away for want of memory. Each may be a claim, and so a possible repeat: set noeviction and raise the memory.",
			Queries:     one("max(increase("+ofHub("hub_redis_evicted_keys_total")+"[$__range]))", "evicted")},
		{Title: "Eviction policy", Kind: Number, Unit: units.NoUnit, Width: 6, States: []State{{0, "noeviction", "green"}, {1, "may forget claims", "red"}},
			Description: "Whether Redis may throw claims away. It must not: set maxmemory-policy noeviction.",
			Queries:     one(highest(ofHub("hub_redis_eviction_policy_unsafe")), "policy")},
	}
}

func redisOfExporter() []Panel {
	const exporter = "made by redis_exporter, where it is deployed"
	return []Panel{
		{Title: "Memory used of the limit", Kind: Dial, Unit: units.PercentUnit, Width: 12, Levels: []Level{{.8, "orange"}, {.9, "red"}},
			Description: "The same from outside, also while no hub runs. Needs redis_exporter.",
			Queries:     []Query{{Expr: "max(redis_memory_used_bytes / (redis_memory_max_bytes > 0))", Legend: "used", Empty: exporter}}},
		{Title: "Keys evicted", Kind: Number, Unit: units.Short, Width: 12, Levels: alarmAbove0,
			Description: "The same from outside. Needs redis_exporter.",
			Queries:     []Query{{Expr: "sum(increase(redis_evicted_keys_total[$__range]))", Legend: "evicted", Empty: exporter}}},
	}
}
