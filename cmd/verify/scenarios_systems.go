package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/proxy"
	"kandashub/cmd/verify/world"
	"kandashub/mocks"
)

func systemScenarios() []scenario {
	return []scenario{
		{
			name: "systems", faults: []string{"F17", "F18", "F19", "F20", "F22", "F23", "F24"},
			about: "systems are slow, refuse, do it and do not say so, answer with garbage, call back twice, are not there; senders repeat and send rubbish",
			rate:  150, limit: 5 * time.Minute, smoke: true, lasts: true, act: troubleSystems, wait: 15 * time.Second,
			load: func(p *load.Plan) { p.Notices, p.Repeats, p.Conflicts, p.Poison = 9000, 0.1, 0.005, 0.01 },
			mustBite: []string{"F17 latency", "F17 500", "F17 503", "F17 429", "F17 408", "F17 401", "F17 404", "F18 effect, then reset",
				"F18 effect, then silence", "F18 effect, then 500", "F18 effect, then half an answer", "F19 garbage", "F20 callbacks", "F22 refused", "F22 black hole"},
		},
		{
			name: "late-answers", about: "systems answer after the lease is over, and have their effect after the caller has gone", rate: 150,
			act: answerLate, mustBite: []string{"answer after the lease", "effect after the caller has gone"},
		},
		{
			name: "parking", about: "few applications with many messages, a system that refuses half of its calls, a small window: keys are parked, and hubs die meanwhile",
			rate: 250, limit: 3 * time.Minute, act: park, mustBite: []string{"half refused", "SIGKILL"}, expect: parkedSome,
			load: func(p *load.Plan) {
				p.Applications, p.IINs, p.Signed, p.Channels = 60, 0, 0, []string{"migration", "egov"}
			},
			config: func(c *world.Config) { c.Env = append(c.Env, "HUB_WINDOW=6") },
		},
		{
			name: "refusals", about: "a system refuses most messages for good: each becomes a letter, and nobody else waits for it", rate: 200, wait: 6 * time.Second,
			act: refuseMany, mustBite: []string{"422"}, expect: nobodyWaited,
			load: func(p *load.Plan) {
				p.Applications, p.IINs, p.Signed, p.Repeats, p.Channels = 1_000_000, 0, 0, 0, []string{"migration"}
			},
		},
		{
			name: "outage", about: "a system is away under 1,000 messages per second: nothing is parked or dead, and the other routes keep their rate", rate: 1000,
			limit: 6 * time.Minute, act: outage, mustBite: []string{"outage"}, expect: keptRate,
			load: func(p *load.Plan) { p.Direct, p.Notices, p.Applications, p.IINs = true, 25_000, 1500, 0 },
			long: func(p *load.Plan) { p.Notices = 90_000 },
		},
		{
			name: "storm", faults: []string{"F30"}, about: "F1, F5, F6, F10, F12, F17, F18 and F24 at random", rate: 150, limit: 5 * time.Minute, wait: 15 * time.Second,
			act: storm, mustBite: []string{"storm"}, load: func(p *load.Plan) { p.Repeats = 0.1 },
		},
	}
}

// a trouble is a fault of one system, and how long it lasts.
type trouble struct {
	name   string
	system string
	fault  mocks.Fault
}

// said is what a system answers instead of doing anything.
func said(status int, retryAfter int, rate float64) mocks.Fault {
	return mocks.Fault{Status: status, RetryAfterS: retryAfter, Rate: rate}
}

// silently are the ways to do something and not to say so, the heart of it all.
var silently = []struct {
	name  string
	fault mocks.Fault
}{
	{"F18 effect, then reset", mocks.Fault{Reset: true, Rate: 0.25}},
	{"F18 effect, then silence", mocks.Fault{HangAfterMS: 2500, Rate: 0.25}},
	{"F18 effect, then 500", mocks.Fault{Status: 500, After: true, Rate: 0.25}},
	{"F18 effect, then half an answer", mocks.Fault{Truncate: true, Rate: 0.25}},
}

