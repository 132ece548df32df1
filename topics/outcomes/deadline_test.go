package outcomes

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/topics"
)

func TestDeadlines(t *testing.T) {
	now := second(1000)
	chain := func(from, n float64, result string) Outcome {
		o := hop(n, "verify", fmt.Sprint(from, "-", n), topics.SourceHub, result)
		o.Root = second(from)
		if from == n {
			o.Source = "egov"
		}
		return o
	}
	ending := func(o Outcome, n float64) Outcome {
		o.Finished = second(n)
		return o
	}
	untold := chain(0, 5, topics.ResultRejected)
	untold.ID, untold.Root = "", time.Time{}
	for name, c := range map[string]struct {
		all      []Outcome
		deadline time.Duration
		want     []string
	}{
		"none is set":       {all: []Outcome{chain(0, 0, topics.ResultDelivered)}},
		"in time":           {[]Outcome{chain(0, 0, topics.ResultDelivered), chain(0, 20, topics.ResultDelivered)}, time.Minute, []string{"egov from 0 gone 25s left 35s in_time"}},
		"late in the end":   {[]Outcome{chain(0, 80, topics.ResultDelivered)}, time.Minute, []string{" from 0 gone 1m25s left -25s late"}},
		"a duplicate later": {[]Outcome{chain(0, 0, topics.ResultDelivered), chain(0, 500, topics.ResultDuplicate)}, time.Minute, []string{"egov from 0 gone 5s left 55s in_time"}},
		"it waits, in time": {[]Outcome{chain(900, 900, topics.ResultParked)}, time.Hour, []string{"egov from 900 gone 1m40s left 58m20s in_time waits"}},
		"it waits, at risk": {[]Outcome{chain(900, 900, topics.ResultDeadLettered)}, 110 * time.Second, []string{"egov from 900 gone 1m40s left 10s at_risk waits"}},
		"it waits, late":    {[]Outcome{chain(0, 0, topics.ResultRejected)}, time.Minute, []string{"egov from 0 gone 16m40s left -15m40s late waits"}},
		"it was parked":     {[]Outcome{chain(0, 0, topics.ResultParked), chain(0, 0, topics.ResultDelivered)}, time.Minute, []string{"egov from 0 gone 5s left 55s in_time"}},
		"cannot be trusted": {[]Outcome{untold}, time.Minute, nil},
		"the most urgent first": {
			[]Outcome{chain(0, 0, topics.ResultDelivered), chain(100, 100, topics.ResultParked), chain(200, 250, topics.ResultDelivered), chain(50, 50, topics.ResultRejected)}, time.Minute,
			[]string{"egov from 50 gone 15m50s left -14m50s late waits", "egov from 100 gone 15m0s left -14m0s late waits", " from 200 gone 55s left 5s in_time", "egov from 0 gone 5s left 55s in_time"},
		},
		"it waits, for its discard was taken back": {
			[]Outcome{ending(chain(900, 900, topics.ResultRejected), 910), ending(chain(900, 900, topics.ResultDiscarded), 920), ending(chain(900, 900, topics.ResultRejected), 930)}, time.Hour,
			[]string{"egov from 900 gone 1m40s left 58m20s in_time waits"},
		},
	} {
		var got []string
		for _, d := range Deadlines(c.all, c.deadline, now) {
			line := fmt.Sprintf("%s from %.0f gone %s left %s %s", d.Source, d.From.Sub(second(0)).Seconds(), d.Gone(), d.Left(), d.State())
			if d.Open {
				line += " waits"
			}
			got = append(got, line)
			if d.All() != c.deadline {
				t.Errorf("%s: all the time is %s", name, d.All())
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
