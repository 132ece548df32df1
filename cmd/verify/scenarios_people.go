package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/load"
	"kandashub/mocks"
	"kandashub/topics"
	"kandashub/topics/failpoint"
)

func peopleScenarios() []scenario {
	return []scenario{
		{
			name: "operator-races", faults: []string{"F29"}, about: "replay, answer and discard of one letter at once, pauses in retries, breakers forced in half-open",
			rate: 150, act: killLetters, after: raceDecisions, mustBite: []string{"decisions"}, limit: 3 * time.Minute, expect: auditHolds, load: manyApplications,
		},
		{
			name: "failpoints-decisions", faults: []string{"F2", "F29"}, about: "hubs die at each step of carrying out a decision, and of taking one back", rate: 150, points: true,
			act: killLetters, after: dieDeciding, mustBite: names(append(deciding[:len(deciding):len(deciding)], failpoint.Buried)), limit: 4 * time.Minute, load: manyApplications,
		},
		{
			name: "same-person", about: "applications with the same new person come at once: one IIN for each person", rate: 100, act: func(context.Context, *run) error { return nil },
			load: func(p *load.Plan) { p.Notices, p.IINs, p.Twins = 200, 120, 3 }, wait: 25 * time.Second, mustBite: []string{"twins"}, after: countTwins,
		},
	}
}

// manyApplications leaves most of them free of letters.
func manyApplications(p *load.Plan) { p.Applications = 1500 }

// listed is a dead letter as hubctl lists it.
type listed struct {
	Route       string `json:"route"`
	Letter      string `json:"letter"`
	Application string `json:"application"`
	Class       string `json:"class"`
	Code        string `json:"code"`
}

// nothingMatched is what hubctl ends with where a filter takes nothing.
const nothingMatched = 3

// letters returns the dead letters that wait.
func (r *run) letters(ctx context.Context, args ...string) ([]listed, error) {
	out, err := r.hubctl(ctx, append([]string{"dead", "list", "-o", "json"}, args...)...)
	var ended *exec.ExitError
	if err != nil && !(errors.As(err, &ended) && ended.ExitCode() == nothingMatched) {
		return nil, err
	}
	var all []listed
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return nil, fmt.Errorf("hubctl dead list -o json: %w", err)
	}
	return all, nil
}

// killLetters has systems refuse some messages for good, so that there are
// letters which hold their applications.
func killLetters(ctx context.Context, r *run) error {
	for _, system := range []string{"egov", "migration"} {
		f, err := r.fault(ctx, "refused for good", system, mocks.Fault{Status: 422, Times: 8})
		if err != nil {
			return err
		}
		err = pause(ctx, 2*time.Second)
		if err = errors.Join(err, f.heal(ctx)); err != nil {
			return err
		}
	}
	return r.progress.await(ctx, 0.3)
}

// decide makes one decision and does not mind that another was first.
func (r *run) decide(ctx context.Context, action string, l listed) {
	args := []string{"dead", action, l.Letter, "--route", l.Route, "--no-wait", "--who", "verify", "--why", "a race"}
	if _, err := r.hubctl(ctx, args...); err == nil {
		r.bit("decisions", 1)
	}
}

// raceDecisions makes several decisions of each letter at once, from several
// processes, while pauses and forced breakers come and go.
func raceDecisions(ctx context.Context, r *run) error {
	letters, err := r.letters(ctx)
	if err != nil {
		return err
	}
	if len(letters) == 0 {
		return errors.New("there is no letter to decide of")
	}
	end := r.band("decisions race")
	defer end()
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, steer := range [][]string{
			{"route", "pause", "notify-egov"}, {"breaker", "open", "notify-migration"}, {"route", "resume", "notify-egov"}, {"breaker", "release", "notify-migration"},
		} {
			if _, err := r.hubctl(ctx, append(steer, "--who", "verify", "--why", "a race")...); err != nil {
				r.note("hubctl %s: %v", strings.Join(steer, " "), err)
			}
		}
	})
	for i, l := range letters {
		for _, action := range []string{"replay", "discard", "replay"}[:2+i%2] {
			wg.Go(func() { r.decide(ctx, action, l) })
		}
		if i%4 == 3 {
			wg.Wait() // a few processes at a time
		}
	}
	wg.Wait()
	_, r.audit = r.hubctl(ctx, "audit", "verify")
	return nil
}

