package adapters

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"kandashub/observability"
	"kandashub/topics"
)

// Config says how one external system is reached.
type Config struct {
	System   string        // as in domain.md 1: a metric label
	URL      string        // base URL, http or https; a path of a request is appended
	Token    string        // bearer token; empty: none is sent
	Timeout  time.Duration // of one call, from dialling to the answer's last byte; default 8 s
	MaxBody  int64         // of an answer, bytes; default 4 MiB
	MaxConns int           // connections at once; default 256
	TLS      *tls.Config   // may be nil
	Metrics  *observability.Metrics
}

// A Client calls one external system over HTTP/1.1. It follows no redirect, uses
// no proxy and never repeats a request. It is safe for concurrent use.
type Client struct {
	cfg    Config
	target string // the path of the base URL
	host   string
	pool   *pool

	metrics *observability.SystemMetrics
}

// A Request is one call.
type Request struct {
	Operation   string // a metric label
	Method      string // default POST
	Path        string // appended to the base URL; escaped, may carry a query
	ContentType string
	Header      http.Header
	Body        []byte
}

// A Response is what the system answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewClient checks cfg and returns a client. No connection is made yet.
func NewClient(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		// The text of the error would repeat the URL, which may hold a secret.
		return nil, fmt.Errorf("system %s: an http or https URL without user and query is expected", cfg.System)
	}
	if strings.ContainsAny(cfg.Token, "\r\n") {
		return nil, fmt.Errorf("system %s: the token holds a line break", cfg.System)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 8 * time.Second
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 4 << 20
	}
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 256
	}
	c := &Client{cfg: cfg, target: strings.TrimRight(u.EscapedPath(), "/"), host: u.Host, pool: newPool(u, cfg),
		metrics: cfg.Metrics.System(cfg.System)}
	c.metrics.Timeout(cfg.Timeout)
	c.pool.certificates(c.metrics)
	return c, nil
}

// Close closes the connections that nobody uses.
func (c *Client) Close() { c.pool.close() }

// Do calls once and sorts the outcome by the table of design.md 4.6. The error
// is a *topics.Failure; its codes are connect, tls, lease_over, canceled,
// timeout, reset, truncated, unreadable, oversize, and http_ with the status.
//
// On an answer that is not 2xx the Response is filled beside the error, so that
// an adapter may refine the class (a SOAP fault in a 500).
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	start := time.Now()
	c.metrics.Inflight(1)
	defer c.metrics.Inflight(-1)
	resp, err := c.do(ctx, r)
	c.metrics.Call(r.Operation, result(resp, err), time.Since(start), observability.ExemplarIn(ctx))
	return resp, err
}

func (c *Client) do(ctx context.Context, r Request) (Response, error) {
	if at, ok := ctx.Deadline(); !ok || time.Until(at) > c.cfg.Timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.Timeout)
		defer cancel()
	}
	lease := newLease(ctx)
	if err := lease.check(time.Now()); err != nil {
		return Response{}, c.noAnswer(ctx, lease, err)
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if !isVisible(r.Method) || !isVisible(r.Path) { // the error repeats neither
		return Response{}, topics.Fail(topics.Rejected, "internal", "request has a bad method or path")
	}
	conn, err := c.pool.get(ctx)
	if err != nil {
		return Response{}, c.noAnswer(ctx, lease, err)
	}
	if t := httptrace.ContextClientTrace(ctx); t != nil && t.GotConn != nil {
		t.GotConn(httptrace.GotConnInfo{Conn: conn})
	}
	conn.guard.lease = lease
	deadline, _ := ctx.Deadline()
	conn.SetReadDeadline(deadline)     //nolint:errcheck // here and below: fails only on a closed connection, and then all fails
	conn.SetWriteDeadline(lease.until) //nolint:errcheck
	stop := func() bool { return true }
	if _, leased := ctx.Value(leaseKey{}).(time.Time); !leased {
		stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	}
	again := false
	// Given back also where a panic passes by. A deadline that has been set by now
	// must not meet the next call.
	defer func() { c.pool.give(conn, stop() && again) }()
	var resp Response
	resp, again, err = c.exchange(ctx, conn, &r, lease)
	return resp, err
}

