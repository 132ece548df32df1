package outcomes

import (
	"strings"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// letterEvents are a letter and what people decided of it.
func letterEvents(l *topics.Letter) []Event {
	_, message := l.Message()
	ceType, _ := l.Header("ce_type")
	topic, _ := l.Header("hub_topic")
	if !l.Holds {
		message, ceType = "", "" // not to be trusted
	}
	base := Event{Route: l.Route.Name, Topic: topic, Message: message, Type: ceType, Letter: l.ID, Class: l.Class, Code: l.Code}
	e := base
	e.Kind, e.At, e.Reason, e.Open = EventLetter, l.Record.Time.UTC(), l.Reason, !l.Resolved
	events := []Event{e}
	for _, d := range l.Decisions {
		e := base
		e.Kind, e.At, e.Reason, e.Who, e.Action = EventDecision, d.At.UTC(), d.Why, d.Who, d.Action
		events = append(events, e)
	}
	for _, d := range l.Refused { // the hub has said so, and why
		e := base
		e.Kind, e.At, e.Reason, e.Who, e.Action = EventCommand, d.At.UTC(), d.Reason, d.Who, d.Action+" letter: "+control.Refused
		events = append(events, e)
	}
	return events
}

// commandEvents are what operators did about a letter beside the decisions that
// stand with it: what was refused or failed, and who looked at the payload.
func commandEvents(l *topics.Letter, records []control.AuditRecord) (events []Event) {
	decided := map[string]bool{}
	for _, d := range l.Decisions {
		decided[d.ID] = true
	}
	for _, d := range l.Refused {
		decided[d.ID] = true
	}
	for i := range records {
		r := &records[i]
		if r.Object != l.Route.Name+"/"+l.ID || r.Result == control.Asked || decided[r.Request] {
			continue
		}
		events = append(events, Event{
			Kind: EventCommand, At: r.Time.UTC(), Route: l.Route.Name, Letter: l.ID, Class: l.Class, Code: l.Code,
			Who: r.Actor, Action: r.Action + ": " + r.Result, Reason: strings.TrimSpace(r.Reason),
		})
	}
	return events
}

// followChain gives the events of a letter the chain of its message, as an outcome of
// it tells, else as the letter does.
func followChain(events []Event, l *topics.Letter, all []Outcome) {
	if !l.Holds { // it names nobody that can be trusted
		return
	}
	var ended time.Time // the last step before the letter
	source, id := l.Message()
	said, _ := l.Header("ce_roottime")
	root, _ := topics.ParseTime(said) // zero where it says none
	trace := l.Trace()
	for i := range all {
		o := &all[i]
		if identityOf(o) != (identity{l.Route.Name, source, id}) {
			continue
		}
		root, trace = o.Root, o.Trace
		if o.Letter == l.ID {
			ended = latest(o.Read, o.CallEnded)
		}
	}
	for i := range events {
		e := &events[i]
		e.Root, e.Trace = root, trace
		if e.Kind == EventLetter {
			e.At = notBefore(ended, e.At)
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
