package control_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// A route is drained once nothing was claimed for a lease: a claim in between
// begins the wait afresh.
func TestQuietAfterALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		count := func(context.Context, string) (int64, error) {
			return int64(min(time.Since(began), 5*time.Second) / time.Second), nil // the last claim after five seconds
		}
		waited, err := control.Quiet{Count: count, Lease: 12 * time.Second}.Await(t.Context(), "r")
		if err != nil || waited < 17*time.Second || waited > 18*time.Second {
			t.Errorf("quiet after %s, %v", waited, err)
		}
	})
}

// What cannot be known is no quiet; the route stays paused and that is on record.
func TestDrain(t *testing.T) {
	a := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), a)
	var asked []string
	quiet := control.Quiet{Lease: time.Millisecond, Count: func(_ context.Context, route string) (int64, error) {
		asked = append(asked, route)
		return 7, nil
	}}
	d.must(d.Drain(t.Context(), order, a, time.Hour, quiet))
	d.caught(d.Store)
	if p := d.Store.State().Pauses[a]; p.Owner != "duty" || p.Until.IsZero() || slices.ContainsFunc(asked, func(r string) bool { return r != a }) {
		t.Errorf("%+v, asked about %v", p, asked)
	}
	d.must(d.Resume(t.Context(), order, a))

	d.refused(d.Drain(t.Context(), order, "nowhere", 0, quiet), "no route nowhere")
	away := errors.New("redis is away")
	quiet.Count = func(context.Context, string) (int64, error) { return 0, away }
	if err := d.Drain(t.Context(), order, a, 0, quiet); !errors.Is(err, away) || !strings.Contains(err.Error(), "is paused, but") {
		t.Errorf("%v", err)
	}
	d.caught(d.Store)
	if _, paused := d.Store.State().Pauses[a]; !paused {
		t.Error("the route is not paused")
	}
	got := d.steps()
	if want := []string{"drain route " + a + ": asked", "drain route " + a + ": done"}; !slices.Equal(got[:2], want) || got[len(got)-1] != "drain route "+a+": failed" {
		t.Errorf("on record is %q", got)
	}
}

// recorder notes what is counted.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (r *recorder) Operator(action, result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, action+": "+result)
}

func (r *recorder) AuditFailed() { r.Operator("audit", "failed") }

// Each command is counted once, whoever carried it out and with what came of it, and
// under a name that is known beforehand. What was done before is not counted.
func TestEachCommandIsCountedOnce(t *testing.T) {
	a := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), a)
	other := &control.Commands{Cluster: d.cluster, Producer: d.producer, Store: d.Store, Audit: control.NewAudit(d.cluster, d.producer).On(d.audit), Routes: d.Routes}
	r := &recorder{}
	d.Metrics = r
	d.must(d.Pause(t.Context(), order, a, 0))
	tally := control.NewTally(d.cluster).On(d.audit)
	tally.Metrics = r
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.must(tally.Begin(ctx))
	ended := make(chan error, 1)
	go func() { ended <- tally.Run(ctx) }()

	d.must(other.Pause(t.Context(), order, a, 0))
	d.refused(d.Pause(t.Context(), control.Order{}, a, 0), "who wants it") // nothing of it is kept
	d.refused(d.Pause(t.Context(), order, "nowhere", 0), "no route")
	d.must(d.ForceBreaker(t.Context(), order, a, control.ForceClosed, time.Hour))
	d.must(d.ReleaseBreaker(t.Context(), order, a))
	d.refused(d.Replay(t.Context(), order, a, "none"), "no unresolved letter")
	cut, stop := context.WithCancel(t.Context())
	stop()
	if err := d.Resume(cut, order, a); err == nil {
		t.Error("a command without an audit was done")
	}
	d.must(d.Resume(t.Context(), order, a))
	want := []string{"audit: failed", "force breaker closed: done", "pause route: done", "pause route: refused", "release breaker: done",
		"replay letter: refused", "resume route: done"}
	servertest.Eventually(t, "the last command is counted", func() bool { return slices.Contains(r.all(), "resume route: done") })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	got := r.all()
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("counted %q", got)
	}
	for _, seen := range got {
		action, _, _ := strings.Cut(seen, ":")
		if action != "audit" && !slices.Contains(control.Actions(), action) {
			t.Errorf("%s is no known action", action)
		}
	}
}

// all is what was counted so far.
func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}
