package main

import (
	"slices"
	"time"
)

// perSecond counts Unix times, in nanoseconds, by the second after the first of
// them. A 0 is none.
func perSecond(times []int64) (counts []int) {
	first, last := bounds(times)
	if first == 0 {
		return nil
	}
	counts = make([]int, (last-first)/int64(time.Second)+1)
	for _, t := range times {
		if t != 0 {
			counts[(t-first)/int64(time.Second)]++
		}
	}
	return counts
}

// bounds are the first and the last of times; 0 is none.
func bounds(times []int64) (first, last int64) {
	for _, t := range times {
		if t != 0 && (first == 0 || t < first) {
			first = t
		}
		last = max(last, t)
	}
	return first, last
}

// percentile is the value below or at which a share of the values lie (nearest
// rank). values are sorted.
func percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	rank := int(share*float64(len(values)) + 0.999999)
	return values[min(max(rank, 1), len(values))-1]
}

// median of numbers; of an even count, the upper one of the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
