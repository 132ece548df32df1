package outcomes

import (
	"cmp"
	"slices"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// The kinds of event in a timeline.
const (
	EventMade      = "made"        // the chain's first message, by its writer's clock
	EventWritten   = "written"     // Kafka took the message
	EventParked    = "parked"      // it was set aside behind its application's head
	EventRead      = "read"        // an attempt at it began
	EventCalled    = "called"      // the system was called, or asked about an earlier call
	EventReturned  = "returned"    // that call came to its end
	EventAttempt   = "attempt"     // a whole attempt that came to nothing, where a timeline is told shortly
	EventDelivered = "delivered"   // its replies are written
	EventDuplicate = "duplicate"   // it was met again after its end, and dropped
	EventLetter    = "dead letter" // it cannot go on without a person
	EventDecision  = "decision"    // a person decided of its letter
	EventAnswered  = "answered"    // a person's reply is written
	EventDiscarded = "discarded"   // nothing more happens, as a person decided
	EventCommand   = "command"     // another step of an operator's command about its letter, or one about a route on its way
	EventBreaker   = "breaker"     // an operator forced or released the breaker of a route on its way
	EventPaused    = "paused"      // its route called nobody from here on, or did not when the message came
	EventResumed   = "resumed"     // that pause ended
)

// An Event is one step on the way of an application.
type Event struct {
	At    time.Time     `json:"at"`
	After time.Duration `json:"-"`    // since the event before; clocks differ, so it may be below 0
	Kind  string        `json:"kind"` // one of the Event constants

	// Root is when the first message of its chain was made, and Trace the chain's trace
	// id; they are zero and empty where that is not known.
	Root  time.Time `json:"root,omitzero"`
	Trace string    `json:"trace,omitempty"`

	Route     string `json:"route,omitempty"`
	Topic     string `json:"topic,omitempty"` // of the message
	Message   string `json:"message,omitempty"`
	Type      string `json:"type,omitempty"`
	System    string `json:"system,omitempty"` // whom the route calls; of the first event: who made the message
	Operation string `json:"operation,omitempty"`

	// Attempts is which attempt at the message this is a step of. A step of one that
	// came to nothing has the code of its failure as it ends.
	Attempts int `json:"attempts,omitempty"`

	// Took is how long an attempt lasted of which this tells as a whole.
	Took time.Duration `json:"-"`

	Letter string `json:"letter,omitempty"`
	Class  string `json:"class,omitempty"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"` // of a letter, masked; of a decision or command, why

	Who    string `json:"who,omitempty"`
	Action string `json:"action,omitempty"` // of a decision: replay, answer, discard; of a command, with its result

	// Why a route was paused, one of the Pause constants of topics, with the pause's
	// begin and end, and how long the message has waited for it. The begin may lie
	// before the message came; an end that is zero is not known, or has not come yet.
	Pause  string        `json:"pause,omitempty"`
	Since  time.Time     `json:"since,omitzero"`
	Until  time.Time     `json:"until,omitzero"`
	Waited time.Duration `json:"-"`

	// Open says that the application waits here: for its turn or for the end of a
	// pause, parked, or for a person's decision.
	Open bool `json:"open,omitempty"`
}

// Now is what is known at one moment of the routes on which an application waits.
type Now struct {
	At     time.Time
	Pauses map[string][]topics.Pause // by route: why it calls nobody
}

// Timeline puts in order what is known of an application: the outcomes of its
// messages, the dead letters among letters that are its, and what operators did
// about these, and to the routes on its way and their breakers. Letters and records of other
// applications are passed over. What a breaker did by itself is told where a message
// has waited for it, or waits now.
//
// The times are those of several clocks, of brokers, hubs and systems. [Chains] tells
// to which message from outside each event goes back, and [Waits] where it all ends.
func Timeline(application string, all []Outcome, letters []topics.Letter, records []control.AuditRecord, now Now) []Event {
	var events []Event
	known := map[string]bool{} // letters that speak for themselves
	for i := range letters {
		if l := &letters[i]; string(l.Record.Key) == application {
			known[l.ID] = true
			of := append(letterEvents(l), commandEvents(l, records)...)
			followChain(of, l, all)
			events = append(events, of...)
		}
	}
	waits := waiting(all)
	told := map[[5]string]bool{} // the outcomes of one message share their beginning
	for i := range all {
		if all[i].Application != application {
			continue
		}
		o := &all[i]
		for _, e := range append(outcomeEvents(o, waits(i), known[o.Letter]), pauseEvents(o, waits(i), now)...) {
			at := e.At
			if e.Kind == EventPaused {
				at = e.Since
			}
			if k := [5]string{e.Kind, e.Route, e.Message, at.String(), e.Pause}; !told[k] {
				told[k] = true
				events = append(events, e)
			}
		}
	}
	sortEvents(events)
	events = append(events, routeEvents(events, all, records)...)
	sortEvents(events)
	for i := range events {
		if i > 0 {
			events[i].After = events[i].At.Sub(events[i-1].At)
		}
	}
	return events
}

// identity is what names a message at a route.
type identity struct{ route, source, id string }

func identityOf(o *Outcome) identity { return identity{o.Route, o.Source, o.ID} }

// ended says of which messages an end is known: they wait nowhere. A discard can be
// taken back, so a dead letter that came after the end goes before it.
func ended(all []Outcome) map[identity]bool {
	ends, letters := map[identity]time.Time{}, map[identity]time.Time{}
	later := func(times map[identity]time.Time, o *Outcome) {
		if id := identityOf(o); o.Finished.After(times[id]) {
			times[id] = o.Finished
		}
	}
	for i := range all {
		switch all[i].Result {
		case topics.ResultDelivered, topics.ResultDuplicate, topics.ResultAnswered, topics.ResultDiscarded:
			later(ends, &all[i])
		case topics.ResultRejected, topics.ResultDeadLettered:
			later(letters, &all[i])
		}
	}
	over := map[identity]bool{}
	for id, at := range ends {
		over[id] = !letters[id].After(at)
	}
	return over
}

// waiting says of an outcome, by its place, whether its message waits there still.
func waiting(all []Outcome) func(i int) bool {
	over, newest := ended(all), newestOf(all)
	return func(i int) bool {
		o := &all[i]
		return o.ID != "" && !over[identityOf(o)] && newest[keyOf(o)] == i
	}
}

// newestOf says which outcome of those with one key is the newest.
func newestOf(all []Outcome) map[digest]int {
	newest := map[digest]int{}
	for i := range all {
		key := keyOf(&all[i])
		if before, ok := newest[key]; !ok || !all[i].Finished.Before(all[before].Finished) {
			newest[key] = i
		}
	}
	return newest
}

// sortEvents puts events in the order of time; those of one moment in the order in
// which the steps of a message follow each other.
func sortEvents(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(rank(a.Kind), rank(b.Kind)))
	})
}

