package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"kandashub/cmd/verify/broker"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/proxy"
	"kandashub/mocks"
)

// A trial is a fault and the alerts that must fire on it.
type trial struct {
	fault        string
	alerts       []string
	strike, heal func(ctx context.Context, w *watch) error
}

// A stage is some trials that strike at once and do not disturb each other.
type stage struct {
	name   string
	trials []trial
}

// stages are all trials. Waits that people make (an hour's pause) are of routes on
// which nothing flows here, so that no message is late for them.
func stages() []stage {
	return []stage{
		{"systems and people", []trial{
			{"kandas is down", []string{"HubBreakerOpen", "HubBreakerOpenLong", "HubExternalErrorsHigh", "HubConsumerLagSecondsHigh", "HubConsumerLagSecondsCritical"},
				refuse("kandas"), accept("kandas")},
			{"egov answers just in time", []string{"HubExternalSlow"}, faulty("egov", mocks.Fault{LatencyMS: 1350}), well("egov")},
			{"migration refuses our token", []string{"HubAccessRefused"}, faulty("migration", mocks.Fault{Status: http.StatusUnauthorized}), well("migration")},
			{"a letter holds its application", []string{"HubDLQArrivals", "HubParkedOld"},
				faulty("statecorp", mocks.Fault{Status: http.StatusUnprocessableEntity, Times: 1}), decide("notify-statecorp", "replay")},
			{"a pause is forgotten", []string{"HubRoutePausedLong"}, hubctl("route", "pause", "reissue"), hubctl("route", "resume", "reissue")},
			{"a held breaker is forgotten", []string{"HubBreakerForced"}, hubctl("breaker", "open", "iin-generate"), hubctl("breaker", "release", "iin-generate")},
		}},
		{"Kafka and letters", []trial{
			kafkaRefuses("replies cannot be written", broker.Fault{Keys: []string{"Produce"}, Topic: "migration.accepted"}, "HubPublishFailing", "HubAttemptStuck"),
			kafkaRefuses("a topic cannot be read", broker.Fault{Keys: []string{"Fetch"}, Topic: "iin.results"}, "HubFetchFailing"),
			kafkaRefuses("offsets cannot be committed", broker.Fault{Keys: []string{"OffsetCommit"}, Group: "hub.notify-statecorp"}, "HubCommitFailing"),
			{"senders send what is no message", []string{"HubDLQFlood"}, poison, decide("verify", "discard")},
			refusedLetters(),
		}},
		{"Redis cut off", []trial{{"nobody reaches Redis", []string{"HubRedisDown", "HubDedupErrors"},
			func(_ context.Context, w *watch) error { return w.world.RedisProxy.Set(proxy.Toxic{Refuse: true}) },
			func(_ context.Context, w *watch) error { return w.world.RedisProxy.Clear() }}}},
		{"Redis emptied", []trial{{"Redis has lost its data", []string{"HubClaimsLost"}, func(ctx context.Context, w *watch) error {
			_, err := w.world.RedisCommand(ctx, "FLUSHALL")
			return err
		}, again(hubctl("claims", "accept"))}}},
		{"memory", []trial{
			{"a hub has little memory", []string{"HubMemoryHigh"}, restart("GOMEMLIMIT=16MiB"), restart()},
		}},
		{"hubs", []trial{{"all hubs die", []string{"HubDown", "HubInstanceDown"}, killAll, startAll}}},
		{"topics", []trial{{"a topic is missing", []string{"HubRoutePartitionsWrong"}, startWithout("statecorp.certificate-requests"),
			both(func(ctx context.Context, w *watch) error {
				_, err := w.world.Hubctl(ctx, "topics", "create", "--replication=1")
				return err
			}, readyAll)}}},
	}
}

// A step is one thing that a trial does.
type step = func(ctx context.Context, w *watch) error

func both(steps ...step) step {
	return func(ctx context.Context, w *watch) error {
		for _, s := range steps {
			if err := s(ctx, w); err != nil {
				return err
			}
		}
		return nil
	}
}

// again repeats a step until it succeeds: some things may be done only after a
// while.
func again(s step) step {
	return func(ctx context.Context, w *watch) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		var last error
		err := until(ctx, 500*time.Millisecond, func() bool {
			last = s(ctx, w)
			return last == nil
		})
		if err != nil {
			return errors.Join(err, last)
		}
		return nil
	}
}

// flow begins the load that flows throughout.
func (w *watch) flow(ctx context.Context) error {
	if err := w.world.Ask(ctx, http.MethodPut, "kandas", "/_loose", map[string]bool{"on": true}, nil); err != nil {
		return err
	}
	w.send(ctx, load.Plan{Run: "flow", Fresh: true, Notices: 20_000, Applications: 40, Channels: []string{"migration", "egov", "statecorp"}, Signed: 0.2, Seed: 1}, 20)
	return nil
}

