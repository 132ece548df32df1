package adapters_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/topics"
)

func newClient(t *testing.T, cfg adapters.Config) *adapters.Client {
	t.Helper()
	cfg.System = "test"
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	c, err := adapters.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func call(ctx context.Context, c *adapters.Client) error {
	_, err := c.Do(ctx, adapters.Request{Operation: "try", Path: "/x", Body: []byte("a request")})
	return err
}

func expect(t *testing.T, err error, class topics.Class, code string) {
	t.Helper()
	var f *topics.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v is no Failure", err)
	}
	if f.Class != class || f.Code != code {
		t.Errorf("failure is %v, want %s (%s)", f, class, code)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, url := range []string{"", "host:80", "ftp://host", "http://", "http://user:pass@host", "http://host?a=b"} {
		if _, err := adapters.NewClient(adapters.Config{System: "test", URL: url}); err == nil {
			t.Errorf("URL %q was accepted", url)
		} else if strings.Contains(err.Error(), "pass") {
			t.Errorf("error repeats a password: %v", err)
		}
	}
}

// An idle connection that the server has closed is found out by a Write or by
// the answer that is missing. Whatever net/http would like to do, the request
// goes out once.
func TestNothingIsRepeatedSilently(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		t.Run(method, func(t *testing.T) {
			var requests atomic.Int32
			// Answers one request of each connection, reads a second one and
			// hangs up.
			url := rawServer(t, func(conn net.Conn) {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for range 2 {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, req.Body); err != nil {
						return
					}
					if requests.Add(1); requests.Load() == 2 {
						return
					}
					conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) //nolint:errcheck
				}
			})
			c := newClient(t, adapters.Config{URL: url})
			do := func() error {
				_, err := c.Do(t.Context(), adapters.Request{Method: method, Path: "/"})
				return err
			}
			if err := do(); err != nil {
				t.Fatal(err)
			}
			expect(t, do(), topics.Uncertain, "reset")
			if n := requests.Load(); n != 2 {
				t.Errorf("server saw %d requests, want 2", n)
			}
		})
	}
}

func TestLeaseIsKeptByTheConnection(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{
		"plain": httptest.NewServer, "tls": httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			var arrived atomic.Int32
			srv := start(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
			t.Cleanup(srv.Close)
			c := newClient(t, adapters.Config{URL: srv.URL, TLS: trust(srv)})

			if err := call(adapters.WithLease(t.Context(), time.Now().Add(time.Minute)), c); err != nil {
				t.Fatalf("with a lease that stands: %v", err)
			}
			// The same connection, now with a lease that is over before the
			// call, and with one that ends while the call waits to write.
			expect(t, call(adapters.WithLease(t.Context(), time.Now().Add(-time.Millisecond)), c), topics.Unavailable, "lease_over")
			lease := time.Now().Add(50 * time.Millisecond)
			expect(t, call(adapters.WithLease(asleepUntil(t.Context(), lease), lease), c), topics.Unavailable, "lease_over")
			if n := arrived.Load(); n != 1 {
				t.Errorf("server saw %d requests, want only the first", n)
			}
			// What was refused spoils no later call.
			if err := call(t.Context(), c); err != nil {
				t.Errorf("call after a refused one: %v", err)
			}
		})
	}
}

// A lease that ends while the socket is full cuts the request off. One that ends before
// the request has begun says so, and leaves nothing in doubt: then the next has longer.
func TestLeaseEndsInTheMiddleOfARequest(t *testing.T) {
	url := rawServer(t, func(net.Conn) {}) // accepts, and never reads
	c := newClient(t, adapters.Config{URL: url})
	body := make([]byte, 32<<20)
	for lease := 100 * time.Millisecond; ; lease *= 2 {
		_, err := c.Do(adapters.WithLease(t.Context(), time.Now().Add(lease)), adapters.Request{Path: "/", Body: body})
		if topics.FailureOf(err).Class == topics.Unavailable && lease < 10*time.Second {
			expect(t, err, topics.Unavailable, "lease_over")
			continue
		}
		expect(t, err, topics.Uncertain, "lease_over")
		return
	}
}

