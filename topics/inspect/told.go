package inspect

import (
	"maps"
	"slices"
	"time"
)

// Told is what hubs tell of a route together. Each may see it otherwise: each has
// a breaker of its own.
type Told struct {
	Hubs      int            `json:"hubs"`                // that run the route and have told of it
	Silent    int            `json:"silent,omitempty"`    // that were asked and told nothing at all
	States    map[string]int `json:"states"`              // how many have it Running, Paused, Failed
	Pauses    map[string]int `json:"pauses"`              // how many have paused it, by the reason: breaker, redis, ...
	Breaker   map[string]int `json:"breaker"`             // how many have its breaker closed, half_open, open, forced_open, forced_closed
	OpenSince time.Time      `json:"open_since,omitzero"` // the first of the breakers that are not closed has not been since

	LastCommit time.Time `json:"last_commit,omitzero"` // of any of them, since it began
	Rebalances int       `json:"rebalances"`           // that one of them has taken part in since it began, at most
}

// Tell sums up what hubs tell of a route.
func Tell(hubs []Hub, route string) Told {
	t := Told{States: map[string]int{}, Pauses: map[string]int{}, Breaker: map[string]int{}}
	for _, h := range hubs {
		if h.Problem != nil {
			t.Silent++
		}
		r, ok := h.routes[route]
		if !ok {
			continue
		}
		t.Hubs++
		t.States[r.state]++
		for _, reason := range r.pauses {
			t.Pauses[reason]++
		}
		if r.breaker != "" {
			t.Breaker[r.breaker]++
		}
		t.OpenSince = earlier(t.OpenSince, r.open)
		if r.lastCommit.After(t.LastCommit) {
			t.LastCommit = r.lastCommit
		}
		t.Rebalances = max(t.Rebalances, r.rebalances)
	}
	return t
}

// Reasons are why hubs have paused the route, in the order of the alphabet.
func (t Told) Reasons() []string { return slices.Sorted(maps.Keys(t.Pauses)) }

// BreakerStates are the states of a breaker as hubs name them, the worst first.
func BreakerStates() []string {
	return []string{"open", "half_open", "forced_open", "forced_closed", "closed"}
}

// Worst returns the worst state that the route's breaker has at any hub, and at how
// many hubs; empty where none has told.
func (t Told) Worst() (state string, hubs int) {
	for _, s := range BreakerStates() {
		if n := t.Breaker[s]; n > 0 {
			return s, n
		}
	}
	return "", 0
}

// Hear adds what hubs have told to a route. What they do wins over what operators
// want. That the route runs is believed only once all hubs of its group have said so.
func (r *Route) Hear(hubs []Hub) {
	t := Tell(hubs, r.Name)
	r.Told = &t
	switch {
	case t.States[Failed] > 0:
		r.State = Failed
	case t.States[Paused] > 0:
		r.State = Paused
	case r.State == Unknown && t.Hubs >= r.Members:
		r.State = Running
	}
}
