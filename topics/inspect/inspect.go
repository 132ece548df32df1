// Package inspect shows what Kafka knows of the hub's routes: their consumer
// groups with members and lag ([Groups]), and what waits in them ([Routes]), also of
// one application ([Unfinished]). It joins no group, commits nothing and writes
// nothing, so anybody may look at any time, also while no hub runs. The command line
// and the console print what it returns; its JSON is the one that they give to
// programs.
//
// What only a hub knows, such as the state of its breakers and why it has paused
// a route by itself, is in the hub's metrics, which [AskHubs] reads.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/control"
)

// atOnce is how many questions are put to Kafka side by side.
const atOnce = 8

// A Group is the consumer group of a route.
type Group struct {
	Route      string      `json:"route"`
	Name       string      `json:"group"`
	State      string      `json:"state"` // in Kafka's words: Stable, Empty, PreparingRebalance, CompletingRebalance, Dead (there never was one)
	Members    []Member    `json:"members"`
	Partitions []Partition `json:"partitions"` // of the route's sources
}

// A Member is one hub in a group.
type Member struct {
	ID         string `json:"id"`
	Client     string `json:"client"`
	Host       string `json:"host"`
	Partitions []int  `json:"partitions"` // numbers: one number of all of the route's topics belongs to one member
}

// A Partition is one partition of a source of a route.
type Partition struct {
	Topic     string    `json:"topic"`
	Number    int       `json:"partition"`
	Committed int64     `json:"committed"` // -1: the group has committed nothing yet
	End       int64     `json:"end"`
	Lag       int64     `json:"lag"`             // records that are not finished, at most
	Oldest    time.Time `json:"oldest,omitzero"` // when the oldest unfinished record was written; zero if none is
	Member    string    `json:"member,omitempty"`
}

// Lag sums up the partitions: how many records are unfinished, and since when
// the oldest of them waits.
func (g Group) Lag() (records int64, oldest time.Time) {
	for _, p := range g.Partitions {
		records += p.Lag
		oldest = earlier(oldest, p.Oldest)
	}
	return records, oldest
}

// earlier returns the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Groups returns the groups of all routes of the contract, in its order.
func Groups(ctx context.Context, cluster *topics.Cluster, agreed *contract.Contract) ([]Group, error) {
	return groups(ctx, cluster, routesOf(agreed))
}

// routesOf returns the routes of the contract with what they read. Their
// operations are known to the hub alone.
func routesOf(agreed *contract.Contract) (routes []topics.Route) {
	for _, name := range control.Routes(agreed) {
		r := topics.Route{Name: name}
		for _, t := range agreed.Topics() {
			if slices.Contains(t.Readers, name) && t.Name != r.ParkedTopic() && t.Name != r.DeadTopic() {
				r.Sources = append(r.Sources, t.Name)
			}
		}
		routes = append(routes, r)
	}
	return routes
}

func groups(ctx context.Context, cluster *topics.Cluster, routes []topics.Route) ([]Group, error) {
	out, err := patiently(ctx, func() ([]Group, error) { return describe(ctx, cluster, routes) })
	if err != nil {
		return nil, err
	}
	var sources []string
	for _, r := range routes {
		sources = append(sources, r.Sources...)
	}
	first, end, err := cluster.AllBounds(ctx, sources...)
	if err != nil {
		return nil, err
	}
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(atOnce)
	for i, r := range routes {
		each.Go(func() error { return out[i].measure(ctx, cluster, r, first, end) })
	}
	return out, each.Wait()
}

// attempts and pause bound how long a coordinator may take to get ready: the
// first question about a group makes Kafka choose one.
const (
	attempts = 20
	pause    = 250 * time.Millisecond
)

// patiently asks again where Kafka says that it cannot answer yet.
func patiently[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		answer, err := ask()
		var refusal kafka.Error
		if err == nil || !errors.As(err, &refusal) || !refusal.Temporary() || attempt == attempts {
			return answer, err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return answer, err
		}
	}
}

// describe asks for states and members.
func describe(ctx context.Context, cluster *topics.Cluster, routes []topics.Route) ([]Group, error) {
	out := make([]Group, len(routes))
	at := map[string]int{}
	req := &kafka.DescribeGroupsRequest{}
	for i, r := range routes {
		out[i] = Group{Route: r.Name, Name: r.Group(), Members: []Member{}, Partitions: []Partition{}}
		at[r.Group()] = i
		req.GroupIDs = append(req.GroupIDs, r.Group())
	}
	resp, err := cluster.Client.DescribeGroups(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking for the groups: %w", err)
	}
	for _, described := range resp.Groups {
		if described.Error != nil {
			return nil, fmt.Errorf("asking for group %s: %w", described.GroupID, described.Error)
		}
		g := &out[at[described.GroupID]]
		g.State = described.GroupState
		for _, m := range described.Members {
			g.Members = append(g.Members, Member{ID: m.MemberID, Client: m.ClientID, Host: m.ClientHost, Partitions: numbers(m.MemberAssignments)})
		}
		slices.SortFunc(g.Members, func(a, b Member) int { return slices.Compare(a.Partitions, b.Partitions) })
	}
	return out, nil
}

// numbers returns the partition numbers that a member has been given, sorted.
func numbers(assigned kafka.DescribeGroupsResponseAssignments) []int {
	out := []int{}
	for _, t := range assigned.Topics {
		out = append(out, t.Partitions...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// measure adds the partitions of a group's sources, with the time of each one's
// oldest unfinished record. The records below the committed offset are finished,
// so that is the first one there.
func (g *Group) measure(ctx context.Context, cluster *topics.Cluster, r topics.Route, first, end map[string]map[int]int64) error {
	ask := map[string][]int{}
	for _, topic := range r.Sources {
		for p := range len(end[topic]) {
			ask[topic] = append(ask[topic], p)
		}
	}
	committed, err := patiently(ctx, func() (map[string]map[int]int64, error) { return cluster.Committed(ctx, r, ask) })
	if err != nil {
		return err
	}
	for _, topic := range r.Sources {
		for _, n := range ask[topic] {
			p := Partition{Topic: topic, Number: n, Committed: -1, End: end[topic][n]}
			from := first[topic][n]
			if offset, ok := committed[topic][n]; ok {
				p.Committed, from = offset, max(from, offset)
			}
			if p.Lag = max(0, p.End-from); p.Lag > 0 {
				oldest, err := cluster.TimeAt(ctx, topic, n, from)
				if err != nil {
					return err
				}
				if !oldest.IsZero() {
					p.Oldest = oldest.UTC()
				}
			}
			for _, m := range g.Members {
				if slices.Contains(m.Partitions, n) {
					p.Member = m.ID
				}
			}
			g.Partitions = append(g.Partitions, p)
		}
	}
	return nil
}
