package main

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	actAsHub()
	// A long poll that was given up stays with its connection until the broker
	// answers; only the embedded one ends with the test.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*conn).run"))
}

func TestEmbeddedKafkaKeepsItsData(t *testing.T) {
	dir := t.TempDir()
	addr, stop, err := startKafka(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	client, closeClient := kafkaClient(addr)
	_, err = client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: "a", NumPartitions: 1, ReplicationFactor: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	produce := func(topic string) error {
		resp, err := client.Produce(t.Context(), &kafka.ProduceRequest{
			Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte("1"))}),
		})
		if err == nil {
			err = resp.Error
		}
		return err
	}
	if err := produce("a"); err != nil {
		t.Fatal(err)
	}
	if produce("misspelt") == nil {
		t.Error("a topic was made in passing")
	}
	closeClient()
	stop()

	addr, stop, err = startKafka(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	client, closeClient = kafkaClient(addr)
	defer closeClient()
	ends, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{"a": {kafka.LastOffsetOf(0)}}})
	if err != nil || ends.Topics["a"][0].LastOffset != 1 {
		t.Errorf("after a restart: %v, %v", ends, err)
	}
}

func kafkaClient(addr string) (c *kafka.Client, stop func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: 10 * time.Second}, transport.CloseIdleConnections
}

func TestEmbeddedRedisExpiresByTheClock(t *testing.T) {
	addr, stop, err := startRedis(0)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	if err := c.Set(t.Context(), "k", "v", 10*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for c.Get(ctx, "k").Err() == nil {
		if ctx.Err() != nil {
			t.Fatal("the key does not expire")
		}
	}
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, _, kafkaErr := startKafka(t.TempDir(), port)
	_, _, redisErr := startRedis(port)
	_, worldErr := newWorld(t.Context(), worldConfig{dir: t.TempDir(), base: port})
	for what, err := range map[string]error{"Kafka": kafkaErr, "Redis": redisErr, "the hub": worldErr} {
		if err == nil || strings.Contains(err.Error(), "\n") ||
			!strings.Contains(err.Error(), "is taken") || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "--port") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMissingServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	for _, tc := range []struct {
		config worldConfig
		want   string
	}{
		{worldConfig{kafka: nobody}, "no Kafka answers at " + nobody},
		{worldConfig{redis: nobody}, "no Redis answers at " + nobody},
	} {
		tc.config.dir = t.TempDir()
		w, err := newWorld(t.Context(), tc.config)
		if err == nil {
			w.close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %s", err, tc.want)
		}
	}
}
