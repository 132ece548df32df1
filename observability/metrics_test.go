package observability

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func newTestMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	m.Init([]string{"timeout", "schema"},
		Route{Name: "register", Sources: []string{"egov.applications", "migration.applications"}, System: "kandas", Operation: "register"},
		Route{Name: "verify", Sources: []string{"kandas.events"}, Writes: []string{"egov.notifications"}, System: "eds", Operation: "verify"})
	return m, reg
}

// touch calls every method once, with name in every label that takes one.
func touch(m *Metrics, name string) {
	r, s := m.Route(name), m.System(name)
	for _, f := range []func(string){r.Processed, r.Final, r.Rejected, r.DeadLetter, r.Claim, r.Commit, r.FetchError, r.Panic, r.Resolved} {
		f(name)
	}
	r.DeadPublishFailed()
	r.Consumed(name, 1000)
	r.Process(time.Second, true, "")
	r.Process(time.Second, false, "")
	r.Partitions(8)
	r.AtRisk(3, 1)
	r.Pause(name, true)
	r.Rebalance()
	r.EndToEnd(time.Second, time.Hour, "")
	r.Attempts(2)
	r.Inflight(1)
	r.ConcurrencyLimit(64)
	r.Lag(name, 3, 1, time.Now())
	r.Parked(3, 2, 1, time.Now())
	r.Dead(3, 1, time.Now())
	r.Stuck(3, 1)
	r.Assigned(8)
	r.KafkaOp(name, time.Second)
	s.Call(name, name, time.Second, "")
	s.Inflight(1)
	s.Timeout(time.Second)
	s.Rejected(name)
	s.Certificate(name, time.Now())
	m.Published(name, name)
	m.Breaker(name, name, name)
	m.Sending(1000)
	m.RedisState(RedisState{Up: true, Told: true})
	m.MemoryLimit(1 << 20)
	m.ClaimsLost(true)
	m.Operator(name, name)
	m.AuditFailed()
	m.Config("HUB_X=1")
	m.Redis(name, name, time.Second)
	m.HTTP(name, name, 200, time.Second)
}

// TestRedisSaysNothing: what a Redis said last stays while it does not say all of it
// again; a fall to 0 would look like claims that are lost.
func TestRedisSaysNothing(t *testing.T) {
	m, _ := newTestMetrics(t)
	m.RedisState(RedisState{Up: true, Told: true, Keys: 14_358, Evicted: 3})
	for _, s := range []RedisState{{Up: true}, {}} {
		m.RedisState(s)
		if keys, evicted := testutil.ToFloat64(m.redisKeys), m.evicted.Load(); keys != 14_358 || evicted != 3 {
			t.Errorf("after %+v there are %v keys and %v evictions", s, keys, evicted)
		}
	}
}

// hubSeries returns each series of the hub as name{label,...}.
func hubSeries(t *testing.T, reg prometheus.Gatherer) (series []string) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "hub_") {
			continue
		}
		for _, s := range f.GetMetric() {
			var labels []string
			for _, l := range s.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			series = append(series, f.GetName()+"{"+strings.Join(labels, ",")+"}")
		}
	}
	return series
}

func TestMetricsLint(t *testing.T) {
	m, reg := newTestMetrics(t)
	touch(m, "register")
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestPackageCommentListsMetrics holds the list that people read against what
// is really exposed: same names, same labels.
func TestPackageCommentListsMetrics(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]string)
	for _, match := range regexp.MustCompile(`(?m)^//\t(hub_\w+)(?:\{([\w,]+)\})?`).FindAllStringSubmatch(string(src), -1) {
		labels := strings.Split(match[2], ",")
		slices.Sort(labels)
		documented[match[1]] = strings.Join(labels, ",")
	}
	m, reg := newTestMetrics(t)
	touch(m, "register")
	exposed := make(map[string]string)
	label := regexp.MustCompile(`(\w+)=[^,}]*`)
	for _, s := range hubSeries(t, reg) {
		name, rest, _ := strings.Cut(s, "{")
		exposed[name] = label.ReplaceAllString(strings.TrimSuffix(rest, "}"), "$1")
	}
	if diff := cmp.Diff(documented, exposed); diff != "" {
		t.Errorf("package comment (-) and registry (+) differ:\n%s", diff)
	}
}

