package control_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

func step(n int) control.AuditRecord {
	return control.AuditRecord{Request: fmt.Sprint("request-", n), Actor: "duty", Action: "pause route", Object: "register",
		Reason: "a < b & c", Result: control.Asked}
}

// audited returns what two processes have written at once, as it lies there.
func audited(t *testing.T) []control.AuditRecord {
	t.Helper()
	r := newReplicas(t, servertest.Brokers(t))
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	var writing sync.WaitGroup
	for range 2 {
		a := control.NewAudit(r.cluster, r.producer).On(r.topic)
		for n := range 5 {
			writing.Go(func() {
				if err := a.Write(t.Context(), step(n)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	writing.Wait()
	records, err := control.ReadAuditOf(t.Context(), r.cluster, r.topic)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// again reads records as they were exported.
func again(t *testing.T, records []control.AuditRecord) []control.AuditRecord {
	t.Helper()
	out := make([]control.AuditRecord, len(records))
	for i, r := range records {
		out[i], _ = control.DecodeAudit(r.Written())
	}
	return out
}

func TestAuditNamesWhatWasTamperedWith(t *testing.T) {
	records := audited(t)
	if len(records) != 10 {
		t.Fatalf("%d records", len(records))
	}
	if err := control.VerifyAudit(records); err != nil {
		t.Errorf("untouched: %v", err)
	}
	if err := control.VerifyAudit(again(t, records)); err != nil {
		t.Errorf("exported: %v", err)
	}
	s := schema(t, "audit.v1.json")
	for _, r := range records {
		obeys(t, s, r.Written())
	}

	// The third record of one writer is the one to be tampered with.
	writer := records[0].Writer
	of := func(seq int) int {
		return slices.IndexFunc(records, func(r control.AuditRecord) bool { return r.Writer == writer && r.Seq == seq })
	}
	changed := func(i int, from, to string) []control.AuditRecord {
		out := again(t, records)
		out[i], _ = control.DecodeAudit(bytes.Replace(out[i].Written(), []byte(from), []byte(to), 1))
		return out
	}
	third := of(3)
	swapped := again(t, records)
	swapped[third], swapped[of(4)] = swapped[of(4)], swapped[third]
	for name, tc := range map[string]struct {
		records []control.AuditRecord
		seq     int
	}{
		"a reason changed":           {changed(third, "a < b", "b < a"), 3},
		"a reason, escaped":          {changed(third, `a \u003c b`, `b \u003c a`), 3},
		"a field added":              {changed(third, `"actor"`, `"more":1,"actor"`), 3},
		"a result changed":           {changed(third, `"asked"`, `"done"`), 3},
		"one taken out":              {slices.Delete(again(t, records), third, third+1), 3},
		"the first taken out":        {slices.Delete(again(t, records), of(1), of(1)+1), 1},
		"two swapped":                {swapped, 3},
		"one repeated later":         {append(again(t, records), again(t, records)[third]), 3},
		"one taken out of the topic": {slices.Delete(slices.Clone(records), third, third+1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := control.VerifyAudit(tc.records)
			var fault *control.AuditFault
			switch same := slices.EqualFunc(tc.records, again(t, records), func(a, b control.AuditRecord) bool { return bytes.Equal(a.Written(), b.Written()) }); {
			case same:
				t.Skip("this spelling does not occur")
			case !errors.As(err, &fault):
				t.Fatalf("not noticed: %v", err)
			case tc.seq != 0 && (fault.Writer != writer || fault.Seq != tc.seq):
				t.Errorf("%v, want record %d of %s", err, tc.seq, writer)
			}
		})
	}
	twice := slices.Insert(again(t, records), third+1, again(t, records)[third])
	if err := control.VerifyAudit(twice); err != nil {
		t.Errorf("a repeated write: %v", err)
	}
	rubbish, err := control.DecodeAudit([]byte("rubbish"))
	if err == nil || control.VerifyAudit([]control.AuditRecord{rubbish}) == nil {
		t.Error("rubbish passes")
	}
}

// A write whose fate is not known begins a new chain, so that the audit stays
// whole either way.
func TestAuditAfterAFailedWrite(t *testing.T) {
	r, k := faultyReplicas(t)
	a := control.NewAudit(r.cluster, r.producer).On(r.topic)
	write := func(n int) error { return a.Write(t.Context(), step(n)) }
	if err := write(1); err != nil {
		t.Fatal(err)
	}
	k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.DropControl()
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		topic, partition := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
		topic.Topic, partition.ErrorCode = r.topic, kerr.InvalidRecord.Code
		topic.Partitions = append(topic.Partitions, partition)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	if err := write(2); !errors.Is(err, kafka.InvalidRecord) {
		t.Fatalf("a refused write: %v", err)
	}
	if err := write(3); err != nil {
		t.Fatal(err)
	}
	records, err := control.ReadAuditOf(t.Context(), r.cluster, r.topic)
	if err != nil || len(records) != 2 || records[0].Writer == records[1].Writer {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if err := control.VerifyAudit(records); err != nil {
		t.Error(err)
	}
}

// A reader reads each record once, says of those that came since whether they
// follow upon what it read before, and notices a topic that was made again.
func TestAuditReaderReadsOn(t *testing.T) {
	r, _ := faultyReplicas(t)
	a, reader := control.NewAudit(r.cluster, r.producer).On(r.topic), control.NewAuditReader(r.cluster).On(r.topic)
	read := func(want ...string) {
		t.Helper()
		var got []string
		if err := reader.Read(t.Context(), func(r control.AuditRecord) error { got = append(got, r.Request); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("read are %q, want %q", got, want)
		}
	}
	write := func(ns ...int) {
		t.Helper()
		for _, n := range ns {
			if err := a.Write(t.Context(), step(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	read()
	write(1, 2)
	read("request-1", "request-2")
	read()
	write(3)
	enough := errors.New("enough")
	if err := reader.Read(t.Context(), func(control.AuditRecord) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the reader goes on: %v", err)
	}
	write(4)
	read("request-4")
	if reader.Fault() != nil || reader.Count() != 4 {
		t.Errorf("%d records, %v", reader.Count(), reader.Fault())
	}
	records, err := control.ReadAuditOf(t.Context(), r.cluster, r.topic)
	if err != nil {
		t.Fatal(err)
	}
	again := bytes.Replace(records[2].Written(), []byte(control.Asked), []byte(control.Done), 1)
	if _, err := r.producer.Append(t.Context(), r.topic, 0, kafka.Record{Value: kafka.NewBytes(again)}); err != nil {
		t.Fatal(err)
	}
	read("request-3")
	write(5)
	read("request-5")
	var fault *control.AuditFault
	if err := reader.Fault(); !errors.As(err, &fault) || fault.Seq != 3 || fault.What != "was changed" {
		t.Errorf("the fault is %v", err)
	}
	if _, err := r.cluster.Client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{r.topic}}); err != nil {
		t.Fatal(err)
	}
	servertest.CreateTopics(t, r.brokers, 1, r.topic)
	if err := reader.Read(t.Context(), func(control.AuditRecord) error { return nil }); !errors.Is(err, kafka.OffsetOutOfRange) {
		t.Errorf("of a topic that was made again: %v", err)
	}
}
