package topics_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/servertest"
)

// A call that does not heed its deadline is seen; other applications go on.
func TestStuckCallIsSeen(t *testing.T) {
	b := newBench(t, topics.C2)
	b.timing.Call, b.timing.Lease, b.timing.Drain = 100*time.Millisecond, 300*time.Millisecond, 100*time.Millisecond
	release := make(chan struct{})
	do := b.route.Operation.Do
	b.route.Operation.Do = func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
		if m.Subject == "stuck" {
			<-release
			return nil, topics.Fail(topics.Unavailable, "timeout", "too late")
		}
		return do(ctx, m)
	}
	registry := prometheus.NewRegistry()
	c := b.consumer()
	c.Delivery.Metrics = observability.NewMetrics(registry).Route(b.route.Name)
	b.send("stuck", 0)
	stop, _ := b.run(c)
	stuck := func() float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, f := range families {
			if f.GetName() == "hub_stuck_attempts" {
				for _, m := range f.GetMetric() {
					sum += m.GetGauge().GetValue()
				}
			}
		}
		return sum
	}
	servertest.Eventually(t, "the watchdog sees it", func() bool { return stuck() == 1 })
	b.send("app", 0)
	b.awaitEffects("app", 0)
	close(release)
	servertest.Eventually(t, "it is seen no more", func() bool { return stuck() == 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}

}
