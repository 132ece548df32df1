package control

import (
	"context"
	"time"

	"kandashub/topics"
)

// Await waits until a hub has carried out what an order decided of a letter, and
// returns what it has come to: after wait at the latest, when it may be ResultWaiting.
// order is the ID that the order had.
func (c *Commands) Await(ctx context.Context, route, letter, order string, wait time.Duration) (Result, error) {
	log := topics.NewLetterLog(c.Cluster, topics.Route{Name: route})
	over := time.NewTimer(wait)
	defer over.Stop()
	every := time.NewTicker(pollResults)
	defer every.Stop()
	for {
		if err := log.Read(ctx); err != nil {
			return Result{}, err
		}
		r := came(log, letter, order)
		if r.Result != ResultWaiting {
			return r, nil
		}
		select {
		case <-every.C:
		case <-over.C:
			return r, nil
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// came is what a decision of a letter has come to, as far as its route has been read.
func came(log *topics.LetterLog, letter, order string) Result {
	r := Result{Route: log.Route(), Letter: letter, Result: ResultWaiting}
	log.Each(func(l *topics.Letter) {
		if l.ID != letter {
			return
		}
		r.Application = l.Application()
		if l.Resolved {
			r.Result, r.Next = ResultOf(l), l.Next
		}
	})
	if why := log.Refused(order); why != "" && r.Result == ResultWaiting {
		r.Result, r.Why = ResultRefused, why
	}
	return r
}
