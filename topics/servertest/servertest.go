// Package servertest gives tests a Kafka and a Redis: the real ones at
// KAFKA_BROKERS and REDIS_ADDR where these are set, else embedded ones. The
// same suites run on both.
package servertest

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Brokers returns the addresses of a Kafka that lives as long as the test.
func Brokers(t testing.TB) []string {
	t.Helper()
	if b := os.Getenv("KAFKA_BROKERS"); b != "" {
		return strings.Split(b, ",")
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatalf("starting the embedded Kafka: %v", err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

// Redis returns a client, without repeats of its own, of a Redis that lives as
// long as the test. The embedded one's clock runs.
func Redis(t testing.TB) *redis.Client {
	t.Helper()
	addr := os.Getenv("REDIS_ADDR")
	if addr == "" {
		m := miniredis.RunT(t)
		stop := make(chan struct{})
		t.Cleanup(func() { close(stop) })
		go func() {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for last := time.Now(); ; {
				select {
				case <-stop:
					return
				case now := <-tick.C:
					m.FastForward(now.Sub(last))
					last = now
				}
			}
		}()
		addr = m.Addr()
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// FreeAddress returns an address of this machine at which nobody listens, and none of
// those in but. Its port is below the range that systems give to outgoing connections:
// none of these takes it before whoever is told of it listens there.
func FreeAddress(t testing.TB, but ...string) string {
	t.Helper()
	const first, last, tries = 10_000, 19_999, 1000
	for range tries {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+mathrand.IntN(last-first+1)))
		if err != nil {
			continue
		}
		addr := l.Addr().String()
		l.Close()
		if !slices.Contains(but, addr) {
			return addr
		}
	}
	t.Fatalf("no port between %d and %d is free", first, last)
	return ""
}

// Unique returns a short name that no other test or run uses, for topics,
// groups and claims on shared servers.
func Unique(prefix string) string { return prefix + strings.ToLower(rand.Text()[:8]) }

// CreateTopics makes topics and waits until each of their partitions has a
// leader.
func CreateTopics(t testing.TB, brokers []string, partitions int, names ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(brokers...), Transport: transport}
	req := &kafka.CreateTopicsRequest{}
	for _, n := range names {
		req.Topics = append(req.Topics, kafka.TopicConfig{Topic: n, NumPartitions: partitions, ReplicationFactor: 1})
	}
	resp, err := client.CreateTopics(ctx, req)
	if err != nil {
		t.Fatalf("creating topics: %v", err)
	}
	for n, err := range resp.Errors {
		if err != nil {
			t.Fatalf("creating topic %s: %v", n, err)
		}
	}
	Eventually(t, "the topics' leaders answer", func() bool { return answering(ctx, client, partitions, names) })
}

// answering says whether the leaders of all partitions answer: metadata names
// them a moment before they do.
func answering(ctx context.Context, client *kafka.Client, partitions int, names []string) bool {
	ask := map[string][]kafka.OffsetRequest{}
	for _, n := range names {
		for p := range partitions {
			ask[n] = append(ask[n], kafka.LastOffsetOf(p))
		}
	}
	resp, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: ask})
	if err != nil {
		return false
	}
	answered := 0
	for _, ps := range resp.Topics {
		for _, p := range ps {
			if p.Error == nil {
				answered++
			}
		}
	}
	return answered == partitions*len(names)
}

// DeleteRecords removes what lies before an offset of a partition, as an admin or a
// retention does.
func DeleteRecords(t testing.TB, brokers []string, topic string, partition int, before int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 5000
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = int32(partition), before
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), client)
	if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatalf("deleting records: %v %+v", err, resp)
	}
}

// patience is how long a test waits for something that must happen: on a busy machine
// that also runs other tests much takes ten times as long as on a quiet one.
const patience = 3 * time.Minute

// Eventually waits for a condition that another process brings about, and fails
// the test if that does not come within some minutes.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("gave up waiting: %s", what)
		case <-tick.C:
		}
	}
}
