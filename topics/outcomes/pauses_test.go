package outcomes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/topics"
)

// paused is an outcome of a message that waited for pauses, given as pairs of
// seconds; an end of 0 is not known.
func paused(o Outcome, seconds ...float64) Outcome {
	for i := 0; i < len(seconds); i += 2 {
		p := topics.PastPause{Reason: topics.PauseBreaker, Since: second(seconds[i])}
		if seconds[i+1] > 0 {
			p.Until = second(seconds[i+1])
		}
		o.Pauses = append(o.Pauses, p)
	}
	return o
}

// waiting17 is message b, which waits to be handled.
func waiting17() Outcome {
	o := hop(10, "verify", "b", topics.SourceHub, topics.ResultNone)
	o.Read, o.CallBegan, o.CallEnded, o.Finished, o.Attempts = time.Time{}, time.Time{}, time.Time{}, time.Time{}, 0
	return o
}

func TestTimelineTellsPauses(t *testing.T) {
	open := topics.Pause{Reason: topics.PauseBreaker, Owner: topics.OwnerHub, Since: second(5)}
	operators := topics.Pause{Reason: topics.PauseOperator, Owner: "aru", Since: second(12)}
	now := Now{At: second(30), Pauses: map[string][]topics.Pause{"verify": {open, operators}, "register": {open}}}
	afterwards := []string{"27.0 +1s read verify b kandas", "28.0 +1s called verify b kandas", "29.0 +1s returned verify b kandas", "30.0 +1s delivered verify b kandas"}
	for name, c := range map[string]struct {
		all  []Outcome
		now  Now
		want []string
	}{
		"it failed by itself, then waited for the breaker": {
			all: []Outcome{later(15, paused(tried(hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered)), 12, 26))},
			want: append([]string{"11.0 +0s written verify b", "11.1 +100ms attempt verify b kandas timeout", "11.5 +100ms attempt verify b kandas open",
				"12.0 +500ms paused verify b kandas breaker", "26.0 +14s resumed verify b kandas breaker waited 14s"}, afterwards...),
		},
		"it came while the breaker was open": {
			all: []Outcome{later(15, paused(hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered), 2, 26))},
			want: append([]string{"11.0 +0s written verify b", "11.0 +0s paused verify b kandas breaker",
				"26.0 +15s resumed verify b kandas breaker waited 15s"}, afterwards...),
		},
		"it was parked in the middle of a pause": {
			all: []Outcome{paused(parked("b"), 13, 0), later(15, paused(hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered), 13, 26))},
			now: now,
			want: append([]string{"11.0 +0s written verify b", "13.0 +2s paused verify b kandas breaker", "15.0 +2s parked verify b kandas",
				"26.0 +11s resumed verify b kandas breaker waited 13s"}, afterwards...),
		},
		"its probe began while the breaker was open": {
			all: []Outcome{paused(dead(topics.ResultRejected), 11.5, 14)},
			now: now,
			want: []string{"11.0 +0s written verify b", "11.5 +500ms paused verify b kandas breaker", "12.0 +500ms read verify b kandas", "13.0 +1s called verify b kandas",
				"14.0 +1s returned verify b kandas", "14.0 +0s resumed verify b kandas breaker waited 2.5s", "15.0 +1s dead letter verify b kandas http_422 (waits)"},
		},
		"it waits for its turn": {
			all:  []Outcome{waiting17()},
			want: []string{"11.0 +0s written verify b (waits)"},
		},
		"it waits now for pauses": {
			all: []Outcome{hop(0, "register", "a", topics.SourceHub, topics.ResultDelivered), waiting17()},
			now: now,
			want: []string{"01.0 +0s written register a", "02.0 +1s read register a kandas", "03.0 +1s called register a kandas", "04.0 +1s returned register a kandas",
				"05.0 +1s delivered register a kandas", "11.0 +6s written verify b (waits)", "11.0 +0s paused verify b kandas breaker waited 19s (waits)",
				"12.0 +1s paused verify b kandas operator aru waited 18s (waits)"},
		},
		"it waits parked, and for a pause that stands": {
			all: []Outcome{paused(parked("b"), 5, 0)},
			now: now,
			want: []string{"11.0 +0s written verify b", "11.0 +0s paused verify b kandas breaker waited 19s (waits)",
				"12.0 +1s paused verify b kandas operator aru waited 18s (waits)", "15.0 +3s parked verify b kandas (waits)"},
		},
		"it waits parked, and the end of a pause is not known": {
			all:  []Outcome{paused(parked("b"), 5, 0)},
			want: []string{"11.0 +0s written verify b", "11.0 +0s paused verify b kandas breaker", "15.0 +4s parked verify b kandas (waits)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			events := Timeline("egov-17", c.all, nil, nil, c.now)
			if diff := cmp.Diff(c.want, story(Brief(events))); diff != "" {
				t.Error(diff)
			}
			for _, e := range events {
				if e.Kind == EventPaused && e.Since.IsZero() || e.Kind == EventResumed && e.Until.IsZero() || e.Pause == "" && !e.Since.IsZero() {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// What an outcome tells of is not told once more as unfinished; what cannot be
// trusted waits for nothing.
func TestUnfinishedMessages(t *testing.T) {
	done := hop(10, "verify", "b", topics.SourceHub, topics.ResultDelivered)
	next, nameless := waiting17(), waiting17()
	next.ID, nameless.ID = "c", ""
	var got []string
	for _, o := range WithUnfinished([]Outcome{done}, []Outcome{waiting17(), next, nameless}) {
		got = append(got, o.ID+" "+o.Result)
	}
	if diff := cmp.Diff([]string{"b delivered", "c "}, got); diff != "" {
		t.Error(diff)
	}
	d := Deadlines([]Outcome{done, next}, time.Hour, second(40))
	if len(d) != 1 || !d[0].Open || !d[0].At.Equal(second(40)) {
		t.Errorf("its chain is %+v", d)
	}
}
