package adapters_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kandashub/adapters"
	"kandashub/topics"
)

// answering serves a connection: each request is read whole and answered by
// what answer returns; "" hangs up.
func answering(answer func(n int) string) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		r := bufio.NewReader(conn)
		for n := 1; ; n++ {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body) //nolint:errcheck // the client may have left
			text := answer(n)
			if text == "" {
				return
			}
			io.WriteString(conn, text) //nolint:errcheck
		}
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// A connection that the system closed while nobody used it must not make the
// next call an unclear one: for a C3 operation a person would be asked.
func TestIdleConnectionThatWasClosedIsNotUsed(t *testing.T) {
	closed := make(chan struct{}, 1)
	var connections atomic.Int32
	url := rawServer(t, func(conn net.Conn) {
		connections.Add(1)
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			io.Copy(io.Discard, req.Body) //nolint:errcheck
			io.WriteString(conn, ok)      //nolint:errcheck
		}
		conn.Close()
		closed <- struct{}{}
	})
	c := newClient(t, adapters.Config{URL: url})
	for range 5 {
		if err := call(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		<-closed
	}
	if n := connections.Load(); n != 5 {
		t.Errorf("%d connections, want one for each call", n)
	}
}

// What nobody asked for does not become the answer to the next call.
func TestUnaskedAnswerIsNotTaken(t *testing.T) {
	said := make(chan struct{}, 1)
	url := rawServer(t, answering(func(n int) string {
		if n == 1 {
			defer func() { said <- struct{}{} }()
			return ok + "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nanother"
		}
		return ok
	}))
	c := newClient(t, adapters.Config{URL: url})
	for range 3 {
		resp, err := c.Do(t.Context(), adapters.Request{Path: "/"})
		if err != nil || string(resp.Body) != "ok" {
			t.Fatalf("answer %q, error %v", resp.Body, err)
		}
		<-said
	}
}

func TestConnectionsAreUsedAgainAndBounded(t *testing.T) {
	var now, most, connections atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		now.Add(-1)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := newClient(t, adapters.Config{URL: srv.URL, MaxConns: 3})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 10 {
				if err := call(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := connections.Load(); n > 3 {
		t.Errorf("%d connections, want 3 at most", n)
	}
	if n := most.Load(); n > 3 {
		t.Errorf("%d calls at once, want 3 at most", n)
	}
}

// A system that answers before it has read everything, and hangs up, has
// answered.
func TestAnswerBeforeTheRequestWasRead(t *testing.T) {
	url := rawServer(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		if _, err := http.ReadRequest(r); err == nil {
			io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") //nolint:errcheck
		}
		conn.(*net.TCPConn).CloseWrite() //nolint:errcheck
		r.Read(make([]byte, 1))          //nolint:errcheck
		conn.Close()
	})
	_, err := newClient(t, adapters.Config{URL: url}).Do(t.Context(), adapters.Request{Path: "/", Body: make([]byte, 8<<20)})
	expect(t, err, topics.Rejected, "http_413")
}

func TestInterimAnswersArePassedOver(t *testing.T) {
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	for name, tc := range map[string]struct {
		answer string
		class  topics.Class
		code   string
	}{
		"one":          {early + ok, "", ""},
		"without end":  {strings.Repeat(early, 100), topics.Uncertain, "unreadable"},
		"huge header":  {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", topics.Uncertain, "unreadable"},
		"100 continue": {"HTTP/1.1 100 Continue\r\n\r\n" + ok, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, adapters.Config{URL: rawServer(t, answering(func(int) string { return tc.answer }))})
			resp, err := c.Do(t.Context(), adapters.Request{Path: "/"})
			if tc.code == "" {
				if err != nil || !bytes.Equal(resp.Body, []byte("ok")) {
					t.Fatalf("answer %q, error %v", resp.Body, err)
				}
				return
			}
			expect(t, err, tc.class, tc.code)
		})
	}
}
