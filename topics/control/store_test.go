package control_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// replicas are some hubs around one topic.
type replicas struct {
	t        *testing.T
	brokers  []string
	topic    string
	cluster  *topics.Cluster
	producer *topics.Producer
}

func newReplicas(t *testing.T, brokers []string) *replicas {
	r := &replicas{t: t, brokers: brokers, topic: servertest.Unique("control"), cluster: topics.NewCluster(brokers)}
	t.Cleanup(r.cluster.Close)
	r.producer = topics.NewProducer(r.cluster, 5*time.Second, nil)
	return r
}

// ownKafka is an embedded Kafka of the test's own, whose requests it can have fail.
func ownKafka(t *testing.T) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// faultyReplicas are replicas on such a Kafka, whose topic is there.
func faultyReplicas(t *testing.T) (*replicas, *kfake.Cluster) {
	t.Helper()
	k := ownKafka(t)
	r := newReplicas(t, k.ListenAddrs())
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	return r, k
}

// open starts one more replica, which ends with the test.
func (r *replicas) open(name string) *control.Store {
	s := control.Open(r.cluster, r.producer, name).On(r.topic)
	s.Log = slog.New(slog.NewTextHandler(r.t.Output(), nil))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	return s
}

func (r *replicas) put(s *control.Store, key string, value any) {
	r.t.Helper()
	if err := s.Put(r.t.Context(), key, value); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replicas) caught(s *control.Store) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	if err := s.Caught(ctx); err != nil {
		r.t.Fatal(err)
	}
}

func same(t *testing.T, got, want control.State) {
	t.Helper()
	for _, s := range []*control.State{&got, &want} {
		if s.Pauses == nil {
			s.Pauses = map[string]control.Pause{}
		}
		if s.Breakers == nil {
			s.Breakers = map[string]control.Breaker{}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// paused is a pause of a route since the start of the day.
func paused(route string) control.Pause {
	return control.Pause{Route: route, Owner: "operator", Why: "test", Since: time.Now().UTC().Truncate(24 * time.Hour)}
}

// All replicas come to the same state, whether they followed or read it later.
func TestReplicasAgree(t *testing.T) {
	r := newReplicas(t, servertest.Brokers(t))
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	first := r.open("first")
	r.caught(first)
	same(t, first.State(), control.State{})

	var mu sync.Mutex
	var seen []control.State
	first.Watch(func(s control.State) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, s)
	})
	kept := paused("kept")
	forced := control.Breaker{Route: "kept", Force: control.ForceOpen, Owner: "operator", Why: "test", Since: kept.Since}
	r.put(first, control.PauseKey("gone"), paused("gone"))
	r.put(first, control.PauseKey("kept"), kept)
	r.put(first, control.BreakerKey("kept"), forced)
	r.put(first, control.PauseKey("gone"), nil)
	want := control.State{
		Pauses:   map[string]control.Pause{"kept": kept},
		Breakers: map[string]control.Breaker{"kept": forced},
	}
	later := r.open("later")
	for _, s := range []*control.Store{first, later} {
		r.caught(s)
		same(t, s.State(), want)
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	servertest.Eventually(t, "the watcher has the last state", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return cmp.Equal(seen[len(seen)-1], want)
	})
	same(t, seen[0], control.State{})
}

// A topic that is missing keeps everybody waiting; once it is there it is read.
func TestMissingTopicIsWaitedFor(t *testing.T) {
	r := newReplicas(t, servertest.Brokers(t))
	s := r.open("hub")
	caught := make(chan error, 1)
	go func() { caught <- s.Caught(t.Context()) }()
	servertest.Eventually(t, "the check says why", func() bool {
		err := s.Check(t.Context())
		return err != nil && strings.Contains(err.Error(), r.topic)
	})
	brief, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Caught(brief); err == nil || !strings.Contains(err.Error(), r.topic) {
		t.Errorf("caught up with a topic that is not there: %v", err)
	}
	select {
	case err := <-caught:
		t.Fatalf("caught up with a topic that is not there: %v", err)
	default:
	}
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	if err := <-caught; err != nil {
		t.Error(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// A topic that was made again is read again from its start.
func TestTopicMadeAgain(t *testing.T) {
	r := newReplicas(t, servertest.Brokers(t))
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	s := r.open("hub")
	for range 5 {
		r.put(s, control.PauseKey("old"), paused("old"))
	}
	r.caught(s)
	if _, err := r.cluster.Client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{r.topic}}); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "the topic is gone", func() bool {
		resp, err := r.cluster.Client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{r.topic: {kafka.LastOffsetOf(0)}}})
		return err != nil || resp.Topics[r.topic][0].Error != nil
	})
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	p := paused("new")
	servertest.Eventually(t, "the new topic takes records", func() bool { return s.Put(t.Context(), control.PauseKey("new"), p) == nil })
	servertest.Eventually(t, "only the new record is known", func() bool {
		return cmp.Equal(s.State().Pauses, map[string]control.Pause{"new": p})
	})
}

