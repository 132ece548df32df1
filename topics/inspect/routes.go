package inspect

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/control"
)

// The states of a route. Kafka tells only that nobody runs it, and hub.control what
// operators want: the others are known once hubs have told; see [Route.Hear].
const (
	Running = "running" // at all its hubs
	Paused  = "paused"  // by an operator, or at one of its hubs by the hub itself
	Failed  = "failed"  // one of its hubs has stopped it for good
	Absent  = "absent"  // no hub runs it
	Unknown = "unknown" // hubs run it, and have not told whether they have paused it
)

// A Route is what waits in a route, and what operators want of it.
type Route struct {
	Name    string   `json:"route"`
	Sources []string `json:"sources"`
	State   string   `json:"state"` // Running, Paused, Failed, Absent, Unknown

	Pause   *control.Pause   `json:"pause,omitempty"`   // an operator's
	Breaker *control.Breaker `json:"breaker,omitempty"` // held by an operator
	Told    *Told            `json:"told,omitempty"`    // by hubs; nil where none was asked

	Group   string    `json:"group"` // its state, in Kafka's words
	Members int       `json:"members"`
	Lag     int64     `json:"lag"`             // unfinished records of its sources
	Oldest  time.Time `json:"oldest,omitzero"` // when the oldest of these was written

	Parked       int       `json:"parked"`      // messages that wait parked
	ParkedKeys   int       `json:"parked_keys"` // applications that they belong to
	Letters      int       `json:"letters"`     // unresolved dead letters
	OldestLetter time.Time `json:"oldest_letter,omitzero"`
}

// Routes returns all routes of the contract, in its order. wanted is what
// operators want, as a [control.Store] has it.
func Routes(ctx context.Context, cluster *topics.Cluster, agreed *contract.Contract, wanted control.State) ([]Route, error) {
	return routes(ctx, cluster, routesOf(agreed), wanted)
}

func routes(ctx context.Context, cluster *topics.Cluster, of []topics.Route, wanted control.State) ([]Route, error) {
	groups, err := groups(ctx, cluster, of)
	if err != nil {
		return nil, err
	}
	out := make([]Route, len(of))
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(atOnce)
	for i, r := range of {
		each.Go(func() error {
			waiting, err := topics.ReadWaiting(ctx, cluster, r)
			if err != nil {
				return fmt.Errorf("route %s: %w", r.Name, err)
			}
			out[i] = routeOf(r, groups[i], waiting, wanted)
			return nil
		})
	}
	return out, each.Wait()
}

// routeOf puts together what is known of a route.
func routeOf(r topics.Route, g Group, w topics.Waiting, wanted control.State) Route {
	out := Route{
		Name: r.Name, Sources: r.Sources, State: Unknown, Group: g.State, Members: len(g.Members),
		Parked: w.Parked, ParkedKeys: w.Keys, Letters: w.Letters,
	}
	out.Lag, out.Oldest = g.Lag()
	if !w.Oldest.IsZero() {
		out.OldestLetter = w.Oldest.UTC()
	}
	if out.Members == 0 {
		out.State = Absent
	}
	if p, ok := wanted.Pauses[r.Name]; ok {
		out.State, out.Pause = Paused, &p
	}
	if b, ok := wanted.Breakers[r.Name]; ok {
		out.Breaker = &b
		if b.Force == control.ForceOpen && out.State == Unknown {
			out.State = Paused
		}
	}
	return out
}
