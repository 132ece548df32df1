package control

import (
	"context"
	"time"

	"kandashub/topics"
)

// On lets a test keep to topics of its own on a shared Kafka.
func (s *Store) On(topic string) *Store {
	s.journal.topic = topic
	return s
}

// Encode returns the value as it is written.
func Encode(key string, value any) ([]byte, error) { return encode(key, value) }

// On lets a test keep to topics of its own on a shared Kafka.
func (a *Audit) On(topic string) *Audit {
	a.journal.topic = topic
	return a
}

// On lets a test keep to topics of its own on a shared Kafka.
func (a *AuditReader) On(topic string) *AuditReader {
	a.journal.topic = topic
	return a
}

// On lets a test keep to topics of its own on a shared Kafka.
func (t *Tally) On(topic string) *Tally {
	t.journal.topic = topic
	return t
}

// Begin finds the end of what was done before.
func (t *Tally) Begin(ctx context.Context) error { return t.begin(ctx) }

// ReadAuditOf reads an audit in a topic of a test's own.
func ReadAuditOf(ctx context.Context, cluster *topics.Cluster, topic string) ([]AuditRecord, error) {
	return readAudit(ctx, NewAuditReader(cluster).On(topic))
}

// Await waits until nothing is under way.
func (q Quiet) Await(ctx context.Context, route string) (time.Duration, error) {
	return q.await(ctx, route)
}
