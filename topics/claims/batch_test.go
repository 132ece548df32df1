package claims

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A turnstile holds round trips up until it is opened, and counts their claims.
type turnstile struct {
	arrived chan int // the claims of each round trip
	open    chan struct{}
}

func (h *turnstile) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}
func (h *turnstile) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h *turnstile) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		keys, _ := cmds[0].Args()[2].(int)
		h.arrived <- keys / 2 // a claim has two
		<-h.open
		return next(ctx, cmds)
	}
}

// eventually waits for a condition that others bring about.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, look := time.After(time.Minute), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// What queues while the round trips are under way goes out together.
func TestNaturalBatching(t *testing.T) {
	srv, _ := inProcess(t)
	s := tell(t, srv)
	s.knownScript()
	hook := &turnstile{arrived: make(chan int, 1000), open: make(chan struct{})}
	srv.rdb.AddHook(hook)

	const crowd = 100
	var wg sync.WaitGroup
	claim := func(i int) {
		wg.Go(func() {
			r := s.req
			r.ID = fmt.Sprint(i)
			if c, err := s.store.Claim(s.ctx, r); err != nil || c.Verdict != New {
				t.Errorf("claim %d: %v, %v", i, c, err)
			}
		})
	}
	for i := range roundTrips { // occupy all workers
		claim(i)
		if n := <-hook.arrived; n != 1 {
			t.Errorf("a lone claim went out with %d others", n-1)
		}
	}
	for i := range crowd {
		claim(roundTrips + i)
	}
	eventually(t, "all have queued", func() bool { return len(s.store.batcher.queue) == crowd })
	close(hook.open)
	wg.Wait()
	close(hook.arrived)
	trips, steps := 0, 0
	for n := range hook.arrived {
		trips++
		steps += n
	}
	// Two workers may share the queue and come back for a last few.
	if steps != crowd || trips > 10 {
		t.Errorf("%d steps in %d round trips, want %d in a few", steps, trips, crowd)
	}
}

// A caller leaves when its context ends, whatever Redis does. Close waits for
// the round trips under way and fails the rest.
func TestCloseAndLeave(t *testing.T) {
	srv, _ := inProcess(t)
	s := tell(t, srv)
	s.knownScript()
	hook := &turnstile{arrived: make(chan int, 1000), open: make(chan struct{})}
	srv.rdb.AddHook(hook)
	results := make(chan error, roundTrips+1)
	begin := func(ctx context.Context) {
		go func() { _, err := s.store.Claim(ctx, s.req); results <- err }()
	}
	leaving, leave := context.WithCancel(s.ctx)
	for range roundTrips {
		begin(leaving)
		<-hook.arrived
	}
	leave()
	for range roundTrips {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("left with %v", err)
		}
	}
	begin(s.ctx)
	eventually(t, "one is queued", func() bool { return len(s.store.batcher.queue) == 1 })
	closed := make(chan struct{})
	go func() { s.store.Close(); close(closed) }()
	<-s.store.batcher.stop
	select {
	case <-closed:
		t.Error("closed over round trips under way")
	default:
	}
	close(hook.open)
	<-closed
	// A worker may still have taken the last one before it saw the end.
	if err := <-results; err != nil && !errors.Is(err, ErrClosed) {
		t.Errorf("queued at the end: %v", err)
	}
	if _, err := s.store.Claim(s.ctx, s.req); !errors.Is(err, ErrClosed) {
		t.Errorf("claim after close: %v", err)
	}
	s.store.Close()
}

// The lease is counted from before the claim went out.
func TestLeaseBeginsBeforeTheClaim(t *testing.T) {
	srv, _ := inProcess(t)
	s := tell(t, srv)
	hook := &turnstile{arrived: make(chan int, 10), open: make(chan struct{})}
	srv.rdb.AddHook(hook)
	got := make(chan *Claim, 1)
	go func() {
		c, err := s.store.Claim(s.ctx, s.req)
		if err != nil {
			t.Error(err)
		}
		got <- c
	}()
	<-hook.arrived
	out := time.Now()
	close(hook.open)
	if c := <-got; c == nil || !c.Lease.Before(out.Add(testLease)) {
		t.Errorf("the lease %+v began after the claim had gone out at %s", c, out)
	}
}