func troubleSystems(ctx context.Context, r *run) error {
	var troubles []trouble
	for _, s := range []string{"migration", "egov", "kandas", "statecorp"} {
		for _, f := range silently {
			troubles = append(troubles, trouble{f.name, s, f.fault})
		}
	}
	for i, f := range []struct {
		name  string
		fault mocks.Fault
	}{
		{"F17 latency", mocks.Fault{LatencyMS: 2000, Rate: 0.5}}, {"F17 500", said(500, 0, 0.5)}, {"F17 503", said(503, 1, 0.5)}, {"F17 429", said(429, 1, 0.5)},
		{"F17 408", said(408, 0, 0.5)}, {"F17 401", mocks.Fault{Status: 401, Times: 3}}, {"F17 404", mocks.Fault{Status: 404, Times: 3}},
	} {
		troubles = append(troubles, trouble{f.name, []string{"egov", "migration", "statecorp"}[i%3], f.fault})
	}
	for i, kind := range []string{"huge", "deep", "bomb", "charset", "drip"} {
		troubles = append(troubles, trouble{"F19 garbage", []string{"egov", "statecorp"}[i%2], mocks.Fault{Garbage: kind, Times: 2}})
	}
	troubles = append(troubles,
		trouble{"F18 effect, then reset", "migpolice", mocks.Fault{Reset: true, Rate: 0.3}},
		trouble{"F18 effect, then silence", "migpolice", mocks.Fault{HangAfterMS: 2500, Rate: 0.3}},
		trouble{"F20 callbacks", "egov", mocks.Fault{DuplicateCallbacks: 2}},
		trouble{"F20 callbacks", "statecorp", mocks.Fault{CallbackDelayMS: 3000, Rate: 0.3}},
		trouble{"F17 503", "gbdfl", said(503, 1, 0.5)},
		trouble{"F17 500", "eds", said(500, 0, 0.5)},
	)
	random := r.random()
	random.Shuffle(len(troubles), func(i, j int) { troubles[i], troubles[j] = troubles[j], troubles[i] })
	for len(troubles) > 0 {
		now, later := several(troubles)
		if err := r.troubled(ctx, r.down(1200*time.Millisecond), now); err != nil {
			return err
		}
		troubles = later
	}
	for _, t := range []struct {
		name  string
		toxic proxy.Toxic
	}{{"F22 refused", proxy.Toxic{Refuse: true}}, {"F22 black hole", proxy.Toxic{BlackHole: true}}} {
		if err := r.cutOff(ctx, t.name, "kandas", t.toxic, r.down(2*time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// several takes up to three troubles of different systems: a system counts all
// its faults together.
func several(troubles []trouble) (now, later []trouble) {
	for _, t := range troubles {
		if len(now) < 3 && !slices.ContainsFunc(now, func(o trouble) bool { return o.system == t.system }) {
			now = append(now, t)
			continue
		}
		later = append(later, t)
	}
	return now, later
}

// troubled lets faults of several systems strike at once.
func (r *run) troubled(ctx context.Context, d time.Duration, troubles []trouble) error {
	if err := r.flowing(ctx); err != nil {
		return err
	}
	var faults []*injected
	for _, t := range troubles {
		f, err := r.fault(ctx, t.name, t.system, t.fault)
		if err != nil {
			return err
		}
		faults = append(faults, f)
	}
	err := pause(ctx, d)
	for patience := 25; err == nil && patience > 0; patience-- { // a breaker may be open just now
		if !slices.ContainsFunc(faults, func(f *injected) bool { return f.struck(ctx) == 0 }) {
			break
		}
		err = pause(ctx, 200*time.Millisecond)
	}
	for _, f := range faults {
		err = errors.Join(err, f.heal(ctx))
	}
	return err
}

// cutOff puts a toxic between the hubs and a system.
func (r *run) cutOff(ctx context.Context, name, system string, toxic proxy.Toxic, d time.Duration) error {
	if err := r.flowing(ctx); err != nil {
		return err
	}
	p := r.world.SystemProxy(system)
	end := r.band(name + " " + system)
	defer end()
	before, flight := p.Struck(), r.inFlight()
	if err := p.Set(toxic); err != nil {
		return err
	}
	err := pause(ctx, d)
	r.bit(name, max(p.Struck()-before, min(1, flight)))
	return errors.Join(err, p.Clear())
}

// justSettled is how late an effect may be: a little less than deadline and
// settle of the world's hubs together, and more than their lease.
const justSettled = 3200

func answerLate(ctx context.Context, r *run) error {
	for _, t := range []trouble{
		{"answer after the lease", "egov", mocks.Fault{HangAfterMS: 4000, Rate: 0.2}},
		{"answer after the lease", "migpolice", mocks.Fault{HangAfterMS: 4000, Rate: 0.3}},
		{"answer after the lease", "migration", mocks.Fault{HangAfterMS: 4000, Rate: 0.1}},
		{"effect after the caller has gone", "egov", mocks.Fault{HangBeforeMS: justSettled, Rate: 0.2}},
		{"effect after the caller has gone", "migpolice", mocks.Fault{HangBeforeMS: justSettled, Rate: 0.3}},
		{"effect after the caller has gone", "statecorp", mocks.Fault{HangBeforeMS: justSettled, Rate: 0.2}},
	} {
		if err := r.troubled(ctx, r.down(2*time.Second), []trouble{t}); err != nil {
			return err
		}
	}
	return nil
}
