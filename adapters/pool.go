package adapters

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"kandashub/observability"
)

const (
	// idleFor is how long a connection may wait for its next request: below
	// what servers use, so that they seldom close first.
	idleFor = 30 * time.Second
	// maxHeader bounds an answer's status line and header, in bytes.
	maxHeader = 64 << 10
)

// A pool keeps the connections to one system. One that is given out belongs to
// one call alone, which writes and reads on its own goroutine: net/http's
// Transport keeps two goroutines for each connection, and took half of the CPU
// time of a call.
type pool struct {
	addr    string // host:port
	tls     *tls.Config
	dialer  net.Dialer
	permits chan struct{}                // one for each connection that is in use
	metrics *observability.SystemMetrics // told of certificates

	mu     sync.Mutex
	idle   []*conn // the one used last is at the end, and is used first
	closed bool
	reaper *time.Timer
}

// conn is one connection to a system.
type conn struct {
	net.Conn // the guarded one, or TLS over it
	guard    *guarded
	header   io.LimitedReader // below r: bounds what a header may take
	r        *bufio.Reader
	w        *bufio.Writer
	since    time.Time // when it was given back last
}

func newPool(u *url.URL, cfg Config) *pool {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	p := &pool{
		addr: net.JoinHostPort(u.Hostname(), port), dialer: net.Dialer{Timeout: cfg.Timeout},
		permits: make(chan struct{}, cfg.MaxConns),
	}
	if u.Scheme == "https" {
		p.tls = &tls.Config{}
		if cfg.TLS != nil {
			p.tls = cfg.TLS.Clone()
		}
		if p.tls.ServerName == "" {
			p.tls.ServerName = u.Hostname()
		}
	}
	return p
}

// certificates tells m when certificates expire: now that of ours, and the
// system's with each new connection.
func (p *pool) certificates(m *observability.SystemMetrics) {
	p.metrics = m
	if p.tls == nil {
		return
	}
	for _, c := range p.tls.Certificates {
		if leaf, err := x509.ParseCertificate(c.Certificate[0]); err == nil {
			m.Certificate("client", leaf.NotAfter)
		}
	}
}

// get returns a connection for one call. It waits while as many as are allowed
// are in use. give must be called once.
func (p *pool) get(ctx context.Context) (*conn, error) {
	select {
	case p.permits <- struct{}{}:
	default:
		select {
		case p.permits <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for c := p.pop(); c != nil; c = p.pop() {
		if time.Since(c.since) < idleFor && !c.guard.stale() {
			return c, nil
		}
		c.Close()
	}
	c, err := p.dial(ctx)
	if err != nil {
		<-p.permits
	}
	return c, err
}

// give takes a connection back; one that may not be used again is closed.
func (p *pool) give(c *conn, again bool) {
	if again {
		c.guard.lease = nil
		c.since = time.Now()
		again = p.push(c)
	}
	if !again {
		c.Close()
	}
	<-p.permits
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

func (p *pool) push(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.idle = append(p.idle, c)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(idleFor, p.reap)
	}
	return true
}

// reap closes what nobody has used for long, and looks again while something is
// left.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].since) >= idleFor {
		p.idle[n].Close()
		n++
	}
	p.idle = append(p.idle[:0:0], p.idle[n:]...)
	p.reaper = nil
	if len(p.idle) > 0 {
		p.reaper = time.AfterFunc(idleFor-time.Since(p.idle[0].since), p.reap)
	}
}

// close closes the idle connections; those in use are closed when given back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
	if p.reaper != nil {
		p.reaper.Stop()
	}
}

func (p *pool) dial(ctx context.Context) (*conn, error) {
	raw, err := p.dialer.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	c := &conn{guard: &guarded{Conn: raw}}
	c.Conn = c.guard
	if p.tls != nil {
		secure := tls.Client(c.guard, p.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		c.Conn = secure
		p.metrics.Certificate("peer", secure.ConnectionState().PeerCertificates[0].NotAfter)
	}
	c.header.R = c.Conn
	c.r, c.w = bufio.NewReader(&c.header), bufio.NewWriter(c.Conn)
	return c, nil
}

// exchange sends one request and reads the answer's status and header; its body
// is read by the caller. A server may answer and hang up before it has read the
// whole request: then the answer counts, and not the error of the write.
func (c *conn) exchange(ctx context.Context, write func(*bufio.Writer), l *lease) (*http.Response, error) {
	// What is limited is what is read from the connection, and the reader takes
	// up to a buffer of the body along.
	c.header.N = maxHeader + int64(c.r.Size())
	write(c.w)
	err := c.w.Flush()
	if err != nil {
		if !l.sent || l.refused || ctx.Err() != nil {
			return nil, err
		}
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) //nolint:errcheck // then the read fails
	}
	resp, rerr := c.answer()
	switch {
	case rerr == nil:
		c.header.N = 1 << 62
		resp.Close = resp.Close || err != nil
		return resp, nil
	case err != nil:
		return nil, err
	}
	return nil, rerr
}

// maxInterim is how many interim answers (1xx) may come before the answer.
const maxInterim = 5

func (c *conn) answer() (*http.Response, error) {
	for range maxInterim {
		if _, err := c.r.Peek(1); err != nil {
			return nil, err // here an end is no truncated answer: there is none
		}
		resp, err := http.ReadResponse(c.r, nil)
		switch {
		case err != nil && c.header.N <= 0:
			return nil, errHeader
		case err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, err
		}
	}
	return nil, errInterim
}
