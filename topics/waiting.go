package topics

import (
	"context"
	"time"
)

// Waiting counts what of a route waits for people or for its turn.
type Waiting struct {
	Letters int       // dead letters that nobody has decided, or whose decision has not been carried out
	Oldest  time.Time // of these; zero if there are none
	Parked  int       // messages
	Keys    int       // applications that they belong to
}

// ReadWaiting counts what waits, as the parked and the dead topic have it. It
// keeps no bodies, but reads all that lies behind the route's committed offsets.
func ReadWaiting(ctx context.Context, c *Cluster, route Route) (Waiting, error) {
	waiting, err := readParked(ctx, c, route)
	if err != nil {
		return Waiting{}, err
	}
	at, err := c.starts(ctx, route, route.DeadTopic(), true)
	if err != nil {
		return Waiting{}, err
	}
	err = c.scan(ctx, route.DeadTopic(), at, func(r *Record) {
		id, _ := r.header("hub_letter")
		switch kind, _ := r.header(headerKind); kind {
		case kindLetter:
			holds, _ := r.header("hub_holds")
			waiting.bury(string(r.Key), id, holds == "true", r.Offset, r.Time)
		case kindResolved:
			waiting.resolve(id)
		}
	})
	if err != nil {
		return Waiting{}, err
	}
	var w Waiting
	w.Letters, w.Oldest, w.Parked, w.Keys = waiting.count()
	return w, nil
}

// ReadFollowers returns how many messages of a route wait parked, by
// application.
func ReadFollowers(ctx context.Context, c *Cluster, route Route) (map[string]int, error) {
	waiting, err := readParked(ctx, c, route)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for key, k := range waiting.keys {
		if len(k.parked) > 0 {
			out[key] = len(k.parked)
		}
	}
	return out, nil
}

// readParked builds the index of what waits parked.
func readParked(ctx context.Context, c *Cluster, route Route) (index, error) {
	waiting := newIndex()
	at, err := c.starts(ctx, route, route.ParkedTopic(), true)
	if err != nil {
		return waiting, err
	}
	err = c.scan(ctx, route.ParkedTopic(), at, func(r *Record) {
		key := string(r.Key)
		switch kind, _ := r.header(headerKind); kind {
		case kindParked:
			waiting.add(key, r.Offset, r.writer())
		case kindThrough:
			waiting.pass(key, readNote(r))
		}
	})
	return waiting, err
}
