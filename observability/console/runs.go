package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
)

const (
	// typedFrom is from how many letters on a discard asks for their number.
	typedFrom = 10

	// keptRuns is how many runs are remembered; the audit remembers all.
	keptRuns = 50

	// maxRuns may be under way at once: each holds the letters of its routes in
	// memory.
	maxRuns = 2

	// shownOfRun bounds the letters of a run that are listed one by one.
	shownOfRun = 500

	// runWait is how long a run waits for what its decisions come to.
	runWait = 5 * time.Minute

	// runRate is how many letters are decided a second, unless told otherwise.
	runRate = 10

	// runCanary letters go first, and a run stops when more than runStop of those
	// that were carried out have died again.
	runCanary, runStop = 5, 0.5
)

// runs are the plans that this process carries out or has carried out.
type runs struct {
	mu    sync.Mutex
	list  []*run // youngest first
	ended bool   // nothing more is begun
	wg    sync.WaitGroup
}

func newRuns() *runs { return &runs{} }

// A run is one plan under way, or ended.
type run struct {
	ID, Who, Action string
	Plan            string // its hash
	Began           time.Time
	Query           letterQuery
	Letters         []string        // route/letter of those that are listed
	earlier         map[string]bool // of these, decided before this run

	cancel context.CancelFunc

	// Guarded by runs.mu.
	Progress control.Progress
	Ended    time.Time
	Problem  string
}

// reached keeps how far the run has come, without its results: they are one for
// each letter of the plan, and the pages read the letters themselves.
func (n *run) reached(p control.Progress) {
	p.Results = nil
	n.Progress = p
}

// begin adds a run and lets it do its work, unless there is one of this id. It
// refuses one of a plan that is being carried out already, one more than may be
// under way, and any once the console ends.
func (r *runs) begin(n *run, work func()) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	going := 0
	for _, o := range r.list {
		if o.ID == n.ID {
			return false, nil
		}
		if !o.Ended.IsZero() {
			continue
		}
		if o.Plan == n.Plan && o.Action == n.Action {
			return false, refusal("plan_running", n.Plan, o.ID)
		}
		going++
	}
	if r.ended {
		return false, refusal("ending")
	}
	if going >= maxRuns {
		return false, refusal("runs_many", going)
	}
	r.list = slices.Insert(r.list, 0, n)
	for len(r.list) > keptRuns && !r.list[len(r.list)-1].Ended.IsZero() {
		r.list = r.list[:len(r.list)-1]
	}
	r.wg.Go(work) // under the lock, so that wait does not miss it
	return true, nil
}

func (r *runs) update(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// all returns copies of the runs, youngest first.
func (r *runs) all() []run {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]run, len(r.list))
	for i, o := range r.list {
		out[i] = *o
	}
	return out
}

func (r *runs) get(id string) (run, error) {
	for _, o := range r.all() {
		if o.ID == id {
			return o, nil
		}
	}
	return run{}, errNotFound
}

// cancel stops a run, and reports whether it was still under way.
func (r *runs) cancel(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.list, func(o *run) bool { return o.ID == id && o.Ended.IsZero() })
	if i < 0 {
		return false
	}
	r.list[i].cancel()
	return true
}

// wait stops what is under way and waits for its end; nothing begins after that.
// What was decided stays; the same plan can be taken up again.
func (r *runs) wait() {
	r.update(func() { r.ended = true })
	for _, o := range r.all() {
		o.cancel()
	}
	r.wg.Wait()
}

// startRun carries a plan out, beside the page.
func (v *visit) startRun() error {
	o, err := v.order()
	if err != nil {
		return err
	}
	q, err := v.planQuery()
	if err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(v.r.PostFormValue("rate"), 64)
	if err != nil {
		return wrong("rate")
	}
	if err := control.CheckRate(rate); err != nil {
		return err
	}
	action, hash := v.r.PostFormValue("action"), v.r.PostFormValue("plan")
	p, err := v.makePlan(q, action)
	if err != nil {
		return err
	}
	if action == topics.DecideDiscard && p.Letters > typedFrom {
		if v.user.Role < Approver {
			return errForbidden
		}
		if strings.TrimSpace(v.r.PostFormValue("typed")) != strconv.Itoa(p.Letters) {
			return refusal("typed")
		}
	}
	if err := v.letters.readAnew(v.r.Context()); err != nil { // so that each is listed
		return err
	}
	if strings.TrimSpace(o.Why) == "" {
		return refusal("order")
	}
	if err := v.carryOut(o, q, control.Run{
		Filter: q.Filter, Action: action, Plan: hash, Rate: rate, Canary: runCanary, StopAt: runStop, Wait: runWait,
	}, p); err != nil {
		return err
	}
	return v.to("/runs/" + o.ID)
}

