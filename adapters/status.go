package adapters

import (
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"kandashub/topics"
)

// BreakerStatus is what a breaker tells people of itself.
type BreakerStatus struct {
	System, Operation string
	State             string    // closed, half_open, open
	Forced            string    // ForceOpen, ForceClosed, or empty
	Failures          int       // calls without an answer in a row
	Opens             int       // that many open it
	Probe             time.Time // open by itself: when one call is let through; else zero
	LastAt            time.Time // of the last call without an answer; zero: none yet
	LastCode          string    // its code
}

// lastFailure is the last call without an answer.
type lastFailure struct {
	at   time.Time
	code string
}

// note remembers a call without an answer. It runs under the mutex.
func (b *Breaker) note(err error) {
	if err != nil && health(err) == down {
		b.failed = lastFailure{time.Now(), topics.FailureOf(err).Code}
	}
}

// Status returns what the breaker is now.
func (b *Breaker) Status() BreakerStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BreakerStatus{
		System: b.cfg.System, Operation: b.cfg.Operation, State: strings.ReplaceAll(b.state.String(), "-", "_"), Forced: b.forced,
		Failures: int(b.two.Counts().ConsecutiveFailures), Opens: b.cfg.Failures, LastAt: b.failed.at, LastCode: b.failed.code,
	}
	if b.state == gobreaker.StateOpen && b.forced == "" {
		s.Probe = b.until
	}
	return s
}
