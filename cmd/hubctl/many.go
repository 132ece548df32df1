package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

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
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		p, err := do.Plan(ctx, c.filter(), c.Action)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return printJSON(stdout, p)
		}
		if p.Letters == 0 {
			fmt.Fprintf(out, "there is nothing to %s; %d letters can only be discarded\n", c.Action, p.Excluded)
			return nil
		}
		if err := printPlan(stdout, p); err != nil {
			return err
		}
		fmt.Fprintf(out, "nothing was changed; to carry it out:\n  hubctl dead run --plan %s --action %s%s --rate 1/s --canary 1 --who NAME --why REASON\n", p.Hash, c.Action, c.args())
		return nil
	})
}

// printPlan prints what the plan is about: first by kind of letter, then what
// waits behind them.
func printPlan(stdout io.Writer, p control.Plan) error {
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "plan %s: %s of %d letters (%d more can only be discarded)\n\n", p.Hash, p.Action, p.Letters, p.Excluded)
	fmt.Fprintln(t, "ROUTE\tCLASS\tCODE\tLETTERS\tOLDEST")
	for _, g := range p.Groups {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", g.Route, g.Class, g.Code, g.Letters, when(g.Oldest, ""))
	}
	fmt.Fprintln(t, "\nROUTE\tAPPLICATION\tLETTERS\tFOLLOWERS THAT WAIT")
	for _, o := range p.Orders {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\n", o.Route, o.Application, o.Letters, o.Followers)
	}
	return t.Flush()
}

type deadRunCmd struct {
	kafkaFlags
	filterFlags
	actionFlag
	orderFlags
	Plan   string        `required:"" help:"The plan's hash, as dead plan prints it; with the same filter and action."`
	Rate   string        `required:"" help:"Letters a second, such as 5/s."`
	Canary int           `help:"So many letters first; the others only once these have ended well."`
	StopAt float64       `default:"0.1" help:"Share of letters that died again, above which the run stops (${default})."`
	Wait   time.Duration `default:"1m" help:"How long to wait for what the decisions come to, after the canary and at the end (${default})."`

	rate float64
}

// Validate reads --rate.
func (c *deadRunCmd) Validate() error {
	var err error
	if c.rate, err = strconv.ParseFloat(strings.TrimSuffix(c.Rate, "/s"), 64); err != nil || c.rate <= 0 {
		return errors.New("--rate is a number of letters a second, such as 5/s")
	}
	if c.StopAt < 0 || c.StopAt > 1 {
		return errors.New("--stop-at is a share, 0 to 1")
	}
	return c.filterFlags.Validate()
}

// Run carries the plan out. Cut off, the same command goes on.
func (c *deadRunCmd) Run(ctx context.Context, stdout io.Writer, out talk) error {
	return c.operateOn(ctx, func(ctx context.Context, do *control.Commands) error {
		bar := newBar(out)
		p, err := do.RunPlan(ctx, c.order(), control.Run{
			Filter: c.filter(), Action: c.Action, Plan: c.Plan,
			Rate: c.rate, Canary: c.Canary, StopAt: c.StopAt, Wait: c.Wait, Report: bar.show,
		})
		bar.end()
		if p.Letters > 0 {
			fmt.Fprintf(stdout, "%d letters: %d decided before, %d decided, %d carried out, %d died again\n", p.Letters, p.Skipped, p.Decided, p.Done, p.Died)
		}
		return err
	})
}

// A bar shows how far a run has come: on a terminal as a bar, else as a line now
// and then.
type bar struct {
	out      io.Writer
	terminal bool
	shown    int // percent
}

func newBar(out talk) *bar {
	f, ok := out.Writer.(*os.File)
	if !ok {
		return &bar{out: out, shown: -1}
	}
	info, err := f.Stat()
	return &bar{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, shown: -1}
}

// barWidth is its width in characters.
const barWidth = 30

func (b *bar) show(p control.Progress) {
	if p.Letters == 0 {
		return
	}
	// A letter is through once it has been carried out; deciding is half the way.
	percent := 100 * (2*p.Skipped + p.Decided + p.Done) / (2 * p.Letters)
	text := fmt.Sprintf("%3d %%  %d of %d decided, %d carried out, %d died again", percent, p.Skipped+p.Decided, p.Letters, p.Done, p.Died)
	switch {
	case b.terminal:
		full := barWidth * percent / 100
		fmt.Fprintf(b.out, "\r[%s%s] %s", strings.Repeat("#", full), strings.Repeat(" ", barWidth-full), text)
	case percent/10 > b.shown/10 || b.shown < 0:
		fmt.Fprintln(b.out, text)
	}
	b.shown = percent
}

func (b *bar) end() {
	if b.terminal && b.shown >= 0 {
		fmt.Fprintln(b.out)
	}
}
