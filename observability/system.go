package observability

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// SystemMetrics is what is counted of the calls of one external system. A nil
// *SystemMetrics counts nothing.
type SystemMetrics struct {
	all        *Metrics
	name       string
	inflight   prometheus.Gauge
	timeout    prometheus.Gauge
	operations handles[*operationMetrics]
}

type operationMetrics struct {
	results  *counters
	duration prometheus.Observer
	rejected prometheus.Counter
}

// System returns the series of an external system.
func (m *Metrics) System(name string) *SystemMetrics {
	if m == nil {
		return nil
	}
	return m.systems.of(name, func(name string) *SystemMetrics {
		name = m.labels.value("system", name)
		return &SystemMetrics{all: m, name: name, inflight: m.callsInflight.WithLabelValues(name), timeout: m.callTimeout.WithLabelValues(name)}
	})
}

func (s *SystemMetrics) operation(name string) *operationMetrics {
	return s.operations.of(name, func(name string) *operationMetrics {
		name = s.all.labels.value("operation", name)
		for _, state := range breakerStates {
			s.all.breakerTransitions.WithLabelValues(s.name, name, state)
		}
		return &operationMetrics{
			results:  s.all.counters(s.all.calls, "result", callResults, s.name, name),
			duration: s.all.callDuration.WithLabelValues(s.name, name),
			rejected: s.all.breakerRejection.WithLabelValues(s.name, name),
		}
	})
}

// Call records one call of an operation. result is one of 2xx, 3xx, 4xx, 5xx,
// soap_fault, timeout, connect_error, tls_error, lease_over, canceled and
// bad_answer; traceID is that of a trace that is kept, else empty.
func (s *SystemMetrics) Call(operation, result string, d time.Duration, traceID string) {
	if s == nil {
		return
	}
	o := s.operation(operation)
	o.results.inc(result)
	observe(o.duration, seconds(d), traceID)
}

// Inflight changes the number of calls under way by delta.
func (s *SystemMetrics) Inflight(delta int) {
	if s != nil {
		s.inflight.Add(float64(delta))
	}
}

// Timeout tells the deadline of one call.
func (s *SystemMetrics) Timeout(d time.Duration) {
	if s != nil {
		s.timeout.Set(seconds(d))
	}
}

// Rejected counts that the breaker of an operation let no call through.
func (s *SystemMetrics) Rejected(operation string) {
	if s != nil {
		s.operation(operation).rejected.Inc()
	}
}

// Certificate tells when a certificate of the system expires (purpose peer), or
// the one that we show to it (client).
func (s *SystemMetrics) Certificate(purpose string, notAfter time.Time) {
	if s != nil {
		s.all.Certificate(purpose, s.name, notAfter)
	}
}

// Breaker says that the breaker of operation is in state: closed, half_open,
// open, forced_open or forced_closed. Any other state is passed over, so that
// exactly one series is 1.
func (m *Metrics) Breaker(system, operation, state string) {
	if m == nil || !slices.Contains(breakerStates, state) {
		return
	}
	system, operation = m.labels.value("system", system), m.labels.value("operation", operation)
	m.breakers.set(system, operation, state, func(changed bool, since time.Time) {
		for _, s := range breakerStates {
			m.breakerState.WithLabelValues(system, operation, s).Set(oneIf(s == state))
		}
		m.breakerSince.WithLabelValues(system, operation).Set(unix(since))
		if changed {
			m.breakerTransitions.WithLabelValues(system, operation, state).Inc()
		}
	})
}
