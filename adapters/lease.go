package adapters

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"kandashub/topics/failpoint"
)

// errLeaseOver says that a call lost the right to send.
var errLeaseOver = errors.New("lease or deadline is over")

type leaseKey struct{}

// WithLease returns a context whose calls may send only before until. The check
// is made in the connection's own Write, directly before the system call, so
// that a process that slept past its lease sends nothing. Such a call ends with
// its deadline alone: it is not canceled in the middle.
func WithLease(ctx context.Context, until time.Time) context.Context {
	return context.WithValue(ctx, leaseKey{}, until)
}

// A lease is one request's right to send. It belongs to the goroutine of the
// call.
type lease struct {
	until   time.Time // zero: no limit
	ended   bool      // the outcome is decided: nothing may leave any more
	sent    bool      // a byte of the request has left, or may have
	refused bool      // a Write came too late
}

// newLease returns a lease that ends with the context's lease or its deadline,
// whichever comes first.
func newLease(ctx context.Context) *lease {
	l := &lease{}
	l.until, _ = ctx.Deadline()
	if until, ok := ctx.Value(leaseKey{}).(time.Time); ok && (l.until.IsZero() || until.Before(l.until)) {
		l.until = until
	}
	return l
}

// check refuses once the lease is over, by the monotonic clock or by the wall
// clock: the monotonic one stands still while a machine is suspended.
func (l *lease) check(now time.Time) error {
	over := !l.until.IsZero() && (!now.Before(l.until) || !now.Round(0).Before(l.until.Round(0)))
	if l.ended || over {
		l.refused = true
		return errLeaseOver
	}
	return nil
}

// write sends p through send, if the lease still stands. The request counts as
// sent from before the system call, unless that took nothing at all.
func (l *lease) write(p []byte, send func([]byte) (int, error)) (int, error) {
	earlier := l.sent
	if err := l.check(time.Now()); err != nil {
		return 0, err
	}
	l.sent = true
	n, err := send(p)
	if err != nil {
		l.sent = earlier || n > 0
		l.refused = l.refused || errors.Is(err, os.ErrDeadlineExceeded) // the write deadline is the lease's end
	}
	return n, err
}

// end says what has happened so far, and lets nothing happen afterwards.
func (l *lease) end() (sent, refused bool) {
	l.ended = true
	return l.sent, l.refused
}

// A guarded connection lets a request write only under its lease. Without one
// only a TLS handshake writes.
type guarded struct {
	net.Conn
	lease *lease
}

func (g *guarded) Write(p []byte) (int, error) {
	if g.lease == nil {
		return g.Conn.Write(p)
	}
	n, err := g.lease.write(p, g.Conn.Write)
	if err == nil {
		failpoint.Hit(failpoint.Written, "")
	}
	return n, err
}
