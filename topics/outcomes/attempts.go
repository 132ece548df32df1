package outcomes

import (
	"slices"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// An Attempt is one attempt at a message, and what it came to. Times that are not
// known are zero.
type Attempt struct {
	Number    int       `json:"number"` // from 1, by its owner and since it was parked or replayed
	Began     time.Time `json:"began"`
	CallBegan time.Time `json:"call_began,omitzero"` // zero where the system was not called
	CallEnded time.Time `json:"call_ended,omitzero"`
	Result    string    `json:"result"`           // one of the Result constants of topics, or AttemptFailed
	Code      string    `json:"code,omitempty"`   // of the failure
	Letter    string    `json:"letter,omitempty"` // that it came to
}

// AttemptFailed is the result of an attempt that another one followed.
const AttemptFailed = "failed"

// Took is how long its call lasted.
func (a *Attempt) Took() time.Duration { return a.CallEnded.Sub(a.CallBegan) }

// Attempts returns the attempts at a message of a route in the order in which they
// were made, as far as outcomes tell of them. Decisions of people are none.
func Attempts(route, source, id string, all []Outcome) (attempts []Attempt) {
	told := map[time.Time]bool{} // an outcome can be written twice
	add := func(a Attempt) {
		if !a.Began.IsZero() && !told[a.Began] {
			told[a.Began] = true
			attempts = append(attempts, a)
		}
	}
	for i := range all {
		o := &all[i]
		if id == "" || identityOf(o) != (identity{route, source, id}) {
			continue
		}
		for j, t := range o.Tries {
			add(Attempt{Number: o.TryNumber(j), Began: t.Began, CallBegan: t.CallBegan, CallEnded: t.CallEnded, Result: AttemptFailed, Code: t.Code})
		}
		switch o.Result {
		case topics.ResultParked, topics.ResultAnswered, topics.ResultDiscarded:
		default:
			add(Attempt{Number: max(1, o.Attempts), Began: o.Read, CallBegan: o.CallBegan, CallEnded: o.CallEnded, Result: o.Result, Code: o.Code, Letter: o.Letter})
		}
	}
	slices.SortStableFunc(attempts, func(a, b Attempt) int { return a.Began.Compare(b.Began) })
	return attempts
}

// Brief tells a timeline shortly: the steps of an attempt that came to nothing are
// one event, where nothing else happened between them.
func Brief(events []Event) (out []Event) {
	for i := 0; i < len(events); i++ {
		e := events[i]
		if n := steps(events[i:]); n > 0 {
			last := events[i+n-1]
			e.Kind, e.Code, e.Took = EventAttempt, last.Code, last.At.Sub(e.At)
			i += n - 1
		}
		out = append(out, e)
	}
	return out
}

// steps counts the events of a failed attempt with which events begin; 0 where they
// begin otherwise.
func steps(events []Event) int {
	first := &events[0]
	if first.Kind != EventRead {
		return 0
	}
	for i := range events {
		e := &events[i]
		switch {
		case e.Route != first.Route || e.Message != first.Message || e.Attempts != first.Attempts || e.Letter != "":
			return 0
		case e.Code != "":
			return i + 1
		}
	}
	return 0
}

// routeEvents are what operators did to the routes that an application has passed, and
// to their breakers, from its first event to its last one, or to this day
// while it waits. events are in order.
func routeEvents(events []Event, all []Outcome, records []control.AuditRecord) (found []Event) {
	if len(events) == 0 {
		return nil
	}
	from, to := events[0].At, events[len(events)-1].At
	open := slices.ContainsFunc(events, func(e Event) bool { return e.Open })
	for i := range records {
		r := &records[i]
		o := passing(all, r.Object, r.Time)
		if o == nil || r.Result != control.Done || r.Time.Before(from) || r.Time.After(to) && !open {
			continue
		}
		kind := EventBreaker
		switch {
		case control.AboutRoute(r.Action):
			kind = EventCommand
		case !control.AboutBreaker(r.Action):
			continue
		}
		found = append(found, Event{
			Kind: kind, At: r.Time.UTC(), Route: o.Route, System: o.System, Operation: o.Operation,
			Who: r.Actor, Action: r.Action, Reason: r.Reason, Root: o.Root, Trace: o.Trace,
		})
	}
	return found
}

// passing is the outcome of the message that came last to a route before a time, or
// of any if none had come; nil where none ever did.
func passing(all []Outcome, route string, at time.Time) (found *Outcome) {
	for i := range all {
		o := &all[i]
		if o.Route == route && (found == nil || !begun(o).After(at) && begun(o).After(begun(found))) {
			found = o
		}
	}
	return found
}
