//go:build !race

package topics

// underRace says that the race detector is on.
const underRace = false
