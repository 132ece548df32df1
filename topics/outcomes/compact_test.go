package outcomes_test

import (
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kandashub/topics"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// TestCompaction lets the embedded broker compact the topic: what is left is the
// newest outcome of each message, and a new index finds it behind the holes.
func TestCompaction(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	a := newArchive(t, fake.ListenAddrs())
	app := "egov-" + a.run
	for range 20 {
		var all []outcomes.Outcome
		for n := range 10 {
			all = append(all, a.outcome(app, n, topics.ResultDeadLettered))
		}
		a.report(all...)
	}
	var want []string
	for n := range 10 {
		a.report(a.outcome(app, n, topics.ResultAnswered))
		want = append(want, fmt.Sprint(app, "-", n, " answered"))
	}
	before := a.records(app)
	fake.Compact()
	if after := a.records(app); before != 210 || after >= before {
		t.Fatalf("of %d records %d are left: nothing was compacted", before, after)
	}
	x, _ := a.open(t.TempDir())
	a.await(x, app, want...)
	found, err := outcomes.Find(t.Context(), a.cluster, app, nil)
	if err != nil || fmt.Sprint(ids(found)) != fmt.Sprint(want) {
		t.Errorf("found in the topic: %v, %v", ids(found), err)
	}
	// It goes on behind the end.
	a.report(a.outcome(app, 10, topics.ResultDelivered))
	a.await(x, app, append(want, app+"-10 delivered")...)
	servertest.Eventually(t, "the topic is read to its end", func() bool {
		read, end := x.Progress()
		return read == end && end > 0
	})
}

// records counts what lies in the partition of an application.
func (a *archive) records(application string) (n int) {
	a.t.Helper()
	of, err := a.cluster.Partitions(a.t.Context(), outcomes.Topic)
	if err != nil {
		a.t.Fatal(err)
	}
	resp, err := a.cluster.Client.Fetch(a.t.Context(), &kafka.FetchRequest{
		Topic: outcomes.Topic, Partition: topics.PartitionOf([]byte(application), of), MinBytes: 1, MaxBytes: 8 << 20,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	for {
		if _, err := resp.Records.ReadRecord(); err != nil {
			return n
		}
		n++
	}
}
