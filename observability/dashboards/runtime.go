package dashboards

import "github.com/grafana/grafana-foundation-sdk/go/units"

func runtime() Board {
	return Board{
		UID: "hub-runtime", Title: "Hub: processes and operators",
		Description: "Which versions run, what they need of the machine, what they log, and what operators did.",
		Rows:        []Row{{"Versions", versions()}, {"Machine", machine()}, {"Operators and callers", operators()}, {"Outcomes", outcomes()}, {"Logs", logs()}},
	}
}

func versions() []Panel {
	return []Panel{
		{Title: "Versions running", Kind: Table, Unit: units.Short, Width: 12,
			Description: "More than one for an hour: a deployment stopped half-way.",
			Queries:     one("count by (version, revision, goversion) ("+ofHub("hub_build_info")+")", "instances")},
		{Title: "Settings in use", Kind: Table, Unit: units.Short, Width: 12,
			Description: "A hash of the settings of each instance. More than one for an hour: instances disagree about routes, limits or addresses.",
			Queries:     one("count by (hash) ("+ofHub("hub_config_info")+")", "instances")},
	}
}

func machine() []Panel {
	ofInstance := func(metric string) string { return highest(ofHub(metric), "instance") }
	return []Panel{
		{Title: "Memory, and its limit", Kind: Lines, Unit: units.BytesIEC, Width: 12,
			Description: "Resident memory, beside the limit from which on Go only collects garbage. Near it: lower HUB_WINDOW_BYTES or raise the limit; a hub that is killed loses nothing.",
			Queries: []Query{
				{Expr: ofInstance("process_resident_memory_bytes"), Legend: label("instance")},
				{Expr: ofInstance("hub_memory_limit_bytes"), Legend: "{{instance}} limit"},
			}},
		{Title: "CPU", Kind: Lines, Unit: units.Short, Width: 12,
			Description: "Cores in use. At the number of cores given: add instances, up to the number of partitions.",
			Queries:     one(perSecond(ofHub("process_cpu_seconds_total"), "instance"), label("instance"))},
		{Title: "Goroutines", Kind: Lines, Unit: units.Short, Width: 8,
			Description: "Follows the messages in flight. Climbs while they do not: a leak; take a profile and restart.",
			Queries:     one(ofInstance("go_goroutines"), label("instance"))},
		{Title: "Garbage collection, p75", Kind: Lines, Unit: units.Seconds, Width: 8,
			Description: "Pauses of the garbage collector. Above milliseconds: the machine has too little CPU.",
			Queries:     one(highest(ofHub("go_gc_duration_seconds", `quantile="0.75"`), "instance"), label("instance"))},
		{Title: "Open files of the limit", Kind: Lines, Unit: units.PercentUnit, Width: 8, Levels: []Level{{.8, "red"}},
			Description: "Connections and files. Above 80 %: raise the limit of open files, then look for connections that stay open.",
			Queries:     one("max by (instance) ("+ofHub("process_open_fds")+" / "+ofHub("process_max_fds")+")", label("instance"))},
	}
}

func operators() []Panel {
	return []Panel{
		{Title: "Operator actions", Kind: Bars, Unit: units.Short, Width: 12,
			Description: "What people did, by the console or hubctl, and whether it was carried out. hubctl audit list says who and why.",
			Queries:     one(highest("increase("+ofHub("hub_operator_actions_total")+"[$__rate_interval])", "action", "result"), "{{action}} {{result}}")},
		{Title: "Audit records that could not be written", Kind: Number, Unit: units.Short, Width: 12, Levels: alarmAbove0,
			Description: "Then the action was refused. More than 0: repair Kafka; until then nobody can act.",
			Queries:     one(inRange(ofHub("hub_audit_write_failures_total")), "failures")},
		{Title: "Requests served", Kind: Lines, Unit: units.RequestsPerSecond, Width: 12,
			Description: "Intake, SHEP endpoints and pages. 401 and 403: a caller with a wrong credential; 5xx: ours, see the log.",
			Queries:     one(perSecond(ofHub("hub_http_requests_total"), "handler", "code"), "{{handler}} {{code}}")},
		{Title: "Time of requests served, p99", Kind: Lines, Unit: units.Seconds, Width: 12,
			Description: "A caller waits until Kafka has its message. Slow: Kafka's sends.",
			Queries:     one(quantile(.99, ofHub("hub_http_request_duration_seconds_bucket"), "handler"), label("handler"))},
	}
}

func outcomes() []Panel {
	return []Panel{
		{Title: "Outcomes reported", Kind: Lines, Unit: units.OpsPerSecond, Width: 8,
			Description: "What has become of messages, as written to hub.outcomes. Lost: it could not be written for long; the message itself is delivered, but cannot be found by its application.",
			Queries:     one(perSecond(ofHub("hub_outcomes_total"), "result"), label("result"))},
		{Title: "Outcomes that can be found", Kind: Lines, Unit: units.Short, Width: 8,
			Description: "In the index of each instance that keeps one (HUB_OUTCOMES_DIR); bounded by HUB_OUTCOMES_MOST.",
			Queries:     one(highest(ofHub("hub_outcomes_indexed"), "instance"), label("instance"))},
		{Title: "Records that the index is behind", Kind: Lines, Unit: units.Short, Width: 8,
			Description: "Falls to 0 after a start. Climbs: the instance cannot keep up with hub.outcomes; what is new is not found yet.",
			Queries:     one(highest(ofHub("hub_outcomes_index_lag_messages"), "instance"), label("instance"))},
	}
}

func logs() []Panel {
	return []Panel{
		{Title: "Log lines by level", Kind: Stacked, Unit: units.OpsPerSecond, Width: 8,
			Description: "A step after a release is worth a look; errors name their route and application.",
			Queries:     one(perSecond(ofHub("hub_log_messages_total"), "level"), label("level"))},
		{Title: "Personal data taken out of logs", Kind: Bars, Unit: units.Short, Width: 8,
			Description: "What the log filter removed. More than 0: nothing leaked, but some line tried; find and mend it.",
			Queries:     one(events(ofHub("hub_pii_redactions_total"), "kind"), label("kind"))},
		{Title: "Panics", Kind: Bars, Unit: units.Short, Width: 8,
			Description: "Panics that were caught. Each is a fault in the hub: its stack is in the log.",
			Queries:     one(events(ofHub("hub_panics_total"), "component"), label("component"))},
	}
}
