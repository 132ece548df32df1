package outcomes

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/topics"
	"kandashub/topics/control"
)

// filed is the n-th second's message of a chain that began at a second.
func filed(root, n float64, route, id, result string) Outcome {
	o := hop(n, route, id, topics.SourceHub, result)
	o.Root, o.Trace = second(root), fmt.Sprint("trace-", root)
	if root == n {
		o.Source, o.Type = "egov", "kz.egov.application.submitted.v1"
	}
	return o
}

// Each step stands with the message from outside to which it goes back, also what
// people did, and the chain says of itself what it is and whether it waits.
func TestChains(t *testing.T) {
	refused := filed(50, 60, "verify", "b", topics.ResultRejected)
	refused.Letter = "l"
	lost := filed(200, 210, "verify", "e", topics.ResultDelivered) // its first message has expired
	all := []Outcome{
		filed(50, 50, "register", "a2", topics.ResultDelivered), refused, filed(0, 0, "register", "a", topics.ResultDelivered), lost,
		filed(0, 10, "notify", "c", topics.ResultDelivered),
	}
	records := []control.AuditRecord{{Time: second(70), Request: "x", Actor: "aru", Action: "show payload", Object: "verify/l", Result: control.Done}, breaker(12, "notify", control.Done)}
	letters := []topics.Letter{letterOf("egov-17", "l", false), untrusted(letterOf("egov-17", "u", false))}
	events := Timeline("egov-17", all, letters, records, Now{At: second(100)})
	var got []string
	steps := 0
	for _, c := range Chains(events, Deadlines(all, 20*time.Second, second(100))) {
		line := fmt.Sprintf("%s by %q, %q, %d steps to %s", c.Type, c.Source, c.Trace, c.Steps, c.Last.Sub(second(0)))
		if !c.Root.IsZero() {
			line = fmt.Sprintf("%s: %s", c.Root.Sub(second(0)), line)
		}
		if c.Open {
			line += ", waits"
		}
		if c.Deadline != nil {
			line += ", " + c.Deadline.State()
		}
		got = append(got, line)
		steps += len(c.Events)
	}
	want := []string{
		`0s: kz.egov.application.submitted.v1 by "egov", "trace-0", 12 steps to 15s, in_time`,
		`50s: kz.egov.application.submitted.v1 by "egov", "trace-50", 13 steps to 1m10s, waits, late`,
		`3m20s: t.v1 by "", "trace-200", 5 steps to 3m35s, in_time`,
		` by "", "", 2 steps to 24s, waits`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if steps != len(events) {
		t.Errorf("%d of %d steps", steps, len(events))
	}
}

// untrusted is a letter that holds nobody.
func untrusted(l topics.Letter) topics.Letter {
	l.Holds, l.Class = false, topics.LetterUntrusted
	return l
}

// What waits is told once for each place, the most pressing first.
func TestWaits(t *testing.T) {
	undecided := letterOf("egov-17", "l", false)
	undecided.Decisions = nil
	queued := hop(20, "verify", "d", topics.SourceHub, topics.ResultNone)
	pause := topics.Pause{Reason: topics.PauseBreaker, Owner: topics.OwnerHub, Since: second(5)}
	held := topics.Pause{Reason: topics.PauseOperator, Owner: "aru", Since: second(30)}
	for name, c := range map[string]struct {
		all     []Outcome
		letters []topics.Letter
		pauses  map[string][]topics.Pause
		want    []string
	}{
		"nothing": {all: []Outcome{hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered)}},
		"a letter, and two messages behind it": {
			[]Outcome{dead(topics.ResultRejected), parked("c"), queued}, []topics.Letter{undecided}, nil,
			[]string{"person at verify since 16s letter l, 2 behind"},
		},
		"a decision that a hub is to carry out": {
			[]Outcome{dead(topics.ResultRejected)}, []topics.Letter{letterOf("egov-17", "l", false)}, nil,
			[]string{"hub at verify since 24s letter l by aru, 0 behind"},
		},
		"a breaker": {[]Outcome{queued}, nil, map[string][]topics.Pause{"verify": {pause}}, []string{"pause at verify since 21s breaker, 0 behind"}},
		"an operator's pause, elsewhere parked": {
			[]Outcome{queued, hop(0, "register", "a", topics.SourceHub, topics.ResultParked)}, nil, map[string][]topics.Pause{"verify": {held}},
			[]string{"pause at verify since 30s operator by aru, 0 behind", "parked at register since 5s, 0 behind"},
		},
		"its turn": {[]Outcome{queued}, nil, nil, []string{"turn at verify since 21s, 0 behind"}},
		"a letter that nobody can trust, and a message that does not wait for it": {
			[]Outcome{queued}, []topics.Letter{untrusted(undecided)}, nil,
			[]string{"person at verify since 16s letter l, 0 behind", "turn at verify since 21s, 0 behind"},
		},
	} {
		var got []string
		for _, w := range Waits(Timeline("egov-17", c.all, c.letters, nil, Now{At: second(60), Pauses: c.pauses})) {
			line := fmt.Sprintf("%s at %s since %s", w.For, w.Route, w.Since.Sub(second(0)))
			for _, more := range []string{w.Pause, w.Letter} {
				if more != "" {
					line += map[bool]string{true: " letter ", false: " "}[more == w.Letter] + more
				}
			}
			if w.Who != "" {
				line += " by " + w.Who
			}
			got = append(got, fmt.Sprintf("%s, %d behind", line, w.Behind))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Kafka keeps whole milliseconds and systems more: what one millisecond holds stands in
// the order in which it happened.
func TestStepsWithinAMillisecond(t *testing.T) {
	o := hop(0, "register", "a", "egov", topics.ResultRejected)
	at := func(micros int) time.Time { return second(0).Add(time.Duration(micros) * time.Microsecond) }
	o.Time, o.Root, o.Written, o.Letter = at(700), at(700), at(0), "l"
	o.Read, o.CallBegan, o.CallEnded, o.Finished = at(1100), at(1200), at(1900), at(1950)
	letter := letterOf("egov-17", "l", false)
	letter.Route.Name, letter.Decisions = "register", nil
	letter.Record.Time = at(1000)
	for i, h := range letter.Record.Headers {
		if value := map[string]string{"ce_id": "a", "ce_source": "egov"}[h.Key]; value != "" {
			letter.Record.Headers[i].Value = []byte(value)
		}
	}
	want := []string{
		"00.0 +0s made a egov", "00.0 +0s written register a", "00.0 +400µs read register a kandas", "00.0 +100µs called register a kandas",
		"00.0 +700µs returned register a kandas", "00.0 +0s dead letter register a http_422 refused (waits)",
	}
	if diff := cmp.Diff(want, story(Timeline("egov-17", []Outcome{o}, []topics.Letter{letter}, nil, Now{}))); diff != "" {
		t.Error(diff)
	}
	o.Written = at(-2000) // two clocks, and no rounding: told as it is
	if got := story(Timeline("egov-17", []Outcome{o}, nil, nil, Now{}))[0]; got != "58.0 +0s written register a" && got != "59.9 +0s written register a" {
		t.Errorf("the first step is %s", got)
	}
}
