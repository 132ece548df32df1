package topics

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// A Letter is an unresolved dead letter, for people.
type Letter struct {
	ID, Class, Code, Reason string
	Holds                   bool
	Route                   Route
	Record                  *Record // as it lies in the dead topic
}

// ReadLetters returns the unresolved dead letters of a route.
func ReadLetters(ctx context.Context, c *Cluster, route Route) ([]Letter, error) {
	topic := route.DeadTopic()
	n, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	first, end, err := c.bounds(ctx, map[string][]int{topic: numbers})
	if err != nil {
		return nil, err
	}
	committed, err := c.Client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: route.Group(), Topics: map[string][]int{topic: numbers}})
	if err != nil {
		return nil, fmt.Errorf("asking for the offsets of %s: %w", route.Group(), err)
	}
	at := first[topic]
	for _, p := range committed.Topics[topic] {
		at[p.Partition] = max(at[p.Partition], p.CommittedOffset)
	}
	var out []Letter
	for _, p := range numbers {
		letters, err := c.lettersOf(ctx, route, p, at[p], end[topic][p])
		if err != nil {
			return nil, err
		}
		out = append(out, letters...)
	}
	return out, nil
}

// lettersOf reads one partition of a dead topic.
func (c *Cluster) lettersOf(ctx context.Context, route Route, partition int, from, end int64) ([]Letter, error) {
	var letters []Letter
	resolved, seen := map[string]bool{}, map[string]bool{}
	for from < end {
		recs, next, err := c.readFrom(ctx, route.DeadTopic(), partition, from, fetchPartitionBytes)
		if err != nil {
			return nil, err
		}
		from = next
		for _, r := range recs {
			id, _ := r.header("hub_letter")
			switch kind, _ := r.header(headerKind); {
			case kind == kindResolved:
				resolved[id] = true
			case kind == kindLetter && !seen[id]:
				seen[id] = true
				l := Letter{ID: id, Route: route, Record: r}
				l.Class, _ = r.header("hub_class")
				l.Code, _ = r.header("hub_code")
				l.Reason, _ = r.header("hub_reason")
				holds, _ := r.header("hub_holds")
				l.Holds = holds == "true"
				letters = append(letters, l)
			}
		}
	}
	unresolved := letters[:0]
	for _, l := range letters {
		if !resolved[l.ID] {
			unresolved = append(unresolved, l)
		}
	}
	return unresolved, nil
}

// Decide writes what a person decided of a letter: a record beside it, which the
// hub that owns the partition carries out. id names the decision, so that a
// repeat of the command is the same one; who and why are kept with it.
func (p *Producer) Decide(ctx context.Context, l Letter, action, id, who, why string, replies ...GivenReply) error {
	var value []byte
	if action == DecideAnswer {
		var err error
		if value, err = json.Marshal(replies); err != nil {
			return fmt.Errorf("the answer cannot be encoded: %w", err)
		}
	}
	var headers []kafka.Header
	for _, kv := range [][2]string{{headerKind, kindDecision}, {"hub_letter", l.ID}, {headerDecision, action},
		{headerDecisionID, id}, {"hub_who", who}, {"hub_why", why}} {
		headers = append(headers, kafka.Header{Key: kv[0], Value: []byte(kv[1])})
	}
	_, err := p.Append(ctx, l.Route.DeadTopic(), l.Record.Partition, record(l.Record.Key, value, headers))
	return err
}
