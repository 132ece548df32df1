package claims

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
)

// BenchmarkClaim claims new messages, and BenchmarkLife takes each through
// claim, sent, answered and done, with as many callers at once as named. On
// REDIS_ADDR if set, else on miniredis, whose Lua is far slower.
func BenchmarkClaim(b *testing.B) {
	benchmark(b, func(b *testing.B, s *story, r Request) {
		if c, err := s.store.Claim(b.Context(), r); err != nil || c.Verdict != New {
			b.Errorf("%+v, %v", c, err)
		}
	})
}

func BenchmarkLife(b *testing.B) {
	reply := make([]byte, 512)
	benchmark(b, func(b *testing.B, s *story, r Request) {
		c, err := s.store.Claim(b.Context(), r)
		for _, step := range []func() error{
			func() error { return s.store.Sent(b.Context(), c) },
			func() error { return s.store.Answered(b.Context(), c, reply) },
			func() error { return s.store.Done(b.Context(), c) },
		} {
			if err == nil {
				err = step()
			}
		}
		if err != nil {
			b.Error(err)
		}
	})
}

func benchmark(b *testing.B, one func(*testing.B, *story, Request)) {
	for _, callers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			var srv *server
			if os.Getenv("REDIS_ADDR") != "" {
				srv = real(b)
			} else {
				srv, _ = inProcess(b)
			}
			s := tell(b, srv)
			s.knownScript()
			var n atomic.Int64
			done := make(chan struct{})
			b.ReportAllocs()
			b.ResetTimer()
			for range callers {
				go func() {
					defer func() { done <- struct{}{} }()
					r := s.req
					for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
						r.ID = fmt.Sprint(i)
						r.Application = "egov-1896-" + r.ID
						one(b, s, r)
					}
				}()
			}
			for range callers {
				<-done
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
