package observability

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Published counts one message written to topic; result is ok or error.
func (m *Metrics) Published(topic, result string) {
	if m != nil {
		m.writing(topic).inc(result)
	}
}

// Sending records the size of a payload that is about to be written, in bytes.
func (m *Metrics) Sending(size int) {
	if m != nil {
		m.sizeOut.Observe(float64(size))
	}
}

// writing returns the series of a topic that is written to.
func (m *Metrics) writing(topic string) *counters {
	return m.topics.of(topic, func(topic string) *counters {
		return m.counters(m.produced, "result", okOrError, m.labels.value("topic", topic))
	})
}

// KafkaOp records one round trip to Kafka: send, poll or commit.
func (m *Metrics) KafkaOp(operation string, d time.Duration) {
	if m != nil {
		m.kafkaOp(operation).Observe(seconds(d))
	}
}

func (m *Metrics) kafkaOp(operation string) prometheus.Observer {
	return m.kafka.of(operation, func(operation string) prometheus.Observer {
		return m.kafkaOps.WithLabelValues(m.labels.value("kafka", operation))
	})
}

// commandMetrics are the series of one command of Redis.
type commandMetrics struct {
	results  *counters
	duration prometheus.Observer
}

// Redis records one command; result is ok, error or canceled.
func (m *Metrics) Redis(command, result string, d time.Duration) {
	if m == nil {
		return
	}
	c := m.redis.of(command, m.bindCommand)
	c.results.inc(result)
	c.duration.Observe(seconds(d))
}

func (m *Metrics) bindCommand(command string) *commandMetrics {
	command = m.labels.value("command", command)
	return &commandMetrics{
		results:  m.counters(m.redisCommandCounts, "result", redisResults, command),
		duration: m.redisDuration.WithLabelValues(command),
	}
}

// Outcomes counts n outcomes of messages; result is written or lost.
func (m *Metrics) Outcomes(result string, n int) {
	if m == nil {
		return
	}
	m.reports.of(result).Add(float64(n))
}

// Indexed says how many outcomes can be found in this process.
func (m *Metrics) Indexed(outcomes int64) {
	if m != nil {
		m.indexed.Set(float64(outcomes))
	}
}

// IndexLag says how many records of hub.outcomes this process has not read yet.
func (m *Metrics) IndexLag(records int64) {
	if m != nil {
		m.behind.Set(float64(records))
	}
}

// A RedisState is what is known of Redis at one moment.
type RedisState struct {
	Up   bool // it has answered
	Told bool // it has said all of the next ones

	// What it says of itself, summed over the masters of a cluster.
	Keys, Memory, MemoryLimit, Evicted int64
	EvictionUnsafe                     bool // it may evict claims

	// Connections of this process. Stale are those closed so far.
	Idle, InUse, Waiting, Stale int
}

// RedisState tells how Redis is. What one that does not say all said last stays.
func (m *Metrics) RedisState(s RedisState) {
	if m == nil {
		return
	}
	m.redisUp.Set(oneIf(s.Up))
	for state, n := range map[string]int{"idle": s.Idle, "in_use": s.InUse, "waiting": s.Waiting, "stale": s.Stale} {
		m.redisPool.WithLabelValues(state).Set(float64(n))
	}
	if !s.Told {
		return
	}
	m.redisKeys.Set(float64(s.Keys))
	m.redisMemory.Set(float64(s.Memory))
	m.redisLimit.Set(float64(s.MemoryLimit))
	m.redisUnsafe.Set(oneIf(s.EvictionUnsafe))
	m.evicted.Store(s.Evicted)
}

// ClaimsLost says whether a loss of claims stands that nobody has accepted.
func (m *Metrics) ClaimsLost(standing bool) {
	if m != nil {
		m.claimsLost.Set(oneIf(standing))
	}
}

// Operator counts one command of an operator; result is done, refused or failed.
func (m *Metrics) Operator(action, result string) {
	if m == nil {
		return
	}
	action = strings.ReplaceAll(action, " ", "_")
	m.operatorActions.WithLabelValues(m.labels.value("action", action), m.labels.value("result", result)).Inc()
}

// AuditFailed counts a step of a command that could not be put on record.
func (m *Metrics) AuditFailed() {
	if m != nil {
		m.auditFailures.Inc()
	}
}

// Certificate tells when a certificate expires. purpose is client (ours, shown
// to a system), server (ours, shown to callers) or peer (a system's), and name
// whose it is.
func (m *Metrics) Certificate(purpose, name string, notAfter time.Time) {
	if m != nil {
		m.certificates.WithLabelValues(m.labels.value("purpose", purpose), m.labels.value("name", name)).Set(unix(notAfter))
	}
}

// Panic counts one recovered panic.
func (m *Metrics) Panic(component string) {
	if m != nil {
		m.panics.WithLabelValues(m.labels.value("component", component)).Inc()
	}
}

// HTTP records one request served. handler is the pattern of the handler, never
// the path of the request.
func (m *Metrics) HTTP(handler, method string, code int, d time.Duration) {
	if m == nil {
		return
	}
	handler = m.labels.value("handler", handler)
	m.httpCounts.WithLabelValues(handler, httpMethod(method), statusCode(code)).Inc()
	m.httpDuration.WithLabelValues(handler).Observe(seconds(d))
}

// logged counts a line of the log.
func (m *Metrics) logged(level string) {
	if m != nil {
		m.levels.inc(level)
	}
}

// redact counts what the log filter took out.
func (m *Metrics) redact(kind string) {
	if m != nil {
		m.redactions.inc(kind)
	}
}

func oneIf(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
