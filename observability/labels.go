package observability

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// other stands for a label value that was not let in.
const other = "other"

// maxValues bounds the values of one label. The hub has some twenty routes, and
// three topics for each.
const maxValues = 128

// A guard keeps label sets closed: whatever a caller passes by mistake, an id
// or an error text, the number of series stays bounded and nothing personal
// becomes a label.
type guard struct {
	mu   sync.RWMutex
	seen map[string]map[string]bool // label -> values
}

// value returns v if it may be a value of label, else "other".
func (g *guard) value(label, v string) string {
	g.mu.RLock()
	known := g.seen[label][v]
	g.mu.RUnlock()
	if known {
		return v
	}
	if !looksLikeLabel(v) {
		return other
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		g.seen = make(map[string]map[string]bool)
	}
	if g.seen[label] == nil {
		g.seen[label] = make(map[string]bool)
	}
	if len(g.seen[label]) >= maxValues {
		return other
	}
	g.seen[label][v] = true
	return v
}

// looksLikeLabel tells names that people gave in code and settings from ids:
// short, ASCII, no run of five digits.
func looksLikeLabel(v string) bool {
	if v == "" || len(v) > 80 {
		return false
	}
	digits := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c >= '0' && c <= '9':
			if digits++; digits == 5 {
				return false
			}
			continue
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-_./{} *", c) >= 0:
			digits = 0
		default:
			return false
		}
	}
	return true
}

// httpMethod is the label of a request's method, which the client chooses.
func httpMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return other
}

// A breakerStateSet remembers the state of each breaker, so that a transition
// is counted once however often the state is told.
type breakerStateSet struct {
	mu     sync.Mutex
	states map[[2]string]string
	since  map[[2]string]time.Time // since when those that are not closed have not been so
}

// set stores state and calls publish, one at a time, with whether it differs
// from a state told before, and since when the breaker has not been closed; zero
// where it is. A probe in between changes nothing of that.
func (b *breakerStateSet) set(system, operation, state string, publish func(changed bool, since time.Time)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.states == nil {
		b.states, b.since = make(map[[2]string]string), make(map[[2]string]time.Time)
	}
	key := [2]string{system, operation}
	old, known := b.states[key]
	b.states[key] = state
	switch _, open := b.since[key]; {
	case strings.HasSuffix(state, "closed"):
		delete(b.since, key)
	case !open:
		b.since[key] = time.Now()
	}
	publish(known && old != state, b.since[key])
}
