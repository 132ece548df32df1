package adapters

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kandashub/topics"
)

// maxRetryAfter bounds what a system may ask us to wait.
const maxRetryAfter = 24 * time.Hour

// byStatus sorts an answer by its status alone: nil for 2xx, else a Failure
// without a text (design.md 4.6).
func byStatus(status int, h http.Header, now time.Time) *topics.Failure {
	f := &topics.Failure{Class: topics.Rejected, Code: "http_" + strconv.Itoa(status)}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		f.Class, f.Pause = topics.Unavailable, "auth"
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusMisdirectedRequest,
		// A redirect means that the address is not the system's. 303 is none of
		// these: it may follow an effect.
		http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		f.Class, f.Pause = topics.Unavailable, "target"
	case http.StatusTooManyRequests:
		f.Class = topics.Unavailable
		f.RetryAfter, _ = retryAfter(h, now)
	case http.StatusServiceUnavailable:
		f.Class = topics.Uncertain
		if wait, ok := retryAfter(h, now); ok {
			f.Class, f.RetryAfter = topics.Unavailable, wait
		}
	case http.StatusRequestTimeout:
		f.Class = topics.Uncertain
	default:
		switch {
		case status >= 200 && status < 300:
			return nil
		case status < 400 || status >= 500:
			f.Class = topics.Uncertain
		}
	}
	return f
}

// retryAfter reads the header in both its forms, seconds and a date (RFC 9110,
// 10.2.3). ok=false: there is none that can be read.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseUint(v, 10, 32); err == nil {
		return min(time.Duration(s)*time.Second, maxRetryAfter), true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}

// noAnswer sorts a call that brought no status, or only a part of an answer.
// It ends the lease first: what is not written by now, never will be.
//
// Texts are our own wherever the system's bytes could be in the cause.
func (c *Client) noAnswer(ctx context.Context, l *lease, cause error) *topics.Failure {
	sent, refused := l.end()
	switch {
	case refused && !sent:
		return topics.Fail(topics.Unavailable, "lease_over", "call %s: %w before anything was sent", c.cfg.System, errLeaseOver)
	case tlsReason(cause, sent) != "":
		f := topics.Fail(topics.Unavailable, "tls", "call %s: TLS failed: %s", c.cfg.System, tlsReason(cause, sent))
		f.Pause = "target"
		return f
	case !sent && errors.Is(ctx.Err(), context.Canceled):
		return topics.Fail(topics.Unavailable, "canceled", "call %s: %w", c.cfg.System, context.Canceled)
	case !sent:
		return topics.Fail(topics.Unavailable, "connect", "call %s: %w", c.cfg.System, connectReason(ctx, cause))
	case refused:
		return topics.Fail(topics.Uncertain, "lease_over", "call %s: %w in the middle of the request", c.cfg.System, errLeaseOver)
	case errors.Is(ctx.Err(), context.Canceled):
		return topics.Fail(topics.Uncertain, "canceled", "call %s: %w", c.cfg.System, context.Canceled)
	case ctx.Err() != nil, errors.Is(cause, os.ErrDeadlineExceeded):
		return topics.Fail(topics.Uncertain, "timeout", "call %s: no answer in time: %w", c.cfg.System, context.DeadlineExceeded)
	case errors.Is(cause, io.ErrUnexpectedEOF):
		return topics.Fail(topics.Uncertain, "truncated", "call %s: the answer ends in the middle", c.cfg.System)
	case isReset(cause):
		return topics.Fail(topics.Uncertain, "reset", "call %s: the connection was dropped", c.cfg.System)
	default:
		return topics.Fail(topics.Uncertain, "unreadable", "call %s: the answer is not HTTP", c.cfg.System)
	}
}

// isReset says whether the other side, or the network, dropped the connection.
func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// What a system must not answer, beside what is not HTTP.
var (
	errInterim = errors.New("too many interim answers")
	errHeader  = errors.New("the header of the answer is too long")
)

// tlsReason says which setting of TLS, ours or theirs, is wrong; empty if it is
// something else. Once our request was sent only one such thing can still be:
// a TLS 1.3 server refuses a client's certificate after the client's first
// bytes, and has read none of them.
func tlsReason(err error, sent bool) string {
	var (
		remote    *net.OpError
		verify    *tls.CertificateVerificationError
		header    tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
	)
	if errors.As(err, &remote) && remote.Op == "remote error" {
		alert := remote.Err.Error()
		certificate := strings.Contains(alert, "certificate") || strings.Contains(alert, "access denied")
		if certificate || !sent && !strings.Contains(alert, "internal error") {
			return "refused by the other side: " + alert
		}
		return ""
	}
	switch {
	case sent:
		return ""
	case errors.As(err, &authority):
		return "certificate of an unknown authority"
	case errors.As(err, &host):
		return "certificate of another host"
	case errors.As(err, &verify):
		return "certificate is not valid"
	case errors.As(err, &header):
		return "the other side does not speak TLS"
	case strings.HasPrefix(err.Error(), "tls: "):
		return err.Error() // no common version, cipher or protocol
	}
	return ""
}

// connectReason is why no connection was made. Such errors name an address and
// a system call, nothing of the message.
func connectReason(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no connection in time: %w", ctx.Err())
	}
	return cause
}
