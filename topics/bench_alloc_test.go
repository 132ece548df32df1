package topics

import (
	"testing"
	"time"
)

func BenchmarkParse(b *testing.B) {
	m := sample()
	r := &Record{Key: []byte(m.Subject), Value: m.Data, Headers: m.Headers()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeaders(b *testing.B) {
	m := sample()
	b.ReportAllocs()
	for b.Loop() {
		if len(m.Headers()) == 0 {
			b.Fatal("no headers")
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	m := sample()
	m.Data = make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if m.fingerprint() == "" {
			b.Fatal("no fingerprint")
		}
	}
}

// A window of 1,000 messages is seen and finished from its far end.
func BenchmarkTracker(b *testing.B) {
	const window = 1000
	b.ReportAllocs()
	for b.Loop() {
		t := newTracker(0)
		for o := range int64(window) {
			t.see(o, time.Time{})
		}
		for o := int64(window) - 1; o >= 0; o-- {
			t.finish(o)
		}
		if t.next != window {
			b.Fatal(t.next)
		}
	}
}

func BenchmarkBackoff(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if backoff(5, 100*time.Millisecond, time.Minute) <= 0 {
			b.Fatal("no wait")
		}
	}
}
