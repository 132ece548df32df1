package main

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// ends returns where each partition of the topics ends.
func (w *world) ends(names ...string) map[string]map[int]int64 {
	w.t.Helper()
	ask := map[string][]kafka.OffsetRequest{}
	for _, name := range names {
		t, _ := w.contract.Topic(name)
		for p := range t.PartitionsOr(w.partitions) {
			ask[name] = append(ask[name], kafka.LastOffsetOf(p))
		}
	}
	resp, err := w.cluster.Client.ListOffsets(w.t.Context(), &kafka.ListOffsetsRequest{Topics: ask})
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]map[int]int64{}
	for name, partitions := range resp.Topics {
		found[name] = map[int]int64{}
		for _, p := range partitions {
			if p.Error != nil {
				w.t.Fatalf("%s/%d: %v", name, p.Partition, p.Error)
			}
			found[name][p.Partition] = p.LastOffset
		}
	}
	return found
}

// records returns what has been written to a topic since the world was made,
// in the order of each partition.
func (w *world) records(topic string) (found []*topics.Record) {
	w.t.Helper()
	for p, end := range w.ends(topic)[topic] {
		for next := w.began[topic][p]; next < end; {
			resp, err := w.cluster.Client.Fetch(w.t.Context(), &kafka.FetchRequest{
				Topic: topic, Partition: p, Offset: next, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second,
			})
			if err == nil {
				err = resp.Error
			}
			if err != nil {
				w.t.Fatalf("reading %s/%d: %v", topic, p, err)
			}
			before := next
			for {
				r, err := resp.Records.ReadRecord()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					w.t.Fatal(err)
				}
				if r.Offset >= next {
					found = append(found, recordOf(w, topic, p, r))
					next = r.Offset + 1
				}
			}
			if next == before {
				break // control records only
			}
		}
	}
	return found
}

func recordOf(w *world, topic string, partition int, r *kafka.Record) *topics.Record {
	w.t.Helper()
	key, err := kafka.ReadAll(r.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	value, err := kafka.ReadAll(r.Value)
	if err != nil {
		w.t.Fatal(err)
	}
	return &topics.Record{Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time, Key: key, Value: value, Headers: r.Headers}
}

// recordsOf are the records of one key, of a kind on parked and dead topics; ""
// for all.
func (w *world) recordsOf(topic, key, kind string) (found []*topics.Record) {
	w.t.Helper()
	for _, r := range w.records(topic) {
		if string(r.Key) == key && (kind == "" || headerOf(r, "hub_kind") == kind) {
			found = append(found, r)
		}
	}
	return found
}

func headerOf(r *topics.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// append writes one record to the partition of its key, as any client may.
func (w *world) append(topic string, key, value []byte, compression kafka.Compression, headers ...kafka.Header) {
	w.t.Helper()
	resp, err := w.cluster.Client.Produce(w.t.Context(), &kafka.ProduceRequest{
		Topic: topic, Partition: topics.PartitionOf(key, w.partitions), RequiredAcks: kafka.RequireAll, Compression: compression,
		Records: kafka.NewRecordReader(kafka.Record{Key: kafka.NewBytes(key), Value: kafka.NewBytes(value), Headers: headers, Time: time.Now()}),
	})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		w.t.Fatalf("writing to %s: %v", topic, err)
	}
}

// publish writes a message as a system with Kafka does.
func (w *world) publish(topic string, m topics.Message) {
	w.t.Helper()
	w.append(topic, []byte(m.Subject), m.Data, 0, m.Headers()...)
}

// awaitCommitted waits until every route has committed all that lies in its
// topics: everything read is finished.
func (w *world) awaitCommitted() {
	w.t.Helper()
	for _, r := range routes {
		w.awaitCommittedBy(r.name)
	}
}

func (w *world) awaitCommittedBy(route string) {
	w.t.Helper()
	var lag int64
	servertest.Eventually(w.t, "route "+route+" has committed everything", func() bool {
		lag = w.lag(route)
		return lag == 0
	})
}

// lag is how many records of a route's sources are not finished; -1 if nobody
// can say.
func (w *world) lag(name string) (lag int64) {
	w.t.Helper()
	i := slices.IndexFunc(routes, func(r route) bool { return r.name == name })
	ask := map[string][]int{}
	for _, t := range routes[i].reads {
		for p := range w.partitions {
			ask[t] = append(ask[t], p)
		}
	}
	committed, err := w.cluster.Client.OffsetFetch(w.t.Context(), &kafka.OffsetFetchRequest{GroupID: "hub." + name, Topics: ask})
	if err != nil || committed.Error != nil {
		return -1
	}
	ends := w.ends(routes[i].reads...)
	for t, partitions := range committed.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return -1
			}
			lag += ends[t][p.Partition] - max(0, p.CommittedOffset)
		}
	}
	return lag
}
