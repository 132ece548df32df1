//go:build race

package main

// raceDetector says whether the tests, and so the hub they build, run under the
// race detector.
const raceDetector = true
