package adaptertest

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"kandashub/topics"
)

// A Fault is one way in which a system that was reached can fail, and what an
// adapter must make of it.
type Fault struct {
	Name       string
	Class      topics.Class
	Pause      string
	RetryAfter time.Duration

	// Answer plays the fault; good makes the system's good answer.
	Answer func(w http.ResponseWriter, r *http.Request, good func() *httptest.ResponseRecorder)
}

// Faults are the faults that every adapter is held against: each status of the
// table of design.md 4.6, by its number, and broken answers.
func Faults() []Fault {
	faults := []Fault{
		{Name: "503 with Retry-After", Class: topics.Unavailable, RetryAfter: 7 * time.Second, Answer: status(503, "7")},
		{Name: "429 with Retry-After", Class: topics.Unavailable, RetryAfter: 7 * time.Second, Answer: status(429, "7")},
		{Name: "503 with Retry-After in the past", Class: topics.Unavailable, Answer: status(503, "Mon, 01 Jan 1990 00:00:00 GMT")},
		{Name: "503 with a bad Retry-After", Class: topics.Uncertain, Answer: status(503, "soon")},
		{Name: "truncated", Class: topics.Uncertain, Answer: truncated},
		{Name: "malformed", Class: topics.Uncertain, Answer: malformed},
		{Name: "empty", Class: topics.Uncertain, Answer: empty},
		{Name: "oversize", Class: topics.Uncertain, Answer: oversize},
		{Name: "reset before the answer", Class: topics.Uncertain, Answer: resetBefore},
		{Name: "reset in the answer", Class: topics.Uncertain, Answer: resetWithin},
		{Name: "redirect", Class: topics.Unavailable, Pause: "target", Answer: redirect},
	}
	for _, s := range []struct {
		class topics.Class
		pause string
		codes []int
	}{
		{topics.Unavailable, "", []int{429}},
		{topics.Unavailable, "auth", []int{401, 403}},
		{topics.Unavailable, "target", []int{404, 405}},
		{topics.Uncertain, "", []int{408, 500, 502, 503, 504}},
		{topics.Rejected, "", []int{400, 409, 413, 415, 422}},
	} {
		for _, code := range s.codes {
			faults = append(faults, Fault{Name: strconv.Itoa(code), Class: s.class, Pause: s.pause, Answer: status(code, "")})
		}
	}
	return faults
}

// A target is a system that cannot be reached.
type target struct {
	Fault
	url func(t *testing.T) string
}

func unreachable() []target {
	return []target{
		{Fault{Name: "connection refused", Class: topics.Unavailable}, closedPort},
		{Fault{Name: "DNS", Class: topics.Unavailable}, func(*testing.T) string { return "http://no-such-host.invalid" }},
		{Fault{Name: "TLS", Class: topics.Unavailable, Pause: "target"}, func(t *testing.T) string {
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.StartTLS() // with a certificate that nobody trusts
			t.Cleanup(srv.Close)
			return srv.URL
		}},
	}
}

type answer = func(w http.ResponseWriter, r *http.Request, good func() *httptest.ResponseRecorder)

// status answers with the request as its text, as systems do that explain what
// they did not like: nothing of it may reach an error.
func status(code int, retryAfter string) answer {
	return func(w http.ResponseWriter, r *http.Request, _ func() *httptest.ResponseRecorder) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		io.WriteString(w, "cannot take this: ") //nolint:errcheck // here and below: the client may have left
		io.Copy(w, r.Body)                      //nolint:errcheck
	}
}

func redirect(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// truncated announces the whole answer and ends the connection in the middle.
func truncated(w http.ResponseWriter, _ *http.Request, good func() *httptest.ResponseRecorder) {
	g := good()
	start(w, g)
	w.Header().Set("Content-Length", strconv.Itoa(max(g.Body.Len(), 2)))
	w.WriteHeader(g.Code)
	w.Write(g.Body.Bytes()[:g.Body.Len()/2]) //nolint:errcheck
	http.NewResponseController(w).Flush()    //nolint:errcheck
	panic(http.ErrAbortHandler)
}

// malformed is well framed, but half of the document is missing.
func malformed(w http.ResponseWriter, r *http.Request, good func() *httptest.ResponseRecorder) {
	g := good()
	start(w, g)
	w.WriteHeader(g.Code)
	w.Write(g.Body.Bytes()[:g.Body.Len()/2]) //nolint:errcheck
	io.Copy(w, r.Body)                       //nolint:errcheck
}

func empty(w http.ResponseWriter, _ *http.Request, good func() *httptest.ResponseRecorder) {
	g := good()
	start(w, g)
	w.WriteHeader(g.Code)
}

// oversize is a good answer with white space behind it that does not end: only
// a limit of its size ends it.
func oversize(w http.ResponseWriter, _ *http.Request, good func() *httptest.ResponseRecorder) {
	g := good()
	start(w, g)
	w.WriteHeader(g.Code)
	w.Write(g.Body.Bytes()) //nolint:errcheck
	blanks := make([]byte, 1<<20)
	for i := range blanks {
		blanks[i] = ' '
	}
	for range 64 {
		if _, err := w.Write(blanks); err != nil {
			return
		}
	}
}

func start(w http.ResponseWriter, g *httptest.ResponseRecorder) {
	for k, v := range g.Header() {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
}

func resetBefore(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	reset(w, "")
}

func resetWithin(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	reset(w, "HTTP/1.1 200 OK\r\nContent-Le")
}

func reset(w http.ResponseWriter, first string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, first)      //nolint:errcheck
	conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // without it the connection ends politely, which is a fault too
	conn.Close()
}
