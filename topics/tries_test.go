package topics_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// codesOf lists the tries of an outcome, each as its number and code, and holds
// their times against each other.
func codesOf(t *testing.T, o topics.Outcome) (codes []string) {
	t.Helper()
	for i, try := range o.Tries {
		codes = append(codes, fmt.Sprint(o.TryNumber(i), " ", try.Code))
		if try.Began.IsZero() || try.CallBegan.Before(try.Began) || try.CallEnded.Before(try.CallBegan) || i > 0 && try.Began.Before(o.Tries[i-1].CallEnded) {
			t.Errorf("try %d: %+v", i, try)
		}
	}
	return codes
}

// times fails so many calls for message 0 of an application, each by a code of its
// own.
func times(n int, class topics.Class) func(m topics.Message, number int) error {
	calls := 0
	return func(m topics.Message, number int) error {
		if number != 0 || calls == n {
			return nil
		}
		calls++
		return topics.Fail(class, fmt.Sprint("code_", calls), "no answer")
	}
}

func TestEveryAttemptIsReported(t *testing.T) {
	for _, c := range []struct {
		fails int
		want  []string
	}{
		{0, nil},
		{3, []string{"1 code_1", "2 code_2", "3 code_3"}},
		{11, []string{"1 code_1", "2 code_2", "6 code_6", "7 code_7", "8 code_8", "9 code_9", "10 code_10", "11 code_11"}},
	} {
		t.Run(fmt.Sprint(c.fails), func(t *testing.T) {
			b, r := newBench(t, topics.C1), &reports{}
			b.reports, b.timing.ParkAfter = r, time.Hour
			b.failing(times(c.fails, topics.Unavailable))
			b.start()
			b.send("egov-1", 0, 1)
			r.await(t, "egov-1", 0, topics.ResultDelivered)
			r.await(t, "egov-1", 1, topics.ResultDelivered)
			first, next := r.all[0], r.all[1]
			if got := codesOf(t, first); !slices.Equal(got, c.want) || first.Attempts != c.fails+1 {
				t.Errorf("%d attempts, tries %q, want %q", first.Attempts, got, c.want)
			}
			if n := len(first.Tries); n > 0 && first.Read.Before(first.Tries[n-1].CallEnded) {
				t.Errorf("the last attempt began at %s, before the one before it had ended: %+v", first.Read, first.Tries[n-1])
			}
			if next.Attempts != 1 || next.Tries != nil {
				t.Errorf("the message behind it: %d attempts, %+v", next.Attempts, next.Tries)
			}
		})
	}
}

// What is unclear waits without failing, and so does the question about it; both
// were calls, and are told.
func TestUnclearAttemptsAreReported(t *testing.T) {
	b, r := newBench(t, topics.C2), &reports{}
	b.reports = r
	b.failing(times(1, topics.Uncertain))
	asked := 0
	b.route.Operation.Ask = func(context.Context, topics.Message, time.Time) ([]topics.Reply, bool, error) {
		if asked++; asked == 1 { // by one attempt after another
			return nil, false, topics.Fail(topics.Unavailable, "", "refused")
		}
		return nil, false, nil
	}
	b.start()
	b.send("egov-1", 0)
	r.await(t, "egov-1", 0, topics.ResultDelivered)
	o := r.last(t, "egov-1")
	if got, want := codesOf(t, o), []string{"1 code_1", "2 unavailable"}; !slices.Equal(got, want) || o.Attempts != 3 {
		t.Errorf("%d attempts, tries %q, want %q", o.Attempts, got, want)
	}
}

// A parked message tells of the attempts before it was parked, what it comes to
// later of those after that.
func TestAParkedMessageKeepsItsAttempts(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	b.reports = r
	b.failing(unavailable("egov-1"))
	b.start()
	b.send("egov-1", 0, 1)
	for n := 0; len(r.of("egov-1", 0)) == 0; n++ {
		b.send("egov-2", n) // its operation answers others
		b.awaitEffects("egov-2", upTo(n+1)...)
	}
	r.await(t, "egov-1", 0, topics.ResultParked)
	b.failing(nil)
	r.await(t, "egov-1", 1, topics.ResultParked, topics.ResultDelivered)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.all {
		codesOf(t, o)
		switch {
		case o.ID == "egov-1-0" && o.Result == topics.ResultParked:
			if o.Attempts < 2 || len(o.Tries) != min(o.Attempts, 8) || o.Tries[0].Code == "" {
				t.Errorf("parked after %d attempts with the tries %+v", o.Attempts, o.Tries)
			}
		case o.ID == "egov-1-0":
			if len(o.Tries) != min(o.Attempts-1, 8) || len(o.Tries) > 0 && o.Tries[0].Began.Before(o.Parked) {
				t.Errorf("in the end %d attempts with the tries %+v, parked at %s", o.Attempts, o.Tries, o.Parked)
			}
		case o.Tries != nil:
			t.Errorf("%s has tries: %+v", o.ID, o.Tries)
		}
	}
}

// What a person has replayed tells of the replay's attempts.
func TestAReplayTellsOfItsAttempts(t *testing.T) {
	b, r := newBench(t, topics.C1), &reports{}
	b.reports = r
	b.failing(func(topics.Message, int) error { return topics.Fail(topics.Rejected, "http_422", "refused") })
	b.start()
	b.send("egov-1", 0)
	l := b.letters(1)[0]
	b.failing(times(2, topics.Unavailable))
	b.decide(l, topics.DecideReplay, servertest.Unique("d"))
	r.await(t, "egov-1", 0, topics.ResultRejected, topics.ResultDelivered)
	o := r.last(t, "egov-1")
	if got, want := codesOf(t, o), []string{"1 code_1", "2 code_2"}; !slices.Equal(got, want) || o.Attempts != 3 {
		t.Errorf("%d attempts, tries %q, want %q", o.Attempts, got, want)
	}
}