// rank is the place of a kind of event among the steps of a message.
func rank(kind string) int {
	steps := []string{EventMade, EventWritten, EventRead, EventCalled, EventReturned, EventPaused, EventResumed, EventParked, EventLetter}
	if at := slices.Index(steps, kind); at >= 0 {
		return at
	}
	return len(steps)
}

// notBefore is a time that Kafka has kept, in whole milliseconds, of what came after
// another moment: where the two lie in one millisecond, that moment.
func notBefore(moment, kept time.Time) time.Time {
	if !kept.IsZero() && kept.Before(moment) && moment.Sub(kept) < time.Millisecond {
		return moment
	}
	return kept
}

// outcomeEvents are the steps of one message. waits says that no end of it is known,
// letterKnown that its letter tells of itself.
func outcomeEvents(o *Outcome, waits, letterKnown bool) (events []Event) {
	base := stepOf(o)
	add := func(kind string, at time.Time, change func(*Event)) {
		if at.IsZero() {
			return
		}
		e := base
		e.Kind, e.At = kind, at
		if change != nil {
			change(&e)
		}
		events = append(events, e)
	}
	if o.Time.Equal(o.Root) && o.Source != topics.SourceHub {
		add(EventMade, o.Time, func(e *Event) { e.Route, e.Operation, e.System = "", "", o.Source })
	}
	add(EventWritten, notBefore(o.Time, o.Written), func(e *Event) {
		e.System, e.Operation, e.Open = "", "", waits && o.Result == topics.ResultNone
	})
	for i, t := range o.Tries {
		number := o.TryNumber(i)
		step := func(code string) func(*Event) { return func(e *Event) { e.Attempts, e.Code = number, code } }
		if t.CallBegan.IsZero() {
			add(EventRead, t.Began, step(t.Code))
			continue
		}
		add(EventRead, t.Began, step(""))
		add(EventCalled, t.CallBegan, step(""))
		add(EventReturned, t.CallEnded, step(t.Code))
	}
	switch o.Result {
	case topics.ResultNone:
		return events
	case topics.ResultDuplicate:
		add(EventDuplicate, o.Finished, nil)
		return events
	case topics.ResultParked:
		add(EventParked, o.Finished, func(e *Event) { e.Open = waits })
		return events
	}
	add(EventRead, o.Read, func(e *Event) { e.Attempts = o.Attempts })
	add(EventCalled, o.CallBegan, nil)
	add(EventReturned, o.CallEnded, nil)
	letter := func(e *Event) { e.Letter, e.Class, e.Code = o.Letter, o.Class, o.Code }
	switch o.Result {
	case topics.ResultDelivered:
		add(EventDelivered, o.Finished, nil)
	case topics.ResultAnswered:
		add(EventAnswered, o.Finished, letter)
	case topics.ResultDiscarded:
		add(EventDiscarded, o.Finished, letter)
	case topics.ResultRejected, topics.ResultDeadLettered:
		if !letterKnown {
			add(EventLetter, o.Finished, func(e *Event) { letter(e); e.Open = waits })
		}
	}
	return events
}

// stepOf is what each event of a message says of it.
func stepOf(o *Outcome) Event {
	return Event{Route: o.Route, Topic: o.Topic, Message: o.ID, Type: o.Type, System: o.System, Operation: o.Operation, Root: o.Root, Trace: o.Trace}
}
