package observability

import (
	"sync/atomic"
	"time"
)

// membership is what this process has done as a member of a route's consumer group, for
// who asks for it by name and not by series.
type membership struct {
	committed atomic.Int64 // Unix nanoseconds of the last commit; 0: none
	joined    atomic.Int64 // generations
}

// Membership returns when this process has committed offsets of the route last, zero
// where it never has, and how many generations of its consumer group it has joined.
func (r *RouteMetrics) Membership() (committed time.Time, rebalances int) {
	if r == nil {
		return time.Time{}, 0
	}
	if at := r.member.committed.Load(); at != 0 {
		committed = time.Unix(0, at)
	}
	return committed, int(r.member.joined.Load())
}
