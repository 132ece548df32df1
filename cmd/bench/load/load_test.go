package load_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/bench/load"
	"kandashub/topics"
	"kandashub/topics/contract"
)

// Every size of message, to either system, is one that the hub accepts.
func TestMessagesKeepTheContract(t *testing.T) {
	agreed, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []string{"migration", "egov"} {
		for _, body := range []int{0, 1 << 10, 10 << 10, 100 << 10} {
			p := load.Plan{Run: 7, System: system, Records: 20, Duplicates: 0.1, Applications: 3, Body: body}
			for _, r := range p.All() {
				m, err := topics.Parse(read(r))
				if err != nil {
					t.Fatal(err)
				}
				if err := agreed.Check(r.Topic, m); err != nil {
					t.Fatalf("%s, %d bytes: %v", system, body, err)
				}
				if body > 0 && (len(r.Value) < body-40 || len(r.Value) > body+60) {
					t.Errorf("a payload of %d bytes has %d", body, len(r.Value))
				}
			}
		}
	}
}

func read(r *kgo.Record) *topics.Record {
	out := &topics.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Time: time.Now()}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

func TestDuplicatesComeAfterWhatTheyRepeat(t *testing.T) {
	p := load.Plan{Run: 7, System: "migration", Records: 1000, Duplicates: 0.1, Applications: 20, Body: 1 << 10}
	seen := map[int]string{}
	records := 0
	for number, r := range p.All() {
		records++
		if value, again := seen[number]; again && value != string(r.Value) {
			t.Fatalf("message %d has two contents", number)
		}
		if number > len(seen) {
			t.Fatalf("message %d comes after %d others", number, len(seen))
		}
		seen[number] = string(r.Value)
	}
	if records != 1000 || len(seen) != p.Unique() || p.Unique() != 900 {
		t.Errorf("%d records of %d messages, want 1000 of 900", records, len(seen))
	}
}

func TestNotice(t *testing.T) {
	for _, c := range []struct {
		notice               string
		run                  uint32
		message, application int
		ok                   bool
	}{
		{topics.NoticeID("migration-17", load.ID(0xfedcba98, 100_000)), 0xfedcba98, 100_000, 17, true},
		{topics.NoticeID("egov-0", load.ID(1, 0)), 1, 0, 0, true},
		{"migration-17", 0, 0, 0, false},
		{"migration-17.12", 0, 0, 0, false},
		{"migration-x.0000000100000001", 1, 1, 0, false},
		{"", 0, 0, 0, false},
	} {
		run, message, application, ok := load.Notice([]byte(c.notice))
		if ok != c.ok || ok && (run != c.run || message != c.message || application != c.application) {
			t.Errorf("%s: run %x, message %d, application %d, %v", c.notice, run, message, application, ok)
		}
	}
}

func BenchmarkRecords(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for range (load.Plan{System: "migration", Records: b.N, Applications: 2000, Body: size}).All() {
			}
		})
	}
}
