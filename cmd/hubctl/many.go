package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
		if printed := f.tell(s, p); printed != nil {
			return errors.Join(err, printed)
		}
	}
	if err != nil && (p.Decided > 0 || p.Unknown != "") {
		return errPartly{err}
	}
	return err
}

// told is what a run came to, as data.
type told struct {
	Letters   int              `json:"letters"`
	Skipped   int              `json:"skipped"`
	Decided   int              `json:"decided"`
	Delivered int              `json:"delivered"` // or discarded
	Before    int              `json:"before"`
	Died      int              `json:"died"`
	Refused   int              `json:"refused"`
	Waiting   int              `json:"waiting"`
	Results   []control.Result `json:"results"`
}

// tell prints what a run came to. The table has the letters that did not just go
// their way.
func (f *paceFlags) tell(s surroundings, p control.Progress) error {
	t := told{p.Letters, p.Skipped, p.Decided, p.Delivered(), p.Before, p.Died, p.Refused, p.Waiting(), p.Results}
	return f.print(s.stdout, t, func(w io.Writer) { t.table(w, p) })
}

func (t told) table(w io.Writer, p control.Progress) {
	fmt.Fprintln(w, p)
	usual := []string{control.ResultDelivered, control.ResultDiscarded, control.ResultDone}
	head := "\nROUTE\tAPPLICATION\tLETTER\tRESULT\n"
	for _, r := range t.Results {
		if slices.Contains(usual, r.Result) {
			continue
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\n", head, r.Route, r.Application, r.Letter, resultText(r))
		head = ""
	}
}

// resultText says what came of a letter of a run.
func resultText(r control.Result) string {
	switch r.Result {
	case control.ResultDuplicate:
		return "duplicate: had been finished before"
	case control.ResultDied:
		return "died again: " + r.Next
	case control.ResultWaiting:
		return "waits for the hub"
	case control.ResultSkipped:
		return "decided by an earlier run"
	case control.ResultRefused:
		return "refused by the hub: " + r.Why
	case control.ResultUnknown:
		return "not known whether it is decided: the same command goes on, and decides nothing twice"
	case control.ResultOpen:
		return "not decided"
	}
	return r.Result
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
		percent := 100 * (2*p.Skipped + p.Decided + p.Done + p.Refused) / (2 * p.Letters)
		text := fmt.Sprintf("%d of %d decided, %d carried out, %d finished before, %d died again", p.Skipped+p.Decided, p.Letters, p.Done, p.Before, p.Died)
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
