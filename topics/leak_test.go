package topics

import (
	"testing"

	"go.uber.org/goleak"
)

// What a test starts, it ends: no goroutine is left behind, but the connection
// of a long poll that was given up, which stays until the broker answers, and a
// kfake that was closed while a request of it slept: its loop then waits for ever
// for a lock of its own.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*conn).run"),
		goleak.IgnoreAnyFunction("github.com/twmb/franz-go/pkg/kfake.(*Cluster).run"))
}
