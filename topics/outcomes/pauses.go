package outcomes

import (
	"slices"
	"time"

	"kandashub/topics"
)

// pauseEvents are the pauses of its route for which a message has waited, and where
// it waits there still, those that stand now.
func pauseEvents(o *Outcome, waits bool, now Now) (events []Event) {
	waits = waits && (o.Result == topics.ResultNone || o.Result == topics.ResultParked)
	base := stepOf(o)
	for _, p := range o.Pauses {
		if p.Until.IsZero() && waits && stands(now.Pauses[o.Route], p.Reason) {
			continue // what is known of it now says more
		}
		e := base
		e.Kind, e.At, e.Pause, e.Since, e.Until = EventPaused, since(o, p.Since), p.Reason, p.Since, p.Until
		events = append(events, e)
		if p.Until.IsZero() {
			continue
		}
		e.Waited = max(0, p.Until.Sub(e.At))
		e.Kind, e.At = EventResumed, p.Until
		events = append(events, e)
	}
	if !waits {
		return events
	}
	for _, p := range now.Pauses[o.Route] {
		e := base
		e.Kind, e.At, e.Pause, e.Since, e.Open = EventPaused, since(o, p.Since.UTC()), p.Reason, p.Since.UTC(), true
		e.Waited = max(0, now.At.Sub(e.At))
		if p.Owner != topics.OwnerHub {
			e.Who = p.Owner
		}
		events = append(events, e)
	}
	return events
}

// since returns since when a message has waited for a pause, or for that and others
// before it.
func since(o *Outcome, began time.Time) time.Time {
	if o.Written.After(began) {
		return o.Written
	}
	return began
}

func stands(pauses []topics.Pause, reason string) bool {
	for _, p := range pauses {
		if p.Reason == reason {
			return true
		}
	}
	return false
}

// WithUnfinished returns all outcomes that are known of an application and those of
// its unfinished messages (see package inspect) of which none of them tells.
func WithUnfinished(all, unfinished []Outcome) []Outcome {
	told := map[identity]bool{}
	for i := range all {
		told[identityOf(&all[i])] = true
	}
	all = slices.Clip(all)
	for i := range unfinished {
		if o := &unfinished[i]; o.ID != "" && !told[identityOf(o)] {
			all = append(all, *o)
		}
	}
	return all
}
