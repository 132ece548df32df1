package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kandashub/topics"
)

// A Run is one carrying out of a plan.
type Run struct {
	Filter Filter // the plan's
	Action string
	Plan   string // its hash

	Rate   float64       // decisions a second, 0.01 to 500
	Canary int           // so many letters first; the others only once these have ended well
	StopAt float64       // share of letters that died again, above which the run stops
	Wait   time.Duration // for what the decisions come to, after the canary and at the end

	// Report is told how far the run has come; may be nil.
	Report func(Progress)
}

// pollResults is how often a run looks what came of its decisions.
const pollResults = 250 * time.Millisecond

// lookAgain bounds a look for a decision that the broker may have taken.
const lookAgain = 10 * time.Second

// RunPlan carries out a plan: only if the same filter and action still come to
// it, counting what an earlier run of it has decided, so that a run that was cut
// off can be taken up again. It returns how far it came.
func (c *Commands) RunPlan(ctx context.Context, o Order, r Run) (p Progress, err error) {
	if err := bulk(r.Action); err != nil {
		return p, err // the action becomes part of the record
	}
	err = c.carry(ctx, o, actionRunPlan, r.Action+" "+aboutPlan(r.Plan), func(ctx context.Context, o Order) (string, error) {
		w, err := c.begin(ctx, o, r)
		if err != nil {
			return "", err
		}
		err = w.run(ctx)
		p = w.progress
		p.Results = w.results()
		return p.String(), err
	})
	return p, err
}

// CancelRun stops a run that the caller carries out, by its order's id. cancel does
// so, and reports whether it was still under way. What it has decided stays.
func (c *Commands) CancelRun(ctx context.Context, o Order, run string, cancel func() bool) error {
	return c.carry(ctx, o, actionCancelRun, about(run), func(context.Context, Order) (string, error) {
		if !cancel() {
			return "", refuse("run_ended", "the run has ended already")
		}
		return "", nil
	})
}

// Bounds of a run's rate. Below, a run never ends; above, it is no rate any more.
const (
	minRate = 0.01
	maxRate = 500
)

// CheckRate refuses a rate outside of the bounds, and what is no number.
func CheckRate(rate float64) error {
	if !(rate >= minRate && rate <= maxRate) { // so that NaN is refused too
		return refuse("rate", "the rate is a number of letters a second, %g to %d", minRate, maxRate)
	}
	return nil
}

// work is a run under way.
type work struct {
	*Run
	commands *Commands
	order    Order
	logs     []*topics.LetterLog
	todo     []topics.Letter
	mine     map[string]bool // letters that this run has decided, by route/letter
	refusals map[string]int  // how often the hub had refused the plan's decision of a letter before
	progress Progress
}

// begin reads what lies there now and holds it against the plan.
func (c *Commands) begin(ctx context.Context, o Order, r Run) (*work, error) {
	if err := bulk(r.Action); err != nil {
		return nil, err
	}
	if err := CheckRate(r.Rate); err != nil {
		return nil, err
	}
	last, err := lastOf(r.Plan)
	if err != nil {
		return nil, err
	}
	routes, err := c.routes(r.Filter)
	if err != nil {
		return nil, err
	}
	w := &work{Run: &r, commands: c, order: o, mine: map[string]bool{}, refusals: map[string]int{}}
	var planned []topics.Letter
	for _, name := range routes {
		log := topics.NewLetterLog(c.Cluster, topics.Route{Name: name})
		if err := log.Read(ctx); err != nil {
			return nil, fmt.Errorf("route %s: %w", name, err)
		}
		w.logs = append(w.logs, log)
		for _, l := range log.Letters() {
			switch {
			case !r.Filter.Takes(l) || !decidable(l, r.Action) || l.Record.Time.After(last):
			case w.decided(l):
				planned = append(planned, l)
				w.progress.Skipped++
			case len(l.Decisions) == 0 && !l.Resolved:
				planned = append(planned, l)
				w.todo = append(w.todo, l)
				w.refusals[nameOf(&l)] = len(w.refused(&l))
			}
		}
	}
	w.progress.Letters = len(planned)
	if len(planned) == 0 || planHash(r.Action, last, planned) != r.Plan {
		return nil, refuse("plan_stale", "what lies there now is not what the plan says: somebody has decided some of its letters, or the filter is another one; make a new plan")
	}
	return w, nil
}

// PlanDecision is the id of the decision by which a plan, named by its hash, decides
// a letter.
func PlanDecision(plan, route, letter string) string {
	return topics.DeriveID("plan", plan, route, letter)
}

func (w *work) decision(l topics.Letter) string { return PlanDecision(w.Plan, l.Route.Name, l.ID) }