// What compaction has taken away at the end of the topic holds nobody up.
func TestHoleAtTheEnd(t *testing.T) {
	r, k := faultyReplicas(t)
	s := control.Open(r.cluster, r.producer, "operator").On(r.topic)
	r.put(s, control.PauseKey("a"), paused("a"))
	r.put(s, control.PauseKey("a"), nil)
	k.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		topic, partition := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
		topic.Topic = r.topic
		partition.HighWatermark, partition.LastStableOffset = 2, 2
		topic.Partitions = append(topic.Partitions, partition)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	hub := r.open("hub")
	r.caught(hub)
	same(t, hub.State(), control.State{})
}

// What this version cannot read stops the route, and counts as a loss.
func TestUnreadableRecordsHold(t *testing.T) {
	r := newReplicas(t, servertest.Brokers(t))
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	for key, value := range map[string]string{
		"pause/a": `{"type":"pause.v2","route":"a"}`, "pause/b": "rubbish", "pause/c": `{"type":"pause.v1","route":"other"}`,
		"breaker/a": `{"type":"breaker.v1","route":"a","force":"sideways"}`, "claims-lost": `{}`, "weather": `{"type":"rain.v1"}`,
	} {
		_, err := r.producer.Append(t.Context(), r.topic, 0, kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte(value))})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := r.open("hub")
	r.caught(s)
	got := s.State()
	if len(got.Pauses) != 3 || len(got.Breakers) != 0 || !got.Loss.Standing() {
		t.Errorf("%+v", got)
	}
	r.put(s, control.PauseKey("b"), nil)
	r.caught(s)
	if _, ok := s.State().Pauses["b"]; ok {
		t.Error("an unreadable pause cannot be taken back")
	}
}

// Hubs that notice a loss at once make one; it stands until it is accepted, and
// a loss after that stands again.
func TestReportLoss(t *testing.T) {
	r := newReplicas(t, servertest.Brokers(t))
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	hubs := []*control.Store{r.open("a"), r.open("b"), r.open("c")}
	var reporting sync.WaitGroup
	for i, h := range hubs {
		reporting.Go(func() {
			if err := h.ReportLoss(t.Context(), control.Loss{Route: "route", Tags: []int{i}}); err != nil {
				t.Error(err)
			}
			if !h.State().Loss.Standing() {
				t.Error("no loss stands although it has been reported")
			}
		})
	}
	reporting.Wait()
	r.caught(hubs[0])
	stands := hubs[0].State().Loss
	if stands.By == "" || stands.At.IsZero() || len(stands.Tags) != 1 {
		t.Errorf("%+v", stands)
	}
	if err := hubs[1].ReportLoss(t.Context(), control.Loss{Tags: []int{9}}); err != nil {
		t.Fatal(err)
	}
	r.caught(hubs[0])
	if diff := cmp.Diff(stands, hubs[0].State().Loss); diff != "" {
		t.Errorf("a loss that stands was written over: %s", diff)
	}
	accepted := stands
	accepted.AcceptedAt, accepted.AcceptedBy, accepted.Why = time.Now().UTC(), "operator", "test"
	r.put(hubs[0], control.KeyLoss, accepted)
	// b decides by what the topic says now, not by what it has read.
	if err := hubs[1].ReportLoss(t.Context(), control.Loss{Tags: []int{9}}); err != nil {
		t.Fatal(err)
	}
	if l := hubs[1].State().Loss; !l.Standing() || l.By != "b" || l.Tags[0] != 9 {
		t.Errorf("%+v", l)
	}
}
