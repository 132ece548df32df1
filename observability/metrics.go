package observability

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics is every metric of the hub; the package comment lists them. All
// methods are safe for concurrent use. A nil *Metrics counts nothing.
//
// What is counted of one route is in [RouteMetrics], of the calls of one system
// in [SystemMetrics].
type Metrics struct {
	labels guard
	parts  *partitions

	messageMetrics
	kafkaMetrics
	systemMetrics
	redisMetrics
	ownMetrics

	breakers breakerStateSet

	// What has been bound.
	routes  handles[*RouteMetrics]
	systems handles[*SystemMetrics]
	topics  handles[*counters]
	kafka   handles[prometheus.Observer]
	redis   handles[*commandMetrics]

	sizeIn, sizeOut    prometheus.Observer
	levels, redactions *counters
	reports            *counters
}

// NewMetrics makes the hub's metrics and registers them with reg, together with
// those of the Go runtime and the process. A nil reg registers nothing. It
// panics if reg has them already: one registry for one process.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := factory{promauto.With(reg)}
	m := &Metrics{
		parts:          newPartitions(),
		messageMetrics: f.messages(),
		kafkaMetrics:   f.kafka(),
		systemMetrics:  f.systems(),
		redisMetrics:   f.redis(),
		ownMetrics:     f.own(),
	}
	f.redisState(&m.redisMetrics)
	if reg != nil {
		reg.MustRegister(m.parts, buildInfo(), collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	m.initFixed()
	return m
}

// buildInfo tells which version runs.
func buildInfo() prometheus.Collector {
	b := ThisBuild()
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hub_build_info", Help: "The version that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "goversion": b.Go},
	})
	g.Set(1)
	return g
}

// MemoryLimit tells how much memory the process may use, in bytes; 0: nobody has
// set a limit.
func (m *Metrics) MemoryLimit(bytes int64) {
	if m != nil {
		m.memoryLimit.Set(float64(bytes))
	}
}

// Config tells by a hash which settings run: two hubs with the same ones have
// the same. settings must show no secret.
func (m *Metrics) Config(settings string) {
	if m == nil {
		return
	}
	sum := sha256.Sum256([]byte(settings))
	m.config.Reset()
	m.config.WithLabelValues(hex.EncodeToString(sum[:4])).Set(1)
}

// Init makes the series of routes with 0, and of each of the letter codes.
func (m *Metrics) Init(codes []string, routes ...Route) {
	if m == nil {
		return
	}
	for _, r := range routes {
		m.routes.of(r.Name, func(string) *RouteMetrics { return m.bindRoute(r, codes) })
		for _, t := range r.Writes {
			m.writing(t)
		}
		if r.System != "" {
			m.System(r.System).operation(r.Operation)
			m.Breaker(r.System, r.Operation, "closed")
		}
	}
}

// initFixed makes with 0 what does not depend on the routing table.
func (m *Metrics) initFixed() {
	for _, o := range kafkaOperations {
		m.kafkaOp(o)
	}
	for _, c := range redisCommands {
		m.redis.of(c, m.bindCommand)
	}
	for _, s := range connectionStates {
		m.redisPool.WithLabelValues(s)
	}
	for _, a := range operatorActions {
		m.counters(m.operatorActions, "result", operatorResults, a)
	}
	for handler, code := range handlers {
		m.httpDuration.WithLabelValues(handler)
		m.httpCounts.WithLabelValues(handler, "POST", code)
	}
	for _, c := range panicComponents {
		m.panics.WithLabelValues(m.labels.value("component", c))
	}
	m.sizeIn, m.sizeOut = m.messageSize.WithLabelValues("in"), m.messageSize.WithLabelValues("out")
	m.levels = m.counters(m.logMessages, "level", logLevels)
	m.reports = m.counters(m.outcomes, "report", reportResults)
	m.redactions = m.counters(m.redacted, "kind", redactionKinds)
}

// statusCode is the label of an HTTP status.
func statusCode(code int) string {
	if code < 100 || code > 599 {
		return other
	}
	return strconv.Itoa(code)
}

func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }

// observe records a value, with the id of its trace as an exemplar if there is
// one.
func observe(o prometheus.Observer, value float64, traceID string) {
	if e, ok := o.(prometheus.ExemplarObserver); ok && traceID != "" {
		e.ObserveWithExemplar(value, prometheus.Labels{"trace_id": traceID})
		return
	}
	o.Observe(value)
}
