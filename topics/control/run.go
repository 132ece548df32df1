package control

import (
	"context"
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

// Progress is how far a run has come.
type Progress struct {
	Letters int // of the plan
	Skipped int // of them decided by an earlier run of this plan
	Decided int // by this run
	Done    int // carried out by the hub
	Before  int // of these, finished before: nothing was done once more
	Died    int // of these, dead letters again

	Results []Result // of each letter of the plan, once the run has ended
}

// Delivered is how many were carried out and neither died again nor had been
// finished before.
func (p Progress) Delivered() int { return p.Done - p.Died - p.Before }

// Waiting is how many decisions the hub has not carried out yet.
func (p Progress) Waiting() int { return p.Decided - p.Done }

// String sums a run up.
func (p Progress) String() string {
	return fmt.Sprintf("%d letters: %d decided before, %d decided, %d carried out: %d delivered or discarded, %d finished before, %d died again; %d wait",
		p.Letters, p.Skipped, p.Decided, p.Done, p.Delivered(), p.Before, p.Died, p.Waiting())
}

// share is how many of the carried out died again.
func (p Progress) share() float64 {
	if p.Done == 0 {
		return 0
	}
	return float64(p.Died) / float64(p.Done)
}

// pollResults is how often a run looks what came of its decisions.
const pollResults = 250 * time.Millisecond

// RunPlan carries out a plan: only if the same filter and action still come to
// it, counting what an earlier run of it has decided, so that a run that was cut
// off can be taken up again. It returns how far it came.
func (c *Commands) RunPlan(ctx context.Context, o Order, r Run) (p Progress, err error) {
	if err := bulk(r.Action); err != nil {
		return p, err // the action becomes part of the record
	}
	err = c.carry(ctx, o, actionRunPlan, r.Action+" "+about(r.Plan), func(ctx context.Context, o Order) (string, error) {
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
			return "", refuse("the run has ended already")
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
		return refuse("the rate is a number of letters a second, %g to %d", minRate, maxRate)
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
	w := &work{Run: &r, commands: c, order: o, mine: map[string]bool{}}
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
			}
		}
	}
	w.progress.Letters = len(planned)
	if len(planned) == 0 || planHash(r.Action, last, planned) != r.Plan {
		return nil, refuse("what lies there now is not what the plan says: somebody has decided some of its letters, or the filter is another one; make a new plan")
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
		o := w.order
		if err := w.commands.Producer.Decide(ctx, l, w.Action, w.decision(l), o.Who, o.Why); err != nil {
			return err
		}
		w.mine[l.Route.Name+"/"+l.ID] = true
		w.progress.Decided++
		w.report()
	}
	return w.await(ctx, "the run")
}

func (w *work) report() {
	if w.Report != nil {
		w.Report(w.progress)
	}
}

// look reads what came of the decisions so far. An error says that too many
// letters died again.
func (w *work) look(ctx context.Context) error {
	done, died, before := 0, 0, 0
	for _, log := range w.logs {
		if err := log.Read(ctx); err != nil {
			return err
		}
		for _, l := range log.Letters() {
			if !w.mine[l.Route.Name+"/"+l.ID] || !l.Resolved {
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
	w.progress.Done, w.progress.Died, w.progress.Before = done, died, before
	w.report()
	if w.progress.share() > w.StopAt {
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
		left := w.progress.Decided - w.progress.Done
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
