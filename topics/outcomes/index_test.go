package outcomes_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// archive is hub.outcomes on a Kafka, with a writer. On shared servers it looks
// only for applications of its own.
type archive struct {
	t       *testing.T
	cluster *topics.Cluster
	writer  *outcomes.Writer
	run     string
}

func newArchive(t *testing.T, brokers []string) *archive {
	a := &archive{t: t, cluster: topics.NewCluster(brokers), run: servertest.Unique("")}
	t.Cleanup(a.cluster.Close)
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := c.Create(ctx, a.cluster.Client, 8, 1); err != nil {
		t.Fatal(err)
	}
	n, err := a.cluster.Partitions(ctx, outcomes.Topic)
	if err != nil {
		t.Fatal(err)
	}
	a.writer = outcomes.NewWriter(a.cluster, n, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	return a
}

// outcome is one of an application, whose n-th message is of minute n.
func (a *archive) outcome(application string, n int, result string) outcomes.Outcome {
	at := time.Now().UTC().Truncate(time.Second).Add(-time.Hour + time.Duration(n)*time.Minute)
	finished := at.Add(6 * time.Second)
	if result == topics.ResultParked {
		finished = at.Add(4 * time.Second)
	}
	return outcomes.Outcome{
		Application: application, Route: "register", Topic: "egov.applications", Offset: int64(n), System: "kandas", Operation: "register",
		ID: fmt.Sprint(application, "-", n), Type: "kz.egov.application.submitted.v1", Source: "egov", Result: result,
		Time: at, Root: at, Written: at.Add(time.Second), Read: at.Add(2 * time.Second), CallBegan: at.Add(3 * time.Second),
		CallEnded: at.Add(5 * time.Second), Finished: finished,
	}
}

func (a *archive) report(all ...outcomes.Outcome) {
	a.t.Helper()
	for _, o := range all {
		a.writer.Report(o)
	}
	if err := a.writer.Flush(a.t.Context(), a.writer.Mark()); err != nil {
		a.t.Fatal(err)
	}
}

// open opens an index and runs it; stop ends it.
func (a *archive) open(dir string, change ...func(*outcomes.Options)) (x *outcomes.Index, stop func()) {
	a.t.Helper()
	options := outcomes.Options{Cluster: a.cluster, Keep: 24 * time.Hour, Most: 1_000_000, Log: slog.New(slog.NewTextHandler(a.t.Output(), nil))}
	for _, f := range change {
		f(&options)
	}
	x, err := outcomes.Open(dir, options)
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			a.t.Errorf("the index ended with: %v", err)
		}
		if err := x.Close(); err != nil {
			a.t.Error(err)
		}
	}
	a.t.Cleanup(stop)
	return x, stop
}

// ids are the messages of outcomes, with their results, in order.
func ids(all []outcomes.Outcome) (out []string) {
	for _, o := range all {
		out = append(out, o.ID+" "+o.Result)
	}
	return out
}

func (a *archive) await(x *outcomes.Index, application string, want ...string) {
	a.t.Helper()
	var got []string
	servertest.Eventually(a.t, fmt.Sprint(application, " is found: ", want), func() bool {
		all, err := x.Application(a.t.Context(), application)
		if err != nil {
			a.t.Fatal(err)
		}
		got = ids(all)
		return slices.Equal(got, want)
	})
}

func TestAnApplicationIsFound(t *testing.T) {
	a := newArchive(t, servertest.Brokers(t))
	one, other := "egov-"+a.run+"-1", "egov-"+a.run+"-2"
	a.report(a.outcome(one, 2, topics.ResultDelivered), a.outcome(other, 1, topics.ResultDelivered), a.outcome(one, 1, topics.ResultParked))
	x, _ := a.open(t.TempDir())
	a.await(x, one, one+"-1 parked", one+"-2 delivered")
	a.await(x, other, other+"-1 delivered")
	// What comes later is found too, beside what was there or in its place.
	a.report(a.outcome(one, 3, topics.ResultRejected), a.outcome(one, 1, topics.ResultDelivered))
	a.await(x, one, one+"-1 parked", one+"-1 delivered", one+"-2 delivered", one+"-3 rejected")
	a.report(a.outcome(one, 3, topics.ResultDiscarded))
	a.await(x, one, one+"-1 parked", one+"-1 delivered", one+"-2 delivered", one+"-3 discarded")

	found, err := x.Message(t.Context(), one+"-1")
	if err != nil || !slices.Equal(ids(found), []string{one + "-1 parked", one + "-1 delivered"}) {
		t.Errorf("message %s-1: %v, %v", one, ids(found), err)
	}
	for _, absent := range []string{one + "-9", one, ""} {
		if found, err := x.Message(t.Context(), absent); err != nil || len(found) > 0 {
			t.Errorf("message %q: %v, %v", absent, ids(found), err)
		}
	}
	if found, err := x.Application(t.Context(), "egov-"+a.run+"-3"); err != nil || len(found) > 0 {
		t.Errorf("an application that never was: %v, %v", ids(found), err)
	}
	servertest.Eventually(t, "the topic is read to its end", func() bool {
		read, end := x.Progress()
		return read == end && end >= 6
	})

	// Without an index, the topic itself is read.
	told := int64(0)
	found, err = outcomes.Find(t.Context(), a.cluster, one, func(read, end int64) {
		if read < told || read > end {
			t.Errorf("after %d it says %d of %d", told, read, end)
		}
		told = read
	})
	if want := []string{one + "-1 parked", one + "-1 delivered", one + "-2 delivered", one + "-3 discarded"}; err != nil || !slices.Equal(ids(found), want) {
		t.Errorf("found in the topic: %v, %v, want %v", ids(found), err, want)
	}
	if told == 0 {
		t.Error("nobody was told of the progress")
	}
}

