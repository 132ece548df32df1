package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

// A trickle is what the world lives on once the flows are through: applications
// at a steady pace, of which only what goes wrong is told line by line.
type trickle struct {
	driver   *driver
	stream   *samples.Stream
	rate     float64 // applications a second
	timeline *timeline

	mu       sync.Mutex
	underWay map[string]bool // by application: whether it has a dead letter
	filed    int
}

func newTrickle(d *driver, t *timeline, run string, seed int64, rate float64) *trickle {
	return &trickle{
		driver: d, stream: samples.NewStream(run, seed), rate: rate, timeline: t, underWay: map[string]bool{},
	}
}

// run files until ctx ends.
func (t *trickle) run(ctx context.Context) {
	defer t.driver.client.CloseIdleConnections()
	file, tell := time.NewTicker(time.Duration(float64(time.Second)/t.rate)), time.NewTicker(10*time.Second)
	defer file.Stop()
	defer tell.Stop()
	defer t.timeline.clear()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tell.C:
			t.tell()
		case <-file.C:
			f := t.stream.Next()
			t.begin(f.Applications[0].ApplicationID)
			if err := t.driver.flow(ctx, f); err != nil && ctx.Err() == nil {
				t.timeline.note("cannot file: %v", err)
			}
			if t.timeline.terminal {
				t.tell()
			}
		}
	}
}

func (t *trickle) begin(application string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.filed++
	t.underWay[application] = false
}

// seen counts an effect that concerns one of the applications; of others it
// knows nothing.
func (t *trickle) seen(e mocks.Effect) {
	t.mu.Lock()
	letter, ours := t.underWay[e.Application]
	through := ours && (e.Operation == "show" || e.Operation == "notify") && strings.HasPrefix(e.Detail, "certificate-issued")
	switch {
	case through:
		delete(t.underWay, e.Application)
	case ours && e.System == samples.Hub:
		t.underWay[e.Application] = true
	}
	t.mu.Unlock()
	switch {
	case ours && e.System == samples.Hub:
		t.timeline.effect(e)
	case through && letter:
		t.timeline.note("%s is through after all: what waited behind its dead letter came in order", e.Application)
	}
}

// tell says how far the applications are.
func (t *trickle) tell() {
	t.mu.Lock()
	s := fmt.Sprintf("%d applications filed since, %d of them through, %d under way", t.filed, t.filed-len(t.underWay), len(t.underWay))
	t.mu.Unlock()
	t.timeline.tell(s)
}