// exchange makes one call on a connection; again says whether that may be used
// once more.
func (c *Client) exchange(ctx context.Context, conn *conn, r *Request, lease *lease) (resp Response, again bool, err error) {
	answer, err := conn.exchange(ctx, func(w *bufio.Writer) { c.write(w, r) }, lease)
	if err != nil {
		return Response{}, false, c.noAnswer(ctx, lease, err)
	}
	defer answer.Body.Close()
	resp = Response{Status: answer.StatusCode, Header: answer.Header}
	// A status is an answer even where its body is not readable.
	body, err := io.ReadAll(io.LimitReader(answer.Body, c.cfg.MaxBody+1))
	tooLong := int64(len(body)) > c.cfg.MaxBody
	if !tooLong {
		resp.Body = body
	}
	again = err == nil && !tooLong && !answer.Close && conn.r.Buffered() == 0
	if f := byStatus(answer.StatusCode, answer.Header, time.Now()); f != nil {
		f.Err = fmt.Errorf("%s answered with status %d", c.cfg.System, answer.StatusCode)
		return resp, again, f
	}
	if err != nil {
		return Response{}, false, c.noAnswer(ctx, lease, err)
	}
	if tooLong {
		return Response{}, false, topics.Fail(topics.Uncertain, "oversize", "%s answered with more than %d bytes", c.cfg.System, c.cfg.MaxBody)
	}
	return resp, again, nil
}

// write writes a request. The writer keeps the first error.
func (c *Client) write(w *bufio.Writer, r *Request) {
	for _, part := range []string{r.Method, " ", c.target, r.Path, " HTTP/1.1\r\nHost: ", c.host, "\r\nUser-Agent: kandashub\r\nContent-Length: "} {
		w.WriteString(part) //nolint:errcheck // here and below
	}
	w.Write(strconv.AppendInt(w.AvailableBuffer(), int64(len(r.Body)), 10)) //nolint:errcheck
	line := func(name, value string) {
		if value != "" {
			for _, part := range []string{"\r\n", name, ": ", value} {
				w.WriteString(part) //nolint:errcheck
			}
		}
	}
	line("Content-Type", r.ContentType)
	if c.cfg.Token != "" {
		line("Authorization", "Bearer "+c.cfg.Token)
	}
	w.WriteString("\r\n") //nolint:errcheck
	r.Header.Write(w)     //nolint:errcheck // takes line breaks out of values
	w.WriteString("\r\n") //nolint:errcheck
	w.Write(r.Body)       //nolint:errcheck
}

// isVisible says whether a method or path can stand in a request's first line.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// lenient reads what systems write, not only what we would.
func lenient() json.Options {
	return json.JoinOptions(json.MatchCaseInsensitiveNames(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// JSON reads an answer's body into v. An unreadable one is an uncertain
// outcome. The error names a field at most, never a value.
func (r Response) JSON(v any) error {
	err := json.Unmarshal(r.Body, v, lenient())
	if err == nil {
		return nil
	}
	var se *json.SemanticError
	if errors.As(err, &se) {
		return topics.Fail(topics.Uncertain, "unreadable", "answer: %q does not hold a %s", se.JSONPointer, se.GoType)
	}
	return topics.Fail(topics.Uncertain, "unreadable", "answer is not valid JSON")
}

// result is the metric label of an outcome.
func result(resp Response, err error) string {
	classes := [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}
	if resp.Status != 0 {
		if resp.Status == http.StatusInternalServerError && bytes.Contains(resp.Body, []byte("Fault>")) {
			return "soap_fault"
		}
		if class := resp.Status / 100; class < len(classes) {
			return classes[class]
		}
		return "other"
	}
	switch code := topics.FailureOf(err).Code; code {
	case "connect":
		return "connect_error"
	case "tls":
		return "tls_error"
	case "reset", "truncated", "unreadable", "oversize":
		return "bad_answer"
	default: // timeout, lease_over, canceled, internal
		return code
	}
}
