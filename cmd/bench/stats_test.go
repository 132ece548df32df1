package main

import (
	"slices"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		values []time.Duration
		share  float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{7}, 0.5, 7},
		{[]time.Duration{7}, 0.999, 7},
		{[]time.Duration{1, 2}, 0.5, 1},
		{[]time.Duration{1, 2, 3}, 0.5, 2},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 0.999, 100},
		{hundred, 1, 100},
		{hundred, 0, 1},
	} {
		if got := percentile(c.values, c.share); got != c.want {
			t.Errorf("percentile %g of %d values is %d, want %d", c.share, len(c.values), got, c.want)
		}
	}
}

func TestPerSecond(t *testing.T) {
	const s = int64(time.Second)
	at := int64(1_800_000_000) * s
	for _, c := range []struct {
		name  string
		times []int64
		want  []int
	}{
		{"none", nil, nil},
		{"none came", []int64{0, 0}, nil},
		{"one", []int64{at}, []int{1}},
		{"seconds count from the first", []int64{at + s/2, at + s, at + s*3/2 - 1, at + s*3/2}, []int{3, 1}},
		{"not in order, with a gap, and one that did not come", []int64{at + 2*s, 0, at}, []int{1, 0, 1}},
	} {
		if got := perSecond(c.times); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 3}} {
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %g, want %g", c.values, got, c.want)
		}
	}
}
