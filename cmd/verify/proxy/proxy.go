// Package proxy is a TCP proxy that hurts the connections which pass through
// it. A fault run puts one before each server, so that the network can be slow,
// broken or gone while the processes on both sides live on; with several
// upstreams it is also a plain balancer.
//
// A connection is a link: two pumps, one per direction. Without a toxic a pump
// is io.Copy, which on Linux moves bytes inside the kernel. A toxic is set while
// links are in use: it interrupts the pumps' reads, and each goes on under the
// new toxic, with no byte lost.
package proxy

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Toxic is what is wrong with the connections of a proxy. The zero value is
// nothing. Latency, rate and slices may be combined, and concern both
// directions.
type Toxic struct {
	Latency time.Duration // of each chunk, in each direction
	Jitter  time.Duration // up to that much more, at random
	Rate    int           // bytes per second, per connection and direction; 0: no limit
	Slice   int           // bytes that are written at once; 0: as they come

	// BlackHole takes connections and bytes and passes nothing on. What it has
	// swallowed is gone, so its links are reset when it ends.
	BlackHole bool
	// Refuse drops all links and closes the port: who connects is refused.
	Refuse bool
}

// connectTimeout bounds how long one upstream is tried.
const connectTimeout = time.Second

// A Proxy listens on one address and passes on to its upstreams. Its methods
// may be called by many goroutines at once.
type Proxy struct {
	addr   string
	struck atomic.Int64
	wg     sync.WaitGroup

	mu        sync.Mutex
	listener  net.Listener // nil while refusing
	upstreams []string
	next      int // upstream that is tried first
	toxic     Toxic
	changed   chan struct{} // closed when toxic is no longer current
	links     map[*link]struct{}
	closed    bool
}

// Listen starts a proxy at addr that passes connections on to the upstreams in
// turn, leaving out those that do not accept. If none does, the connection is
// reset, where the upstream itself would have refused it.
func Listen(addr string, upstreams ...string) (*Proxy, error) {
	p := &Proxy{
		addr: addr, upstreams: slices.Clone(upstreams),
		changed: make(chan struct{}), links: make(map[*link]struct{}),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.listen(); err != nil {
		return nil, err
	}
	p.addr = p.listener.Addr().String()
	return p, nil
}

// listen opens the port. The caller holds mu.
func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
	return nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.addr }

// SetUpstreams says where new connections go; links that are there stay.
func (p *Proxy) SetUpstreams(addrs ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstreams, p.next = slices.Clone(addrs), 0
}

// Set puts a toxic in the place of the present one. Bytes that come in that very
// moment may pass under the old one. It fails only where the port, closed by
// Refuse, cannot be opened again.
func (p *Proxy) Set(t Toxic) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	if p.toxic.BlackHole {
		p.resetLinks()
	}
	p.toxic = t
	close(p.changed)
	p.changed = make(chan struct{})
	if t.Refuse {
		p.struck.Add(int64(len(p.links)))
		p.resetLinks()
		if p.listener != nil {
			p.listener.Close()
			p.listener = nil
		}
		return nil
	}
	for l := range p.links {
		l.interrupt(t.BlackHole)
	}
	if p.listener == nil {
		return p.listen()
	}
	return nil
}

// Clear removes the toxic.
func (p *Proxy) Clear() error { return p.Set(Toxic{}) }

// Reset drops all links with a TCP reset. New connections are welcome.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.struck.Add(int64(len(p.links)))
	p.resetLinks()
}

// resetLinks drops all links; their pumps end by it. The caller holds mu.
func (p *Proxy) resetLinks() {
	for l := range p.links {
		l.reset()
	}
}

// Struck counts what toxics and resets have touched since the start: chunks of
// bytes, and connections that were taken by a black hole or dropped. That a
// closed port refused somebody nobody is told, so Refuse counts only the links
// that it drops.
func (p *Proxy) Struck() int { return int(p.struck.Load()) }

// Links is how many connections there are now.
func (p *Proxy) Links() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close drops everything and returns when all has ended.
func (p *Proxy) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.changed)
		p.resetLinks()
		if p.listener != nil {
			p.listener.Close()
		}
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *Proxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // of this one connection, or no file handle is left
			time.Sleep(time.Millisecond)
			continue
		}
		p.wg.Go(func() { p.serve(conn.(*net.TCPConn)) })
	}
}

// serve passes one connection on until it ends.
func (p *Proxy) serve(client *net.TCPConn) {
	l := &link{proxy: p, client: client}
	defer l.reset() // does nothing to what has ended in good order
	if !p.add(l) {
		return
	}
	defer p.remove(l)
	if p.holed() {
		p.struck.Add(1)
		l.pump(nil, client)
		return
	}
	upstream := p.connect()
	if upstream == nil || !l.join(upstream) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { l.pump(client, upstream) })
	l.pump(upstream, client)
	back.Wait()
	l.close()
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.toxic.Refuse {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (p *Proxy) holed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.toxic.BlackHole
}

// connect returns a connection to the next upstream that accepts; nil if none
// does.
func (p *Proxy) connect() *net.TCPConn {
	p.mu.Lock()
	n := len(p.upstreams)
	candidates := make([]string, 0, n)
	for i := range n {
		candidates = append(candidates, p.upstreams[(p.next+i)%n])
	}
	p.next++
	p.mu.Unlock()
	for _, addr := range candidates {
		if c, err := net.DialTimeout("tcp", addr, connectTimeout); err == nil {
			return c.(*net.TCPConn)
		}
	}
	return nil
}

// enter returns the toxic that holds now, and a channel that is closed when it
// no longer does; from then on src's reads are interrupted.
func (p *Proxy) enter(src *net.TCPConn) (Toxic, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Toxic{}, nil, net.ErrClosed
	}
	return p.toxic, p.changed, src.SetReadDeadline(time.Time{})
}
