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
		for _, s := range []string{e.Route, e.Message, e.System, e.Code, e.Pause, e.Who, e.Action, e.Reason} {
			if s != "" {
				line += " " + s
			}
		}
		if e.Waited > 0 {
			line += fmt.Sprint(" waited ", e.Waited)
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
		"a decision that the hub could not carry out": {
			letters: []topics.Letter{refusing(letterOf("egov-17", "l", false))},
			records: []control.AuditRecord{{Time: second(25), Request: "d", Actor: "aru", Action: "discard letter", Object: "verify/l", Reason: "test", Result: control.Done}},
			want:    []string{"16.0 +0s dead letter verify b http_422 refused (waits)", "24.0 +8s command verify b http_422 aru discard letter: refused the letter cannot be read"},
		},
		"attempts that failed": {
			all: []Outcome{tried(hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered))},
			want: []string{"11.0 +0s written verify b", "11.1 +100ms read verify b kandas", "11.2 +100ms called verify b kandas",
				"11.4 +200ms returned verify b kandas timeout", "11.5 +100ms read verify b kandas open",
				"12.0 +500ms read verify b kandas", "13.0 +1s called verify b kandas", "14.0 +1s returned verify b kandas", "15.0 +1s delivered verify b kandas"},
		},
		"breakers on its way, while it waits": {
			all: []Outcome{dead(topics.ResultRejected)},
			records: []control.AuditRecord{
				breaker(10, "verify", control.Done), breaker(12.5, "verify", control.Asked), breaker(12.5, "verify", control.Done), breaker(13, "register", control.Done),
				breaker(13, "verify", control.Refused), breaker(99, "verify", control.Done), {Time: second(13.5), Actor: "aru", Action: "pause route", Object: "verify", Result: control.Done},
				{Time: second(13.5), Actor: "aru", Action: "accept loss", Object: "verify", Result: control.Done},
			},
			want: []string{"11.0 +0s written verify b", "12.0 +1s read verify b kandas", "12.5 +500ms breaker verify kandas aru force breaker open slow",
				"13.0 +500ms called verify b kandas", "13.5 +500ms command verify kandas aru pause route", "14.0 +500ms returned verify b kandas", "15.0 +1s dead letter verify b kandas http_422 (waits)",
				"39.0 +1m24s breaker verify kandas aru force breaker open slow"},
		},
		"breakers, after its end": {
			all:     []Outcome{hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered)},
			records: []control.AuditRecord{breaker(99, "verify", control.Done)},
			want: []string{"11.0 +0s written verify b", "12.0 +1s read verify b kandas", "13.0 +1s called verify b kandas",
				"14.0 +1s returned verify b kandas", "15.0 +1s delivered verify b kandas"},
		},
		"what a replay took the place of": {
			all: []Outcome{later(10, dead(topics.ResultRejected)), dead(topics.ResultRejected)},
			want: []string{"11.0 +0s written verify b", "12.0 +1s read verify b kandas", "13.0 +1s called verify b kandas", "14.0 +1s returned verify b kandas",
				"15.0 +1s dead letter verify b kandas http_422", "22.0 +7s read verify b kandas", "23.0 +1s called verify b kandas",
				"24.0 +1s returned verify b kandas", "25.0 +1s dead letter verify b kandas http_422 (waits)"},
		},
		"another application": {all: []Outcome{{Application: "egov-18", Result: topics.ResultDelivered, Finished: noon}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, story(Timeline("egov-17", c.all, c.letters, c.records, Now{}))); diff != "" {
				t.Error(diff)
			}
			slices.Reverse(c.all)
			if got := story(Timeline("egov-17", c.all, c.letters, c.records, Now{})); len(got) != len(c.want) {
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

// refusing is a letter whose decisions the hub has refused.
func refusing(l topics.Letter) topics.Letter {
	for _, d := range l.Decisions {
		l.Refused = append(l.Refused, topics.RefusedDecision{Decision: d, Reason: "the letter cannot be read"})
	}
	l.Decisions = nil
	return l
}

// tried is an outcome before which two attempts failed, one of them without a call.
func tried(o Outcome) Outcome {
	o.Attempts = 3
	o.Tries = []topics.Try{
		{Began: second(11.1), CallBegan: second(11.2), CallEnded: second(11.4), Code: "timeout"},
		{Began: second(11.5), Code: "open"},
	}
	return o
}

// later is an outcome whose last attempt was made so many seconds later.
func later(n float64, o Outcome) Outcome {
	by := time.Duration(n * float64(time.Second))
	o.Read, o.CallBegan, o.CallEnded, o.Finished = o.Read.Add(by), o.CallBegan.Add(by), o.CallEnded.Add(by), o.Finished.Add(by)
	return o
}

func breaker(n float64, route, result string) control.AuditRecord {
	return control.AuditRecord{Time: second(n), Actor: "aru", Action: "force breaker open", Object: route, Reason: "slow", Result: result}
}

func TestBrief(t *testing.T) {
	o := tried(hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered))
	brief := Brief(Timeline("egov-17", []Outcome{o}, nil, nil, Now{}))
	want := []string{"11.0 +0s written verify b", "11.1 +100ms attempt verify b kandas timeout", "11.5 +100ms attempt verify b kandas open",
		"12.0 +500ms read verify b kandas", "13.0 +1s called verify b kandas", "14.0 +1s returned verify b kandas", "15.0 +1s delivered verify b kandas"}
	if diff := cmp.Diff(want, story(brief)); diff != "" {
		t.Error(diff)
	}
	if first, second := brief[1], brief[2]; first.Attempts != 1 || first.Took != 300*time.Millisecond || second.Attempts != 2 || second.Took != 0 {
		t.Errorf("the attempts are %+v and %+v", first, second)
	}
	// Something else happened while the system was called: all steps are told.
	between := Brief(Timeline("egov-17", []Outcome{o}, nil, []control.AuditRecord{breaker(11.3, "verify", control.Done)}, Now{}))
	want = slices.Replace(want, 1, 2, "11.1 +100ms read verify b kandas", "11.2 +100ms called verify b kandas",
		"11.3 +100ms breaker verify kandas aru force breaker open slow", "11.4 +100ms returned verify b kandas timeout")
	if diff := cmp.Diff(want, story(between)); diff != "" {
		t.Error(diff)
	}
}

func TestAttempts(t *testing.T) {
	o := tried(dead(topics.ResultRejected))
	again := later(10, dead(topics.ResultDelivered))
	again.Code, again.Letter = "", ""
	var got []string
	for _, a := range Attempts("verify", topics.SourceHub, "b", []Outcome{again, o, o, parked("b"), hop(0, "verify", "a", topics.SourceHub, topics.ResultDelivered)}) {
		got = append(got, fmt.Sprintf("%s %d %s %s %s %s", a.Began.Format("05.0"), a.Number, a.Took(), a.Result, a.Code, a.Letter))
	}
	want := []string{"11.1 1 200ms failed timeout ", "11.5 2 0s failed open ", "12.0 3 1s rejected http_422 l", "22.0 1 1s delivered  "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if found := Attempts("verify", topics.SourceHub, "", []Outcome{{Route: "verify", Source: topics.SourceHub, Read: noon}}); found != nil {
		t.Errorf("what cannot be trusted has attempts: %+v", found)
	}
}
