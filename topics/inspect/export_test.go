package inspect

import (
	"context"

	"kandashub/topics"
	"kandashub/topics/control"
)

// GroupsOf and RoutesOf let a test look at routes of its own on a shared Kafka.
func GroupsOf(ctx context.Context, c *topics.Cluster, of ...topics.Route) ([]Group, error) {
	return groups(ctx, c, of)
}

func RoutesOf(ctx context.Context, c *topics.Cluster, wanted control.State, of ...topics.Route) ([]Route, error) {
	return routes(ctx, c, of, wanted)
}

func UnfinishedOf(ctx context.Context, c *topics.Cluster, application string, of ...topics.Route) ([]topics.Outcome, bool, error) {
	return unfinished(ctx, c, of, func(name string) bool { return name == "test" }, application)
}
