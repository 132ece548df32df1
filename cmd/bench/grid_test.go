package main

import (
	"testing"
	"time"
)

func TestGrid(t *testing.T) {
	whole := runCmd{
		Latency: []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}, Body: []int{1, 10, 100},
		Adapter: []string{"json", "soap"}, Replicas: []int{1, 3}, Kafka: []string{kafkaStandIn, kafkaReal},
	}
	for _, c := range []struct {
		name        string
		quick, full bool
		want        int
	}{
		{"default", false, false, 24 + 4 + 4 + 4}, // all of one hub on the stand-in; three, the real one, and both at 1 KiB
		{"quick", true, false, 4},
		{"full", false, true, 96},
	} {
		whole.Quick, whole.Full = c.quick, c.full
		cells := whole.cells(256)
		if len(cells) != c.want {
			t.Errorf("%s: %d cells, want %d", c.name, len(cells), c.want)
		}
		seen := map[cell]bool{}
		for _, cell := range cells {
			if seen[cell] || cell.Messages == 0 {
				t.Errorf("%s: %s comes twice, or has no messages", c.name, cell)
			}
			seen[cell] = true
		}
	}
}

func TestSized(t *testing.T) {
	for _, c := range []struct {
		latency time.Duration
		body    int
		workers int
		want    int
	}{
		{0, 1 << 10, 256, 20_000},
		{20 * time.Millisecond, 1 << 10, 256, 20_000},
		{100 * time.Millisecond, 1 << 10, 256, 12_800},
		{100 * time.Millisecond, 1 << 10, 64, 3_200},
		{0, 100 << 10, 256, 2_621},
	} {
		cell := standard()
		cell.Latency, cell.Body = c.latency, c.body
		if got := cell.sized(c.workers).Messages; got != c.want {
			t.Errorf("%s, %d at once: %d messages, want %d", cell, c.workers, got, c.want)
		}
	}
}
