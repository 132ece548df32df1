package topics_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// More members than partitions: those without one wait, and take over.
func TestMembersWithoutPartitionsWait(t *testing.T) {
	b := newBench(t, topics.C2)
	var stops []func()
	for range testPartitions + 2 {
		stops = append(stops, b.start())
	}
	for n := range 10 {
		for a := range 8 {
			b.send(fmt.Sprint("app-", a), n)
		}
	}
	b.awaitSome(80)
	for _, stop := range stops[:testPartitions] {
		stop()
	}
	for a := range 8 {
		b.send(fmt.Sprint("app-", a), 10)
	}
	for a := range 8 {
		b.awaitEffects(fmt.Sprint("app-", a), upTo(11)...)
	}
	b.awaitCommitted()
}

// A call outlives its hub: its answer is kept under its lease, nothing is
// committed, and the next owner drops the message.
func TestCallThatOutlivesItsHub(t *testing.T) {
	b := newBench(t, topics.C3)
	b.timing.Drain = 50 * time.Millisecond
	called, release := make(chan struct{}), make(chan struct{})
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		if m.ID == "app-0" {
			close(called)
			<-release
		}
		return do(ctx, m)
	}
	stop := b.start()
	b.send("app", 0, 1)
	<-called
	stop() // within the drain budget, although the call runs
	if n := b.lag(); n != 2 {
		t.Errorf("%d messages are not committed, want both", n)
	}
	b.start()
	b.send("other", 0)
	b.awaitEffects("other", 0)
	if got := b.seen("app"); len(got) != 0 {
		t.Errorf("effects %v beside a call that runs", got)
	}
	close(release)
	b.awaitEffects("app", 0, 1)
	b.awaitCommitted()
	if n := b.end(b.route.DeadTopic()); n != 0 {
		t.Errorf("%d letters", n)
	}
}

// What finishes within the drain budget is committed before the hand-over.
func TestDrainedCallsAreCommitted(t *testing.T) {
	b := newBench(t, topics.C2)
	called, release := make(chan struct{}), make(chan struct{})
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		close(called)
		<-release
		return do(ctx, m)
	}
	stop := b.start()
	b.send("app", 0)
	<-called
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	close(release)
	<-stopped
	if n := b.lag(); n != 0 {
		t.Errorf("%d messages are not committed", n)
	}
	b.awaitEffects("app", 0)
}

// awaitStop waits until the route has ended, and returns why.
func awaitStop(t *testing.T, stop func() error, ended <-chan struct{}) string {
	t.Helper()
	servertest.Eventually(t, "the route has ended", func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
	if err := stop(); err != nil {
		return err.Error()
	}
	return ""
}

// An offset committed beyond the end means that the topic was made again: going
// on would pass over messages.
func TestCommittedBeyondTheEndStopsTheRoute(t *testing.T) {
	b := newBench(t, topics.C1)
	stop := b.start()
	b.send("app", 0, 1, 2, 3)
	b.awaitCommitted()
	stop()
	resp, err := b.cluster.Client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: b.route.Group(), GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{b.route.Sources[0]: {{Partition: topics.PartitionOf([]byte("app"), testPartitions), Offset: 100}}},
	})
	if err != nil || resp.Topics[b.route.Sources[0]][0].Error != nil {
		t.Fatal(err, resp)
	}
	end, ended := b.run(b.consumer())
	if why := awaitStop(t, end, ended); !strings.Contains(why, "made again") {
		t.Errorf("ended with %q", why)
	}
}

// Records that were deleted before they were read are a gap that a person must
// decide about.
func TestDeletedBeforeReadStopsTheRoute(t *testing.T) {
	b := newBench(t, topics.C1)
	stop := b.start()
	b.send("app", 0)
	b.awaitCommitted()
	stop()
	b.send("app", 1, 2, 3)
	deleteRecords(t, b, b.route.Sources[0], 3)
	end, ended := b.run(b.consumer())
	if why := awaitStop(t, end, ended); !strings.Contains(why, "no longer holds offset 1") {
		t.Errorf("ended with %q", why)
	}
}

