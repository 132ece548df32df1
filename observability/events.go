package observability

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Pause says whether route is paused for reason: breaker, auth, target, redis,
// claims_lost, partitions, dead or operator.
func (m *Metrics) Pause(route, reason string, on bool) {
	if m == nil {
		return
	}
	v := 0.0
	if on {
		v = 1
	}
	m.paused.WithLabelValues(m.labels.value("route", route), m.labels.value("pause", reason)).Set(v)
}

// Published counts one message written to topic; result is ok or error.
func (m *Metrics) Published(topic, result string) {
	if m != nil {
		m.writing(topic).inc(result)
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
	if m == nil {
		return
	}
	m.kafka.of(operation, func(operation string) prometheus.Observer {
		return m.kafkaOps.WithLabelValues(m.labels.value("kafka", operation))
	}).Observe(seconds(d))
}

// redisMetrics are the series of one command.
type redisMetrics struct {
	results  *counters
	duration prometheus.Observer
}

// Redis records one command; result is ok, error or canceled.
func (m *Metrics) Redis(command, result string, d time.Duration) {
	if m == nil {
		return
	}
	r := m.redis.of(command, m.bindRedis)
	r.results.inc(result)
	r.duration.Observe(seconds(d))
}

func (m *Metrics) bindRedis(command string) *redisMetrics {
	command = m.labels.value("command", command)
	return &redisMetrics{
		results:  m.counters(m.redisCommands, "result", redisResults, command),
		duration: m.redisDuration.WithLabelValues(command),
	}
}

// Outcomes counts n outcomes of messages; result is written or lost.
func (m *Metrics) Outcomes(result string, n int) {
	if m == nil {
		return
	}
	m.outcomes.WithLabelValues(m.labels.value("report", result)).Add(float64(n))
}

// Indexed says how many outcomes can be found in this process, and how many
// records of their topic it has not read yet.
func (m *Metrics) Indexed(outcomes, behind int64) {
	if m == nil {
		return
	}
	m.indexed.Set(float64(outcomes))
	m.behind.Set(float64(behind))
}

// Panic counts one recovered panic.
func (m *Metrics) Panic(component string) {
	if m == nil {
		return
	}
	m.panics.WithLabelValues(m.labels.value("component", component)).Inc()
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
		m.logMessages.WithLabelValues(level).Inc()
	}
}

// redacted counts what the log filter took out.
func (m *Metrics) redacted(kind string) {
	if m != nil {
		m.redactions.WithLabelValues(kind).Inc()
	}
}
