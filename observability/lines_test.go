package observability_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kandashub/observability"
)

// slow is a writer that is held up until it is let go.
type slow struct {
	let    chan struct{}
	bytes  bytes.Buffer
	writes int
}

func (s *slow) Write(p []byte) (int, error) {
	<-s.let
	s.writes++
	return s.bytes.Write(p)
}

func TestLines(t *testing.T) {
	w := &slow{let: make(chan struct{})}
	l := observability.NewLines(w)
	for i := range 1000 {
		fmt.Fprintf(l, "line %d\n", i) // does not wait for the writer
	}
	close(w.let)
	l.Close()
	got := strings.Split(strings.TrimSpace(w.bytes.String()), "\n")
	if len(got) != 1000 {
		t.Fatalf("%d lines were written, want 1000", len(got))
	}
	for i, line := range got {
		if line != fmt.Sprintf("line %d", i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	if w.writes > 2 {
		t.Errorf("%d writes, want what waited in one", w.writes)
	}
	fmt.Fprintln(l, "after the end")
	if !strings.HasSuffix(w.bytes.String(), "after the end\n") {
		t.Error("what is logged after Close is lost")
	}
}

// Whoever logs waits for a slow writer once a mebibyte waits, and loses nothing.
func TestSlowWriterLosesNoLine(t *testing.T) {
	w := &slow{let: make(chan struct{})}
	l := observability.NewLines(w)
	line := bytes.Repeat([]byte("x"), 1<<16)
	const lines = 64 // 4 MiB
	written := make(chan int, lines)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range lines {
			l.Write(line)
			written <- i
		}
	})
	for range 16 { // 1 MiB may wait, and one write is under way
		<-written
	}
	w.let <- struct{}{}
	close(w.let)
	wg.Wait()
	l.Close()
	if n := w.bytes.Len(); n != lines*len(line) {
		t.Errorf("%d bytes were written, want %d", n, lines*len(line))
	}
}
