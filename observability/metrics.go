package observability

import (
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The closed sets of label values that do not depend on the routing table.
var (
	attemptOutcomes = []string{"delivered", "duplicate", "retried", "dead_lettered", "parked"}
	finalOutcomes   = []string{"delivered", "duplicate", "dead_lettered"}
	callResults     = []string{"2xx", "3xx", "4xx", "5xx", "soap_fault", "timeout", "connect_error", "tls_error", "lease_over", "canceled"}
	breakerStates   = []string{"closed", "half_open", "open"}
	claimVerdicts   = []string{"new", "busy", "done", "answered", "uncertain", "dead", "conflict", "error"}
	pauseReasons    = []string{"breaker", "auth", "target", "redis", "kafka", "claims_lost", "partitions", "dead", "operator", "stopped"}
	kafkaOperations = []string{"send", "poll", "commit"}
	okOrError       = []string{"ok", "error"}
	reportResults   = []string{"written", "lost"}
	redisCommands   = []string{"claim", "sent", "release", "answered", "done", "dead", "decide", "mark", "unmark", "counters"}
	redisResults    = []string{"ok", "error", "canceled"}
	logLevels       = []string{"debug", "info", "warn", "error"}
	redactionKinds  = []string{kindIIN, kindPhone, kindEmail, kindField}
)

// Bounds of histograms, in seconds unless said otherwise.
var (
	callBuckets     = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
	endToEndBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400}
	redisBuckets    = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	attemptBuckets  = []float64{1, 2, 3, 5, 8, 13, 21} // a count
)

// Metrics is every metric of the hub; the package comment lists them. All
// methods are safe for concurrent use. A nil *Metrics counts nothing.
type Metrics struct {
	labels guard
	parts  *partitions

	consumed, processed, final, rejected *prometheus.CounterVec
	inflight, lastSuccess, concurrency   *prometheus.GaugeVec
	attempts, endToEnd                   *prometheus.HistogramVec

	produced                                    *prometheus.CounterVec
	kafkaOps                                    *prometheus.HistogramVec
	assigned                                    *prometheus.GaugeVec
	rebalances, commits, fetchErrors            *prometheus.CounterVec
	deadLetters, deadPublishFailures, claims    *prometheus.CounterVec
	paused                                      *prometheus.GaugeVec
	calls                                       *prometheus.CounterVec
	callDuration                                *prometheus.HistogramVec
	breakerState                                *prometheus.GaugeVec
	breakerTransitions                          *prometheus.CounterVec
	redisCommands                               *prometheus.CounterVec
	redisDuration                               *prometheus.HistogramVec
	outcomes                                    *prometheus.CounterVec
	indexed, behind                             prometheus.Gauge
	panics, logMessages, redactions, httpCounts *prometheus.CounterVec
	httpDuration                                *prometheus.HistogramVec

	breakers breakerStateSet

	// What has been bound.
	routes  handles[*RouteMetrics]
	systems handles[*SystemMetrics]
	topics  handles[*counters]
	kafka   handles[prometheus.Observer]
	redis   handles[*redisMetrics]
}

