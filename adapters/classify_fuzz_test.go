package adapters

import (
	"net/http"
	"testing"
	"time"

	"kandashub/topics"
)

// Whatever status and Retry-After come: only 2xx is an answer, a wait is within
// its bounds, and only what surely had no effect is unavailable.
func FuzzByStatus(f *testing.F) {
	f.Add(200, "")
	f.Add(503, "120")
	f.Add(429, "Wed, 21 Oct 2037 07:28:00 GMT")
	f.Add(503, "-1")
	f.Add(302, "99999999999999999999")
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, after string) {
		got := byStatus(status, http.Header{"Retry-After": {after}}, now)
		if (got == nil) != (status >= 200 && status < 300) {
			t.Fatalf("%d is %v", status, got)
		}
		if got == nil {
			return
		}
		if got.RetryAfter < 0 || got.RetryAfter > maxRetryAfter {
			t.Fatalf("to wait %s", got.RetryAfter)
		}
		if status >= 500 && status != 503 && got.Class != topics.Uncertain || got.Pause != "" && got.Class != topics.Unavailable {
			t.Fatalf("%d is %v", status, got)
		}
	})
}
