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
	operations handles[*operationMetrics]
}

type operationMetrics struct {
	results  *counters
	duration prometheus.Observer
}

// System returns the series of an external system.
func (m *Metrics) System(name string) *SystemMetrics {
	if m == nil {
		return nil
	}
	return m.systems.of(name, func(name string) *SystemMetrics {
		return &SystemMetrics{all: m, name: m.labels.value("system", name)}
	})
}

func (s *SystemMetrics) operation(name string) *operationMetrics {
	return s.operations.of(name, func(name string) *operationMetrics {
		name = s.all.labels.value("operation", name)
		return &operationMetrics{
			results:  s.all.counters(s.all.calls, "result", callResults, s.name, name),
			duration: s.all.callDuration.WithLabelValues(s.name, name),
		}
	})
}

// Call records one call of an operation. result is one of 2xx, 3xx, 4xx, 5xx,
// soap_fault, timeout, connect_error, tls_error, lease_over, canceled.
func (s *SystemMetrics) Call(operation, result string, d time.Duration) {
	if s == nil {
		return
	}
	o := s.operation(operation)
	o.results.inc(result)
	o.duration.Observe(seconds(d))
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
