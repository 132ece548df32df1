package mocks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// An Effect is one thing that a system did, or recognised as done already.
type Effect struct {
	At          time.Time `json:"at"`
	System      string    `json:"system"`
	Operation   string    `json:"operation"`
	Application string    `json:"application,omitempty"`
	ID          string    `json:"id,omitempty"`         // the caller's id, where the system is given one
	Event       string    `json:"event,omitempty"`      // ce_id of kandas' event that it issues, or that it is told of
	Detail      string    `json:"detail,omitempty"`     // readable English, never personal data
	Repeat      bool      `json:"repeat,omitempty"`     // the id was recognised: nothing new happened
	LatencyMS   float64   `json:"latency_ms,omitempty"` // how long the system took
}

// A Ledger is the truth about what a mock system did: a file of one JSON object
// per line that only grows. Whoever checks the hub reads it and never asks the
// hub. Its methods may be called by many goroutines at once.
type Ledger struct {
	mu      sync.Mutex // guards the file's end and effects
	file    *os.File
	effects []Effect

	syncing sync.Mutex // held during a sync; guards synced and watch
	synced  int
	watch   []func(Effect)
}

// OpenLedger opens the ledger at path, or makes it. A last line that was torn
// by a crash was never promised to anyone, and is cut off.
func OpenLedger(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{file: f}
	if err := l.load(); err != nil {
		f.Close()
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return l, nil
}

func (l *Ledger) load() error {
	data, err := io.ReadAll(l.file)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	if err := l.file.Truncate(int64(whole)); err != nil {
		return err
	}
	if _, err := l.file.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	for n, line := range bytes.Split(bytes.TrimSuffix(data[:whole], []byte("\n")), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var e Effect
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d: %w", n+1, err)
		}
		l.effects = append(l.effects, e)
	}
	l.synced = len(l.effects)
	return nil
}

// Record writes e and returns once it is on disk; only then may the system
// answer. Concurrent records share one sync. At is set if it is zero.
func (l *Ledger) Record(e Effect) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("record effect: %w", err)
	}
	l.mu.Lock()
	_, err = l.file.Write(append(line, '\n'))
	if err == nil {
		l.effects = append(l.effects, e)
	}
	mine := len(l.effects)
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("record effect: %w", err)
	}
	return l.sync(mine)
}

// sync returns once the first n effects are on disk and told to the watchers.
func (l *Ledger) sync(n int) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced >= n {
		return nil // an earlier sync took ours along
	}
	l.mu.Lock()
	written := len(l.effects)
	fresh := l.effects[l.synced:written:written]
	l.mu.Unlock()
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("sync ledger: %w", err)
	}
	l.synced = written
	for _, e := range fresh {
		for _, w := range l.watch {
			w(e)
		}
	}
	return nil
}

// Effects returns all effects in their order.
func (l *Ledger) Effects() []Effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.effects)
}

// Watch has f called for each later effect, in order, once it is on disk. f
// must be quick, and must not record.
func (l *Ledger) Watch(f func(Effect)) {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.watch = append(l.watch, f)
}

// Close closes the file. Nothing may be recorded afterwards.
func (l *Ledger) Close() error { return l.file.Close() }
