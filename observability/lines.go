package observability

import (
	"bytes"
	"io"
	"runtime"
	"sync"
)

// maxLines is how many bytes of log may wait for a slow writer; then logging
// waits, too.
const maxLines = 1 << 20

// Lines is a writer of log lines that does not hold up who logs: what has been
// logged while the last write was under way goes out with the next. Only what a
// process logged in its last moment before a SIGKILL is lost.
type Lines struct {
	w io.Writer

	mu      sync.Mutex
	room    sync.Cond // something has been written, or Close
	waiting bytes.Buffer
	writing bool
	closed  bool
}

// NewLines returns Lines that writes to w.
func NewLines(w io.Writer) *Lines {
	l := &Lines{w: w}
	l.room.L = &l.mu
	return l
}

// Write takes a line, and never fails.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.w.Write(p)
	}
	for l.waiting.Len() > maxLines {
		l.room.Wait()
	}
	l.waiting.Write(p)
	if !l.writing {
		l.writing = true
		go l.write()
	}
	return len(p), nil
}

// write writes until nothing waits.
func (l *Lines) write() {
	var out bytes.Buffer
	runtime.Gosched() // whoever is about to log comes along
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.waiting.Len() > 0 {
		out, l.waiting = l.waiting, out
		l.mu.Unlock()
		_, _ = l.w.Write(out.Bytes()) // whom could it be told?
		out.Reset()
		l.mu.Lock()
		l.room.Broadcast()
	}
	l.writing = false
	l.room.Broadcast()
}

// Close returns when everything has been written. What is logged later is
// written at once.
func (l *Lines) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing {
		l.room.Wait()
	}
	l.closed = true
}
