package observability

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Route names what is known of a route at the start; see [Metrics.Init].
type Route struct {
	Name              string
	Sources, Writes   []string // topics
	System, Operation string   // what it calls
}

// RouteMetrics is what is counted of one route: its series are bound once, for
// most of them change with every message. A nil *RouteMetrics counts nothing.
type RouteMetrics struct {
	all  *Metrics
	name string

	consumed, processed, final, claims, rejected, deadLetters, resolved, commits, fetchErrors *counters

	rebalances, deadPublishFailures, missed                  prometheus.Counter
	inflight, concurrency, lastSuccess, assigned, partitions prometheus.Gauge
	lastCommit                                               prometheus.Gauge
	attempts, endToEnd, slack, processedWell, processedBadly prometheus.Observer

	member membership

	mu      sync.Mutex
	reasons map[string]bool // why it is paused
}

// Route returns the series of a route. One that [Metrics.Init] was not told of
// has them too, but not all of them with 0.
func (m *Metrics) Route(name string) *RouteMetrics {
	if m == nil {
		return nil
	}
	return m.routes.of(name, func(name string) *RouteMetrics { return m.bindRoute(Route{Name: name}, nil) })
}

// bindRoute makes the series of a route with 0, and of each of the letter codes.
func (m *Metrics) bindRoute(route Route, codes []string) *RouteMetrics {
	name := m.labels.value("route", route.Name)
	m.parts.addRoute(name)
	for _, reason := range pauseReasons {
		m.paused.WithLabelValues(name, reason)
	}
	r := &RouteMetrics{
		all: m, name: name, reasons: make(map[string]bool),
		consumed:    m.counters(m.consumed, "topic", route.Sources, name),
		processed:   m.counters(m.processed, "outcome", attemptOutcomes, name),
		final:       m.counters(m.final, "outcome", finalOutcomes, name),
		claims:      m.counters(m.claims, "verdict", claimVerdicts, name),
		rejected:    m.counters(m.rejected, "code", codes, name),
		deadLetters: m.counters(m.deadLetters, "code", codes, name),
		resolved:    m.counters(m.lettersResolved, "resolution", resolutions, name),
		commits:     m.counters(m.commits, "result", okOrError, name),
		fetchErrors: m.counters(m.fetchErrors, "fetch", fetchReasons, name),

		rebalances:          m.rebalances.WithLabelValues(name),
		deadPublishFailures: m.deadPublishFailures.WithLabelValues(name),
		missed:              m.deadlineMissed.WithLabelValues(name),
		inflight:            m.inflight.WithLabelValues(name),
		concurrency:         m.concurrency.WithLabelValues(name),
		lastSuccess:         m.lastSuccess.WithLabelValues(name),
		lastCommit:          m.lastCommit.WithLabelValues(name),
		assigned:            m.assigned.WithLabelValues(name),
		attempts:            m.attempts.WithLabelValues(name),
		endToEnd:            m.endToEnd.WithLabelValues(name),
		partitions:          m.routePartitions.WithLabelValues(name),
		slack:               m.deadlineSlack.WithLabelValues(name),
		processedWell:       m.process.WithLabelValues(name, "ok"),
		processedBadly:      m.process.WithLabelValues(name, "error"),
	}
	if route.System != "" {
		m.routeInfo.WithLabelValues(name, m.labels.value("system", route.System), m.labels.value("operation", route.Operation)).Set(1)
	}
	r.showState()
	return r
}

// Consumed counts one message read from a source topic, and the size of its
// payload in bytes.
func (r *RouteMetrics) Consumed(topic string, size int) {
	if r != nil {
		r.consumed.inc(topic)
		r.all.sizeIn.Observe(float64(size))
	}
}

// Processed counts one attempt: delivered, duplicate, retried, dead_lettered
// or parked.
func (r *RouteMetrics) Processed(outcome string) {
	if r != nil {
		r.processed.inc(outcome)
	}
}

// Process records the hub's own time for an attempt, the call of the system left
// out; ok says that the message has come to its end. traceID is that of a trace
// that is kept, else empty.
func (r *RouteMetrics) Process(d time.Duration, ok bool, traceID string) {
	switch {
	case r == nil:
	case ok:
		observe(r.processedWell, seconds(d), traceID)
	default:
		observe(r.processedBadly, seconds(d), traceID)
	}
}

// Final counts one finished message: delivered, duplicate, rejected (it is the
// sender's fault) or dead_lettered (it is not).
func (r *RouteMetrics) Final(outcome string) {
	if r == nil {
		return
	}
	r.final.inc(outcome)
	if outcome == "delivered" {
		r.lastSuccess.SetToCurrentTime()
	}
}

