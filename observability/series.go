package observability

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are the series of one metric that differ in the last label alone.
// Those of the label's closed set are bound once: looking a series up by its
// labels takes longer, and memory, than counting in it.
type counters struct {
	labels *guard
	label  string // the kind of value, for the guard
	vec    *prometheus.CounterVec
	before []string // the values of the labels before the last
	bound  map[string]prometheus.Counter
}

// counters binds, and so makes with 0, the series of values.
func (m *Metrics) counters(vec *prometheus.CounterVec, label string, values []string, before ...string) *counters {
	c := &counters{labels: &m.labels, label: label, vec: vec, before: before, bound: make(map[string]prometheus.Counter, len(values))}
	for _, v := range values {
		c.bound[v] = c.of(v)
	}
	return c
}

// inc counts one of value. One outside of the closed set goes through the guard.
func (c *counters) inc(value string) {
	if s, ok := c.bound[value]; ok {
		s.Inc()
		return
	}
	c.of(value).Inc()
}

func (c *counters) of(value string) prometheus.Counter {
	return c.vec.WithLabelValues(append(append(make([]string, 0, 4), c.before...), c.labels.value(c.label, value))...)
}

// handles are series that belong together, by the name of what they count:
// made at the first use, and found again from then on.
type handles[T any] struct {
	mu    sync.RWMutex
	known map[string]T
}

// of returns the handle of name. One more name than a label may have values gets
// the handle of "other".
func (h *handles[T]) of(name string, bind func(name string) T) T {
	h.mu.RLock()
	t, ok := h.known[name]
	h.mu.RUnlock()
	if ok {
		return t
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if t, ok := h.known[name]; ok {
		return t
	}
	if h.known == nil {
		h.known = make(map[string]T)
	}
	if !looksLikeLabel(name) || len(h.known) >= maxValues {
		name = other
		if t, ok := h.known[name]; ok {
			return t
		}
	}
	t = bind(name)
	h.known[name] = t
	return t
}