// TestAnIndexGoesOnFromWhereItWas: what is in its folder is found at once, and
// what was written while it was closed is read.
func TestAnIndexGoesOnFromWhereItWas(t *testing.T) {
	a := newArchive(t, servertest.Brokers(t))
	app, dir := "egov-"+a.run, filepath.Join(t.TempDir(), "a folder", "50% new")
	a.report(a.outcome(app, 1, topics.ResultDelivered))
	x, stop := a.open(dir)
	a.await(x, app, app+"-1 delivered")
	stop()
	a.report(a.outcome(app, 2, topics.ResultDelivered))

	away := topics.NewCluster([]string{"127.0.0.1:1"}) // nothing is read of the topic
	defer away.Close()
	x, stop = a.open(dir, func(o *outcomes.Options) { o.Cluster = away })
	a.await(x, app, app+"-1 delivered")
	stop()
	x, stop = a.open(dir)
	a.await(x, app, app+"-1 delivered", app+"-2 delivered")
	stop()

	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		t.Errorf("nothing is in the index's folder: %v", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	x, _ = a.open(dir)
	a.await(x, app, app+"-1 delivered", app+"-2 delivered")
}

func TestADamagedIndexIsBegunAnew(t *testing.T) {
	a := newArchive(t, servertest.Brokers(t))
	app, dir := "egov-"+a.run, t.TempDir()
	a.report(a.outcome(app, 1, topics.ResultDelivered))
	x, stop := a.open(dir)
	a.await(x, app, app+"-1 delivered")
	stop()
	if err := os.WriteFile(filepath.Join(dir, "outcomes.db"), slices.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	x, _ = a.open(dir)
	a.await(x, app, app+"-1 delivered")
}

func TestOldOutcomesGo(t *testing.T) {
	a := newArchive(t, servertest.Brokers(t))
	app := "egov-" + a.run
	var all []outcomes.Outcome
	for n := range 40 {
		all = append(all, a.outcome(app, n, topics.ResultDelivered)) // that of n finished 60-n minutes ago
	}
	a.report(all...)
	dir := t.TempDir()
	x, stop := a.open(dir)
	servertest.Eventually(t, "all are found", func() bool {
		all, err := x.Application(t.Context(), app)
		return err == nil && len(all) == 40
	})
	stop()
	// What is opened removes before it waits for the next time.
	x, stop = a.open(dir, func(o *outcomes.Options) { o.Keep = 30*time.Minute + 30*time.Second })
	var want []string
	for n := 30; n < 40; n++ {
		want = append(want, fmt.Sprint(app, "-", n, " delivered"))
	}
	a.await(x, app, want...)
	stop()
	if os.Getenv("KAFKA_BROKERS") != "" {
		return // others' outcomes would be counted too
	}
	x, _ = a.open(dir, func(o *outcomes.Options) { o.Most = 3 })
	a.await(x, app, want[7:]...)
}

// TestTheTopicIsMadeAgain: an index of records that are no more is thrown away.
func TestTheTopicIsMadeAgain(t *testing.T) {
	if os.Getenv("KAFKA_BROKERS") != "" {
		t.Skip("a shared hub.outcomes is not deleted")
	}
	brokers := servertest.Brokers(t)
	a := newArchive(t, brokers)
	app, dir := "egov-"+a.run, t.TempDir()
	for n := range 5 {
		a.report(a.outcome(app, n, topics.ResultDelivered))
	}
	x, stop := a.open(dir)
	servertest.Eventually(t, "all are found", func() bool {
		all, err := x.Application(t.Context(), app)
		return err == nil && len(all) == 5
	})
	stop()
	resp, err := a.cluster.Client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{outcomes.Topic}})
	if err != nil || resp.Errors[outcomes.Topic] != nil {
		t.Fatal(err, resp)
	}
	b := newArchive(t, brokers)
	b.report(b.outcome(app, 9, topics.ResultDelivered))
	x, _ = b.open(dir)
	b.await(x, app, app+"-9 delivered")
}
