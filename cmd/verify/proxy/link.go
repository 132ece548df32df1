package proxy

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// A link is one connection through the proxy.
type link struct {
	proxy  *Proxy
	client *net.TCPConn

	mu       sync.Mutex
	upstream *net.TCPConn // nil until it is connected
	ended    bool
}

// join gives the link its other half; false if the link has ended meanwhile.
func (l *link) join(upstream *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		upstream.Close()
		return false
	}
	l.upstream = upstream
	return true
}

// interrupt ends the reads that are under way, so that the pumps look at the
// toxic anew. A black hole ends writes as well: nothing of them is kept.
func (l *link) interrupt(writes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	past := time.Unix(1, 0)
	for _, c := range l.halves() {
		c.SetReadDeadline(past) //nolint:errcheck // it fails on a closed connection, which is interrupted
		if writes {
			c.SetWriteDeadline(past) //nolint:errcheck // as above
		}
	}
}

// reset drops both halves at once, with what lies in their buffers.
func (l *link) reset() {
	l.end(func(c *net.TCPConn) {
		c.SetLinger(0) //nolint:errcheck // then it is closed in the usual way
		c.Close()
	})
}

// close ends a link both halves of which have said all.
func (l *link) close() { l.end(func(c *net.TCPConn) { c.Close() }) }

func (l *link) end(f func(*net.TCPConn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	for _, c := range l.halves() {
		f(c)
	}
}

// halves are the connections that there are. The caller holds mu.
func (l *link) halves() []*net.TCPConn {
	if l.upstream == nil {
		return []*net.TCPConn{l.client}
	}
	return []*net.TCPConn{l.client, l.upstream}
}

// pump moves bytes from src to dst until src has said all or the link is
// broken, which is passed on as the same. dst is nil in a black hole.
func (l *link) pump(dst, src *net.TCPConn) {
	for {
		toxic, changed, err := l.proxy.enter(src)
		if err != nil {
			l.reset()
			return
		}
		switch {
		case toxic.BlackHole || dst == nil:
			l.swallow(src, changed)
			return
		case toxic == Toxic{}:
			_, err = io.Copy(dst, src)
		default:
			err = l.shape(dst, src, toxic, changed)
		}
		switch {
		case err == nil:
			dst.CloseWrite() //nolint:errcheck // the other pump meets the same
			return
		case !errors.Is(err, os.ErrDeadlineExceeded):
			l.reset()
			return
		}
	}
}

// swallow reads and forgets until the black hole ends, and the link with it.
// The other side learns nothing, not even that this one has gone.
func (l *link) swallow(src *net.TCPConn, changed <-chan struct{}) {
	buf := make([]byte, chunkSize)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			l.proxy.struck.Add(1)
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			break
		}
	}
	<-changed
}

const (
	chunkSize = 32 << 10
	underWay  = 64 // chunks that a latency holds at once
)

// A chunk is on its way under a toxic.
type chunk struct {
	data []byte
	due  time.Time
}

// shape moves bytes under a toxic until that changes, and then what is under
// way at once. It returns nil when src has said all.
func (l *link) shape(dst, src *net.TCPConn, toxic Toxic, changed <-chan struct{}) error {
	queue := make(chan chunk, underWay)
	written := make(chan error, 1)
	go func() { written <- l.deliver(dst, toxic, changed, queue) }()
	var err error
	for {
		buf := make([]byte, chunkSize)
		var n int
		n, err = src.Read(buf)
		if n > 0 {
			l.proxy.struck.Add(1)
			wait := toxic.Latency
			if toxic.Jitter > 0 {
				wait += rand.N(toxic.Jitter)
			}
			queue <- chunk{buf[:n], time.Now().Add(wait)}
		}
		if err != nil {
			break
		}
	}
	close(queue)
	if broken := <-written; broken != nil {
		return broken
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// deliver writes the chunks of a queue when they are due. After an error it
// breaks the link and takes what else comes, so that nobody waits for it.
func (l *link) deliver(dst *net.TCPConn, toxic Toxic, changed <-chan struct{}, queue <-chan chunk) error {
	var failed error
	for c := range queue {
		if failed != nil {
			continue
		}
		pause(time.Until(c.due), changed)
		size := len(c.data)
		if toxic.Slice > 0 {
			size = toxic.Slice
		}
		if toxic.Rate > 0 {
			size = min(size, max(1, toxic.Rate/ratePieces))
		}
		for rest := c.data; len(rest) > 0 && failed == nil; {
			n := min(size, len(rest))
			if toxic.Rate > 0 {
				pause(time.Duration(n)*time.Second/time.Duration(toxic.Rate), changed)
			}
			if _, failed = dst.Write(rest[:n]); failed != nil {
				l.reset()
			}
			rest = rest[n:]
		}
	}
	return failed
}

// ratePieces is in how many pieces a second's bytes are written.
const ratePieces = 20

// pause waits, but not beyond the end of the toxic.
func pause(d time.Duration, changed <-chan struct{}) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	}
}
