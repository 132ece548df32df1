package inspect

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"kandashub/topics"
	"kandashub/topics/contract"
)

// Unfinished returns the messages of an application that no route has finished, as
// outcomes without a result ([topics.ResultNone]), and whether these are all: of a
// route that is very far behind not everything is looked at. Some may be finished
// already, for offsets are committed in order: who asks reads the outcomes afterwards
// and puts both together with outcomes.WithUnfinished.
func Unfinished(ctx context.Context, cluster *topics.Cluster, agreed *contract.Contract, application string) (found []topics.Outcome, whole bool, err error) {
	return unfinished(ctx, cluster, routesOf(agreed), agreed.Knows, application)
}

func unfinished(ctx context.Context, cluster *topics.Cluster, routes []topics.Route, known func(string) bool, application string) (found []topics.Outcome, whole bool, err error) {
	var mu sync.Mutex
	whole = true
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(atOnce)
	for _, r := range routes {
		each.Go(func() error {
			some, all, err := topics.ReadUnfinished(ctx, cluster, r, application, known)
			mu.Lock()
			defer mu.Unlock()
			found, whole = append(found, some...), whole && all
			return err
		})
	}
	err = each.Wait()
	return found, whole, err
}
