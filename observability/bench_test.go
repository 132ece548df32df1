package observability

import (
	"io"
	"log/slog"
	"testing"
	"time"
)

// BenchmarkMessage is what one message costs in metrics.
func BenchmarkMessage(b *testing.B) {
	m := NewMetrics(nil)
	b.ReportAllocs()
	for b.Loop() {
		m.Consumed("verify", "kandas.events")
		m.Inflight("verify", 1)
		m.Claim("verify", "new")
		m.Call("eds", "verify", "2xx", time.Millisecond)
		m.Published("egov.notifications", "ok")
		m.Processed("verify", "delivered")
		m.Final("verify", "delivered")
		m.EndToEnd("verify", time.Second)
		m.Inflight("verify", -1)
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
