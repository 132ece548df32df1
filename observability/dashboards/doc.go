// Package dashboards is the hub's seven Grafana boards, as code that makes their
// JSON. The files beside it are what Grafana reads (deploy/grafana says how); a
// test holds them against this code, and
//
//	go test ./observability/dashboards -run TestFiles -update
//
// writes them anew after a change.
//
// A person on duty begins at hub-overview, which says in one line whether all is
// well, and follows the links of its panels:
//
//	hub-overview      is all well; which route is not; how much of the error budget is left
//	hub-lag           does the hub keep up with Kafka; do its groups hold together
//	hub-dead-letters  what waits parked, and what waits for a person's decision
//	hub-external      how the state systems answer; breakers; certificates
//	hub-redis         what the claims say, and how Redis does
//	hub-deadline      which applications come near the end of their legal time
//	hub-runtime       versions, memory, log lines, what operators did
//
// [Boards] lists them. One file holds one board; queries are put together in
// query.go from a few shapes, so that every one of them follows the variables
// $job, $instance, $route and $system; grafana.go is all that knows Grafana's
// format. Each panel has a description for the person who looks at it: what it
// shows, and what to do.
//
// Each query is run against a real Prometheus after traffic (make test-boards). One
// that has no data there says why in [Query.Empty]; nothing else may stay empty.
package dashboards

// Boards are all boards, in the order in which a person on duty goes through them.
func Boards() []Board {
	return []Board{overview(), lag(), deadLetters(), external(), redis(), deadline(), runtime()}
}
