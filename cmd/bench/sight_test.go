package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSightTable compares each hub with the one that counts nothing, by medians,
// and leaves out what failed.
func TestSightTable(t *testing.T) {
	c := standard()
	var results []result
	for i, name := range sights() {
		for _, rate := range []float64{50, 100, 900} { // of one run that was disturbed, and one that was lucky
			results = append(results, result{Cell: c, Subject: name, Rate: rate - float64(10*i), CPU: cpu{Subject: float64(80 + 8*i)}})
		}
		results = append(results, result{Cell: c, Subject: name, Error: "the target was gone"})
	}
	var got []string
	for _, row := range sightTable(results).rows {
		got = append(got, strings.Join(slices.Delete(slices.Clone(row), 0, 1)[:6], " "))
	}
	want := []string{
		"hub, nothing counted 3 100 1.00 80.0 1.00",
		"hub, metrics 3 90 0.90 88.0 1.10",
		"hub, metrics, traces 3 80 0.80 96.0 1.20",
		"hub, metrics, traces, outcomes 3 70 0.70 104.0 1.30",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the table says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSights: each hub differs from the one before it in one thing.
func TestSights(t *testing.T) {
	l := &lab{}
	l.target.Admin = "127.0.0.1:1"
	var got []string
	for _, name := range sights() {
		program, env := l.seen(name)
		got = append(got, strings.TrimSpace(program+" "+strings.Join(env, " ")))
	}
	want := []string{
		"hub-uncounted HUB_OUTCOMES=false", "hub HUB_OUTCOMES=false",
		"hub HUB_OTLP=http://127.0.0.1:1 HUB_OUTCOMES=false", "hub HUB_OTLP=http://127.0.0.1:1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the hubs are %q, want %q", got, want)
	}
}
