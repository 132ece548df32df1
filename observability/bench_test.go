package observability

import (
	"io"
	"log/slog"
	"testing"
	"time"
)

// BenchmarkMessage is what one message costs in metrics.
func BenchmarkMessage(b *testing.B) {
	message := oneMessage()
	b.ReportAllocs()
	for b.Loop() {
		message()
	}
}

// TestMessageMetricsAllocateNothing holds what every message does.
func TestMessageMetricsAllocateNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, oneMessage()); n != 0 {
		t.Errorf("counting one message allocates %v times, want 0", n)
	}
}

// oneMessage does what one message does to the metrics.
func oneMessage() func() {
	m := NewMetrics(nil)
	m.Init(nil, Route{Name: "verify", Sources: []string{"kandas.events"}, Writes: []string{"egov.notifications"}, System: "eds", Operation: "verify"})
	r, s := m.Route("verify"), m.System("eds")
	return func() {
		r.Consumed("kandas.events", 1000)
		m.Sending(1000)
		r.Inflight(1)
		r.Claim("new")
		m.Redis("claim", "ok", time.Millisecond)
		m.Redis("done", "ok", time.Millisecond)
		s.Inflight(1)
		s.Call("verify", "2xx", time.Millisecond, "")
		s.Inflight(-1)
		m.Published("egov.notifications", "ok")
		r.Processed("delivered")
		r.Final("delivered")
		r.EndToEnd(time.Second, time.Hour, "")
		r.Process(time.Millisecond, true, "")
		r.Attempts(1)
		r.Inflight(-1)
	}
}

// BenchmarkLogLine is the line that each finished message makes.
func BenchmarkLogLine(b *testing.B) {
	l := NewLogger(io.Discard, slog.LevelInfo, []byte("a key for tests"), nil)
	b.ReportAllocs()
	for b.Loop() {
		l.Info("delivered", "route", "verify", "application", "egov-20261122000001",
			"message_id", "0c8b5d0e-9a58-5b61-8e64-616173123456", "type", "kz.kandas.application.decided.v1",
			"trace_id", "4bf92f3577b34da6a3ce929d0e0e4736")
	}
}
