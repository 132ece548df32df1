package topics

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// A Consumer runs one route: it is a member of the route's consumer group and
// delivers the messages of the partitions it is given.
type Consumer struct {
	Cluster    *Cluster
	Delivery   *Delivery
	Partitions int // that every topic of the route must have

	Workers     int           // calls of this route at once, at most
	Window      int           // messages read and unfinished, per partition and topic
	WindowBytes int64         // of all routes of the process
	Bytes       *atomic.Int64 // held by all routes of the process

	Session   time.Duration
	Rebalance time.Duration

	// Leave is how long the member may take to leave its group in good order. One
	// that waits to join is cut off then: the broker finds out by itself that it
	// has gone. 0: as long as it takes.
	Leave time.Duration

	limiter *limiter
}

// topics returns all topics of the route.
func (c *Consumer) topics() []string {
	r := c.Delivery.Route
	return append(append([]string{}, r.Sources...), r.ParkedTopic(), r.DeadTopic())
}

// PauseStopped is the reason of a route that has ended for good: going on would
// lose or reorder messages, and a person has to look.
const PauseStopped = "stopped"

// errPartitions means that the topics' number of partitions is not the one that
// is expected: the route waits until it is.
var errPartitions = errors.New("the number of partitions has changed")

// Run serves the route until ctx ends, then hands over and leaves the group.
// It returns an error only where going on would lose or reorder messages; the
// route is then paused for good.
func (c *Consumer) Run(ctx context.Context) error {
	c.limiter = newLimiter(c.Workers, c.Delivery.Metrics)
	c.Delivery.Metrics.Partitions(c.Partitions)
	for {
		if err := c.awaitTopics(ctx); err != nil {
			return nil // ctx has ended
		}
		err := c.join(ctx)
		if errors.Is(err, errPartitions) {
			continue // keys go to other partitions than before: nothing is read until that is set right
		}
		if err != nil {
			c.Delivery.Gate.Pause(PauseStopped, 0)
		}
		return err
	}
}

// join is a member of the route's group until ctx ends or the route must stop.
func (c *Consumer) join(ctx context.Context) error {
	route := c.Delivery.Route
	var open links
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: route.Group(), Brokers: c.Cluster.brokers, Dialer: open.dialer(c.Cluster.dialer), Topics: c.topics(),
		GroupBalancers:    []kafka.GroupBalancer{balancer{}},
		HeartbeatInterval: c.Session / 5, SessionTimeout: c.Session, RebalanceTimeout: c.Rebalance,
		JoinGroupBackoff: 300 * time.Millisecond, StartOffset: kafka.FirstOffset,
		WatchPartitionChanges: true, PartitionWatchInterval: c.Session,
	})
	if err != nil {
		return fmt.Errorf("route %s: %w", route.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error, 1)
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		if c.Leave > 0 {
			defer time.AfterFunc(c.Leave, open.cut).Stop()
		}
		_ = group.Close() // ends the generation and waits for it
	})
	defer closing.Wait()
	defer cancel()
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			select {
			case err := <-failed:
				return fmt.Errorf("route %s: %w", route.Name, err)
			default:
				return nil
			}
		case err != nil:
			c.Delivery.Log.Debug("joining the group", "route", route.Name, "error", err.Error())
			continue
		}
		c.Delivery.Metrics.Rebalance()
		gen.Start(func(ctx context.Context) {
			if err := c.serve(ctx, gen); err != nil {
				failed <- err
				cancel()
			}
		})
	}
}

// awaitTopics waits until all topics of the route exist with the right number
// of partitions. One missing topic would keep the whole group silent.
func (c *Consumer) awaitTopics(ctx context.Context) error {
	d := c.Delivery
	for attempt := 1; ; attempt++ {
		err := c.checkTopics(ctx)
		if err == nil {
			d.Gate.Resume(PausePartitions)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.Gate.Pause(PausePartitions, 0)
		d.Log.Error("the route cannot start", "route", d.Route.Name, "error", err.Error())
		if err := sleep(ctx, backoff(attempt, 100*time.Millisecond, 5*time.Second)); err != nil {
			return err
		}
	}
}

func (c *Consumer) checkTopics(ctx context.Context) error {
	leaders, err := c.Cluster.leaders(ctx, c.topics()...)
	if err != nil {
		return err
	}
	for _, t := range c.topics() {
		if n := len(leaders[t]); n != c.Partitions {
			return fmt.Errorf("%w: topic %s has %d, and %d are expected (HUB_PARTITIONS); all topics of a route must have as many", errPartitions, t, n, c.Partitions)
		}
	}
	return nil
}