// send sends a plan in the background, until ctx ends.
func (w *watch) send(ctx context.Context, p load.Plan, rate float64) {
	d := load.NewDriver(p, rate, w.kafka)
	w.loads.Go(func() { _ = d.Run(ctx) }) // what it could not send is no matter of the alerts
}

// poison sends what can only become letters.
func poison(ctx context.Context, w *watch) error {
	w.send(ctx, load.Plan{Run: "bad", Fresh: true, Notices: 60, Applications: 5, Channels: []string{"migration"}, Poison: 1, Seed: 2}, 100)
	return nil
}

func refuse(system string) step {
	return func(_ context.Context, w *watch) error {
		return w.world.SystemProxy(system).Set(proxy.Toxic{Refuse: true})
	}
}

func accept(system string) step {
	return func(_ context.Context, w *watch) error { return w.world.SystemProxy(system).Clear() }
}

func faulty(system string, f mocks.Fault) step {
	return func(ctx context.Context, w *watch) error { return w.world.SetFault(ctx, system, f) }
}

func well(system string) step {
	return func(ctx context.Context, w *watch) error { return w.world.SetFault(ctx, system) }
}

// hubctl does what a person would.
func hubctl(args ...string) step {
	return func(ctx context.Context, w *watch) error {
		_, err := w.world.Hubctl(ctx, append(slices.Clone(args), "--who", "verify", "--why", "a fault that was injected")...)
		return err
	}
}

// decide decides all letters of a route.
func decide(route, action string) step {
	return func(ctx context.Context, w *watch) error {
		out, err := w.world.Hubctl(ctx, "dead", "plan", "--route", route, "--action", action, "-o", "json")
		if err != nil {
			return err
		}
		var plan struct {
			Hash    string `json:"hash"`
			Letters int    `json:"letters"`
		}
		if err := json.Unmarshal([]byte(out), &plan); err != nil {
			return fmt.Errorf("hubctl dead plan: %w", err)
		}
		if plan.Letters == 0 {
			return errors.New("there is no letter to decide of")
		}
		return hubctl("dead", "run", "--plan", plan.Hash, "--route", route, "--action", action, "--rate", "50/s", "--canary", "1")(ctx, w)
	}
}

// kafkaRefuses is a fault of Kafka's: it does not allow some requests.
func kafkaRefuses(name string, f broker.Fault, alerts ...string) trial {
	f.Error = "TOPIC_AUTHORIZATION_FAILED"
	if f.Group != "" {
		f.Error = "GROUP_AUTHORIZATION_FAILED"
	}
	var handle *broker.Handle
	return trial{name, alerts,
		func(ctx context.Context, w *watch) (err error) {
			handle, err = w.world.BrokerFault(ctx, f)
			return err
		},
		func(ctx context.Context, _ *watch) error {
			_, err := handle.Remove(ctx)
			return err
		}}
}

// refusedLetters makes letters that cannot be written.
func refusedLetters() trial {
	t := kafkaRefuses("letters cannot be written", broker.Fault{Keys: []string{"Produce"}, Topic: "notify-egov.dead"}, "HubDLQPublishFailing")
	t.strike = both(t.strike, faulty("egov", mocks.Fault{Status: http.StatusUnprocessableEntity, Times: 2}))
	t.heal = both(t.heal, again(decide("notify-egov", "replay")))
	return t
}

// restart ends the last hub in good order and starts it again, with more settings.
func restart(env ...string) step {
	return func(ctx context.Context, w *watch) error {
		h := w.world.Hubs[len(w.world.Hubs)-1]
		if err := h.Term(ctx); err != nil {
			return err
		}
		return errors.Join(h.Start(env...), h.Ready(ctx))
	}
}

func killAll(_ context.Context, w *watch) error {
	for _, h := range w.world.Hubs {
		h.Kill()
	}
	return nil
}

func startAll(ctx context.Context, w *watch) error {
	for _, h := range w.world.Hubs {
		if err := h.Start(); err != nil {
			return err
		}
	}
	return readyAll(ctx, w)
}

func readyAll(ctx context.Context, w *watch) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, h := range w.world.Hubs {
		if err := h.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startWithout takes a topic away while no hub runs, and starts them: hubs that
// run would take it for data that were lost.
func startWithout(topic string) step {
	return func(ctx context.Context, w *watch) error {
		for _, h := range w.world.Hubs {
			if err := h.Term(ctx); err != nil {
				return err
			}
		}
		if _, err := kadm.NewClient(w.kafka).DeleteTopics(ctx, topic); err != nil {
			return err
		}
		for _, h := range w.world.Hubs {
			if err := h.Start(); err != nil {
				return err
			}
		}
		return nil
	}
}
