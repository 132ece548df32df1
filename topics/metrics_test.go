package topics_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/servertest"
)

// series returns the value of a series, as name and label values in the order of
// the labels' names; of a histogram how many it has seen, -1 where there is none.
func series(t *testing.T, reg *prometheus.Registry, name string, values ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if f.GetName() != name || strings.Join(labels, ",") != strings.Join(values, ",") {
				continue
			}
			if f.GetType() == dto.MetricType_HISTOGRAM {
				return float64(m.GetHistogram().GetSampleCount())
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return -1
}

// TestWhatBecomesOfMessagesIsCounted delivers one message late, makes dead letters
// of one that is its sender's fault and of one that a person must decide of, and
// carries out a decision.
func TestWhatBecomesOfMessagesIsCounted(t *testing.T) {
	b := newBench(t, topics.C3)
	b.timing.Deadline = time.Nanosecond
	b.failing(func(m topics.Message, _ int) error {
		switch m.Subject {
		case "refused":
			return topics.Fail(topics.Rejected, "http_422", "no")
		case "undecided":
			return topics.Fail(topics.Undecided, "uncertain", "who knows")
		}
		return nil
	})
	reg := prometheus.NewRegistry()
	metrics := observability.NewMetrics(reg)
	c := b.consumer()
	c.Delivery.Metrics = metrics.Route(b.route.Name)
	for _, application := range []string{"fine", "refused", "undecided"} {
		b.send(application, 0)
	}
	stop, _ := b.run(c)
	name := b.route.Name
	for _, want := range []struct {
		n      float64
		metric string
		values []string
	}{
		{1, "hub_messages_final_total", []string{"delivered", name}},
		{1, "hub_messages_final_total", []string{"rejected", name}},
		{1, "hub_messages_final_total", []string{"dead_lettered", name}},
		{2, "hub_messages_processed_total", []string{"dead_lettered", name}},
		{3, "hub_dedup_checks_total", []string{"new", name}},
		{1, "hub_deadline_missed_total", []string{name}},
		{1, "hub_deadline_slack_seconds", []string{name}},
		{1, "hub_message_process_duration_seconds", []string{"ok", name}},
		{2, "hub_message_process_duration_seconds", []string{"error", name}},
		{3, "hub_message_size_bytes", []string{"in"}},
		{testPartitions, "hub_route_partitions", []string{name}},
		{0, "hub_dlq_resolved_total", []string{"discarded", name}},
	} {
		servertest.Eventually(t, fmt.Sprint(want), func() bool {
			n := series(t, reg, want.metric, want.values...)
			// A hub that loses its partitions, on a machine that is too busy for its
			// heartbeats, reads again what it has not committed.
			anew := series(t, reg, "hub_consumer_rebalances_total", name) > 1
			return n == want.n || anew && n > want.n
		})
	}
	b.decide(b.letters(2)[0], topics.DecideDiscard, servertest.Unique("decision"))
	servertest.Eventually(t, "the decision is counted", func() bool { return series(t, reg, "hub_dlq_resolved_total", "discarded", name) == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}
