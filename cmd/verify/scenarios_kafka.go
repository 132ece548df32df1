package main

import (
	"context"
	"errors"
	"time"

	"kandashub/cmd/verify/broker"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/proxy"
	"kandashub/cmd/verify/world"
)

func kafkaScenarios() []scenario {
	return []scenario{
		{
			name: "broker-killed", faults: []string{"F6"}, about: "the broker is killed and started again, down for 1 s and for 10 s", rate: 250,
			act: killBroker, mustBite: []string{"SIGKILL"},
		},
		{
			name: "broker-frozen", faults: []string{"F7"}, about: "the broker is frozen for 1 s and for 8 s", rate: 250,
			act: freezeBroker, mustBite: []string{"SIGSTOP"},
		},
		{
			name: "produce-faults", faults: []string{"F8"}, about: "writes are refused, or time out after they were applied", rate: 250, fake: true,
			act: failProduces, mustBite: []string{"NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND"},
			load: func(p *load.Plan) { p.Poison = 0.02 },
		},
		{
			name: "fetch-commit-faults", faults: []string{"F9"}, about: "reads, commits and heartbeats are refused", rate: 250, fake: true,
			act: failGroups, mustBite: []string{"COORDINATOR_NOT_AVAILABLE", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "TOPIC_AUTHORIZATION_FAILED"},
		},
		{
			name: "records-deleted", faults: []string{"F9"}, about: "records are deleted before they were read: the route stops and does not jump",
			rate: 300, act: deleteRecords, mustBite: []string{"deleted"}, expect: stopped("verify", "no longer holds offset"),
		},
		{
			name: "kafka-network", faults: []string{"F10"}, about: "the connections to Kafka are slow, cut, silent, in slivers, narrow", rate: 200,
			limit: 3 * time.Minute, act: troubleNetwork, mustBite: []string{"latency", "reset", "black hole", "slices", "narrow"},
		},
		{
			name: "leader-moves", faults: []string{"F11"}, about: "partitions get another leader, again and again", rate: 250, fake: true,
			config: func(c *world.Config) { c.Brokers = 2 }, act: moveLeaders, mustBite: []string{"move"},
		},
		{
			name: "partitions-added", faults: []string{"F11"}, about: "a topic gets more partitions: its routes stop before an order can break",
			rate: 300, act: addPartitions, mustBite: []string{"partitions"}, expect: stopped("notify-migration", "number of partitions has changed"),
		},
		{
			name: "topic-remade", about: "a topic is deleted and made again while nothing of it is left to do", rate: 300,
			act: remakeTopic, mustBite: []string{"remade"}, expect: remadeNoticed,
		},
		{
			name: "dead-topic-refused", about: "the topics of dead letters cannot be written for a while", rate: 200, fake: true,
			act: refuseLetters, mustBite: []string{"letters"}, load: func(p *load.Plan) { p.Poison = 0.05 },
		},
		{
			name: "reply-refused", about: "a reply can never be written: the effect is done, and its letter's replay publishes only", rate: 200, fake: true,
			act: refuseReplies, after: replayAll("notify-migration"), mustBite: []string{"replies"},
		},
		{
			name: "backlog", about: "a hundred thousand messages wait before the hubs begin", limit: 8 * time.Minute, wait: 20 * time.Second,
			act: backlog, mustBite: []string{"backlog"}, config: func(c *world.Config) { c.Env = append(c.Env, "HUB_WORKERS=64") },
			load: func(p *load.Plan) {
				p.Notices, p.Applications, p.IINs, p.Signed, p.Repeats, p.Channels = 100_000, 2000, 0, 0, 0, []string{"migration"}
			},
		},
		{
			name: "broker-of-three", faults: []string{"F6"}, about: "one of three brokers is killed", rate: 200, real: true, limit: 4 * time.Minute,
			config: func(c *world.Config) {
				if c.Real != nil {
					c.Real.Brokers = 3
				}
			},
			act: killBroker, mustBite: []string{"SIGKILL"},
		},
	}
}

func killBroker(ctx context.Context, r *run) error {
	for i, down := range []time.Duration{time.Second, r.down(10 * time.Second)} {
		if err := pause(ctx, 1500*time.Millisecond); err != nil {
			return err
		}
		if err := r.kill(ctx, r.world.Brokers[i%len(r.world.Brokers)], down); err != nil {
			return err
		}
	}
	return nil
}