// Rejected counts bad input; reason is the letter code.
func (r *RouteMetrics) Rejected(reason string) {
	if r != nil {
		r.rejected.inc(reason)
	}
}

// EndToEnd records the time from the chain's first message to the effect, and
// how much of the deadline was left; 0: there is none. traceID is that of a trace
// that is kept, else empty.
func (r *RouteMetrics) EndToEnd(d, deadline time.Duration, traceID string) {
	if r == nil {
		return
	}
	observe(r.endToEnd, seconds(d), traceID)
	if deadline == 0 {
		return
	}
	r.slack.Observe((deadline - d).Seconds())
	if d > deadline {
		r.missed.Inc()
	}
}

// Attempts records how many attempts a finished message needed.
func (r *RouteMetrics) Attempts(n int) {
	if r != nil {
		r.attempts.Observe(float64(n))
	}
}

// Inflight changes the number of messages held in memory by delta.
func (r *RouteMetrics) Inflight(delta int) {
	if r != nil {
		r.inflight.Add(float64(delta))
	}
}

// ConcurrencyLimit sets how many messages may be under way at once.
func (r *RouteMetrics) ConcurrencyLimit(n int) {
	if r != nil {
		r.concurrency.Set(float64(n))
	}
}

// Claim counts what a claim said: new, busy, done, answered, uncertain, dead,
// conflict or error.
func (r *RouteMetrics) Claim(verdict string) {
	if r != nil {
		r.claims.inc(verdict)
	}
}

// DeadLetter counts one dead letter written, by its code.
func (r *RouteMetrics) DeadLetter(code string) {
	if r != nil {
		r.deadLetters.inc(code)
	}
}

// Resolved counts one decision of a dead letter that has been carried out:
// replayed, answered or discarded.
func (r *RouteMetrics) Resolved(action string) {
	if r != nil {
		r.resolved.inc(action)
	}
}

// DeadPublishFailed counts a dead letter that could not be written.
func (r *RouteMetrics) DeadPublishFailed() {
	if r != nil {
		r.deadPublishFailures.Inc()
	}
}

// Commit counts one commit of offsets; result is ok or error.
func (r *RouteMetrics) Commit(result string) {
	if r != nil {
		r.commits.inc(result)
	}
	if r != nil && result == "ok" {
		r.lastCommit.SetToCurrentTime()
		r.member.committed.Store(time.Now().UnixNano())
	}
}

// Rebalance counts one generation of the consumer group that was joined.
func (r *RouteMetrics) Rebalance() {
	if r != nil {
		r.rebalances.Inc()
		r.member.joined.Add(1)
	}
}

// Assigned says how many partitions this process owns.
func (r *RouteMetrics) Assigned(partitions int) {
	if r != nil {
		r.assigned.Set(float64(partitions))
	}
}

// Partitions says how many partitions each of the route's topics has.
func (r *RouteMetrics) Partitions(n int) {
	if r != nil {
		r.partitions.Set(float64(n))
	}
}

// Pause says whether the route is paused for reason: breaker, auth, target,
// redis, kafka, claims_lost, partitions, dead, operator, or stopped for good.
func (r *RouteMetrics) Pause(reason string, on bool) {
	if r == nil {
		return
	}
	reason = r.all.labels.value("pause", reason)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.paused.WithLabelValues(r.name, reason).Set(oneIf(on))
	if on {
		r.reasons[reason] = true
	} else {
		delete(r.reasons, reason)
	}
	r.showState()
}

// showState makes exactly one of the route's states 1.
func (r *RouteMetrics) showState() {
	now := "running"
	switch {
	case r.reasons[stoppedForGood]:
		now = "failed"
	case len(r.reasons) > 0:
		now = "paused"
	}
	for _, s := range routeStates {
		r.all.routeState.WithLabelValues(r.name, s).Set(oneIf(s == now))
	}
}

// FetchError counts one fetch that failed; reason is leader, timeout or other.
func (r *RouteMetrics) FetchError(reason string) {
	if r != nil {
		r.fetchErrors.inc(reason)
	}
}

// KafkaOp records one round trip to Kafka: send, poll or commit.
func (r *RouteMetrics) KafkaOp(operation string, d time.Duration) {
	if r != nil {
		r.all.KafkaOp(operation, d)
	}
}

// Panic counts one recovered panic.
func (r *RouteMetrics) Panic(component string) {
	if r != nil {
		r.all.Panic(component)
	}
}