// NewMetrics makes the hub's metrics and registers them with reg, together with
// those of the Go runtime and the process. A nil reg registers nothing. It
// panics if reg has them already: one registry for one process.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return f.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &Metrics{
		parts: newPartitions(),

		consumed:    counter("hub_messages_consumed_total", "Messages read from a source topic.", "route", "topic"),
		processed:   counter("hub_messages_processed_total", "Attempts, by how they ended.", "route", "outcome"),
		final:       counter("hub_messages_final_total", "Messages that are finished, once each.", "route", "outcome"),
		rejected:    counter("hub_messages_rejected_total", "Messages refused as bad input, by letter code.", "route", "reason"),
		inflight:    gauge("hub_messages_inflight", "Messages held in memory.", "route"),
		concurrency: gauge("hub_route_concurrency_limit", "Messages of the route that may be under way at once, as its system bears it.", "route"),
		lastSuccess: gauge("hub_last_success_timestamp_seconds", "Unix time at which a message last was delivered.", "route"),
		attempts:    histogram("hub_message_attempts", "Attempts that a finished message needed.", attemptBuckets, "route"),
		endToEnd:    histogram("hub_end_to_end_latency_seconds", "From the time of the chain's first message to the effect.", endToEndBuckets, "route"),

		produced:    counter("hub_messages_produced_total", "Messages written to a topic.", "topic", "result"),
		kafkaOps:    histogram("hub_kafka_operation_duration_seconds", "Round trips to Kafka.", callBuckets, "operation"),
		assigned:    gauge("hub_consumer_assigned_partitions", "Partitions that this process owns.", "route"),
		rebalances:  counter("hub_consumer_rebalances_total", "Generations of the consumer group that were joined.", "route"),
		commits:     counter("hub_consumer_commits_total", "Commits of offsets.", "route", "result"),
		fetchErrors: counter("hub_consumer_fetch_errors_total", "Fetches that failed.", "route", "reason"),

		deadLetters:         counter("hub_dlq_messages_total", "Dead letters written, by letter code.", "route", "reason"),
		deadPublishFailures: counter("hub_dlq_publish_failures_total", "Dead letters that could not be written.", "route"),
		claims:              counter("hub_dedup_checks_total", "Claims on effects, by what the claim said.", "route", "result"),
		paused:              gauge("hub_route_paused", "1 while the route is paused for this reason.", "route", "reason"),

		calls:              counter("hub_external_requests_total", "Calls of external systems.", "system", "operation", "result"),
		callDuration:       histogram("hub_external_request_duration_seconds", "Time of calls of external systems.", callBuckets, "system", "operation"),
		breakerState:       gauge("hub_breaker_state", "State of the breaker: the series of the current state is 1.", "system", "operation", "state"),
		breakerTransitions: counter("hub_breaker_transitions_total", "Changes of a breaker's state.", "system", "operation", "to"),

		redisCommands: counter("hub_redis_commands_total", "Commands sent to Redis.", "command", "result"),
		redisDuration: histogram("hub_redis_command_duration_seconds", "Time of commands sent to Redis.", redisBuckets, "command"),

		outcomes: counter("hub_outcomes_total", "Outcomes of messages reported to hub.outcomes, by what came of the report.", "result"),
		indexed:  gauge("hub_outcomes_indexed", "Outcomes that can be found in this process.").WithLabelValues(),
		behind:   gauge("hub_outcomes_index_lag_messages", "Records of hub.outcomes that the index has not read yet.").WithLabelValues(),

		panics:       counter("hub_panics_total", "Recovered panics.", "component"),
		logMessages:  counter("hub_log_messages_total", "Log lines written.", "level"),
		redactions:   counter("hub_pii_redactions_total", "Pieces of personal data that the log filter took out.", "kind"),
		httpCounts:   counter("hub_http_requests_total", "HTTP requests served.", "handler", "method", "code"),
		httpDuration: histogram("hub_http_request_duration_seconds", "Time of HTTP requests served.", callBuckets, "handler"),
	}
	if reg != nil {
		reg.MustRegister(m.parts, buildInfo(), collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	m.initFixed()
	return m
}

// buildInfo tells which version runs.
func buildInfo() prometheus.Collector {
	version, revision, goVersion := "unknown", "unknown", "unknown"
	if bi, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = bi.Main.Version, bi.GoVersion
		for _, s := range bi.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hub_build_info", Help: "The version that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": goVersion},
	})
	g.Set(1)
	return g
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
			m.initOperation(r.System, r.Operation)
		}
	}
}

func (m *Metrics) initOperation(system, operation string) {
	m.System(system).operation(operation)
	for _, s := range breakerStates {
		m.breakerTransitions.WithLabelValues(m.labels.value("system", system), m.labels.value("operation", operation), s)
	}
	m.Breaker(system, operation, "closed")
}

func (m *Metrics) initFixed() {
	for _, r := range reportResults {
		m.outcomes.WithLabelValues(r)
	}
	for _, o := range kafkaOperations {
		m.kafkaOps.WithLabelValues(o)
	}
	for _, c := range redisCommands {
		m.redis.of(c, m.bindRedis)
	}
	for _, l := range logLevels {
		m.logMessages.WithLabelValues(l)
	}
	for _, k := range redactionKinds {
		m.redactions.WithLabelValues(k)
	}
}

// statusCode is the label of an HTTP status.
func statusCode(code int) string {
	if code < 100 || code > 599 {
		return other
	}
	return strconv.Itoa(code)
}

func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }
