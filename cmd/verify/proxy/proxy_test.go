package proxy

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever is set while bytes flow, and however often: none is lost, doubled or
// out of order, and the end is passed on.
func TestToxicsKeepBytes(t *testing.T) {
	p := listen(t, echo(t, ""))
	c := dial(t, p)
	sent := make([]byte, 8<<20)
	rand.Read(sent) // never fails
	toxics := []Toxic{
		{}, {Latency: 2 * time.Millisecond, Jitter: 5 * time.Millisecond}, {Slice: 100}, {Rate: 1 << 20}, {Latency: time.Hour},
		{Slice: 7, Jitter: time.Millisecond},
	}
	quit, changing := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(changing)
		change := time.NewTicker(3 * time.Millisecond)
		defer change.Stop()
		for i := 0; ; i++ {
			if err := p.Set(toxics[i%len(toxics)]); err != nil {
				t.Error(err)
			}
			select {
			case <-change.C:
			case <-quit:
				return
			}
		}
	}()
	go func() {
		c.Write(sent)  //nolint:errcheck // what is missing is seen below
		c.CloseWrite() //nolint:errcheck // as above
	}()
	got, err := io.ReadAll(c)
	close(quit)
	<-changing
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came of %d, or others: %v", len(got), len(sent), err)
	}
	if p.Struck() == 0 {
		t.Error("no toxic says that it has struck")
	}
}

func TestLatencyDelaysEachWay(t *testing.T) {
	p := listen(t, echo(t, ""))
	const latency = 30 * time.Millisecond
	set(t, p, Toxic{Latency: latency})
	c := dial(t, p)
	began := time.Now()
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	said(t, c, 5)
	if took := time.Since(began); took < 2*latency {
		t.Errorf("there and back in %s, under a latency of %s", took, latency)
	}
	if p.Struck() != 2 {
		t.Errorf("%d chunks were struck, want 2", p.Struck())
	}
}

func TestRateLimits(t *testing.T) {
	p := listen(t, echo(t, ""))
	set(t, p, Toxic{Rate: 20 << 10})
	c := dial(t, p)
	began := time.Now()
	if _, err := c.Write(make([]byte, 2<<10)); err != nil {
		t.Fatal(err)
	}
	said(t, c, 2<<10)
	if took := time.Since(began); took < 90*time.Millisecond {
		t.Errorf("2 KiB came within %s, at 20 KiB/s", took)
	}
}

func TestBlackHole(t *testing.T) {
	p := listen(t, echo(t, "hi"))
	old := dial(t, p)
	said(t, old, 2)
	set(t, p, Toxic{BlackHole: true})
	fresh := dial(t, p)
	for _, c := range []net.Conn{old, fresh} {
		if _, err := io.WriteString(c, "anybody?"); err != nil {
			t.Error(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d bytes out of a black hole: %v", n, err)
		}
	}
	if p.Struck() < 2 { // what is lost in the very moment of Set is not counted
		t.Errorf("struck %d: a chunk and a connection at least were swallowed", p.Struck())
	}
	if err := p.Clear(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{old, fresh} {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a connection that lost bytes goes on: %v", err)
		}
	}
	said(t, dial(t, p), 2)
}

func TestRefuse(t *testing.T) {
	p := listen(t, echo(t, "hi"))
	c := dial(t, p)
	said(t, c, 2)
	for range 3 { // again and again on the same port
		set(t, p, Toxic{Refuse: true})
		if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a closed port answers: %v", err)
		}
		if err := p.Clear(); err != nil {
			t.Fatal(err)
		}
		said(t, dial(t, p), 2)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the old connection lives: %v", err)
	}
	if p.Struck() == 0 {
		t.Error("the dropped connection is not counted")
	}
}

func TestReset(t *testing.T) {
	p := listen(t, echo(t, "hi"))
	c := dial(t, p)
	said(t, c, 2)
	p.Reset()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection lives: %v", err)
	}
	if p.Struck() != 1 {
		t.Errorf("%d connections were struck, want 1", p.Struck())
	}
	said(t, dial(t, p), 2)
}

func TestBalances(t *testing.T) {
	a, b := echo(t, "a"), echo(t, "b")
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	p := listen(t, a, gone.Addr().String(), b)
	var got []string
	for range 6 {
		got = append(got, said(t, dial(t, p), 1))
	}
	if n := len(got) - len(slices.DeleteFunc(got, func(s string) bool { return s == "a" })); n == 0 || n == 6 {
		t.Errorf("of 6 connections %d went to a", n)
	}
	p.SetUpstreams(b)
	if s := said(t, dial(t, p), 1); s != "b" {
		t.Errorf("%s answers, b alone is upstream", s)
	}
	p.SetUpstreams(gone.Addr().String())
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) { // at connect already, or after it
		t.Errorf("nobody is upstream, and: %v", err)
	}
}

// An upstream that dies is seen to die.
func TestUpstreamResets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dial(t, listen(t, l.Addr().String()))
	up, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	up.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("want a reset, got %v", err)
	}
}

func TestCloseEndsAll(t *testing.T) {
	for _, toxic := range []Toxic{{}, {Latency: time.Hour}, {BlackHole: true}, {Refuse: true}} {
		p := listen(t, echo(t, "hi"))
		c := dial(t, p)
		said(t, c, 2)
		set(t, p, toxic)
		c.Write([]byte("x")) //nolint:errcheck // it may have been dropped
		p.Close()
		if err := p.Set(Toxic{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed proxy takes toxics: %v", err)
		}
		if p.Links() != 0 {
			t.Errorf("%+v: %d links are left", toxic, p.Links())
		}
	}
}