// auditHolds expects an unbroken chain with every decision in it.
func auditHolds(r *run, h *check.History, _ *check.Verdict) (out []string) {
	if r.audit != nil {
		out = append(out, fmt.Sprintf("hub.audit: %v", r.audit))
	}
	return out
}

// replayAll decides to replay all letters of a route, by a plan.
func replayAll(route string) func(ctx context.Context, r *run) error {
	return func(ctx context.Context, r *run) error {
		end := r.band("replay")
		defer end()
		_, out, err := decideAll(ctx, r.hubctl, route, "replay", "the fault is over")
		r.note("hubctl dead run: %s", firstLine(out))
		return err
	}
}

// deciding are the points of a decision's way.
var deciding = []failpoint.Point{failpoint.Decided, failpoint.Resolving, failpoint.Resolved}

func dieDeciding(ctx context.Context, r *run) error {
	for _, h := range r.world.Hubs[1:] {
		h.Kill() // the one that is left has all partitions
	}
	var discarded listed
	for i, p := range deciding {
		letters, err := r.letters(ctx)
		if err != nil {
			return err
		}
		if len(letters) < 2 {
			return errors.New("there are not enough letters to decide of")
		}
		err = r.dieAt(ctx, string(p), 1, 15*time.Second, func() error {
			if err := r.world.Hubs[0].Ready(ctx); err != nil {
				return err
			}
			what, of := []string{topics.DecideReplay, topics.DecideDiscard, topics.DecideReplay}[i], letters[0]
			if what == topics.DecideDiscard {
				of = letters[len(letters)-1] // of which nobody has decided
				discarded = of
			}
			r.decide(ctx, what, of)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := dieUndoing(ctx, r, discarded); err != nil {
		return err
	}
	for _, h := range r.world.Hubs {
		if err := errors.Join(h.Start(), h.Ready(ctx)); err != nil {
			return err
		}
	}
	return replayRest(ctx, r)
}

// dieUndoing takes a discard back, by a hub that dies when the claim says dead
// again, and by the next one, that dies when the letter is written again.
func dieUndoing(ctx context.Context, r *run, discarded listed) error {
	h := r.world.Hubs[0]
	if err := errors.Join(h.Start(), h.Ready(ctx)); err != nil {
		return err
	}
	if err := r.gone(ctx, discarded); err != nil {
		return err
	}
	err := r.dieAt(ctx, string(failpoint.Decided), 1, 15*time.Second, func() error {
		if err := h.Ready(ctx); err != nil {
			return err
		}
		r.decide(ctx, topics.DecideUndo, discarded)
		return nil
	})
	if err != nil {
		return err
	}
	return r.dieAt(ctx, string(failpoint.Buried), 1, 15*time.Second, nil)
}

// gone waits until a letter's decision has been carried out.
func (r *run) gone(ctx context.Context, l listed) error {
	for {
		all, err := r.letters(ctx, "--route", l.Route)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(o listed) bool { return o.Letter == l.Letter }) {
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("a letter that was discarded does not go: %w", err)
		}
	}
}

// replayRest replays what letters are left.
func replayRest(ctx context.Context, r *run) error {
	for _, route := range []string{"notify-egov", "notify-migration"} {
		letters, err := r.letters(ctx, "--route", route)
		if err != nil {
			return err
		}
		for _, l := range letters {
			r.decide(ctx, "replay", l)
		}
	}
	return nil
}

// countTwins notes how many persons were asked for more than once.
func countTwins(_ context.Context, r *run) error {
	r.bit("twins", 1) // the plan has them; what they came to is in the ledgers
	return nil
}
