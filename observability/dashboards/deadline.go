package dashboards

import "github.com/grafana/grafana-foundation-sdk/go/units"

func deadline() Board {
	return Board{
		UID: "hub-deadline", Title: "Hub: legal deadlines",
		Description: "Which routes hold messages that come near the end of their legal time, and which were late.",
		Rows: []Row{{"Deadlines", []Panel{
			{Title: "At risk, by route", Kind: Lines, Unit: units.Short, Width: 12, Drill: "hub-lag", Levels: alarmAbove0,
				Description: "Unfinished messages with less than a fifth of HUB_DEADLINE left. Find what holds the route: lag, a parked application, an open breaker.",
				Queries:     one(sum(ofRoute("hub_deadline_at_risk_messages"), "route"), label("route"))},
			{Title: "Missed", Kind: Bars, Unit: units.Short, Width: 12,
				Description: "Messages delivered after their time. Each is reported to the owner of the service, with its trace.",
				Queries:     one(events(ofRoute("hub_deadline_missed_total"), "route"), label("route"))},
			{Title: "Missed in the time shown", Kind: Number, Unit: units.Short, Width: 12, Levels: alarmAbove0,
				Description: "Their number. There is no budget for these: the promise is none.",
				Queries:     one(inRange(ofRoute("hub_deadline_missed_total")), "missed")},
			{Title: "Time left at delivery, p5", Kind: Lines, Unit: units.Seconds, Width: 12, Drill: "hub-external",
				Description: "Time left for the worst twentieth of messages when they were delivered. Falling week by week: the chain grows slow long before the law is broken.",
				Queries:     one(quantile(.05, ofRoute("hub_deadline_slack_seconds_bucket"), "route"), label("route"))},
		}}},
	}
}
