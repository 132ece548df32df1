package main

import (
	"context"
	"net/http"
	"time"

	"kandashub/cmd/verify/broker"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/proxy"
	"kandashub/mocks"
)

// A trial is a fault and the alerts that must fire on it. Some faults go on in a
// second step once the first has been told of.
type trial struct {
	fault  string
	alerts []string
	before step // nil: nothing. It is done before any trial of the stage strikes
	strike step
	then   *phase // nil: no second step
	heal   step
	on     servers
}

// A phase is the second step of a fault, and the alerts that must fire on it.
type phase struct {
	alerts []string
	strike step
}

// servers say on which Kafka and Redis a fault can be injected; empty: on any.
type servers string

const (
	embedded   servers = "embedded" // only a Kafka of ours refuses what it is told to
	realServer servers = "real"     // only redis-server has the setting
)

// A stage is some trials that strike at once and do not disturb each other.
type stage struct {
	name   string
	long   bool // takes minutes: not part of make test
	trials []trial
}

// all are the alerts that a trial waits for.
func (t trial) all() []string {
	if t.then == nil {
		return t.alerts
	}
	return append(append([]string(nil), t.alerts...), t.then.alerts...)
}

// stages are all trials. Waits that people make (an hour's pause) are of routes on
// which nothing flows here, so that no message is late for them.
func stages() []stage {
	return []stage{
		{name: "systems and people", trials: systemsAndPeople()},
		{name: "Kafka and letters", trials: kafkaAndLetters()},
		{name: "many", long: true, trials: many()},
		{name: "late", long: true, trials: []trial{late()}},
		{name: "Redis slow", trials: []trial{{fault: "Redis answers late", alerts: []string{"HubRedisSlow"}, strike: redisProxy(proxy.Toxic{Latency: 120 * time.Millisecond}), heal: redisProxy(proxy.Toxic{})}}},
		{name: "Redis cut off", trials: []trial{{fault: "nobody reaches Redis", alerts: []string{"HubRedisDown", "HubDedupErrors"},
			strike: redisProxy(proxy.Toxic{Refuse: true}), heal: redisProxy(proxy.Toxic{})}}},
		{name: "Redis emptied", trials: []trial{{fault: "Redis has lost its data", alerts: []string{"HubClaimsLost"}, strike: func(ctx context.Context, w *watch) error {
			_, err := w.world.RedisCommand(ctx, "FLUSHALL")
			return err
		}, heal: again(hubctl("claims", "accept"))}}},
		{name: "Redis may evict", trials: []trial{{fault: "Redis is told to make room", alerts: []string{"HubRedisUnsafePolicy"}, on: realServer,
			strike: redisSet("maxmemory-policy", "allkeys-lru"), heal: redisSet("maxmemory-policy", "noeviction")}}},
		{name: "Redis full", trials: []trial{{fault: "Redis is nearly full", alerts: []string{"HubRedisMemoryHigh"}, on: realServer,
			strike: redisNearlyFull, heal: redisSet("maxmemory", "0")}}},
		{name: "memory", trials: []trial{{fault: "a hub has little memory", alerts: []string{"HubMemoryHigh"}, strike: restart(1, "GOMEMLIMIT=16MiB"), heal: restart(1)}}},
		{name: "hubs", trials: []trial{{fault: "all hubs die", alerts: []string{"HubDown", "HubInstanceDown"}, strike: killAll, heal: startAll}}},
		{name: "topics", trials: []trial{{fault: "a topic is missing", alerts: []string{"HubRoutePartitionsWrong"},
			strike: startWithout("statecorp.certificate-requests"), heal: both(makeTopics, readyAll)}}},
		{name: "hours", long: true, trials: hours()},
	}
}

