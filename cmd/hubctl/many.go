package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kandashub/topics/control"
)

// actionFlag is what is to be decided of many letters.
type actionFlag struct {
	Action string `required:"" enum:"replay,discard" help:"replay or discard."`
}

type deadPlanCmd struct {
	kafkaFlags
	filterFlags
	actionFlag
	outputFlag
}

// Run prints the plan.
func (c *deadPlanCmd) Run(ctx context.Context, stdout io.Writer, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		p, err := d.Plan(ctx, c.filter(), c.Action)
		if err != nil {
			return err
		}
		if p.Letters > 0 || c.Output != "table" {
			if err := c.print(stdout, p, func(t io.Writer) { tablePlan(t, p) }); err != nil {
				return err
			}
		}
		if p.Letters == 0 {
			return fmt.Errorf("there is nothing to %s (%d letters can only be discarded): %w", c.Action, p.Excluded, errNothing)
		}
		fmt.Fprintf(out, "nothing was changed; to carry it out:\n  hubctl dead run --plan %s --action %s%s --rate 1/s --canary 1 --who NAME --why REASON\n", p.Hash, c.Action, c.args())
		return nil
	})
}

// tablePlan lays out what a plan is about: first by kind of letter, then what
// waits behind them.
func tablePlan(t io.Writer, p control.Plan) {
	fmt.Fprintf(t, "plan %s: %s of %d letters (%d more can only be discarded)\n\n", p.Hash, p.Action, p.Letters, p.Excluded)
	fmt.Fprintln(t, "ROUTE\tCLASS\tCODE\tLETTERS\tOLDEST")
	for _, g := range p.Groups {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", g.Route, g.Class, g.Code, g.Letters, when(g.Oldest, ""))
	}
	fmt.Fprintln(t, "\nROUTE\tAPPLICATION\tLETTERS\tFOLLOWERS THAT WAIT")
	for _, o := range p.Orders {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\n", o.Route, o.Application, o.Letters, o.Followers)
	}
}

type deadRunCmd struct {
	kafkaFlags
	filterFlags
	actionFlag
	orderFlags
	paceFlags
	Plan string `required:"" help:"The plan's hash, as dead plan prints it; with the same filter and action."`
	Rate string `required:"" help:"Letters a second, such as 5/s."`
}

// Validate reads --rate and the filter.
func (c *deadRunCmd) Validate() error {
	return errors.Join(c.setRate(c.Rate), c.filterFlags.Validate())
}

// Run carries the plan out. Cut off, the same command goes on.
func (c *deadRunCmd) Run(ctx context.Context, s surroundings) error {
	return c.operateOn(ctx, func(ctx context.Context, d *desk) error {
		return c.carryOut(ctx, s, d, c.order(), c.filter(), c.Action, c.Plan)
	})
}

// setRate reads --rate.
func (f *paceFlags) setRate(rate string) (err error) {
	if f.rate, err = strconv.ParseFloat(strings.TrimSuffix(rate, "/s"), 64); err != nil || f.rate <= 0 {
		return errors.New("--rate is a number of letters a second, such as 5/s")
	}
	if f.StopAt < 0 || f.StopAt > 1 {
		return errors.New("--stop-at is a share, 0 to 1")
	}
	return nil
}

// carryOut carries a plan out, shows how far it has come, and says what it came
// to.
func (f *paceFlags) carryOut(ctx context.Context, s surroundings, d *desk, o control.Order, filter control.Filter, action, plan string) error {
	report, end := s.progress()
	p, err := d.RunPlan(ctx, o, control.Run{
		Filter: filter, Action: action, Plan: plan, Rate: f.rate, Canary: f.Canary, StopAt: f.StopAt, Wait: f.Wait, Report: report,
	})
	end()
	if p.Letters > 0 {
		fmt.Fprintf(s.stdout, "%d letters: %d decided before, %d decided, %d carried out, %d died again\n", p.Letters, p.Skipped, p.Decided, p.Done, p.Died)
	}
	if err != nil && p.Decided > 0 {
		return errPartly{err}
	}
	return err
}

// progress returns what shows how far a run has come: on a terminal as a bar,
// else as a line now and then.
func (s surroundings) progress() (report func(control.Progress), end func()) {
	shown := -1
	bar := s.newBar(100)
	report = func(p control.Progress) {
		if p.Letters == 0 {
			return
		}
		// A letter is through once it has been carried out; deciding is half the way.
		percent := 100 * (2*p.Skipped + p.Decided + p.Done) / (2 * p.Letters)
		text := fmt.Sprintf("%d of %d decided, %d carried out, %d died again", p.Skipped+p.Decided, p.Letters, p.Done, p.Died)
		switch {
		case bar != nil:
			bar.Describe(text)
			_ = bar.Set(percent)
		case percent/10 > shown/10 || shown < 0:
			fmt.Fprintf(s.stderr, "%3d %%  %s\n", percent, text)
		}
		shown = percent
	}
	return report, func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}