// A topic is deleted and made again under a running route: it ends with that
// reason, or, where the group has forgotten the old topic's offsets first, reads
// the new one from its start. It never passes over messages.
func TestTopicMadeAgain(t *testing.T) {
	b := newBench(t, topics.C1)
	end, ended := b.run(b.consumer())
	b.send("app", 0, 1, 2, 3)
	b.awaitCommitted()
	b.remake(b.route.Sources[0])
	b.send("app", 4)
	over := false
	servertest.Eventually(t, "the route ends or goes on", func() bool {
		select {
		case <-ended:
			over = true
		default:
		}
		return over || len(b.seen("app")) == 5
	})
	if over {
		if err := end(); err == nil || !strings.Contains(err.Error(), "made again") {
			t.Errorf("ended with %v", err)
		}
		return
	}
	b.awaitEffects("app", upTo(5)...)
}

// What a foreign producer's transaction has aborted is not delivered, and its
// markers do not hold up commits.
func TestTransactionalProducer(t *testing.T) {
	b := newBench(t, topics.C2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers...), kgo.TransactionalID(b.route.Name), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for n, commit := range []bool{false, true, false} {
		m := message("app", n/2) // 0 aborted, 0 committed, 1 aborted
		r := &kgo.Record{Topic: b.route.Sources[0], Partition: int32(topics.PartitionOf([]byte("app"), testPartitions)), Key: []byte("app"), Value: m.Data}
		for _, h := range m.Headers() {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		err := client.BeginTransaction()
		if err == nil {
			err = client.ProduceSync(ctx, r).FirstErr()
		}
		if err == nil {
			err = client.EndTransaction(ctx, kgo.TransactionEndTry(commit))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b.start()
	b.awaitEffects("app", 0)
	b.awaitCommitted()
	b.send("app", 2)
	b.awaitEffects("app", 0, 2)
	b.awaitCommitted()
}

// remake deletes a topic and makes it again.
func (b *bench) remake(topic string) {
	b.t.Helper()
	if _, err := b.cluster.Client.DeleteTopics(b.t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{topic}}); err != nil {
		b.t.Fatal(err)
	}
	servertest.Eventually(b.t, "the topic is gone", func() bool {
		resp, err := b.cluster.Client.CreateTopics(b.t.Context(), &kafka.CreateTopicsRequest{
			Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: testPartitions, ReplicationFactor: 1}},
		})
		return err == nil && resp.Errors[topic] == nil
	})
}

// Messages in another partition than their key's, by a producer with another
// partitioner, are handled all the same.
func TestMessageInAnotherPartition(t *testing.T) {
	b := newBench(t, topics.C2)
	b.start()
	m := message("app", 0)
	p := (topics.PartitionOf([]byte("app"), testPartitions) + 1) % testPartitions
	r := kafka.Record{Key: kafka.NewBytes([]byte("app")), Value: kafka.NewBytes(m.Data), Headers: m.Headers()}
	if _, err := b.produce.Append(t.Context(), b.route.Sources[0], p, r); err != nil {
		t.Fatal(err)
	}
	b.send("app", 1)
	b.awaitSome(2)
	b.awaitCommitted()
	for _, m := range b.read(b.route.Writes[0]) {
		if m.Partition != topics.PartitionOf([]byte("app"), testPartitions) {
			t.Errorf("a reply lies in partition %d", m.Partition)
		}
	}
}

// Nothing of a hub runs on after it has ended.
func TestNothingIsLeftRunning(t *testing.T) {
	b := newBench(t, topics.C2)
	b.failing(unavailable("stuck"))
	for round := range 3 {
		stop := b.start()
		b.send("stuck", round)
		for a := range 20 {
			b.send(fmt.Sprint("app-", a), round)
			b.awaitEffects(fmt.Sprint("app-", a), upTo(round+1)...)
		}
		stop()
		servertest.Eventually(t, "all goroutines have ended", func() bool {
			stacks := make([]byte, 1<<22)
			return !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("kandashub/topics.("))
		})
	}
}

// deleteRecords removes what lies before an offset, in the partition of "app".
func deleteRecords(t *testing.T, b *bench, topic string, before int64) {
	t.Helper()
	servertest.DeleteRecords(t, b.brokers, topic, topics.PartitionOf([]byte("app"), testPartitions), before)
}