func TestOutcomeWithoutAnswer(t *testing.T) {
	t.Run("the host does not exist", func(t *testing.T) {
		c := newClient(t, adapters.Config{URL: "http://no-such-host.invalid"})
		expect(t, call(t.Context(), c), topics.Unavailable, "connect")
	})
	t.Run("canceled before it is sent", func(t *testing.T) {
		c := newClient(t, adapters.Config{URL: "http://127.0.0.1:1"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := call(ctx, c)
		expect(t, err, topics.Unavailable, "canceled")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not say that we canceled", err)
		}
	})
	t.Run("canceled after it was sent", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := newClient(t, adapters.Config{URL: holding(t, cancel)})
		err := call(ctx, c)
		expect(t, err, topics.Uncertain, "canceled")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not say that we canceled", err)
		}
	})
	t.Run("no free connection in time", func(t *testing.T) {
		held := make(chan struct{})
		c := newClient(t, adapters.Config{URL: holding(t, func() { close(held) }), MaxConns: 1})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- call(ctx, c) }()
		<-held
		short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer stop()
		expect(t, call(short, c), topics.Unavailable, "connect")
		cancel()
		expect(t, <-done, topics.Uncertain, "canceled")
	})
	t.Run("not HTTP", func(t *testing.T) {
		url := rawServer(t, func(conn net.Conn) {
			defer conn.Close()
			conn.Read(make([]byte, 1024))              //nolint:errcheck
			conn.Write([]byte("AIGERIM 1890\r\n\r\n")) //nolint:errcheck
		})
		err := call(t.Context(), newClient(t, adapters.Config{URL: url}))
		expect(t, err, topics.Uncertain, "unreadable")
		if strings.Contains(err.Error(), "AIGERIM") {
			t.Errorf("error repeats what the system sent: %v", err)
		}
	})
}

func TestTLSFailures(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	srv.Config.ErrorLog = nil
	mutual := httptest.NewUnstartedServer(http.NotFoundHandler())
	mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	mutual.StartTLS()
	t.Cleanup(mutual.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)

	for name, cfg := range map[string]adapters.Config{
		"unknown authority":      {URL: srv.URL},
		"wrong name":             {URL: srv.URL, TLS: &tls.Config{RootCAs: trust(srv).RootCAs, ServerName: "other.kz"}},
		"old version only":       {URL: srv.URL, TLS: &tls.Config{RootCAs: trust(srv).RootCAs, MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}},
		"plain server":           {URL: strings.Replace(plain.URL, "http:", "https:", 1)},
		"our certificate wanted": {URL: mutual.URL, TLS: trust(mutual)},
	} {
		t.Run(name, func(t *testing.T) {
			err := call(t.Context(), newClient(t, cfg))
			expect(t, err, topics.Unavailable, "tls")
			if p := topics.FailureOf(err).Pause; p != "target" {
				t.Errorf("pause is %q, want target", p)
			}
		})
	}
}

func TestTokenAndHeadersAreSent(t *testing.T) {
	got := make(chan *http.Request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r }))
	t.Cleanup(srv.Close)
	c := newClient(t, adapters.Config{URL: srv.URL + "/base/", Token: "secret"})
	_, err := c.Do(t.Context(), adapters.Request{
		Path: "/a%20b?c=d", ContentType: "text/xml", Header: http.Header{"X-Message-Id": {"m1"}}, Body: []byte("<a/>"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := <-got
	for what, pair := range map[string][2]string{
		"method": {r.Method, "POST"}, "target": {r.RequestURI, "/base/a%20b?c=d"},
		"token": {r.Header.Get("Authorization"), "Bearer secret"}, "id": {r.Header.Get("X-Message-ID"), "m1"},
		"content type": {r.Header.Get("Content-Type"), "text/xml"}, "length": {r.Header.Get("Content-Length"), "4"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", what, pair[0], pair[1])
		}
	}
}

// asleepUntil makes a call stop between getting a connection and writing to it,
// as a process does that is stopped there.
func asleepUntil(ctx context.Context, at time.Time) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { <-time.After(time.Until(at)) },
	})
}

// rawServer serves each connection by serve and returns its base URL.
func rawServer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

// holding is a server that says when a request is there, and never answers it.
func holding(t *testing.T, arrived func()) string {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // only then does the server see a client that leaves
		arrived()
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func trust(srv *httptest.Server) *tls.Config {
	if srv.Certificate() == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return &tls.Config{RootCAs: pool, ServerName: "example.com"}
}
