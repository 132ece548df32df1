package egov_test

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/egov"
	"kandashub/adapters/shep"
	"kandashub/topics/payload"
)

// ack is what the gateway answers to a message that it has taken over.
const ack = `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header/><soap:Body>` +
	`<t:sendMessageResponse xmlns:t="http://bip.bee.kz/AsyncChannel/v10/Types"><response>` +
	`<messageId>egov-test-1.0123456789abcdef</messageId><correlationId>egov-test-1</correlationId>` +
	`<responseDate>2026-04-06T10:20:01.120+05:00</responseDate><sessionId>{0f0e0d0c-0b0a-4908-8706-050403020100}</sessionId>` +
	`</response></t:sendMessageResponse></soap:Body></soap:Envelope>`

// BenchmarkNotify is one notice over loopback, to a server that does next to
// nothing: it reads a request's length and body, and answers the same bytes.
func BenchmarkNotify(b *testing.B) {
	a, err := egov.New(egov.Config{HTTP: adapters.Config{URL: acknowledge(b)}, Sender: shep.Sender{ID: "hub", Password: "x"}})
	if err != nil {
		b.Fatal(err)
	}
	n := notification("decided", func(e *payload.Event) {
		e.Decision = &payload.Decision{Result: "refuse", Grounds: []string{"3", "19-1"}, Number: "D-1", Date: "2026-04-09"}
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Notify(b.Context(), app+".0123456789abcdef", "", n); err != nil {
			b.Fatal(err)
		}
	}
}

func acknowledge(b *testing.B) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: " + strconv.Itoa(len(ack)) + "\r\n\r\n" + ack)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn, answer)
		}
	}()
	return "http://" + l.Addr().String()
}

func serve(conn net.Conn, answer []byte) {
	defer conn.Close()
	const length = "Content-Length: "
	body, r := 0, bufio.NewReader(conn)
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case err != nil:
			return
		case len(line) > len(length) && string(line[:len(length)]) == length:
			body, _ = strconv.Atoi(string(line[len(length) : len(line)-2]))
		case len(line) == 2:
			if _, err := io.CopyN(io.Discard, r, int64(body)); err != nil {
				return
			}
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}
