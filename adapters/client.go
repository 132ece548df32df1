package adapters

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

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
	MaxConns int           // connections at once; default 64
	TLS      *tls.Config   // may be nil
	Metrics  *observability.Metrics
}

// A Client calls one external system over HTTP/1.1. It follows no redirect, uses
// no proxy and never repeats a request. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base string
	pool *pool
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
	if cfg.Timeout <= 0 {
		cfg.Timeout = 8 * time.Second
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 4 << 20
	}
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 64
	}
	return &Client{cfg: cfg, base: strings.TrimRight(cfg.URL, "/"), pool: newPool(u, cfg)}, nil
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
	resp, err := c.do(ctx, r)
	c.cfg.Metrics.Call(c.cfg.System, r.Operation, result(resp, err), time.Since(start))
	return resp, err
}

func (c *Client) do(ctx context.Context, r Request) (Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	lease := newLease(ctx)
	if err := lease.check(time.Now()); err != nil {
		return Response{}, c.noAnswer(ctx, lease, err)
	}
	req, err := c.request(ctx, r)
	if err != nil {
		return Response{}, &topics.Failure{Class: topics.Rejected, Code: "internal", Err: err}
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
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	resp, again, err := c.exchange(ctx, conn, req, lease)
	// A deadline that has been set by now must not meet the next call.
	c.pool.give(conn, stop() && again)
	return resp, err
}

// exchange makes one call on a connection; again says whether that may be used
// once more.
func (c *Client) exchange(ctx context.Context, conn *conn, req *http.Request, lease *lease) (resp Response, again bool, err error) {
	answer, err := conn.exchange(req, lease)
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

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, errors.New("request has a bad method or path") // err repeats the path
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	return req, nil
}

// JSON reads an answer's body into v. An unreadable one is an uncertain
// outcome. The error names a field at most, never a value.
func (r Response) JSON(v any) error {
	err := json.Unmarshal(r.Body, v)
	if err == nil {
		return nil
	}
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) {
		return topics.Fail(topics.Uncertain, "unreadable", "answer: field %s does not hold a %s", te.Field, te.Type)
	}
	return topics.Fail(topics.Uncertain, "unreadable", "answer is not valid JSON")
}

// result is the metric label of an outcome.
func result(resp Response, err error) string {
	if resp.Status != 0 {
		if resp.Status == http.StatusInternalServerError && bytes.Contains(resp.Body, []byte("Fault>")) {
			return "soap_fault"
		}
		return fmt.Sprintf("%dxx", resp.Status/100)
	}
	switch code := topics.FailureOf(err).Code; code {
	case "connect":
		return "connect_error"
	case "tls":
		return "tls_error"
	default: // timeout, lease_over, canceled, reset, truncated, unreadable, oversize, internal
		return code
	}
}
