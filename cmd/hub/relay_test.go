package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A relay stands between a browser and the console, and can be cut.
type relay struct {
	listener net.Listener
	to       string

	mu   sync.Mutex
	cut  bool
	open map[net.Conn]bool
	wg   sync.WaitGroup
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, to: to, open: map[net.Conn]bool{}}
	r.wg.Go(r.accept)
	t.Cleanup(func() {
		l.Close()
		r.set(true)
		r.wg.Wait()
	})
	return r
}

// set cuts the relay, or lets it work again.
func (r *relay) set(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	if cut {
		for c := range r.open {
			c.Close()
		}
	}
}

// keep notes an open connection; false while the relay is cut.
func (r *relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		if r.cut {
			c.Close()
			continue
		}
		r.open[c] = true
	}
	return !r.cut
}

func (r *relay) accept() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", r.to)
		if err != nil {
			from.Close()
			continue
		}
		if !r.keep(from, to) {
			continue
		}
		for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
			r.wg.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				pair[0].Close()
				r.mu.Lock()
				defer r.mu.Unlock()
				delete(r.open, pair[0])
			})
		}
	}
}
