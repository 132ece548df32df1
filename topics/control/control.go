// Package control is what operators want of the hub, and what they did: pauses
// of routes, forced breakers, accepted losses of Redis' data, decisions of dead
// letters.
//
// What is wanted is a record in the compacted topic hub.control (one partition).
// Every replica reads it whole, without a group, and follows it: see [Store].
// The key says what a record is about, its value is JSON (control.v1.json), and
// an empty value takes it back:
//
//	pause/<route>    the route calls nobody                 [Pause]
//	breaker/<route>  its breaker is held open, or closed    [Breaker]
//	claims-lost      Redis has lost claims                  [Loss]
//
// What was done is in hub.audit: each command is first written there, as
// "asked", then takes effect, and then is written again, as "done", "refused" or
// "failed": see [Audit]. No audit, no effect. What an operator decides of a dead
// letter takes effect as a record beside the letter, and the hub that owns the
// letter's partition carries it out.
//
// [Commands] are all that an operator may do. The command line and the console
// share them.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kandashub/topics"
)

// Topic and AuditTopic are the hub's own topics, as asyncapi.yaml has them.
const (
	Topic      = "hub.control"
	AuditTopic = "hub.audit"
)

// KeyLoss is the key of a [Loss].
const KeyLoss = "claims-lost"

// PauseKey is the key of a route's Pause.
func PauseKey(route string) string { return "pause/" + route }

// BreakerKey is the key of a route's Breaker.
func BreakerKey(route string) string { return "breaker/" + route }

// A Pause keeps a route from calling its system.
type Pause struct {
	Route string    `json:"route"`
	Owner string    `json:"owner"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // zero: until it is resumed
}

// What a breaker may be forced to be.
const (
	ForceOpen   = "open"
	ForceClosed = "closed"
)

// A Breaker holds a route's breaker as an operator wants it.
type Breaker struct {
	Route string    `json:"route"`
	Force string    `json:"force"` // ForceOpen or ForceClosed
	Owner string    `json:"owner"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // zero: until it is released
}

// A Loss says that Redis has lost claims. It stands until an operator accepts
// it: while it stands, no hub runs a C2 or C3 route. An accepted one stays, for
// what is older than it is still to be doubted.
type Loss struct {
	At         time.Time `json:"at"`              // when a hub noticed
	By         string    `json:"by"`              // that hub's name
	Route      string    `json:"route,omitempty"` // where it noticed
	Tags       []int     `json:"tags,omitempty"`  // hash tags whose counters went back
	AcceptedAt time.Time `json:"accepted_at,omitzero"`
	AcceptedBy string    `json:"accepted_by,omitempty"`
	Why        string    `json:"why,omitempty"` // it was accepted
}

// Standing says whether the loss has been noticed and not been accepted.
func (l Loss) Standing() bool { return l.By != "" && l.AcceptedAt.IsZero() }

// State is what operators want at one moment. What has expired is gone.
type State struct {
	Pauses   map[string]Pause   // by route
	Breakers map[string]Breaker // by route
	Loss     Loss               // the last one; zero where there was none
}

// Reasons returns why operators have routes call nobody, by route, as a topics.Gate
// that follows them says it.
func (s State) Reasons() map[string][]topics.Pause {
	out := map[string][]topics.Pause{}
	for route, b := range s.Breakers {
		if b.Force == ForceOpen {
			out[route] = append(out[route], topics.Pause{Reason: topics.PauseBreaker, Owner: b.Owner, Since: b.Since, Until: b.Until})
		}
	}
	for route, p := range s.Pauses {
		out[route] = append(out[route], topics.Pause{Reason: topics.PauseOperator, Owner: p.Owner, Since: p.Since, Until: p.Until})
	}
	return out
}

// unreadable is the owner of what another version has written and this one
// cannot read. A pause and a loss hold all the same: the hub errs on the side
// that calls nobody.
const unreadable = "unknown"

// The types of a record's value; the last part is the version.
const (
	typePause   = "pause.v1"
	typeBreaker = "breaker.v1"
	typeLoss    = "loss.v1"
)

// encode returns the value as it is written under a key, or an error where the
// two do not belong together.
func encode(key string, value any) ([]byte, error) {
	var typed any
	want := ""
	switch v := value.(type) {
	case Pause:
		want = PauseKey(v.Route)
		typed = struct {
			Type string `json:"type"`
			Pause
		}{typePause, v}
	case Breaker:
		want = BreakerKey(v.Route)
		if v.Force != ForceOpen && v.Force != ForceClosed {
			return nil, fmt.Errorf("a breaker is forced %s or %s", ForceOpen, ForceClosed)
		}
		typed = struct {
			Type string `json:"type"`
			Breaker
		}{typeBreaker, v}
	case Loss:
		want = KeyLoss
		typed = struct {
			Type string `json:"type"`
			Loss
		}{typeLoss, v}
	default:
		return nil, fmt.Errorf("%T is no control record", value)
	}
	if key != want {
		return nil, fmt.Errorf("a %T of another route cannot stand under %s", value, key)
	}
	return json.Marshal(typed)
}

// decode reads a record of hub.control. With an error, the value is what is to
// be believed until somebody writes the record again; nil for nothing.
func decode(key string, value []byte) (any, error) {
	var kind struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(value, &kind) // what is no JSON has no type
	about, route, _ := strings.Cut(key, "/")
	switch {
	case about == "pause":
		var p Pause
		if kind.Type != typePause || json.Unmarshal(value, &p) != nil || p.Route != route {
			return Pause{Route: route, Owner: unreadable, Why: "a record of hub.control that this version cannot read"}, fmt.Errorf("%s is no %s", key, typePause)
		}
		return p, nil
	case about == "breaker":
		var b Breaker
		if kind.Type != typeBreaker || json.Unmarshal(value, &b) != nil || b.Route != route || b.Force != ForceOpen && b.Force != ForceClosed {
			return nil, fmt.Errorf("%s is no %s", key, typeBreaker)
		}
		return b, nil
	case key == KeyLoss:
		var l Loss
		if kind.Type != typeLoss || json.Unmarshal(value, &l) != nil || l.By == "" {
			return Loss{By: unreadable}, fmt.Errorf("%s is no %s", key, typeLoss)
		}
		return l, nil
	}
	return nil, errors.New("a key that this version does not know")
}

// stateOf returns what the entries say at a time, and when the first of them
// expires; zero if none does.
func stateOf(entries map[string]any, now time.Time) (s State, next time.Time) {
	s = State{Pauses: map[string]Pause{}, Breakers: map[string]Breaker{}}
	live := func(until time.Time) bool {
		if until.IsZero() {
			return true
		}
		if !now.Before(until) {
			return false
		}
		if next.IsZero() || until.Before(next) {
			next = until
		}
		return true
	}
	for _, e := range entries {
		switch e := e.(type) {
		case Pause:
			if live(e.Until) {
				s.Pauses[e.Route] = e
			}
		case Breaker:
			if live(e.Until) {
				s.Breakers[e.Route] = e
			}
		case Loss:
			s.Loss = e
			s.Loss.Tags = slices.Clone(e.Tags)
		}
	}
	return s, next
}

// Routes returns the routes of which the state says anything, sorted.
func (s State) Routes() []string {
	routes := maps.Clone(s.Breakers)
	for r := range s.Pauses {
		routes[r] = Breaker{}
	}
	return slices.Sorted(maps.Keys(routes))
}
