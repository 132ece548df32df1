//go:build race

package topics

// underRace says that the race detector is on: it makes the model, which runs on
// one goroutine, ten times slower, and finds nothing in it.
const underRace = true
