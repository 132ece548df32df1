package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/proxy"
	"kandashub/mocks"
)

// outage takes one system away while load goes on.
func outage(ctx context.Context, r *run) error {
	if err := r.progress.await(ctx, 0.15); err != nil {
		return err
	}
	d := 8 * time.Second
	if r.long {
		d = time.Minute
	}
	return r.cutOff(ctx, "outage", "migration", proxy.Toxic{Refuse: true}, d)
}

// park has a system refuse half of its calls while hubs are killed.
func park(ctx context.Context, r *run) error {
	return r.halfRefused(ctx, func() error { return killHubs(ctx, r) })
}

// parkedSome expects that keys were parked, else the run proves nothing of it.
func parkedSome(r *run, h *check.History, _ *check.Verdict) []string {
	n := len(h.Records["notify-migration.parked"]) + len(h.Records["notify-egov.parked"])
	r.note("%d records were written to the parked topics", n)
	if n == 0 {
		return []string{"nothing was parked"}
	}
	return nil
}

func refuseMany(ctx context.Context, r *run) error {
	f, err := r.fault(ctx, "422", "migration", mocks.Fault{Status: 422, Rate: 0.8})
	if err != nil {
		return err
	}
	return errors.Join(r.written(ctx), pause(ctx, time.Second), f.heal(ctx))
}

// nobodyWaited expects that what was not refused went on while the system
// refused others: a refusal is an answer.
func nobodyWaited(r *run, h *check.History, _ *check.Verdict) []string {
	b := r.bands[0]
	sent, done := 0, 0
	for _, p := range check.Timeline(h, 250*time.Millisecond) {
		if p.At.After(b.From.Add(time.Second)) && p.At.Before(b.To) {
			sent, done = sent+p.Acked, p.Unseen
		}
	}
	r.note("%d messages came while the system refused; at its end %d effects were outstanding", sent, done)
	if 4*done > sent {
		return []string{fmt.Sprintf("%d effects were outstanding after %d messages: those that were not refused have waited", done, sent)}
	}
	return nil
}

// keptRate holds the other route's rate in the outage against the rate at which
// its messages came, and expects that nothing was parked or died.
func keptRate(r *run, h *check.History, v *check.Verdict) (out []string) {
	if v.Letters > 0 {
		out = append(out, fmt.Sprintf("%d dead letters because a system was away", v.Letters))
	}
	for _, topic := range []string{"delivered.parked", "notify-migration.parked"} {
		if n := len(h.Records[topic]); n > 0 {
			out = append(out, fmt.Sprintf("%d records in %s because a system was away", n, topic))
		}
	}
	b := r.bands[0]
	from, to := b.From.Add(time.Second), b.To
	healthy := *h // of the route whose system is well
	healthy.Sends = nil
	sent := 0
	for _, s := range h.Sends {
		if s.Topic != "migration.receipts" {
			continue
		}
		healthy.Sends = append(healthy.Sends, s)
		if s.Done.After(from) && s.Done.Before(to) {
			sent++
		}
	}
	rate, came := check.Rate(&healthy, "delivered", from, to), float64(sent)/to.Sub(from).Seconds()
	r.note("while migration was away, %.0f messages a second came for the other route, and %.0f a second were carried out (%.0f %%)", came, rate, 100*rate/came)
	if rate < 0.9*came {
		out = append(out, fmt.Sprintf("of %.0f messages a second of a healthy route only %.0f were carried out", came, rate))
	}
	took, ok := check.Recovery(h, r.healed)
	r.note("the backlog of the outage was worked off %.1f s after its end (%t)", took.Seconds(), ok)
	return out
}

// storm lets everything happen at random, each by the seed.
func storm(ctx context.Context, r *run) error {
	random := r.random()
	acts := []func(context.Context, *run, *rand.Rand) error{
		func(ctx context.Context, r *run, random *rand.Rand) error { // F1
			h := r.world.Hubs[random.IntN(3)]
			defer r.band("SIGKILL " + h.Name)()
			h.Kill()
			return errors.Join(pause(ctx, time.Second), h.Start())
		},
		func(ctx context.Context, r *run, _ *rand.Rand) error { // F5
			defer r.band("one more hub")()
			h, err := r.world.AddHub(ctx)
			if err != nil {
				return err
			}
			return errors.Join(pause(ctx, 2*time.Second), h.Term(ctx))
		},
		func(ctx context.Context, r *run, _ *rand.Rand) error { // F6
			b := r.world.Brokers[0]
			defer r.band("SIGKILL " + b.Name)()
			b.Kill()
			return errors.Join(pause(ctx, time.Second), b.Start(), b.Ready(ctx))
		},
		func(ctx context.Context, r *run, random *rand.Rand) error { // F10
			defer r.band("kafka latency")()
			p := r.world.KafkaProxies[0]
			err := p.Set(proxy.Toxic{Latency: time.Duration(random.IntN(200)) * time.Millisecond})
			return errors.Join(err, pause(ctx, 2*time.Second), p.Clear())
		},
		func(ctx context.Context, r *run, _ *rand.Rand) error { // F12
			defer r.band("redis refused")()
			return errors.Join(r.world.RedisProxy.Set(proxy.Toxic{Refuse: true}), pause(ctx, 1500*time.Millisecond), r.world.RedisProxy.Clear())
		},
		func(ctx context.Context, r *run, random *rand.Rand) error { // F17
			system := []string{"egov", "migration", "statecorp", "kandas"}[random.IntN(4)]
			return r.troubled(ctx, 2*time.Second, []trouble{{"F17 503", system, said(503, 1, 0.5)}})
		},
		func(ctx context.Context, r *run, random *rand.Rand) error { // F18
			system := []string{"egov", "migration", "statecorp", "migpolice"}[random.IntN(4)]
			f := silently[random.IntN(len(silently))]
			return r.troubled(ctx, 2*time.Second, []trouble{{f.name, system, f.fault}})
		},
	}
	for range r.kills(12) {
		if err := errors.Join(r.flowing(ctx), acts[random.IntN(len(acts))](ctx, r, random)); err != nil {
			return err
		}
		r.bit("storm", min(1, r.inFlight()))
	}
	return nil
}
