package observability

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The closed sets of label values that do not depend on the routing table.
var (
	attemptOutcomes  = []string{"delivered", "duplicate", "retried", "dead_lettered", "parked"}
	finalOutcomes    = []string{"delivered", "duplicate", "dead_lettered", "rejected"}
	callResults      = []string{"2xx", "3xx", "4xx", "5xx", "soap_fault", "timeout", "connect_error", "tls_error", "lease_over", "canceled", "bad_answer"}
	breakerStates    = []string{"closed", "half_open", "open", "forced_open", "forced_closed"}
	claimVerdicts    = []string{"new", "busy", "done", "answered", "uncertain", "dead", "conflict", "error"}
	pauseReasons     = []string{"breaker", "auth", "target", "redis", "kafka", "claims_lost", "partitions", "dead", "operator", stoppedForGood}
	routeStates      = []string{"running", "paused", "failed"}
	kafkaOperations  = []string{"send", "poll", "commit"}
	fetchReasons     = []string{"leader", "timeout", "other"}
	okOrError        = []string{"ok", "error"}
	resolutions      = []string{"replayed", "answered", "discarded"}
	redisCommands    = []string{"claim", "next", "sent", "release", "answered", "done", "dead", "decide", "undo", "mark", "unmark", "counters", "ping", "info"}
	redisResults     = []string{"ok", "error", "canceled"}
	connectionStates = []string{"idle", "in_use", "waiting", "stale"}
	operatorActions  = []string{"pause_route", "drain_route", "resume_route", "force_breaker_open", "force_breaker_closed", "release_breaker", "accept_loss",
		"replay_letter", "answer_letter", "discard_letter", "undo_letter", "show_payload", "export_payloads", "run_plan", "cancel_run"}
	operatorResults = []string{"done", "refused", "failed"}
	handlers        = map[string]string{"intake": "202", "shep-sync": "200", "shep-async": "200"} // with the code of success
	panicComponents = []string{"delivery", "route"}
	logLevels       = []string{"debug", "info", "warn", "error"}
	reportResults   = []string{"written", "lost"}
	redactionKinds  = []string{kindIIN, kindPhone, kindEmail, kindField}
)

// stoppedForGood is the reason of a pause that only a person and a new start end.
const stoppedForGood = "stopped"

// Bounds of histograms, in seconds unless said otherwise.
var (
	callBuckets     = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
	processBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 30, 60}
	endToEndBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400}
	redisBuckets    = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	slackBuckets    = []float64{-86400, -3600, 0, 60, 600, 3600, 14400, 86400, 259200, 604800}
	attemptBuckets  = []float64{1, 2, 3, 5, 8, 13, 21}                                                              // a count
	sizeBuckets     = []float64{256, 512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 1 << 18, 1 << 20} // bytes
)

// factory makes metrics and registers them.
type factory struct{ promauto.Factory }

