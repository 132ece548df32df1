package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// decideFlags decide of one letter, or of all that a filter chooses.
type decideFlags struct {
	kafkaFlags
	filterFlags
	reasonFlags
	paceFlags
	Letter string `arg:"" optional:"" help:"The letter's id, with its --route; else a filter chooses letters."`
	NoWait bool   `help:"Of one letter: do not wait for what comes of it."`
	DryRun bool   `help:"Say what would be done, and change nothing."`
	Yes    bool   `help:"Do not ask."`
	Rate   string `default:"10/s" help:"Letters a second (${default})."`
}

// Validate asks for enough to know what is meant.
func (f *decideFlags) Validate() error {
	if err := errors.Join(f.filterFlags.Validate(), f.setRate(f.Rate)); err != nil {
		return err
	}
	switch {
	case f.Letter != "" && len(f.Route) != 1:
		return errors.New("a letter is named with its --route")
	case f.Wait < 0:
		return errors.New("--wait is no time to wait")
	case f.Letter == "" && f.NoWait:
		return errors.New("--no-wait is for one letter; a run of many needs to know whether they died again")
	case f.Letter == "" && !f.any():
		return errors.New("name a letter, or choose some with --route, --class, --code, --application, --text, --age or --since")
	case f.DryRun:
		return nil
	}
	return f.needed("a decision")
}

// decide decides of one letter by one, and of many by a plan that is carried out
// only if it still comes to the same.
func (f *decideFlags) decide(ctx context.Context, s surroundings, action string, one func(*desk) func(context.Context, control.Order, string, string) error) error {
	if f.Letter != "" && !f.DryRun {
		return f.operateOn(ctx, func(ctx context.Context, d *desk) error {
			wait := waitFlags{Wait: f.Wait, NoWait: f.NoWait}
			return wait.one(ctx, s, d, f.outputFlag, decision{action, f.Route[0], f.Letter, f.order(), f.Timeout},
				func(ctx context.Context, o control.Order) error { return one(d)(ctx, o, f.Route[0], f.Letter) })
		})
	}
	return f.operateOn(ctx, func(ctx context.Context, d *desk) error {
		filter := f.filter()
		if f.Letter != "" {
			filter.Letters = []string{f.Letter}
		}
		planning, cancel := context.WithTimeout(ctx, f.Timeout)
		defer cancel()
		plan, err := d.Plan(planning, filter, action)
		switch {
		case err != nil:
			return err
		case plan.Letters == 0:
			return fmt.Errorf("there is nothing to %s (%d letters can only be discarded): %w", action, plan.Excluded, errNothing)
		case f.DryRun:
			fmt.Fprintln(s.stderr, "nothing was changed")
			return f.print(s.stdout, plan, func(t io.Writer) { tablePlan(t, plan) })
		case !f.Yes:
			if err := s.confirm(fmt.Sprintf("%s %d letters of %d applications", action, plan.Letters, len(plan.Orders)), plan.Letters); err != nil {
				return err
			}
		}
		return f.carryOut(ctx, s, d, f.order(), filter, action, plan.Hash)
	})
}

type deadReplayCmd struct{ decideFlags }

func (c *deadReplayCmd) Run(ctx context.Context, s surroundings) error {
	return c.decide(ctx, s, topics.DecideReplay, func(d *desk) func(context.Context, control.Order, string, string) error { return d.Replay })
}

type deadDiscardCmd struct{ decideFlags }

func (c *deadDiscardCmd) Run(ctx context.Context, s surroundings) error {
	return c.decide(ctx, s, topics.DecideDiscard, func(d *desk) func(context.Context, control.Order, string, string) error { return d.Discard })
}

// paceFlags say how a run of many decisions goes, and how its end is told.
type paceFlags struct {
	outputFlag
	Canary int           `help:"So many letters first; the others only once these have ended well."`
	StopAt float64       `default:"0.1" help:"Share of letters that died again, above which the run stops (${default})."`
	Wait   time.Duration `default:"1m" help:"How long to wait for what the decisions come to, after the canary and at the end (${default})."`

	rate float64
}