func freezeBroker(ctx context.Context, r *run) error {
	for _, down := range []time.Duration{time.Second, r.down(8 * time.Second)} {
		if err := pause(ctx, 1500*time.Millisecond); err != nil {
			return err
		}
		if err := r.freeze(ctx, r.world.Brokers[0], down); err != nil {
			return err
		}
	}
	return nil
}

// brokerFault sets a fault of the embedded Kafka for a while, and counts how often
// it hits.
func (r *run) brokerFault(ctx context.Context, name string, d time.Duration, f broker.Fault) error {
	if err := r.flowing(ctx); err != nil {
		return err
	}
	defer r.band(name)()
	handle, err := r.world.BrokerFault(ctx, f)
	if err != nil {
		return err
	}
	if err := pause(ctx, d); err != nil {
		return err
	}
	hits, err := handle.Remove(ctx)
	r.bit(name, hits)
	return err
}

// brokerFaults sets one fault after another, each named by its error.
func (r *run) brokerFaults(ctx context.Context, each time.Duration, faults ...broker.Fault) error {
	for _, f := range faults {
		if err := r.brokerFault(ctx, f.Error, each, f); err != nil {
			return err
		}
	}
	return nil
}

func failProduces(ctx context.Context, r *run) error {
	var faults []broker.Fault
	for _, code := range []string{"NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND"} {
		for _, topic := range []string{"migration.notifications", "egov.accepted", "verify.dead", "kandas.events"} {
			faults = append(faults, broker.Fault{Keys: []string{"Produce"}, Topic: topic, Error: code, Times: 20})
		}
	}
	return r.brokerFaults(ctx, r.down(700*time.Millisecond), faults...)
}

func failGroups(ctx context.Context, r *run) error {
	return r.brokerFaults(ctx, r.down(1500*time.Millisecond),
		broker.Fault{Keys: []string{"OffsetCommit", "Heartbeat", "FindCoordinator"}, Error: "COORDINATOR_NOT_AVAILABLE", Times: 40},
		broker.Fault{Keys: []string{"Heartbeat"}, Error: "UNKNOWN_MEMBER_ID", Times: 6},
		broker.Fault{Keys: []string{"OffsetCommit"}, Error: "ILLEGAL_GENERATION", Times: 10},
		broker.Fault{Keys: []string{"Fetch"}, Topic: "egov.notifications", Error: "TOPIC_AUTHORIZATION_FAILED", Times: 30},
		broker.Fault{Keys: []string{"Fetch"}, Topic: "kandas.events", Error: "TOPIC_AUTHORIZATION_FAILED", Times: 30},
	)
}

func troubleNetwork(ctx context.Context, r *run) error {
	for _, t := range []struct {
		name  string
		toxic proxy.Toxic
		last  time.Duration
	}{
		{"latency", proxy.Toxic{Latency: 200 * time.Millisecond, Jitter: 100 * time.Millisecond}, 4 * time.Second},
		{"reset", proxy.Toxic{}, time.Second},
		{"black hole", proxy.Toxic{BlackHole: true}, 5 * time.Second},
		{"slices", proxy.Toxic{Slice: 1}, 2 * time.Second},
		{"narrow", proxy.Toxic{Rate: 64 << 10}, 4 * time.Second},
	} {
		if err := r.flowing(ctx); err != nil {
			return err
		}
		end := r.band(t.name)
		for _, p := range r.world.KafkaProxies {
			before := p.Struck()
			if t.name == "reset" {
				n := p.Links()
				p.Reset()
				r.bit(t.name, n)
				continue
			}
			if err := p.Set(t.toxic); err != nil {
				return err
			}
			defer func() { r.bit(t.name, p.Struck()-before) }()
		}
		err := pause(ctx, r.down(t.last))
		for _, p := range r.world.KafkaProxies {
			err = errors.Join(err, p.Clear())
		}
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

func moveLeaders(ctx context.Context, r *run) error {
	end := r.band("leaders move")
	defer end()
	for i := range r.kills(30) {
		topic := []string{"kandas.events", "migration.notifications", "egov.accepted", "egov.notifications"}[i%4]
		if err := r.world.Admin.MoveLeader(ctx, topic, i%8, i/4%2); err != nil {
			return err
		}
		if r.inFlight() > 0 {
			r.bit("move", 1)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