func (f factory) counter(name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func (f factory) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func (f factory) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return f.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// messageMetrics tell of messages and of what became of them.
type messageMetrics struct {
	consumed, processed, final, rejected              *prometheus.CounterVec
	inflight, lastSuccess, concurrency                *prometheus.GaugeVec
	attempts, endToEnd, process, messageSize          *prometheus.HistogramVec
	claims                                            *prometheus.CounterVec
	deadLetters, deadPublishFailures, lettersResolved *prometheus.CounterVec
	paused, routeState, routeInfo                     *prometheus.GaugeVec
	deadlineMissed                                    *prometheus.CounterVec
	deadlineSlack                                     *prometheus.HistogramVec
}

func (f factory) messages() messageMetrics {
	return messageMetrics{
		consumed:    f.counter("hub_messages_consumed_total", "Messages read from a source topic.", "route", "topic"),
		processed:   f.counter("hub_messages_processed_total", "Attempts, by how they ended.", "route", "outcome"),
		final:       f.counter("hub_messages_final_total", "Messages that are finished, once each.", "route", "outcome"),
		rejected:    f.counter("hub_messages_rejected_total", "Messages refused as bad input, by letter code.", "route", "reason"),
		inflight:    f.gauge("hub_messages_inflight", "Messages held in memory.", "route"),
		concurrency: f.gauge("hub_route_concurrency_limit", "Messages of the route that may be under way at once, as its system bears it.", "route"),
		lastSuccess: f.gauge("hub_last_success_timestamp_seconds", "Unix time at which a message last was delivered.", "route"),
		attempts:    f.histogram("hub_message_attempts", "Attempts that a finished message needed.", attemptBuckets, "route"),
		endToEnd:    f.histogram("hub_end_to_end_latency_seconds", "From the time of the chain's first message to the effect.", endToEndBuckets, "route"),
		process:     f.histogram("hub_message_process_duration_seconds", "The hub's own time for an attempt, the call of the system left out.", processBuckets, "route", "result"),
		messageSize: f.histogram("hub_message_size_bytes", "Payloads read from source topics and written to any.", sizeBuckets, "direction"),

		claims:              f.counter("hub_dedup_checks_total", "Claims on effects, by what the claim said.", "route", "result"),
		deadLetters:         f.counter("hub_dlq_messages_total", "Dead letters written, by letter code.", "route", "reason"),
		deadPublishFailures: f.counter("hub_dlq_publish_failures_total", "Dead letters that could not be written.", "route"),
		lettersResolved:     f.counter("hub_dlq_resolved_total", "Decisions of dead letters that have been carried out.", "route", "action"),
		paused:              f.gauge("hub_route_paused", "1 while the route is paused for this reason.", "route", "reason"),
		routeState:          f.gauge("hub_route_state", "State of the route: the series of the current state is 1.", "route", "state"),
		routeInfo:           f.gauge("hub_route_info", "The operation that the route calls; always 1.", "route", "system", "operation"),
		deadlineMissed:      f.counter("hub_deadline_missed_total", "Messages delivered after their deadline.", "route"),
		deadlineSlack:       f.histogram("hub_deadline_slack_seconds", "Time that was left until the deadline at delivery; negative: late.", slackBuckets, "route"),
	}
}

// kafkaMetrics tell of reading and writing.
type kafkaMetrics struct {
	produced                         *prometheus.CounterVec
	kafkaOps                         *prometheus.HistogramVec
	assigned, routePartitions        *prometheus.GaugeVec
	lastCommit                       *prometheus.GaugeVec
	rebalances, commits, fetchErrors *prometheus.CounterVec
}

func (f factory) kafka() kafkaMetrics {
	return kafkaMetrics{
		produced:        f.counter("hub_messages_produced_total", "Messages written to a topic.", "topic", "result"),
		kafkaOps:        f.histogram("hub_kafka_operation_duration_seconds", "Round trips to Kafka.", callBuckets, "operation"),
		assigned:        f.gauge("hub_consumer_assigned_partitions", "Partitions that this process owns.", "route"),
		routePartitions: f.gauge("hub_route_partitions", "Partitions of each of the route's topics.", "route"),
		rebalances:      f.counter("hub_consumer_rebalances_total", "Generations of the consumer group that were joined.", "route"),
		commits:         f.counter("hub_consumer_commits_total", "Commits of offsets.", "route", "result"),
		lastCommit:      f.gauge("hub_consumer_last_commit_timestamp_seconds", "Unix time at which offsets were last committed; 0: not yet.", "route"),
		fetchErrors:     f.counter("hub_consumer_fetch_errors_total", "Fetches that failed.", "route", "reason"),
	}
}

// systemMetrics tell of the calls of external systems.
type systemMetrics struct {
	calls                                *prometheus.CounterVec
	callDuration                         *prometheus.HistogramVec
	callsInflight, callTimeout           *prometheus.GaugeVec
	breakerState, certificates           *prometheus.GaugeVec
	breakerSince                         *prometheus.GaugeVec
	breakerTransitions, breakerRejection *prometheus.CounterVec
}

func (f factory) systems() systemMetrics {
	return systemMetrics{
		calls:              f.counter("hub_external_requests_total", "Calls of external systems.", "system", "operation", "result"),
		callDuration:       f.histogram("hub_external_request_duration_seconds", "Time of calls of external systems.", callBuckets, "system", "operation"),
		callsInflight:      f.gauge("hub_external_inflight_requests", "Calls of the external system under way.", "system"),
		callTimeout:        f.gauge("hub_external_timeout_seconds", "Deadline of one call of the external system.", "system"),
		breakerState:       f.gauge("hub_breaker_state", "State of the breaker: the series of the current state is 1.", "system", "operation", "state"),
		breakerSince:       f.gauge("hub_breaker_open_since_timestamp_seconds", "Unix time since which the breaker has not been closed, probes or not; 0: it is closed.", "system", "operation"),
		breakerTransitions: f.counter("hub_breaker_transitions_total", "Changes of a breaker's state.", "system", "operation", "to"),
		breakerRejection:   f.counter("hub_breaker_rejections_total", "Times that a breaker let no call through.", "system", "operation"),
		certificates:       f.gauge("hub_tls_certificate_not_after_timestamp_seconds", "Unix time at which a certificate expires.", "purpose", "name"),
	}
}

// redisMetrics tell of the claims' Redis.
type redisMetrics struct {
	redisCommandCounts *prometheus.CounterVec
	redisDuration      *prometheus.HistogramVec
	redisPool          *prometheus.GaugeVec

	redisUp, redisUnsafe, redisMemory, redisLimit, redisKeys, claimsLost prometheus.Gauge
	evicted                                                              *atomic.Int64 // as Redis counts it
}

func (f factory) redis() redisMetrics {
	single := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	return redisMetrics{
		redisCommandCounts: f.counter("hub_redis_commands_total", "Commands sent to Redis.", "command", "result"),
		redisDuration:      f.histogram("hub_redis_command_duration_seconds", "Time of commands sent to Redis.", redisBuckets, "command"),
		redisPool:          f.gauge("hub_redis_pool_connections", "Connections to Redis; stale: closed so far because they were.", "state"),
		redisUp:            single("hub_redis_up", "1 if Redis answered when it was asked last."),
		redisUnsafe:        single("hub_redis_eviction_policy_unsafe", "1 if Redis may evict claims: its maxmemory-policy is not noeviction."),
		redisMemory:        single("hub_redis_memory_bytes", "Memory that Redis uses, of all its masters."),
		redisLimit:         single("hub_redis_memory_limit_bytes", "Memory that Redis may use, of all its masters; 0: no limit."),
		redisKeys:          single("hub_dedup_keys", "Keys in Redis: claims, counters and markers."),
		claimsLost:         single("hub_claims_lost", "1 while a loss of claims stands that nobody has accepted."),
		evicted:            new(atomic.Int64),
	}
}

// redisState registers what Redis itself counts.
func (f factory) redisState(r *redisMetrics) {
	f.NewCounterFunc(prometheus.CounterOpts{Name: "hub_redis_evicted_keys_total", Help: "Keys that Redis has evicted since its start: each may be a lost claim."},
		func() float64 { return float64(r.evicted.Load()) })
}

// ownMetrics tell of the process itself.
type ownMetrics struct {
	outcomes                                  *prometheus.CounterVec
	indexed, behind, memoryLimit              prometheus.Gauge
	panics, logMessages, redacted, httpCounts *prometheus.CounterVec
	httpDuration                              *prometheus.HistogramVec
	operatorActions                           *prometheus.CounterVec
	auditFailures                             prometheus.Counter
	config                                    *prometheus.GaugeVec
}

func (f factory) own() ownMetrics {
	return ownMetrics{
		outcomes:        f.counter("hub_outcomes_total", "Outcomes of messages reported to hub.outcomes, by what came of the report.", "result"),
		indexed:         f.NewGauge(prometheus.GaugeOpts{Name: "hub_outcomes_indexed", Help: "Outcomes that can be found in this process."}),
		memoryLimit:     f.NewGauge(prometheus.GaugeOpts{Name: "hub_memory_limit_bytes", Help: "Memory that the process may use: GOMEMLIMIT where it is set, else its container's limit; 0: none."}),
		behind:          f.NewGauge(prometheus.GaugeOpts{Name: "hub_outcomes_index_lag_messages", Help: "Records of hub.outcomes that the index has not read yet."}),
		panics:          f.counter("hub_panics_total", "Recovered panics.", "component"),
		logMessages:     f.counter("hub_log_messages_total", "Log lines written.", "level"),
		redacted:        f.counter("hub_pii_redactions_total", "Pieces of personal data that the log filter took out.", "kind"),
		httpCounts:      f.counter("hub_http_requests_total", "HTTP requests served.", "handler", "method", "code"),
		httpDuration:    f.histogram("hub_http_request_duration_seconds", "Time of HTTP requests served.", callBuckets, "handler"),
		operatorActions: f.counter("hub_operator_actions_total", "Commands of operators that came on record while this process ran, whoever carried them out: every process counts all.", "action", "result"),
		auditFailures:   f.NewCounter(prometheus.CounterOpts{Name: "hub_audit_write_failures_total", Help: "Steps of commands that could not be put on record."}),
		config:          f.gauge("hub_config_info", "Hash of the settings that run; always 1.", "hash"),
	}
}
