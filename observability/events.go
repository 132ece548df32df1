package observability

import (
	"slices"
	"time"
)

// Consumed counts one message read from a source topic.
func (m *Metrics) Consumed(route, topic string) {
	if m == nil {
		return
	}
	m.consumed.WithLabelValues(m.labels.value("route", route), m.labels.value("topic", topic)).Inc()
}

// Processed counts one attempt: delivered, duplicate, retried, dead_lettered
// or parked.
func (m *Metrics) Processed(route, outcome string) {
	if m == nil {
		return
	}
	m.processed.WithLabelValues(m.labels.value("route", route), m.labels.value("outcome", outcome)).Inc()
}

// Final counts one finished message: delivered, duplicate or dead_lettered.
func (m *Metrics) Final(route, outcome string) {
	if m == nil {
		return
	}
	route = m.labels.value("route", route)
	m.final.WithLabelValues(route, m.labels.value("outcome", outcome)).Inc()
	if outcome == "delivered" {
		m.lastSuccess.WithLabelValues(route).SetToCurrentTime()
	}
}

// Rejected counts bad input; reason is the letter code.
func (m *Metrics) Rejected(route, reason string) {
	if m == nil {
		return
	}
	m.rejected.WithLabelValues(m.labels.value("route", route), m.labels.value("code", reason)).Inc()
}

// EndToEnd records the time from the chain's first message to the effect.
func (m *Metrics) EndToEnd(route string, d time.Duration) {
	if m == nil {
		return
	}
	m.endToEnd.WithLabelValues(m.labels.value("route", route)).Observe(seconds(d))
}

// Attempts records how many attempts a finished message needed.
func (m *Metrics) Attempts(route string, n int) {
	if m == nil {
		return
	}
	m.attempts.WithLabelValues(m.labels.value("route", route)).Observe(float64(n))
}

// Inflight changes the number of messages held in memory by delta.
func (m *Metrics) Inflight(route string, delta int) {
	if m == nil {
		return
	}
	m.inflight.WithLabelValues(m.labels.value("route", route)).Add(float64(delta))
}

// ConcurrencyLimit sets how many messages of a route may be under way at once.
func (m *Metrics) ConcurrencyLimit(route string, n int) {
	if m == nil {
		return
	}
	m.concurrency.WithLabelValues(m.labels.value("route", route)).Set(float64(n))
}

// Call records one call of an external system. result is one of 2xx, 3xx, 4xx,
// 5xx, soap_fault, timeout, connect_error, tls_error, lease_over, canceled.
func (m *Metrics) Call(system, operation, result string, d time.Duration) {
	if m == nil {
		return
	}
	system, operation = m.labels.value("system", system), m.labels.value("operation", operation)
	m.calls.WithLabelValues(system, operation, m.labels.value("result", result)).Inc()
	m.callDuration.WithLabelValues(system, operation).Observe(seconds(d))
}

// Breaker says that the breaker of operation is in state: closed, half_open or
// open. Any other state is passed over, so that exactly one series is 1.
func (m *Metrics) Breaker(system, operation, state string) {
	if m == nil || !slices.Contains(breakerStates, state) {
		return
	}
	system, operation = m.labels.value("system", system), m.labels.value("operation", operation)
	m.breakers.set(system, operation, state, func(changed bool) {
		for _, s := range breakerStates {
			v := 0.0
			if s == state {
				v = 1
			}
			m.breakerState.WithLabelValues(system, operation, s).Set(v)
		}
		if changed {
			m.breakerTransitions.WithLabelValues(system, operation, state).Inc()
		}
	})
}

// Claim counts what a claim said: new, busy, done, answered, uncertain, dead,
// conflict or error.
func (m *Metrics) Claim(route, verdict string) {
	if m == nil {
		return
	}
	m.claims.WithLabelValues(m.labels.value("route", route), m.labels.value("verdict", verdict)).Inc()
}

// Lag says how many messages of a partition are unfinished, and when the oldest
// of them was written; zero if there is none.
func (m *Metrics) Lag(route, topic string, partition int, messages int64, oldest time.Time) {
	if m == nil {
		return
	}
	m.parts.lag(m.labels.value("route", route), m.labels.value("topic", topic), partition, messages, oldest)
}

// ForgetPartition drops lag, parked messages and dead letters of a partition
// that this process owns no longer.
func (m *Metrics) ForgetPartition(route string, partition int) {
	if m == nil {
		return
	}
	m.parts.forget(m.labels.value("route", route), partition)
}

// Parked says how many messages of how many keys are parked and unfinished in a
// partition.
func (m *Metrics) Parked(route string, partition, messages, keys int) {
	if m == nil {
		return
	}
	m.parts.parked(m.labels.value("route", route), partition, messages, keys)
}

// Stuck tells how many attempts of a partition run on past their lease.
func (m *Metrics) Stuck(route string, partition, attempts int) {
	if m == nil {
		return
	}
	m.parts.stuck(m.labels.value("route", route), partition, attempts)
}

// Dead says how many dead letters of a partition are unresolved, and when the
// oldest was written; zero if there is none.
func (m *Metrics) Dead(route string, partition, unresolved int, oldest time.Time) {
	if m == nil {
		return
	}
	m.parts.dead(m.labels.value("route", route), partition, unresolved, oldest)
}

// DeadLetter counts one dead letter written, by its code.
func (m *Metrics) DeadLetter(route, code string) {
	if m == nil {
		return
	}
	m.deadLetters.WithLabelValues(m.labels.value("route", route), m.labels.value("code", code)).Inc()
}

// DeadPublishFailed counts a dead letter that could not be written.
func (m *Metrics) DeadPublishFailed(route string) {
	if m == nil {
		return
	}
	m.deadPublishFailures.WithLabelValues(m.labels.value("route", route)).Inc()
}

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
	if m == nil {
		return
	}
	m.produced.WithLabelValues(m.labels.value("topic", topic), m.labels.value("result", result)).Inc()
}

// KafkaOp records one round trip to Kafka: send, poll or commit.
func (m *Metrics) KafkaOp(operation string, d time.Duration) {
	if m == nil {
		return
	}
	m.kafkaOps.WithLabelValues(m.labels.value("kafka", operation)).Observe(seconds(d))
}

// Redis records one command; result is ok, error or timeout.
func (m *Metrics) Redis(command, result string, d time.Duration) {
	if m == nil {
		return
	}
	command = m.labels.value("command", command)
	m.redisCommands.WithLabelValues(command, m.labels.value("result", result)).Inc()
	m.redisDuration.WithLabelValues(command).Observe(seconds(d))
}

// Commit counts one commit of offsets; result is ok or error.
func (m *Metrics) Commit(route, result string) {
	if m == nil {
		return
	}
	m.commits.WithLabelValues(m.labels.value("route", route), m.labels.value("result", result)).Inc()
}

// Rebalance counts one generation of the consumer group that was joined.
func (m *Metrics) Rebalance(route string) {
	if m == nil {
		return
	}
	m.rebalances.WithLabelValues(m.labels.value("route", route)).Inc()
}

// Assigned says how many partitions of route this process owns.
func (m *Metrics) Assigned(route string, partitions int) {
	if m == nil {
		return
	}
	m.assigned.WithLabelValues(m.labels.value("route", route)).Set(float64(partitions))
}

// FetchError counts one fetch that failed; reason is timeout, auth, eof or
// other.
func (m *Metrics) FetchError(route, reason string) {
	if m == nil {
		return
	}
	m.fetchErrors.WithLabelValues(m.labels.value("route", route), m.labels.value("fetch", reason)).Inc()
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