// carryOut begins a run, once for each order.
func (v *visit) carryOut(o control.Order, q letterQuery, what control.Run, p control.Plan) error {
	ctx, cancel := context.WithCancel(context.Background())
	n := &run{ID: o.ID, Who: o.Who, Action: what.Action, Plan: what.Plan, Began: time.Now(), Query: q, cancel: cancel, Progress: control.Progress{Letters: p.Letters}}
	n.Letters, n.earlier = v.letters.planned(q, what.Plan, shownOfRun)
	what.Report = func(p control.Progress) { v.runs.update(func() { n.reached(p) }) }
	begun, err := v.runs.begin(n, func() {
		defer cancel()
		progress, err := v.cfg.Commands.RunPlan(ctx, o, what)
		v.runs.update(func() {
			n.Ended = time.Now()
			if progress.Letters > 0 {
				n.reached(progress)
			}
			switch {
			case ctx.Err() != nil && err != nil:
				n.Problem = "canceled"
			case err != nil:
				n.Problem = observability.Mask(err.Error())
			}
		})
	})
	if !begun {
		cancel()
	}
	return err
}

// planned returns the names of letters that a query chooses and that nobody has
// decided but the plan itself, in an earlier run; at most so many.
func (x *letterIndex) planned(q letterQuery, plan string, most int) (names []string, earlier map[string]bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	q.State, earlier = "all", map[string]bool{}
	x.each(func(l *topics.Letter) {
		if len(names) == most || !q.takes(l) {
			return
		}
		name := l.Route.Name + "/" + l.ID
		switch {
		case letterState(l) == "open":
		case len(l.Decisions) > 0 && l.Decisions[0].ID == control.PlanDecision(plan, l.Route.Name, l.ID):
			earlier[name] = true
		default:
			return
		}
		names = append(names, name)
	})
	return names, earlier
}

// results are the rows of a run's letters, each with what this run came to for it.
func (x *letterIndex) results(r run) []letterRow {
	rows := x.rows(r.Letters)
	for i := range rows {
		row := &rows[i]
		switch decision := control.PlanDecision(r.Plan, row.Route, row.ID); {
		case r.earlier[row.Route+"/"+row.ID]:
			row.Result = control.ResultSkipped
		case row.decision != "" && row.decision != decision:
			row.Result = resultOthers
		case row.Result != control.ResultOpen:
		case row.refuse(decision):
		case r.Progress.Unknown == row.Route+"/"+row.ID:
			row.Result = control.ResultUnknown
		}
	}
	return rows
}

// refuse tells of a decision that the hub has refused, and reports whether it has.
func (r *letterRow) refuse(decision string) bool {
	i := slices.IndexFunc(r.refused, func(d topics.RefusedDecision) bool { return d.ID == decision })
	if i >= 0 {
		r.Result, r.Refusal = control.ResultRefused, r.refused[i].Reason
	}
	return i >= 0
}

// resultOthers is the result of a letter that somebody else decided first.
const resultOthers = "others"

// rows returns letters by their names, route/letter, in that order.
func (x *letterIndex) rows(names []string) []letterRow {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := map[string]letterRow{}
	for _, n := range names {
		found[n] = letterRow{}
	}
	x.each(func(l *topics.Letter) {
		name := l.Route.Name + "/" + l.ID
		if _, wanted := found[name]; wanted {
			found[name] = rowOf(l)
		}
	})
	var out []letterRow
	for _, n := range names {
		if r := found[n]; r.ID != "" {
			out = append(out, r)
		}
	}
	return out
}

func (v *visit) runList() error {
	return v.show(http.StatusOK, "runs", map[string]any{"Runs": v.runs.all()})
}

// runPage shows how far a run has come, and what came of each letter.
func (v *visit) runPage() error {
	r, err := v.runs.get(v.r.PathValue("run"))
	if err != nil {
		return err
	}
	problem := ""
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		problem = observability.Mask(err.Error())
	}
	return v.show(http.StatusOK, "run", map[string]any{"Run": r, "Rows": v.letters.results(r), "Problem": problem})
}

// cancelRun stops a run. What it has decided stays.
func (v *visit) cancelRun() error {
	o, err := v.order()
	if err != nil {
		return err
	}
	r, err := v.runs.get(v.r.PathValue("run"))
	if err != nil {
		return err
	}
	if err := v.cfg.Commands.CancelRun(v.r.Context(), o, r.ID, func() bool { return v.runs.cancel(r.ID) }); err != nil {
		return err
	}
	return v.to("/runs/"+r.ID, "note.canceled")
}
