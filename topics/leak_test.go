package topics

import (
	"testing"

	"go.uber.org/goleak"
)

// What a test starts, it ends: no goroutine is left behind, but the connection
// of a long poll that was given up, which stays until the broker answers.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*conn).run"))
}