func systemsAndPeople() []trial {
	return []trial{
		{fault: "kandas is down", alerts: []string{"HubBreakerOpen", "HubBreakerOpenLong", "HubExternalErrorsHigh", "HubConsumerLagSecondsHigh", "HubConsumerLagSecondsCritical"},
			strike: refuse("kandas"), heal: accept("kandas")},
		{fault: "egov answers just in time", alerts: []string{"HubExternalSlow"}, strike: faulty("egov", mocks.Fault{LatencyMS: 1350}), heal: well("egov")},
		{fault: "migration refuses our token", alerts: []string{"HubAccessRefused"}, strike: faulty("migration", mocks.Fault{Status: http.StatusUnauthorized}), heal: well("migration")},
		{fault: "a letter holds its application", alerts: []string{"HubDLQArrivals", "HubParkedOld"},
			strike: faulty("statecorp", mocks.Fault{Status: http.StatusUnprocessableEntity, Times: 1}), heal: decide("notify-statecorp", "replay", 1)},
		{fault: "a pause is forgotten", alerts: []string{"HubRoutePausedLong"}, strike: hubctl("route", "pause", "reissue"), heal: hubctl("route", "resume", "reissue")},
		{fault: "a held breaker is forgotten", alerts: []string{"HubBreakerForced"}, strike: hubctl("breaker", "open", "iin-generate"), heal: hubctl("breaker", "release", "iin-generate")},
		strangers(),
		certificate("eds"),
	}
}

func kafkaAndLetters() []trial {
	return []trial{
		unpublished(),
		kafkaRefuses("a topic cannot be read", broker.Fault{Keys: []string{"Fetch"}, Topic: "statecorp.notifications"}, "HubFetchFailing"),
		kafkaRefuses("offsets cannot be committed", broker.Fault{Keys: []string{"OffsetCommit"}, Group: "hub.delivered"}, "HubCommitFailing"),
		kafkaRefuses("a group cannot be joined", broker.Fault{Keys: []string{"JoinGroup", "Heartbeat"}, Group: "hub.reissue"}, "HubPartitionsUnassigned"),
		kafkaRefuses("a group does not come to rest", broker.Fault{Keys: []string{"Heartbeat"}, Group: "hub.iin-record", Error: "REBALANCE_IN_PROGRESS"}, "HubRebalanceStorm"),
		{fault: "senders send what is no message", alerts: []string{"HubDLQFlood"}, strike: poison, heal: decide("verify", "discard", poisoned)},
		refusedLetters(),
	}
}

// many are faults of load: more than goes out, and letters that hold many messages.
func many() []trial {
	plan := func(run string, seed int64, channel string, notices, applications int) load.Plan {
		return load.Plan{Run: run, Fresh: true, Notices: notices, Applications: applications, Channels: []string{channel}, Seed: seed}
	}
	return []trial{
		{fault: "letters hold hundreds of messages", alerts: []string{"HubParkedMany"},
			strike: both(faulty("egov", mocks.Fault{Status: http.StatusUnprocessableEntity}), sends(plan("held", 4, "egov", 650, 3), 60)),
			heal:   both(well("egov"), decide("notify-egov", "replay", 3))},
		{fault: "more comes in than goes out", alerts: []string{"HubConsumerLagGrowing"},
			strike: both(hubctl("route", "pause", "notify-migration"), sends(plan("pile", 5, "migration", 2500, 40), 70)), heal: hubctl("route", "resume", "notify-migration")},
	}
}

// late is an application whose legal time ends within seconds.
func late() trial {
	return trial{fault: "an application is late", alerts: []string{"HubDeadlineAtRisk"},
		strike: both(restartAll("HUB_DEADLINE=5s"), faulty("statecorp", mocks.Fault{Status: http.StatusUnprocessableEntity, Times: 1})),
		then:   &phase{[]string{"HubDeadlineMissed"}, decide("notify-statecorp", "replay", 1)}, heal: restartAll()}
}

// hours are what takes minutes even here.
func hours() []trial {
	return []trial{
		{fault: "nobody decides of a letter", alerts: []string{"HubDLQUnresolvedOld"},
			strike: faulty("statecorp", mocks.Fault{Status: http.StatusUnprocessableEntity, Times: 1}), heal: decide("notify-statecorp", "replay", 1)},
		{fault: "kandas is down for over a minute", alerts: []string{"HubLatencyErrorBudgetBurn"},
			strike: both(refuse("kandas"), behind("delivered", 70), accept("kandas")), heal: accept("kandas")},
		flapping("egov"),
	}
}

// redisProxy sets what happens on the way to Redis.
func redisProxy(t proxy.Toxic) step {
	return func(_ context.Context, w *watch) error { return w.world.RedisProxy.Set(t) }
}
