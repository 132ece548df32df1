package shep

import (
	"testing"

	"go.uber.org/goleak"
)

// What a test starts, it ends: no goroutine is left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
