package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/world"
)

func hubScenarios() []scenario {
	return []scenario{
		{
			name: "hub-killed", faults: []string{"F1"}, about: "one of three hubs is killed every few seconds", rate: 300,
			smoke: true, lasts: true, act: killHubs, mustBite: []string{"SIGKILL"},
		},
		{
			// Members that died while they joined have to time out one after the other.
			name: "failpoints", faults: []string{"F2"}, about: "hubs die at each step of a message's life", rate: 120, limit: 4 * time.Minute,
			wait: time.Minute, points: true, config: alone, act: dieAtEachStep, mustBite: names(onTheWay),
		},
		{
			name: "failpoints-letters", faults: []string{"F2"}, about: "hubs die where messages are parked and become dead letters", rate: 120,
			limit: 4 * time.Minute, points: true, act: dieWhileParking, mustBite: names(aside),
			load:   func(p *load.Plan) { p.Poison, p.Applications, p.IINs = 0.05, 60, 0 },
			config: func(c *world.Config) { c.Replicas, c.Env = 1, append(c.Env, "HUB_WINDOW=6") },
		},
		{
			name: "failpoints-generations", faults: []string{"F2"}, about: "hubs die at each step of a call that nobody may repeat", rate: 60,
			limit: 3 * time.Minute, points: true, act: dieGenerating, mustBite: names(generating),
			load: func(p *load.Plan) { p.Notices, p.IINs = 300, 300 },
		},
		{
			name: "hub-frozen", faults: []string{"F3"}, about: "a hub is frozen for longer than its session and its leases, and goes on as a zombie",
			rate: 300, act: freezeHubs, mustBite: []string{"SIGSTOP"},
		},
		{
			name: "zombie", faults: []string{"F3"}, about: "a hub freezes between saying sent and calling, until another has its messages",
			rate: 200, points: true, act: freezeBeforeTheCall, mustBite: []string{"zombie"}, limit: 4 * time.Minute,
			load: func(p *load.Plan) { p.Notices, p.IINs = 15_000, 750 },
		},
		{
			name: "rolling-restart", faults: []string{"F4"}, about: "three hubs are restarted in good order, one after another", rate: 300,
			smoke: true, lasts: true, act: restartInTurn, mustBite: []string{"SIGTERM"},
			expect: func(r *run, h *check.History, v *check.Verdict) (out []string) {
				slowest, app := check.Slowest(h)
				r.note("the longest pause of an application was %.1f s (%s)", slowest.Seconds(), app)
				if v.Uncertain > 0 {
					out = append(out, fmt.Sprintf("%d messages became uncertain by a restart in good order", v.Uncertain))
				}
				return out
			},
		},
		{
			name: "rebalance-storm", faults: []string{"F5"}, about: "members join and leave every two seconds", rate: 250, limit: 3 * time.Minute,
			act: joinAndLeave, mustBite: []string{"rebalance"},
		},
		{
			name: "panics", faults: []string{"F2"}, about: "the hub panics over messages, and in its own machinery", rate: 200, points: true,
			act: panicHubs, mustBite: []string{"panic"}, wait: time.Minute, // as above
		},
		{
			name: "clock-skew", faults: []string{"F25"}, about: "the clocks of two of three hubs are ten minutes off, one ahead and one behind", rate: 300,
			points: true, act: skewClocks, mustBite: []string{"skewed effects"},
		},
		{
			name: "starved", faults: []string{"F27"}, about: "both cores are busy with other things, and memory is short", rate: 150,
			config: func(c *world.Config) { c.Env = append(c.Env, "GOMEMLIMIT=48MiB") }, act: starve, mustBite: []string{"busy cores"},
		},
	}
}

// kills is how many faults of a kind a run injects.
func (r *run) kills(n int) int {
	if r.long {
		return 10 * n
	}
	return n
}

// down is how long something is away.
func (r *run) down(d time.Duration) time.Duration {
	if r.long {
		return 6 * d
	}
	return d
}

// inFlight is how many effects are not seen now: a fault bites only then.
func (r *run) inFlight() int {
	_, unseen := r.progress.look()
	return unseen
}

// errLoadOver means that a scenario has less load than faults.
var errLoadOver = errors.New("the load has ended before all faults: nothing is left for them to strike; the scenario needs more of it")

// flowing waits until messages are on their way.
func (r *run) flowing(ctx context.Context) error {
	over := false
	err := until(ctx, 10*time.Millisecond, func() bool {
		over = r.driver.Written() == r.driver.Total() && r.inFlight() == 0
		return over || r.inFlight() > 0
	})
	if err == nil && over {
		err = errLoadOver
	}
	return err
}

// random is seeded by the scenario's plan, so that a run can be played again.
func (r *run) random() *rand.Rand { return rand.New(rand.NewPCG(uint64(r.seed), 0x6e656d65)) }

func killHubs(ctx context.Context, r *run) error {
	random := r.random()
	for range r.kills(3) {
		if err := pause(ctx, time.Second+time.Duration(random.IntN(1500))*time.Millisecond); err != nil {
			return err
		}
		if err := r.kill(ctx, r.world.Hubs[random.IntN(len(r.world.Hubs))].Process, time.Second); err != nil {
			return err
		}
	}
	return nil
}

func freezeHubs(ctx context.Context, r *run) error {
	for i := range r.kills(2) {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		if err := r.freeze(ctx, r.world.Hubs[i%len(r.world.Hubs)].Process, r.down(6*time.Second)); err != nil {
			return err
		}
	}
	return nil
}

func restartInTurn(ctx context.Context, r *run) error {
	for _, h := range r.world.Hubs {
		if err := errors.Join(pause(ctx, time.Second), r.flowing(ctx)); err != nil {
			return err
		}
		if r.inFlight() > 0 {
			r.bit("SIGTERM", 1)
		}
		end := r.band("SIGTERM " + h.Name)
		err := errors.Join(h.Term(ctx), h.Start(), h.Ready(ctx))
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

func joinAndLeave(ctx context.Context, r *run) error {
	for i := range r.kills(5) {
		end := r.band("one more hub")
		h, err := r.world.AddHub(ctx)
		if err != nil {
			return err
		}
		if r.world.Admin != nil && i%2 == 0 {
			if err := r.world.Admin.RehashCoordinators(ctx); err != nil {
				return err
			}
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
		if r.inFlight() > 0 {
			r.bit("rebalance", 2)
		}
		err = h.Term(ctx)
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

func skewClocks(ctx context.Context, r *run) error {
	for i, skew := range []string{"+10m", "-10m"} {
		h := r.world.Hubs[i]
		if err := h.Term(ctx); err != nil {
			return err
		}
		if err := errors.Join(h.Start("HUB_CLOCK="+skew), h.Ready(ctx)); err != nil {
			return err
		}
	}
	end := r.band("clocks +10 min and -10 min")
	seen, _ := r.progress.look()
	err := pause(ctx, r.down(6*time.Second))
	after, _ := r.progress.look()
	end()
	r.bit("skewed effects", after-seen)
	return err
}

// starve keeps both cores busy, from four threads of this process.
func starve(ctx context.Context, r *run) error {
	end := r.band("busy cores")
	defer end()
	busy, stop := context.WithTimeout(ctx, r.down(10*time.Second))
	defer stop()
	spins := make(chan int, 4)
	for range cap(spins) {
		go func() {
			n := 0
			for ; busy.Err() == nil; n++ {
			}
			spins <- n
		}()
	}
	for range cap(spins) {
		r.bit("busy cores", min(1, <-spins))
	}
	return ctx.Err()
}
