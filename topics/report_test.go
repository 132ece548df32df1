package topics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// reports are the outcomes of one hub. Closed, they take what is told them and
// write nothing: the hub that holds them is about to crash.
type reports struct {
	mu     sync.Mutex
	all    []topics.Outcome
	closed bool
}

func (r *reports) Report(o topics.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, o)
}

func (r *reports) Mark() uint64 { return 0 }

func (r *reports) Flush(ctx context.Context, _ uint64) error {
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if !closed {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// of returns what became of message n of an application, in order.
func (r *reports) of(application string, n int) (results []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.all {
		if o.ID == fmt.Sprintf("%s-%d", application, n) {
			results = append(results, o.Result)
		}
	}
	return results
}

func (r *reports) await(t *testing.T, application string, n int, want ...string) {
	t.Helper()
	var got []string
	servertest.Eventually(t, fmt.Sprintf("%s-%d is reported as %v", application, n, want), func() bool {
		got = r.of(application, n)
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("%s-%d is reported as %v, want %v", application, n, got, want)
	}
}

// last returns the outcome of an application that was reported last.
func (r *reports) last(t *testing.T, application string) (last topics.Outcome) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.all {
		if o.Application == application {
			last = o
		}
	}
	if last.Application == "" {
		t.Fatalf("nothing was reported of %s", application)
	}
	return last
}

func TestADeliveryIsReported(t *testing.T) {
	b, r := newBench(t, topics.C2), &reports{}
	b.reports = r
	failed := false
	b.failing(func(topics.Message, int) error {
		if failed {
			return nil
		}
		failed = true
		return topics.Fail(topics.Unavailable, "connect", "refused")
	})
	b.start()
	b.send("egov-1", 0)
	r.await(t, "egov-1", 0, topics.ResultDelivered)
	o := r.last(t, "egov-1")
	for name, ok := range map[string]bool{
		"application":    o.Application == "egov-1",
		"message":        o.Type == "test.do.v1" && o.Source == "test",
		"route":          o.Route == b.route.Name && o.System == "test" && o.Operation == "do",
		"place":          o.Topic == b.route.Sources[0] && o.Partition == topics.PartitionOf([]byte("egov-1"), testPartitions) && o.Offset == 0,
		"two attempts":   o.Attempts == 2,
		"order of times": !o.Time.IsZero() && o.Time.Equal(o.Root) && !o.Read.Before(o.Time) && !o.CallBegan.Before(o.Read) && !o.CallEnded.Before(o.CallBegan) && !o.Finished.Before(o.CallEnded),
		"broker's time":  !o.Written.IsZero() && o.Written.Location() == time.UTC,
		"trace":          len(o.Trace) == 32,
		"no letter":      o.Letter == "" && o.Class == "" && o.Code == "" && o.Parked.IsZero(),
	} {
		if !ok {
			t.Errorf("%s: %+v", name, o)
		}
	}
	// The same message once more is a duplicate, of which nobody was called.
	b.send("egov-1", 0)
	r.await(t, "egov-1", 0, topics.ResultDelivered, topics.ResultDuplicate)
	if again := r.last(t, "egov-1"); again.Offset != 1 || !again.CallBegan.IsZero() || !again.CallEnded.IsZero() {
		t.Errorf("the duplicate is %+v", again)
	}
	b.awaitCommitted()
}

func TestAParkedMessageIsReportedWhileItWaits(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	b.reports = r
	b.failing(func(m topics.Message, _ int) error {
		if m.Subject == "egov-1" {
			return topics.Fail(topics.Unavailable, "connect", "refused")
		}
		return nil
	})
	b.start()
	b.send("egov-1", 0)
	for n := 0; len(b.read(b.route.ParkedTopic())) < 1; n++ {
		b.send("egov-2", n) // its operation answers others
	}
	r.await(t, "egov-1", 0, topics.ResultParked)
	parked := r.last(t, "egov-1")
	b.failing(nil)
	r.await(t, "egov-1", 0, topics.ResultParked, topics.ResultDelivered)
	delivered := r.last(t, "egov-1")
	if parked.Parked.IsZero() || parked.Written.IsZero() || !parked.Written.Equal(delivered.Written) || delivered.Parked.IsZero() ||
		delivered.Topic != b.route.Sources[0] || delivered.Offset != 0 {
		t.Errorf("parked as %+v, delivered as %+v", parked, delivered)
	}
}

func TestDeadLettersAndDecisionsAreReported(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	b.reports = r
	b.failing(func(m topics.Message, _ int) error {
		if m.Subject == "egov-0" {
			panic("of ours")
		}
		return topics.Fail(topics.Rejected, "http_422", "refused")
	})
	b.start()
	b.send("egov-0", 0)
	r.await(t, "egov-0", 0, topics.ResultDeadLettered)
	if o := r.last(t, "egov-0"); o.Class != topics.LetterUncertain || o.Code != "panic" || o.Letter == "" {
		t.Errorf("the panic is %+v", o)
	}
	for i, c := range []struct {
		action string
		want   []string
	}{
		{topics.DecideDiscard, []string{topics.ResultRejected, topics.ResultDiscarded}},
		{topics.DecideAnswer, []string{topics.ResultRejected, topics.ResultAnswered}},
		{topics.DecideReplay, []string{topics.ResultRejected, topics.ResultRejected}},
	} {
		application := fmt.Sprint("egov-", i+1)
		b.send(application, 0)
		r.await(t, application, 0, topics.ResultRejected)
		rejected := r.last(t, application)
		letters, err := topics.ReadLetters(t.Context(), b.cluster, b.route)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(letters, func(l topics.Letter) bool { return l.ID == rejected.Letter })
		if at < 0 || rejected.Class != topics.LetterRejected || rejected.Code != "http_422" {
			t.Fatalf("letter %q is reported", rejected.Letter)
		}
		replies := []topics.GivenReply{}
		if c.action == topics.DecideAnswer {
			replies = append(replies, topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":0}`)})
		}
		if err := b.produce.Decide(t.Context(), letters[at], c.action, "d"+application, "somebody", "why", replies...); err != nil {
			t.Fatal(err)
		}
		r.await(t, application, 0, c.want...)
		decided := r.last(t, application)
		if replayed := c.action == topics.DecideReplay; (decided.Letter != rejected.Letter) != replayed || !decided.Written.Equal(rejected.Written) ||
			decided.Offset != rejected.Offset || decided.Topic != b.route.Sources[0] {
			t.Errorf("%s: first %+v, then %+v", c.action, rejected, decided)
		}
	}
}

// TestWhatCannotBeTrustedNamesNobody: the key of a record, and what its headers
// say, may be anything, a name or an IIN.
func TestWhatCannotBeTrustedNamesNobody(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	b.reports = r
	b.start()
	append := func(key string, m topics.Message) {
		record := kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte("no JSON")), Headers: m.Headers()}
		if _, err := b.produce.Append(t.Context(), b.route.Sources[0], 1, record); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int{}
	for key, application := range map[string]string{
		"egov-2026-17": "egov-2026-17", "Ivanov": "", "990101200017": "", "egov-990101200017": "", "Ivan-Ivanov": "", "иван-1": "", "-1": "", "egov-": "",
	} {
		append(key, topics.Message{ID: "990101200017", Type: "Ivanov", Source: "Ivanov", Subject: key, Time: time.Now()})
		want[application]++
	}
	servertest.Eventually(t, "all are reported", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.all) == 8
	})
	got := map[string]int{}
	for _, o := range r.all {
		got[o.Application]++
		if o.Result != topics.ResultRejected || o.Class != topics.LetterUntrusted || o.Code == "" || o.Letter == "" || o.Partition != 1 {
			t.Errorf("%+v", o)
		}
		if text := fmt.Sprint(o); strings.Contains(text, "Ivan") || strings.Contains(text, "990101200017") || strings.Contains(text, "иван") {
			t.Errorf("what cannot be trusted shows: %s", text)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("applications %v, want %v", got, want)
	}
}

// TestWhatTheContractDoesNotNameIsNotTold: a message may be well formed and have
// a type or a source that is a person's name. It is a letter that holds its
// application, and says of itself only what the contract knows.
func TestWhatTheContractDoesNotNameIsNotTold(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	b.reports = r
	known := []string{"test.do.v1", "test"}
	b.known = func(name string) bool { return slices.Contains(known, name) }
	b.check = func(topic string, m topics.Message) (string, error) {
		if topic == b.route.Sources[0] && (!b.known(m.Type) || !b.known(m.Source)) {
			return "unknown_type", errors.New("it breaks the contract")
		}
		return "", nil
	}
	b.start()
	for n, m := range []topics.Message{
		{Type: "Ivanov", Source: "test"},
		{Type: "test.do.v1", Source: "Ivanov"},
		{Type: "test.do.v1", Source: "test"},
	} {
		m.Subject, m.Time, m.Data = fmt.Sprint("egov-", n), time.Now(), json.RawMessage(`{"n":0}`)
		m.ID = m.Subject + "-0"
		if err := b.produce.Publish(t.Context(), b.route.Sources[0], m); err != nil {
			t.Fatal(err)
		}
		want := []string{topics.ResultRejected}
		if n == 2 {
			want = []string{topics.ResultDelivered}
		}
		r.await(t, m.Subject, 0, want...)
		o := r.last(t, m.Subject)
		told := func(name string) string {
			if b.known(name) {
				return name
			}
			return ""
		}
		if o.Type != told(m.Type) || o.Source != told(m.Source) || n < 2 && o.Code != "unknown_type" {
			t.Errorf("of %s from %s is told: %+v", m.Type, m.Source, o)
		}
	}
	letters, err := topics.ReadLetters(t.Context(), b.cluster, b.route)
	if err != nil || len(letters) != 2 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for _, l := range letters { // a decision is told as the letter was
		if err := b.produce.Decide(t.Context(), l, topics.DecideDiscard, "d"+l.ID, "somebody", "why"); err != nil {
			t.Fatal(err)
		}
		application := string(l.Record.Key)
		r.await(t, application, 0, topics.ResultRejected, topics.ResultDiscarded)
		if text := fmt.Sprint(r.last(t, application)); strings.Contains(text, "Ivanov") {
			t.Errorf("the decision tells %s", text)
		}
	}
}

// TestOffsetsWaitForOutcomes lets a hub end whose outcomes were never written:
// it has committed nothing, the next one reads all of it again, calls nobody,
// and reports every message.
func TestOffsetsWaitForOutcomes(t *testing.T) {
	const applications, each = 5, 4
	b, lost := newBench(t, topics.C2), &reports{closed: true}
	b.reports = lost
	stop := b.start()
	for a := range applications {
		b.send(fmt.Sprint("egov-", a), upTo(each)...)
	}
	for a := range applications {
		b.awaitEffects(fmt.Sprint("egov-", a), upTo(each)...)
		lost.await(t, fmt.Sprint("egov-", a), each-1, topics.ResultDelivered)
	}
	stop()
	if lag := b.lag(); lag != applications*each {
		t.Fatalf("%d offsets are not committed: %d of the outcomes were not written", lag, applications*each)
	}
	kept := &reports{}
	b.reports = kept
	b.start()
	for a := range applications {
		for n := range each {
			kept.await(t, fmt.Sprint("egov-", a), n, topics.ResultDuplicate)
		}
	}
	b.awaitCommitted()
	for a := range applications {
		b.awaitEffects(fmt.Sprint("egov-", a), upTo(each)...) // as before
	}
}
