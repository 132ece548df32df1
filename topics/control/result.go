package control

import "kandashub/topics"

// A Result is what a run came to for one letter.
type Result struct {
	Route       string `json:"route"`
	Letter      string `json:"letter"`
	Application string `json:"application"` // as [topics.Letter.Application] shows it
	Result      string `json:"result"`      // one of the Result constants
	Next        string `json:"next,omitempty"`
	Why         string `json:"why,omitempty"` // it was refused
}

// What a run comes to for a letter.
const (
	ResultDelivered = topics.ResultDelivered
	ResultDiscarded = topics.ResultDiscarded
	ResultDuplicate = topics.ResultDuplicate // its message had been finished before
	ResultDied      = "died"                 // it is a dead letter again: see Next
	ResultDone      = "done"                 // carried out by a hub that does not say what it came to
	ResultWaiting   = "waiting"              // decided, not carried out yet
	ResultSkipped   = "skipped"              // an earlier run of the plan has decided it
	ResultRefused   = "refused"              // decided, but the hub could not carry it out: the letter waits as before
	ResultUnknown   = "unknown"              // the broker did not say whether it took the decision
	ResultOpen      = "open"                 // not decided: the run ended before
)

// ResultOf returns what the decision of a letter has come to.
func ResultOf(l *topics.Letter) string {
	switch {
	case len(l.Decisions) == 0 && !l.Resolved:
		return ResultOpen
	case !l.Resolved:
		return ResultWaiting
	case l.Result == topics.ResultDiscarded: // Next may come of an undo since
		return ResultDiscarded
	case l.Next != "":
		return ResultDied
	case l.Result == "":
		return ResultDone
	}
	return l.Result
}

// results lists what came of each letter of the plan, as far as was read.
func (w *work) results() (all []Result) {
	todo := map[string]bool{}
	for _, l := range w.todo {
		todo[nameOf(&l)] = true
	}
	for _, log := range w.logs {
		log.Each(func(l *topics.Letter) {
			name := nameOf(l)
			r := Result{Route: l.Route.Name, Letter: l.ID, Application: l.Application(), Next: l.Next, Result: ResultSkipped}
			switch why := w.refusedNow(l); {
			case w.mine[name] && why != "":
				r.Result, r.Why = ResultRefused, why
			case w.mine[name]:
				if r.Result = ResultOf(l); r.Result == ResultOpen { // the decision has not been read yet
					r.Result = ResultWaiting
				}
			case name == w.progress.Unknown:
				r.Result, r.Next = ResultUnknown, ""
			case todo[name]:
				r.Result, r.Next = ResultOpen, ""
			case !w.decided(*l):
				return // no part of the plan
			}
			all = append(all, r)
		})
	}
	return all
}
