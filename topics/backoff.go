package topics

import (
	"math/rand/v2"
	"time"
)

// backoff returns how long to wait after the attempt-th failure, counted from
// 1: full jitter between zero and least·2^(attempt-1), at most most, and never
// less than a tenth of least, so that no retry is immediate.
func backoff(attempt int, least, most time.Duration) time.Duration {
	ceiling := most
	if attempt < 1 {
		attempt = 1
	}
	if shift := attempt - 1; shift < 32 && least<<shift > 0 && least<<shift < most {
		ceiling = least << shift
	}
	return max(least/10, rand.N(ceiling)+1)
}
