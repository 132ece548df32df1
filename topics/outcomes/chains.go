package outcomes

import (
	"cmp"
	"slices"
	"time"
)

// A Chain is a message that came from outside and all that followed from it. An
// application has several: it is filed, registered, decided.
type Chain struct {
	Root   time.Time `json:"root,omitzero"`    // its first message was made; zero: steps of which no chain is known
	Type   string    `json:"type,omitempty"`   // of its first message, as far as that is known
	Source string    `json:"source,omitempty"` // who made that; empty where it is not known
	Trace  string    `json:"trace,omitempty"`  // trace id
	Last   time.Time `json:"last"`             // its last step so far
	Steps  int       `json:"steps"`
	Open   bool      `json:"open"` // it waits somewhere

	Deadline *Deadline `json:"deadline,omitempty"`
	Events   []Event   `json:"-"` // its steps, in their order; After is since the step before of the same chain
}

// Chains sorts the events of a timeline by the chain that each is a step of, in the
// order in which the chains began; what belongs to none stands last. deadlines are
// those of [Deadlines].
func Chains(events []Event, deadlines []Deadline) (chains []Chain) {
	at := map[int64]int{} // by the time of their first message
	for _, e := range events {
		i, ok := at[e.Root.UnixNano()]
		if !ok {
			i = len(chains)
			at[e.Root.UnixNano()] = i
			chains = append(chains, Chain{Root: e.Root})
		}
		c := &chains[i]
		if e.After = 0; c.Steps > 0 {
			e.After = e.At.Sub(c.Last)
		}
		c.Events = append(c.Events, e)
		c.Steps, c.Last, c.Open = len(c.Events), e.At, c.Open || e.Open
		c.Trace = cmp.Or(c.Trace, e.Trace)
		switch {
		case e.Kind == EventMade:
			c.Type, c.Source = e.Type, e.System
		case c.Source == "":
			c.Type = cmp.Or(c.Type, e.Type)
		}
	}
	for i := range deadlines {
		if c, ok := at[deadlines[i].From.UnixNano()]; ok {
			chains[c].Deadline = &deadlines[i]
		}
	}
	slices.SortStableFunc(chains, func(a, b Chain) int {
		if a.Root.IsZero() != b.Root.IsZero() {
			return map[bool]int{true: 1, false: -1}[a.Root.IsZero()]
		}
		return a.Root.Compare(b.Root)
	})
	return chains
}

// What an application may wait for, the most pressing first.
const (
	WaitPerson = "person" // a person decides of a dead letter
	WaitHub    = "hub"    // a hub carries a decision out
	WaitPause  = "pause"  // its route calls nobody
	WaitParked = "parked" // it is tried again, behind the others
	WaitTurn   = "turn"   // it is in its route's queue
)

// A Wait is one place at which an application waits.
type Wait struct {
	For    string    `json:"for"` // one of the Wait constants
	Route  string    `json:"route"`
	Since  time.Time `json:"since"`
	Letter string    `json:"letter,omitempty"`
	Class  string    `json:"class,omitempty"`
	Code   string    `json:"code,omitempty"`
	Pause  string    `json:"pause,omitempty"` // why its route calls nobody, one of the Pause constants of topics
	Who    string    `json:"who,omitempty"`   // who has paused it, or decided
	Root   time.Time `json:"root,omitzero"`   // of the chain that waits first there
	Behind int       `json:"behind"`          // later messages of the application that wait there, too
}

// Waits tells in few words where an application is: every place at which it waits,
// the most pressing first. Nothing: all is done, as far as is known.
func Waits(events []Event) []Wait {
	first := map[string]*Wait{}             // by route: an application has one head there
	waiting := map[string]map[string]bool{} // messages, by route
	var free []Wait                         // letters that hold nobody
	for i := range events {
		e := &events[i]
		if !e.Open {
			continue
		}
		w := waitOf(e, events[i+1:])
		if e.Message == "" && w.Letter != "" {
			free = append(free, w)
			continue
		}
		if waiting[e.Route] == nil {
			waiting[e.Route] = map[string]bool{}
		}
		waiting[e.Route][e.Message] = true
		if head := first[e.Route]; head == nil || urgency(w.For) < urgency(head.For) {
			first[e.Route] = &w
		}
	}
	found := free
	for route, w := range first {
		w.Behind = len(waiting[route]) - 1
		found = append(found, *w)
	}
	slices.SortFunc(found, func(a, b Wait) int {
		return cmp.Or(cmp.Compare(urgency(a.For), urgency(b.For)), a.Since.Compare(b.Since), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Letter, b.Letter))
	})
	return found
}

// waitOf tells what an open event waits for; later are the events after it.
func waitOf(e *Event, later []Event) Wait {
	w := Wait{Route: e.Route, Since: e.At, Letter: e.Letter, Class: e.Class, Code: e.Code, Pause: e.Pause, Who: e.Who, Root: e.Root}
	switch e.Kind {
	case EventLetter:
		w.For = WaitPerson
		for i := range later {
			if d := &later[i]; d.Kind == EventDecision && d.Letter == e.Letter && d.Route == e.Route {
				w.For, w.Since, w.Who = WaitHub, d.At, d.Who
				break
			}
		}
	case EventPaused:
		w.For = WaitPause
	case EventParked:
		w.For = WaitParked
	default:
		w.For = WaitTurn
	}
	return w
}

// urgency is the place of what is waited for among the Wait constants.
func urgency(what string) int {
	return slices.Index([]string{WaitPerson, WaitHub, WaitPause, WaitParked, WaitTurn}, what)
}

// Ended is the last step of a way that counts as its end: what became of a message.
// The kind is empty where there is none.
func Ended(events []Event) Event {
	for _, e := range slices.Backward(events) {
		switch e.Kind {
		case EventDelivered, EventAnswered, EventDiscarded, EventDuplicate:
			return e
		}
	}
	return Event{}
}
