// Package target plays the systems that are called, as cheaply as it can: it
// must not be what a bench measures. It reads HTTP by itself, answers after a set
// latency, and keeps book of what came: how often, when, and in which order.
//
//	POST /api/v1/cabinet/notices   the portal's cabinet (JSON)
//	POST /bip-async                the state gateway's async channel (SOAP): sendMessage, getMessageStatus
//
// On a second port, over ordinary HTTP, it is told what comes and tells what came;
// see Client.
package target

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"kandashub/cmd/bench/load"
)

// head is how much of a body is looked at: both formats name the notice early.
const head = 4 << 10

// server answers calls.
type server struct{ book atomic.Pointer[book] }

func (s *server) serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("target: %w", err)
		}
		go s.connection(c)
	}
}

// connection answers the calls of one connection, one after another. One that
// is no HTTP as the hub speaks it ends it.
func (s *server) connection(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	var out []byte
	for {
		soap, length, err := readHeader(r)
		if err != nil {
			return
		}
		body, err := r.Peek(min(length, head))
		if err != nil {
			return
		}
		out = s.answer(out[:0], soap, body, r, length)
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// readHeader reads up to the body.
func readHeader(r *bufio.Reader) (soap bool, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return false, 0, err
	}
	soap = bytes.HasPrefix(line, []byte("POST /bip-async "))
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return false, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return soap, length, nil
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return false, 0, err
			}
		}
	}
}

// answer takes the rest of a call, waits as long as the system takes, and
// appends the response.
func (s *server) answer(out []byte, soap bool, start []byte, r *bufio.Reader, length int) []byte {
	before, after := `"notice":"`, byte('"')
	if soap {
		before, after = "<messageId>", '<'
	}
	notice := bytes.Clone(between(start, before, after))
	asked := soap && bytes.Contains(start, []byte("getMessageStatus"))
	if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
		return out
	}
	at := time.Now().UnixNano()
	b := s.book.Load()
	run, message, application, ok := load.Notice(notice)
	if b == nil || !ok {
		return respond(out, "400 Bad Request", "text/plain", []byte("no notice of the bench"))
	}
	ours := run == b.run.Run
	if asked {
		return respondState(out, ours && b.seen(message))
	}
	if ours {
		b.came(message, application, at)
	}
	if b.run.Latency > 0 {
		time.Sleep(b.run.Latency)
	}
	if ours {
		b.done(message, application, time.Now().UnixNano())
	}
	if soap {
		return respondSOAP(out, notice)
	}
	return respond(out, "200 OK", "application/json", fmt.Appendf(nil, `{"notice":"%s","shown_at":"2026-11-21T09:00:00+05:00"}`, notice))
}

// between returns what stands between a text and the next end.
func between(b []byte, before string, end byte) []byte {
	i := bytes.Index(b, []byte(before))
	if i < 0 {
		return nil
	}
	b = b[i+len(before):]
	if j := bytes.IndexByte(b, end); j >= 0 {
		return b[:j]
	}
	return nil
}

func respond(out []byte, status, contentType string, body []byte) []byte {
	out = fmt.Appendf(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", status, contentType, len(body))
	return append(out, body...)
}
