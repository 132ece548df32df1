package control_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// deaf makes a Kafka answer that it has not taken what is written to a topic. Of what
// it has taken all the same, if it takes anything, it is told by the same requests
// that come another way; the writer is refused for good only once they are through.
func deaf(t *testing.T, k *kfake.Cluster, topic string, takes bool) {
	t.Helper()
	another, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.MaxVersions(kversion.V3_0_0())) // which names topics
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(another.Close)
	const mark = 12345 // the timeout of what comes the other way
	var begun, landed atomic.Bool
	landed.Store(!takes)
	k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		produce := req.(*kmsg.ProduceRequest)
		if len(produce.Topics) != 1 || produce.Topics[0].Topic != topic || produce.TimeoutMillis == mark {
			return nil, nil, false
		}
		if takes && !begun.Swap(true) {
			copied := *produce
			copied.TimeoutMillis = mark
			go func() {
				resp, err := copied.RequestWith(t.Context(), another)
				if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
					t.Errorf("writing another way: %+v, %v", resp, err)
				}
				landed.Store(true)
			}()
		}
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		rt, rp := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
		rt.Topic, rp.Partition, rp.ErrorCode = topic, produce.Topics[0].Partitions[0].Partition, kerr.RequestTimedOut.Code
		if landed.Load() {
			rp.ErrorCode = kerr.InvalidRecord.Code
		}
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
}

// A run finds a decision that the broker took although it did not say so. Where none
// is found it says that it does not know, and what to do: the same command goes on.
func TestRunWhoseDecisionIsNotAnswered(t *testing.T) {
	for _, takes := range []bool{true, false} {
		k := ownKafka(t)
		o := newOfficeOn(t, k.ListenAddrs())
		stop := o.run()
		o.send("app-1", 0)
		l := o.letters(1)[0]
		stop() // so that nobody but the run writes to the topic
		p, err := o.Plan(t.Context(), control.Filter{}, topics.DecideReplay)
		o.must(err)
		deaf(t, k, o.route.DeadTopic(), takes)
		run := control.Run{Action: topics.DecideReplay, Plan: p.Hash, Rate: 500, Wait: time.Millisecond}
		got, err := o.RunPlan(t.Context(), order, run)
		want := control.ResultUnknown
		if takes {
			want = control.ResultWaiting
		}
		if err == nil || len(got.Results) != 1 || got.Results[0].Result != want {
			t.Errorf("taken %v: comes to %+v, %v, want %s", takes, got, err, want)
		}
		if takes && (got.Decided != 1 || got.Unknown != "" || !strings.Contains(err.Error(), "have not been carried out")) {
			t.Errorf("of a decision that was taken: %+v, %v", got, err)
		}
		if !takes && (got.Decided != 0 || got.Unknown != o.route.Name+"/"+l.ID || !strings.Contains(err.Error(), "the same command goes on")) {
			t.Errorf("of a decision that nobody knows of: %+v, %v", got, err)
		}
		k.DropControl()
		k.Control(func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, false })
	}
}

// What the hub could not carry out ends as refused, with the reason, in the run and
// on the letter; it waits for another decision.
func TestRefusedDecisionsAreTold(t *testing.T) {
	o := newOffice(t)
	o.start()
	o.send("app-1", 0)
	id := o.letters(1)[0].ID
	o.must(o.Answer(t.Context(), order, o.route.Name, id, func(topics.Letter) ([]topics.GivenReply, error) {
		return []topics.GivenReply{{Topic: "broken", Type: "test.done.v1", Data: json.RawMessage(`{}`)}}, nil
	}))
	var l topics.Letter
	servertest.Eventually(t, "the answer is refused", func() bool {
		l = o.letters(1)[0]
		return len(l.Refused) == 1
	})
	r := l.Refused[0]
	if len(l.Decisions) != 0 || r.Action != topics.DecideAnswer || r.Who != order.Who || r.Why != order.Why || r.At.IsZero() || !strings.Contains(r.Reason, "break their contract") {
		t.Errorf("the letter says %+v", l)
	}
	o.refusing(func(string) bool { return false })
	o.must(o.Replay(t.Context(), order, o.route.Name, id))
	o.awaitEffects("app-1-0")
}

// A run does not wait for a decision that the hub has refused, and says why.
func TestRunTellsWhatIsRefused(t *testing.T) {
	o := newOffice(t)
	o.start()
	var apart [2]string // in two partitions
	for n := 0; apart[0] == "" || apart[1] == ""; n++ {
		a := fmt.Sprint("app-", n)
		apart[topics.PartitionOf([]byte(a), len(apart))] = a
	}
	for _, a := range apart {
		o.send(a, 0)
	}
	letters := o.letters(2)
	o.refusing(func(string) bool { return false })
	p, err := o.Plan(t.Context(), control.Filter{}, topics.DecideReplay)
	o.must(err)
	run := control.Run{Action: topics.DecideReplay, Plan: p.Hash, Rate: 500, StopAt: 1, Wait: time.Minute}
	gone := letters[1].Record
	var once sync.Once
	run.Report = func(p control.Progress) {
		if p.Decided == 1 { // the other one is about to be decided
			once.Do(func() { servertest.DeleteRecords(t, o.brokers, o.route.DeadTopic(), gone.Partition, gone.Offset+1) })
		}
	}
	got, err := o.RunPlan(t.Context(), order, run)
	o.must(err)
	if got.Decided != 2 || got.Done != 1 || got.Refused != 1 || got.Waiting() != 0 || !strings.Contains(got.String(), "1 were refused") {
		t.Errorf("comes to %+v", got)
	}
	results := map[string]control.Result{}
	for _, r := range got.Results {
		results[r.Letter] = r
	}
	if r := results[letters[0].ID]; r.Result != control.ResultDelivered {
		t.Errorf("of the one that was there: %+v", r)
	}
	if r := results[letters[1].ID]; r.Result != control.ResultRefused || !strings.Contains(r.Why, "Kafka has deleted") {
		t.Errorf("of the one that is gone: %+v", r)
	}
}
