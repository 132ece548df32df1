package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A callLog counts the calls that a system gets.
type callLog struct {
	mu      sync.Mutex
	bodies  []string       // path and body of each call
	running map[string]int // by path
	most    map[string]int // calls at once, by path

	// instead, where set, answers in place of the system.
	instead http.HandlerFunc
}

// answer has f answer in place of the system; nil for the system itself.
func (c *callLog) answer(f http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instead = f
}

func (c *callLog) wrap(next http.Handler) http.Handler {
	c.running, c.most = map[string]int{}, map[string]int{}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller has gone
		}
		c.mu.Lock()
		c.bodies = append(c.bodies, r.URL.Path+" "+string(body))
		c.running[r.URL.Path]++
		c.most[r.URL.Path] = max(c.most[r.URL.Path], c.running[r.URL.Path])
		instead := c.instead
		c.mu.Unlock()
		defer func() {
			c.mu.Lock()
			c.running[r.URL.Path]--
			c.mu.Unlock()
		}()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if instead != nil {
			instead(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// with counts the calls that hold all of the words.
func (c *callLog) with(words ...string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.bodies {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(b, word) }) {
			n++
		}
	}
	return n
}

// restart counts the calls of a path at once anew, and returns how many there
// were before.
func (c *callLog) restart(path string) (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most, c.most[path] = c.most[path], c.running[path]
	return most
}

// logLines is all that a hub has logged.
type logLines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *logLines) tail(n int) string {
	lines := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// lines are the lines about an application, as JSON objects.
func (w *world) lines(application string) (found []map[string]any) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatalf("not a line of JSON: %s", line)
		}
		if fmt.Sprint(l["application"]) == application {
			found = append(found, l)
		}
	}
	return found
}
