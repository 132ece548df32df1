package proxy

import (
	"io"
	"net"
	"testing"
)

// The proxy must not be what a run is slowed by.
func BenchmarkThroughput(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(io.Discard, c) //nolint:errcheck // its end is the test's
			c.Close()
		}
	}()
	p, err := Listen("127.0.0.1:0", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for _, way := range []struct{ name, addr string }{{"direct", l.Addr().String()}, {"proxy", p.Addr()}} {
		b.Run(way.name, func(b *testing.B) {
			c, err := net.Dial("tcp", way.addr)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			chunk := make([]byte, 64<<10)
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				if _, err := c.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
