package topics

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// links are the connections of one member to its group's coordinator. kafka-go
// waits for the answer to a JoinGroup for as long as the rebalance takes, and
// can be stopped meanwhile only by cutting its connection.
type links struct {
	mu    sync.Mutex
	conns map[*link]struct{}
}

type link struct {
	net.Conn
	owner *links
}

// dialer returns d with its connections noted here.
func (l *links) dialer(d *kafka.Dialer) *kafka.Dialer {
	noting := *d
	noting.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: d.Timeout}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := &link{Conn: conn, owner: l}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.conns == nil {
			l.conns = map[*link]struct{}{}
		}
		l.conns[c] = struct{}{}
		return c, nil
	}
	return &noting
}

func (c *link) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.conns, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// cut breaks all connections that are open now.
func (l *links) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.SetDeadline(time.Unix(1, 0)) // whoever waits on it gives up, and closes it
	}
}
