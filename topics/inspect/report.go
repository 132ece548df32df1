package inspect

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// The verdicts of a Finding.
const (
	OK   = "ok"
	Warn = "warn" // the hub runs, but somebody should look
	Fail = "fail" // the hub, or some routes, cannot do their work
	Skip = "skip" // it was not looked at, or is not known here
)

// A Finding is what came of one thing that was tried.
type Finding struct {
	Verdict string `json:"verdict"` // OK, Warn, Fail, Skip
	About   string `json:"about"`   // kafka, topics, redis, a system, ...
	Text    string `json:"text"`    // on one line, with what to do about it
}

// A Report gathers findings and tells of each at once. It is for one goroutine.
type Report struct {
	Failed bool // one of them is Fail

	tell func(Finding)
}

// NewReport returns a report that hands its findings to tell.
func NewReport(tell func(Finding)) *Report { return &Report{tell: tell} }

// OK, Warn, Skip and Fail add a finding.
func (r *Report) OK(about, format string, args ...any) { r.add(OK, about, format, args...) }

func (r *Report) Warn(about, format string, args ...any) { r.add(Warn, about, format, args...) }

func (r *Report) Skip(about, format string, args ...any) { r.add(Skip, about, format, args...) }

func (r *Report) Fail(about, format string, args ...any) {
	r.Failed = true
	r.add(Fail, about, format, args...)
}

func (r *Report) add(verdict, about, format string, args ...any) {
	r.tell(Finding{verdict, about, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")})
}

// tryFor bounds each single try.
const tryFor = 5 * time.Second

// Dial tries one TCP connection.
func Dial(ctx context.Context, addr string) error {
	d := net.Dialer{Timeout: tryFor}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}