// decided says whether an earlier run of the plan has decided a letter.
func (w *work) decided(l topics.Letter) bool {
	for _, d := range l.Decisions {
		if d.ID == w.decision(l) {
			return true
		}
	}
	return false
}

func (w *work) run(ctx context.Context) error {
	every := time.NewTicker(max(time.Millisecond, time.Duration(float64(time.Second)/w.Rate)))
	defer every.Stop()
	looked := time.Now()
	for i, l := range w.todo {
		if w.Canary > 0 && i == w.Canary {
			if err := w.await(ctx, "the canary"); err != nil {
				return err
			}
		}
		if time.Since(looked) >= pollResults {
			if err := w.look(ctx); err != nil {
				return err
			}
			looked = time.Now()
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := w.decide(ctx, l); err != nil {
			return err
		}
	}
	return w.await(ctx, "the run")
}

// decide decides one letter. Where the broker did not say whether it took the
// decision, it is looked for.
func (w *work) decide(ctx context.Context, l topics.Letter) error {
	o := w.order
	switch err := w.commands.Producer.Decide(ctx, l, w.Action, w.decision(l), o.Who, o.Why); {
	case err == nil:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err // given up before it was sent
	case !w.find(ctx, l):
		w.progress.Unknown = nameOf(&l)
		return fmt.Errorf("it is not known whether letter %s is decided, for the broker may have taken the decision all the same: look again once it answers; the same command goes on, and decides nothing twice: %w", l.ID, err)
	}
	w.mine[nameOf(&l)] = true
	w.progress.Decided++
	w.report()
	return nil
}

// find says whether the decision of a letter is in its topic. What is not there may
// still come.
func (w *work) find(ctx context.Context, l topics.Letter) (found bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookAgain)
	defer cancel()
	for _, log := range w.logs {
		if log.Route() != l.Route.Name || log.Read(ctx) != nil {
			continue
		}
		log.Each(func(now *topics.Letter) {
			found = found || now.ID == l.ID && (w.decided(*now) || len(w.refused(now)) > w.refusals[nameOf(now)])
		})
	}
	return found
}

// nameOf names a letter among those of all routes.
func nameOf(l *topics.Letter) string { return l.Route.Name + "/" + l.ID }

// refused returns how the hub has refused the plan's decision of a letter.
func (w *work) refused(l *topics.Letter) (all []topics.RefusedDecision) {
	for _, d := range l.Refused {
		if d.ID == w.decision(*l) {
			all = append(all, d)
		}
	}
	return all
}

// refusedNow returns why the hub has refused this run's decision of a letter; empty
// if it has not.
func (w *work) refusedNow(l *topics.Letter) string {
	if all := w.refused(l); !l.Resolved && len(all) > w.refusals[nameOf(l)] {
		return all[len(all)-1].Reason
	}
	return ""
}

func (w *work) report() {
	if w.Report != nil {
		w.Report(w.progress)
	}
}

// look reads what came of the decisions so far. An error says that too many
// letters died again.
func (w *work) look(ctx context.Context) error {
	done, died, before, refused := 0, 0, 0, 0
	for _, log := range w.logs {
		if err := log.Read(ctx); err != nil {
			return err
		}
		for _, l := range log.Letters() {
			switch {
			case !w.mine[nameOf(&l)]:
				continue
			case w.refusedNow(&l) != "":
				refused++
				continue
			case !l.Resolved:
				continue
			}
			done++
			switch ResultOf(&l) {
			case ResultDied:
				died++
			case ResultDuplicate:
				before++
			}
		}
	}
	w.progress.Done, w.progress.Died, w.progress.Before, w.progress.Refused = done, died, before, refused
	w.report()
	switch over := w.progress.share() > w.StopAt; {
	case over && refused > 0:
		return fmt.Errorf("stopped: of %d letters that the hub has come to %d died again and %d were refused", done+refused, died, refused)
	case over:
		return fmt.Errorf("stopped: %d of %d letters that were carried out died again", died, done)
	}
	return nil
}

// await waits until the hub has carried out what was decided.
func (w *work) await(ctx context.Context, what string) error {
	over := time.NewTimer(w.Wait)
	defer over.Stop()
	every := time.NewTicker(pollResults)
	defer every.Stop()
	for {
		if err := w.look(ctx); err != nil {
			return err
		}
		left := w.progress.Waiting()
		if left == 0 {
			return nil
		}
		select {
		case <-every.C:
		case <-over.C:
			return fmt.Errorf("%s: %d decisions have not been carried out after %s: is the hub running, does the system answer, is the route paused? The same command goes on", what, left, w.Wait)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
