package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// A Problem is one topic of a cluster that is not as the contract says.
type Problem struct {
	Topic string

	// Partitions is the number it has, 0 where the topic is missing, and Want
	// the number it must have.
	Partitions, Want int
}

func (p Problem) String() string {
	if p.Partitions == 0 {
		return fmt.Sprintf("topic %s is missing", p.Topic)
	}
	return fmt.Sprintf("topic %s has %d partitions instead of %d", p.Topic, p.Partitions, p.Want)
}

// Missing compares a cluster with the contract and returns the topics that are
// missing or have another number of partitions; none means that all is well.
// It looks at the topics named, or at all where names is empty. partitions is
// HUB_PARTITIONS.
func (c *Contract) Missing(ctx context.Context, client *kafka.Client, partitions int, names []string) ([]Problem, error) {
	wanted, err := c.named(names)
	if err != nil {
		return nil, err
	}
	found, err := metadata(ctx, client, wanted)
	if err != nil {
		return nil, err
	}
	var problems []Problem
	for _, t := range wanted {
		if has, want := len(found[t.Name].Partitions), t.PartitionsOr(partitions); has != want {
			problems = append(problems, Problem{Topic: t.Name, Partitions: has, Want: want})
		}
	}
	return problems, nil
}

// named returns the topics of the given names, or all where there are none.
func (c *Contract) named(names []string) ([]Topic, error) {
	if len(names) == 0 {
		return c.topics, nil
	}
	var named []Topic
	for _, name := range names {
		t, ok := c.byName[name]
		if !ok {
			return nil, fmt.Errorf("the contract knows no topic %s", name)
		}
		named = append(named, t)
	}
	return named, nil
}

// Create makes the topics of the contract that the cluster has not, and waits
// until every partition of every topic has a leader: before that a topic is not
// usable. It returns the names of those it made. It goes on, also while no
// broker answers, until ctx ends. It changes no topic that exists; Missing
// names those that differ.
//
// partitions is HUB_PARTITIONS. With three replicas or more, two must hold a
// record before it is acknowledged.
func (c *Contract) Create(ctx context.Context, client *kafka.Client, partitions, replication int) ([]string, error) {
	if partitions < 1 || replication < 1 {
		return nil, errors.New("a topic has at least one partition and one replica")
	}
	var made []string
	for {
		more, pending, err := c.createOnce(ctx, client, partitions, replication)
		made = append(made, more...)
		if err == nil && pending == "" {
			return made, nil
		}
		if err != nil && permanent(err) {
			return made, err
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("topic %s has no leader yet", pending)
			}
			return made, fmt.Errorf("creating topics: %w; last: %w", context.Cause(ctx), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// createOnce makes what is missing. It returns what it made, and one topic that
// was not yet usable before, or "".
func (c *Contract) createOnce(ctx context.Context, client *kafka.Client, partitions, replication int) (made []string, pending string, err error) {
	found, err := metadata(ctx, client, c.topics)
	if err != nil {
		return nil, "", err
	}
	var missing []kafka.TopicConfig
	for _, t := range c.topics {
		on := found[t.Name]
		if len(on.Partitions) == 0 {
			missing = append(missing, t.creation(partitions, replication))
		}
		if !led(on) {
			pending = t.Name
		}
	}
	if len(missing) == 0 {
		if pending == "" {
			pending, err = silent(ctx, client, found)
		}
		return nil, pending, err
	}
	resp, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: missing})
	if err != nil {
		return nil, pending, err
	}
	for _, t := range missing {
		switch e := resp.Errors[t.Topic]; {
		case e == nil:
			made = append(made, t.Topic)
		case !errors.Is(e, kafka.TopicAlreadyExists): // somebody else was faster
			err = fmt.Errorf("creating topic %s: %w", t.Topic, e)
		}
	}
	return made, pending, err
}

// creation is what the cluster is asked to make.
func (t Topic) creation(partitions, replication int) kafka.TopicConfig {
	entries := make([]kafka.ConfigEntry, 0, len(t.Config)+1)
	for name, value := range t.Config {
		entries = append(entries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	if replication >= 3 {
		entries = append(entries, kafka.ConfigEntry{ConfigName: "min.insync.replicas", ConfigValue: "2"})
	}
	return kafka.TopicConfig{
		Topic:             t.Name,
		NumPartitions:     t.PartitionsOr(partitions),
		ReplicationFactor: replication,
		ConfigEntries:     entries,
	}
}

// led says whether every partition of a topic has a leader.
func led(t kafka.Topic) bool {
	return len(t.Partitions) > 0 && !slices.ContainsFunc(t.Partitions, func(p kafka.Partition) bool {
		return p.Error != nil || p.Leader.Host == ""
	})
}

// silent names a topic whose leaders do not answer yet, or "": metadata tells of
// a new leader a moment before the broker itself knows.
func silent(ctx context.Context, client *kafka.Client, found map[string]kafka.Topic) (string, error) {
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for name, t := range found {
		for _, p := range t.Partitions {
			req.Topics[name] = append(req.Topics[name], kafka.LastOffsetOf(p.ID))
		}
	}
	resp, err := client.ListOffsets(ctx, req)
	if err != nil {
		return "", fmt.Errorf("asking the topics' leaders: %w", err)
	}
	for name, partitions := range resp.Topics {
		if slices.ContainsFunc(partitions, func(p kafka.PartitionOffsets) bool { return p.Error != nil }) {
			return name, nil
		}
	}
	return "", nil
}

// metadata returns what the cluster says of the topics, by name; nothing of
// those that it does not have.
func metadata(ctx context.Context, client *kafka.Client, wanted []Topic) (map[string]kafka.Topic, error) {
	names := make([]string, len(wanted))
	for i, t := range wanted {
		names[i] = t.Name
	}
	resp, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
	if err != nil {
		return nil, fmt.Errorf("asking for topics: %w", err)
	}
	found := make(map[string]kafka.Topic, len(names))
	for _, t := range resp.Topics {
		switch {
		case t.Error == nil:
			found[t.Name] = t
		case !errors.Is(t.Error, kafka.UnknownTopicOrPartition):
			return nil, fmt.Errorf("asking for topic %s: %w", t.Name, t.Error)
		}
	}
	return found, nil
}

// permanent says that Kafka itself has refused: asking again is in vain.
func permanent(err error) bool {
	var e kafka.Error
	return errors.As(err, &e) && !e.Temporary() && !e.Timeout()
}
