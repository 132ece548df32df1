package outcomes

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/control"
)

// story tells a timeline in words, to be read beside what is expected.
func story(events []Event) (lines []string) {
	for _, e := range events {
		line := fmt.Sprintf("%s +%s %s", e.At.Format("05.0"), e.After, e.Kind)
		for _, s := range []string{e.Route, e.Message, e.System, e.Code, e.Who, e.Action, e.Reason} {
			if s != "" {
				line += " " + s
			}
		}
		if e.Open {
			line += " (waits)"
		}
		lines = append(lines, line)
	}
	return lines
}

func second(n float64) time.Time {
	return noon.Truncate(time.Second).Add(time.Duration(n * float64(time.Second)))
}

// hop is message id of the n-th ten seconds at a route.
func hop(n float64, route, id, source, result string) Outcome {
	return Outcome{Application: "egov-17", Route: route, Topic: route + ".in", ID: id, Type: "t.v1", Source: source, System: "kandas", Operation: "do",
		Result: result, Attempts: 1, Time: second(n), Root: second(0), Written: second(n + 1), Read: second(n + 2),
		CallBegan: second(n + 3), CallEnded: second(n + 4), Finished: second(n + 5)}
}

func TestTimeline(t *testing.T) {
	for name, c := range map[string]struct {
		all     []Outcome
		letters []topics.Letter
		records []control.AuditRecord
		want    []string
	}{
		"two hops": {
			all: []Outcome{hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered), hop(0, "register", "a", "egov", topics.ResultDelivered)},
			want: []string{
				"00.0 +0s made a egov", "01.0 +1s written register a", "02.0 +1s read register a kandas", "03.0 +1s called register a kandas",
				"04.0 +1s returned register a kandas", "05.0 +1s delivered register a kandas",
				"11.0 +6s written verify b", "12.0 +1s read verify b kandas", "13.0 +1s called verify b kandas",
				"14.0 +1s returned verify b kandas", "15.0 +1s delivered verify b kandas",
			},
		},
		"it waits parked": {
			all:  []Outcome{parked("b")},
			want: []string{"11.0 +0s written verify b", "15.0 +4s parked verify b kandas (waits)"},
		},
		"it was parked": {
			all: []Outcome{parked("b"), hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered)},
			want: []string{"11.0 +0s written verify b", "12.0 +1s read verify b kandas", "13.0 +1s called verify b kandas",
				"14.0 +1s returned verify b kandas", "15.0 +1s parked verify b kandas", "15.0 +0s delivered verify b kandas"},
		},
		"only its end is known": {
			all:  []Outcome{parked("b"), hop(10, "verify", "b", topics.SourceHub, topics.ResultDuplicate)},
			want: []string{"11.0 +0s written verify b", "15.0 +4s parked verify b kandas", "15.0 +0s duplicate verify b kandas"},
		},
		"a letter without its topic": {
			all: []Outcome{dead(topics.ResultRejected)},
			want: []string{"11.0 +0s written verify b", "12.0 +1s read verify b kandas", "13.0 +1s called verify b kandas",
				"14.0 +1s returned verify b kandas", "15.0 +1s dead letter verify b kandas http_422 (waits)"},
		},
		"a letter, refused commands and a decision": {
			all:     []Outcome{dead(topics.ResultDiscarded)},
			letters: []topics.Letter{letterOf("egov-17", "l", true), letterOf("egov-18", "x", false)},
			records: []control.AuditRecord{
				{Time: second(20), Request: "1", Actor: "aru", Action: "answer letter", Object: "verify/l", Reason: "try", Result: control.Asked},
				{Time: second(21), Request: "1", Actor: "aru", Action: "answer letter", Object: "verify/l", Reason: "try", Result: control.Refused},
				{Time: second(25), Request: "d", Actor: "aru", Action: "discard letter", Object: "verify/l", Reason: "test", Result: control.Done},
				{Time: second(26), Request: "2", Actor: "aru", Action: "discard letter", Object: "verify/x", Reason: "test", Result: control.Done},
			},
			want: []string{"11.0 +0s written verify b", "12.0 +1s read verify b kandas", "13.0 +1s called verify b kandas",
				"14.0 +1s returned verify b kandas", "15.0 +1s discarded verify b kandas http_422", "16.0 +1s dead letter verify b http_422 refused",
				"21.0 +5s command verify http_422 aru answer letter: refused try", "24.0 +3s decision verify b http_422 aru discard test"},
		},
		"an open letter": {
			letters: []topics.Letter{letterOf("egov-17", "l", false)},
			want:    []string{"16.0 +0s dead letter verify b http_422 refused (waits)", "24.0 +8s decision verify b http_422 aru discard test"},
		},
		"another application": {all: []Outcome{{Application: "egov-18", Result: topics.ResultDelivered, Finished: noon}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, story(Timeline("egov-17", c.all, c.letters, c.records))); diff != "" {
				t.Error(diff)
			}
			slices.Reverse(c.all)
			if got := story(Timeline("egov-17", c.all, c.letters, c.records)); len(got) != len(c.want) {
				t.Errorf("in another order: %q", got)
			}
		})
	}
}

func parked(id string) Outcome {
	return hop(10, "verify", id, topics.SourceHub, topics.ResultParked)
}

func dead(result string) Outcome {
	o := hop(10, "verify", "b", topics.SourceHub, result)
	o.Letter, o.Class, o.Code = "l", topics.LetterRejected, "http_422"
	return o
}

func letterOf(application, id string, resolved bool) topics.Letter {
	return topics.Letter{ID: id, Class: topics.LetterRejected, Code: "http_422", Reason: "refused", Holds: true, Route: topics.Route{Name: "verify"}, Resolved: resolved,
		Record:    &topics.Record{Key: []byte(application), Time: second(16), Headers: []kafka.Header{{Key: "ce_id", Value: []byte("b")}, {Key: "ce_source", Value: []byte("hub")}}},
		Decisions: []topics.Decision{{ID: "d", Action: topics.DecideDiscard, Who: "aru", Why: "test", At: second(24)}}}
}
