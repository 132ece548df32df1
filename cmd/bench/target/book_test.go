package target

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A call is a message of an application, at a time.
type call struct {
	message, application int
	at                   int64
}

func TestBook(t *testing.T) {
	for _, c := range []struct {
		name  string
		calls []call
		want  Counts
	}{
		{"nothing", nil, Counts{}},
		{"in order", []call{{0, 0, 1}, {1, 1, 2}, {2, 0, 3}}, Counts{Calls: 3, Effects: 3, FirstAt: 1, LastAt: 3}},
		{"another application's order is its own", []call{{2, 0, 1}, {1, 1, 2}, {3, 1, 3}}, Counts{Calls: 3, Effects: 3, FirstAt: 1, LastAt: 3}},
		{"a step back", []call{{1, 0, 1}, {0, 0, 2}, {2, 0, 3}}, Counts{Calls: 3, Effects: 3, Back: 1, FirstAt: 1, LastAt: 3}},
		{"two steps back", []call{{2, 0, 1}, {0, 0, 2}, {1, 0, 3}}, Counts{Calls: 3, Effects: 3, Back: 2, FirstAt: 1, LastAt: 3}},
		{"a repeat is doubled, and no step back", []call{{0, 0, 1}, {1, 0, 2}, {0, 0, 3}}, Counts{Calls: 3, Effects: 2, Doubled: 1, FirstAt: 1, LastAt: 3}},
		{"of no plan", []call{{4, 0, 1}, {0, 2, 2}, {0, -1, 3}}, Counts{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBook(Run{Messages: 4, Applications: 2})
			for _, call := range c.calls {
				b.came(call.message, call.application, call.at)
				b.done(call.message, call.application, call.at)
			}
			if diff := cmp.Diff(c.want, b.now()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

// An application's next call must not come before the last one was answered.
func TestOverlapping(t *testing.T) {
	b := newBook(Run{Messages: 4, Applications: 2})
	b.came(0, 0, 1)
	b.came(1, 1, 2) // another application's
	b.came(0, 0, 3) // a repeat
	if n := b.now().Overlapping; n != 0 {
		t.Errorf("%d overlap before there is one", n)
	}
	b.came(2, 0, 4)
	b.done(0, 0, 5)
	b.done(0, 0, 6)
	b.done(2, 0, 7)
	b.came(3, 0, 8)
	if n := b.now().Overlapping; n != 1 {
		t.Errorf("%d overlap, want 1", n)
	}
}

func TestWait(t *testing.T) {
	b := newBook(Run{Messages: 3, Applications: 1})
	got := make(chan int, 2)
	for _, effects := range []int{1, 2} {
		there := make(chan struct{})
		b.waiters = append(b.waiters, waiter{effects, there})
		go func() {
			<-there
			got <- effects
		}()
	}
	b.came(0, 0, 1)
	if n := <-got; n != 1 {
		t.Errorf("after one effect, who waits for %d goes on", n)
	}
	b.came(0, 0, 2) // a repeat is no effect
	if len(b.waiters) != 1 {
		t.Errorf("%d wait after one effect and its repeat, want 1", len(b.waiters))
	}
	b.came(1, 0, 3)
	<-got
	if c, err := b.wait(t.Context(), 2); err != nil || c.Effects != 2 {
		t.Errorf("waiting for what is there: %+v, %v", c, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.wait(gone, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for what never comes: %v", err)
	}
}
