package load

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/verify/check"
	"kandashub/topics"
	"kandashub/topics/contract"
)

var plan = Plan{
	Run: "t1", Seed: 7, Notices: 600, Applications: 40, Channels: []string{"migration", "egov", "statecorp"}, Signed: 0.3,
	IINs: 20, Repeats: 0.1, Conflicts: 0.05, Poison: 0.1,
}

// parsed reads a record as the hub does.
func parsed(p planned) (topics.Message, error) {
	r := &topics.Record{Topic: p.record.Topic, Key: p.record.Key, Value: p.record.Value}
	for _, h := range p.record.Headers {
		r.Headers = append(r.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	return topics.Parse(r)
}

// What is meant to be good keeps the contract, and what is not does not.
func TestMessagesAreWhatTheyAreMeantToBe(t *testing.T) {
	agreed, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	messages, personal := plan.messages()
	kinds := map[check.Kind]int{}
	seq := map[string]int{}
	for _, p := range messages {
		kinds[p.send.Kind]++
		m, err := parsed(p)
		if err == nil {
			err = agreed.Check(p.record.Topic, m)
		}
		if bad := p.send.Kind == check.Poison; bad != (err != nil) {
			t.Fatalf("%s %s of %s: %v", p.send.Kind, p.send.Type, p.send.Application, err)
		}
		if p.send.Kind != check.Good {
			continue
		}
		if p.send.Seq != seq[p.send.Application]+1 || m.ID != p.send.ID || m.Subject != p.send.Application || len(p.send.Wants) == 0 {
			t.Fatalf("%+v after %d", p.send, seq[p.send.Application])
		}
		seq[p.send.Application]++
	}
	want := map[check.Kind]int{check.Good: 620, check.Repeat: kinds[check.Repeat], check.Conflict: kinds[check.Conflict], check.Poison: kinds[check.Poison]}
	if !cmp.Equal(kinds, want) || kinds[check.Repeat] < 30 || kinds[check.Conflict] < 10 || kinds[check.Poison] < len(spoils) {
		t.Errorf("kinds %v", kinds)
	}
	if len(personal) < 100 {
		t.Errorf("%d personal values", len(personal))
	}
}

// The last leg alone keeps the contract, too.
func TestDirectMessages(t *testing.T) {
	agreed, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := plan
	p.Direct = true
	messages, _ := p.messages()
	topicsSeen := map[string]int{}
	for _, m := range messages {
		parsed, err := parsed(m)
		if err == nil {
			err = agreed.Check(m.record.Topic, parsed)
		}
		if err != nil {
			t.Fatal(err)
		}
		topicsSeen[m.record.Topic]++
	}
	if topicsSeen["migration.receipts"] != 300 || topicsSeen["migration.notifications"] != 300 {
		t.Errorf("topics %v", topicsSeen)
	}
}

// A seed gives the same messages, but for the day.
func TestMessagesAreReproducible(t *testing.T) {
	a, _ := plan.messages()
	b, _ := plan.messages()
	other := plan
	other.Seed++
	c, _ := other.messages()
	same := func(x, y []planned) bool {
		for i := range x {
			if i >= len(y) || !bytes.Equal(x[i].record.Key, y[i].record.Key) || x[i].send.ID != y[i].send.ID {
				return false
			}
		}
		return len(x) == len(y)
	}
	if !same(a, b) || same(a, c) {
		t.Errorf("the same: %t, with another seed: %t", same(a, b), same(a, c))
	}
}

// A load that is enough ends early, with all that was sent written.
func TestEnough(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "kandas.events", "kandas.iin-requests"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for _, enough := range []int{0, 100, 1_000_000} {
		d := NewDriver(plan, 0, client)
		d.Enough(enough)
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := min(enough, d.Total()); d.Written() != want || len(d.Sends()) != want {
			t.Errorf("of %d messages are %d written and %d sent, want %d", d.Total(), d.Written(), len(d.Sends()), want)
		}
	}
}