// TestSeriesDoNotMoveWithMessages passes ids where names belong: the number of
// series stays, and no label shows an IIN.
func TestSeriesDoNotMoveWithMessages(t *testing.T) {
	m, reg := newTestMetrics(t)
	touch(m, "register")
	touch(m, "880101100123")
	before := hubSeries(t, reg)
	for i := range 10_000 {
		touch(m, fmt.Sprintf([]string{"egov-2026-%08d", "8801011%05d", "сбой %d"}[i%3], i))
	}
	after := hubSeries(t, reg)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("series changed with the messages:\n%s", diff)
	}
	for _, s := range after {
		if regexp.MustCompile(`\d{12}`).MatchString(s) {
			t.Errorf("a label holds twelve digits: %s", s)
		}
	}
}

// TestLabelValuesAreBounded passes names that look right, without end.
func TestLabelValuesAreBounded(t *testing.T) {
	m, reg := newTestMetrics(t)
	for i := range 5000 {
		m.Panic(fmt.Sprintf("part-%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676))
	}
	n := 0
	for _, s := range hubSeries(t, reg) {
		if strings.HasPrefix(s, "hub_panics_total") {
			n++
		}
	}
	if want := maxValues + 1; n != want {
		t.Errorf("%d series after 5000 names, want %d: the bound and other", n, want)
	}
}

func TestInitMakesSeriesWithZero(t *testing.T) {
	_, reg := newTestMetrics(t)
	series := hubSeries(t, reg)
	for _, want := range []string{
		"hub_messages_consumed_total{route=register,topic=egov.applications}",
		"hub_messages_final_total{outcome=dead_lettered,route=verify}",
		"hub_messages_produced_total{result=error,topic=egov.notifications}",
		"hub_dlq_messages_total{reason=timeout,route=register}",
		"hub_dlq_unresolved_messages{route=verify}",
		"hub_dedup_checks_total{result=conflict,route=register}",
		"hub_route_paused{reason=claims_lost,route=register}",
		"hub_external_requests_total{operation=verify,result=tls_error,system=eds}",
		"hub_breaker_state{operation=register,state=closed,system=kandas}",
	} {
		if !slices.Contains(series, want) {
			t.Errorf("no series %s before the first event", want)
		}
	}
}

func TestLagIsMadeAtScrapeTime(t *testing.T) {
	m, reg := newTestMetrics(t)
	now := time.Unix(1_800_000_000, 0)
	m.parts.now = func() time.Time { return now }
	m.Route("verify").Lag("kandas.events", 5, 7, now.Add(-10*time.Second))
	m.Route("verify").Lag("kandas.events", 6, 0, time.Time{})
	now = now.Add(time.Minute)
	want := `
# HELP hub_consumer_lag_seconds Age of the oldest unfinished message; 0 if there is none.
# TYPE hub_consumer_lag_seconds gauge
hub_consumer_lag_seconds{partition="5",route="verify",topic="kandas.events"} 70
hub_consumer_lag_seconds{partition="6",route="verify",topic="kandas.events"} 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "hub_consumer_lag_seconds"); err != nil {
		t.Error(err)
	}
	m.Route("verify").ForgetPartition(5)
	m.Route("verify").ForgetPartition(6)
	for _, s := range hubSeries(t, reg) {
		if strings.HasPrefix(s, "hub_consumer_lag_seconds{") {
			t.Errorf("%s is still there after its partition was forgotten", s)
		}
	}
}

func TestDeadAndParkedAreSummedOverPartitions(t *testing.T) {
	m, reg := newTestMetrics(t)
	old := time.Unix(1_700_000_000, 0)
	m.Route("verify").Parked(0, 5, 2, old.Add(time.Minute))
	m.Route("verify").Parked(1, 1, 1, old)
	m.Route("verify").Dead(0, 3, old.Add(time.Hour))
	m.Route("verify").Dead(1, 1, old)
	m.Route("verify").Dead(2, 0, time.Time{})
	want := `
# HELP hub_dlq_oldest_unresolved_timestamp_seconds Unix time of the oldest unresolved dead letter; 0 if there is none.
# TYPE hub_dlq_oldest_unresolved_timestamp_seconds gauge
hub_dlq_oldest_unresolved_timestamp_seconds{route="register"} 0
hub_dlq_oldest_unresolved_timestamp_seconds{route="verify"} 1.7e+09
# HELP hub_dlq_unresolved_messages Dead letters that nobody has decided, in partitions that this process owns.
# TYPE hub_dlq_unresolved_messages gauge
hub_dlq_unresolved_messages{route="register"} 0
hub_dlq_unresolved_messages{route="verify"} 4
# HELP hub_parked_keys Applications with parked messages, in partitions that this process owns.
# TYPE hub_parked_keys gauge
hub_parked_keys{route="register"} 0
hub_parked_keys{route="verify"} 3
# HELP hub_parked_oldest_timestamp_seconds Unix time at which the oldest message that waits was parked; 0 if there is none.
# TYPE hub_parked_oldest_timestamp_seconds gauge
hub_parked_oldest_timestamp_seconds{route="register"} 0
hub_parked_oldest_timestamp_seconds{route="verify"} 1.7e+09
`
	err := testutil.GatherAndCompare(reg, strings.NewReader(want), "hub_parked_oldest_timestamp_seconds", "hub_dlq_oldest_unresolved_timestamp_seconds",
		"hub_dlq_unresolved_messages", "hub_parked_keys")
	if err != nil {
		t.Error(err)
	}
	m.Route("verify").ForgetPartition(1)
	if got := testutil.ToFloat64(collectorOf(t, m, "verify")); got != 3 {
		t.Errorf("%v unresolved letters after the partition with one of four was forgotten, want 3", got)
	}
}

// collectorOf is the count of unresolved letters of one route, as a collector.
func collectorOf(t *testing.T, m *Metrics, route string) prometheus.Collector {
	t.Helper()
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "unresolved"}, func() (n float64) {
		m.parts.mu.Lock()
		defer m.parts.mu.Unlock()
		for _, p := range m.parts.routes[route] {
			n += float64(p.unresolved)
		}
		return n
	})
}

func TestBreakerIsInOneState(t *testing.T) {
	m, reg := newTestMetrics(t)
	for _, s := range []string{"closed", "open", "open", "half_open", "open"} {
		m.Breaker("eds", "verify", s)
	}
	want := `
# HELP hub_breaker_state State of the breaker: the series of the current state is 1.
# TYPE hub_breaker_state gauge
hub_breaker_state{operation="register",state="closed",system="kandas"} 1
hub_breaker_state{operation="register",state="forced_closed",system="kandas"} 0
hub_breaker_state{operation="register",state="forced_open",system="kandas"} 0
hub_breaker_state{operation="register",state="half_open",system="kandas"} 0
hub_breaker_state{operation="register",state="open",system="kandas"} 0
hub_breaker_state{operation="verify",state="closed",system="eds"} 0
hub_breaker_state{operation="verify",state="forced_closed",system="eds"} 0
hub_breaker_state{operation="verify",state="forced_open",system="eds"} 0
hub_breaker_state{operation="verify",state="half_open",system="eds"} 0
hub_breaker_state{operation="verify",state="open",system="eds"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "hub_breaker_state"); err != nil {
		t.Error(err)
	}
	if got := testutil.ToFloat64(m.breakerTransitions.WithLabelValues("eds", "verify", "open")); got != 2 {
		t.Errorf("%v transitions to open, want 2: telling a state again is none", got)
	}
}

// A breaker that sends probes has not closed in between: since when it is open is
// told to whoever looks at it later.
func TestBreakerTellsSinceWhenItIsOpen(t *testing.T) {
	m, _ := newTestMetrics(t)
	told := func() float64 { return testutil.ToFloat64(m.breakerSince.WithLabelValues("eds", "verify")) }
	if told() != 0 {
		t.Errorf("a breaker that never opened is open since %v", told())
	}
	synctest.Test(t, func(t *testing.T) {
		opened := time.Now()
		for _, s := range []string{"open", "half_open", "open", "forced_open"} {
			m.Breaker("eds", "verify", s)
			if told() != unix(opened) {
				t.Errorf("%s: open since %v, want %v", s, told(), unix(opened))
			}
			time.Sleep(time.Minute)
		}
		for _, s := range []string{"closed", "forced_closed"} {
			m.Breaker("eds", "verify", s)
			if told() != 0 {
				t.Errorf("%s: open since %v", s, told())
			}
		}
		m.Breaker("eds", "verify", "open")
		if told() != unix(time.Now()) {
			t.Errorf("opened again: since %v", told())
		}
	})
}

func TestRouteIsInOneState(t *testing.T) {
	m, reg := newTestMetrics(t)
	r := m.Route("verify")
	for _, step := range []struct {
		reason string
		on     bool
		want   string
	}{
		{"redis", true, "paused"}, {"breaker", true, "paused"}, {"redis", false, "paused"}, {"breaker", false, "running"},
		{"operator", true, "paused"}, {"stopped", true, "failed"}, {"operator", false, "failed"},
	} {
		r.Pause(step.reason, step.on)
		for _, s := range routeStates {
			got := testutil.ToFloat64(m.routeState.WithLabelValues("verify", s))
			if (got == 1) != (s == step.want) {
				t.Errorf("%s %v: state %s is %v, want %s", step.reason, step.on, s, got, step.want)
			}
		}
	}
	if !slices.Contains(hubSeries(t, reg), "hub_route_state{route=register,state=running}") {
		t.Error("a route that was never paused has no state")
	}
}

// TestExemplars records what belongs to a kept trace, and what does not.
func TestExemplars(t *testing.T) {
	m, reg := newTestMetrics(t)
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for traceID, route := range map[string]string{id: "verify", "": "register"} {
		m.Route(route).EndToEnd(time.Second, time.Hour, traceID)
		m.Route(route).Process(time.Second, true, traceID)
		m.System(route).Call("do", "2xx", time.Second, traceID)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, f := range families {
		for _, s := range f.GetMetric() {
			for _, b := range s.GetHistogram().GetBucket() {
				for _, l := range b.GetExemplar().GetLabel() {
					if l.GetName() != "trace_id" || l.GetValue() != id {
						t.Errorf("%s: exemplar %s", f.GetName(), l)
					}
					found[f.GetName()]++
				}
			}
		}
	}
	want := map[string]int{"hub_end_to_end_latency_seconds": 1, "hub_message_process_duration_seconds": 1, "hub_external_request_duration_seconds": 1}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("exemplars (-want +got):\n%s", diff)
	}
}

// TestNilMetrics calls every exported method of what counts nothing.
func TestNilMetrics(t *testing.T) {
	for _, counter := range []any{(*Metrics)(nil), (*RouteMetrics)(nil), (*SystemMetrics)(nil)} {
		v := reflect.ValueOf(counter)
		for i := range v.NumMethod() {
			method := v.Method(i)
			var args []reflect.Value
			for j := range method.Type().NumIn() {
				if method.Type().IsVariadic() && j == method.Type().NumIn()-1 {
					break
				}
				args = append(args, reflect.Zero(method.Type().In(j)))
			}
			method.Call(args)
		}
	}
	(*Metrics)(nil).logged("info")
	(*Metrics)(nil).redact(kindIIN)
}
