package contract_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

func cluster(t *testing.T) *kafka.Client {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(k.ListenAddrs()...), Transport: transport, Timeout: 10 * time.Second}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// An empty cluster gets everything, once; what was there before stays as it is
// and is named where it differs.
func TestCreate(t *testing.T) {
	c, client, ctx := load(t), cluster(t), deadline(t)

	before := kafka.TopicConfig{Topic: "kandas.events", NumPartitions: 3, ReplicationFactor: 1}
	if resp, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{before}}); err != nil || resp.Errors["kandas.events"] != nil {
		t.Fatal(err, resp)
	}
	problems, err := c.Missing(ctx, client, 4, nil)
	if err != nil || len(problems) != len(c.Topics()) {
		t.Fatalf("Missing on an empty cluster: %d problems, %v", len(problems), err)
	}

	made, err := c.Create(ctx, client, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != len(c.Topics())-1 || slices.Contains(made, "kandas.events") {
		t.Errorf("made %d topics: %v", len(made), made)
	}
	again, err := c.Create(ctx, client, 4, 1)
	if err != nil || len(again) != 0 {
		t.Errorf("the second time it made %v, %v", again, err)
	}
	problems, err = c.Missing(ctx, client, 4, nil)
	if err != nil || len(problems) != 1 || problems[0].String() != "topic kandas.events has 3 partitions instead of 4" {
		t.Errorf("Missing after Create: %v, %v", problems, err)
	}
	problems, err = c.Missing(ctx, client, 4, []string{"hub.control", "register.dead"})
	if err != nil || len(problems) != 0 {
		t.Errorf("Missing of two topics: %v, %v", problems, err)
	}
	if _, err := c.Missing(ctx, client, 4, []string{"nowhere"}); err == nil {
		t.Error("Missing accepted a topic that the contract does not know")
	}
}

// The cluster has the configuration that the contract asks for.
func TestCreateConfigures(t *testing.T) {
	c, client, ctx := load(t), cluster(t), deadline(t)
	if _, err := c.Create(ctx, client, 2, 1); err != nil {
		t.Fatal(err)
	}
	for _, topic := range c.Topics() {
		resp, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
			{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic.Name},
		}})
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]string)
		for _, e := range resp.Resources[0].ConfigEntries {
			got[e.ConfigName] = e.ConfigValue
		}
		for name, want := range topic.Config {
			if got[name] != want {
				t.Errorf("%s: %s is %q, want %q", topic.Name, name, got[name], want)
			}
		}
	}
}

// No broker: it tries until its context ends, and says why it could not.
func TestCreateGivesUpWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	transport := &kafka.Transport{DialTimeout: 50 * time.Millisecond}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP("127.0.0.1:1"), Transport: transport, Timeout: 100 * time.Millisecond}
	_, err := load(t).Create(ctx, client, 1, 1)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "asking for topics") {
		t.Errorf("got %v", err)
	}
}

func TestCreateRefusesNonsense(t *testing.T) {
	c := load(t)
	for _, n := range [][2]int{{0, 1}, {1, 0}, {-1, 3}} {
		if _, err := c.Create(context.Background(), nil, n[0], n[1]); err == nil {
			t.Errorf("%d partitions, %d replicas were accepted", n[0], n[1])
		}
	}
}

// What Kafka refuses for good is not tried again.
func TestCreateStopsAtARefusal(t *testing.T) {
	ctx := deadline(t)
	_, err := load(t).Create(ctx, cluster(t), 1, 9) // more replicas than brokers
	if err == nil || ctx.Err() != nil {
		t.Errorf("got %v, context %v", err, ctx.Err())
	}
}
