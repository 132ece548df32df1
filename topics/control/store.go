package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
)

// longPoll is how long a broker holds a question back while nothing is new: the
// cost of a Store at rest is one question in that time.
const longPoll = 5 * time.Second

// A Store follows hub.control. It needs Run to run; its other methods may be
// called by many goroutines at once.
type Store struct {
	// Log is told of what cannot be read. It is set before Run.
	Log *slog.Logger

	journal  journal
	producer *topics.Producer
	name     string

	mu      sync.Mutex
	entries map[string]any // what has been read to the end, by key
	reading map[string]any // the same map, or a new one until it is whole
	next    int64          // offset to read; -1: from the first
	target  int64          // somebody waits until it has been read
	begun   int            // how often the topic has been read from its first offset
	whole   bool           // reading has come to the end once
	known   bool           // entries have been whole once
	changed chan struct{}  // closed when any of these changes
	problem error          // why nothing can be read now

	// telling keeps the watchers' calls one after another, the newest state last.
	telling  sync.Mutex
	watchers []func(State)
	told     State
	expiry   *time.Timer
	ended    bool
}

// Open returns a Store that reads nothing yet. name is what this process is
// called in what it writes.
func Open(cluster *topics.Cluster, producer *topics.Producer, name string) *Store {
	return &Store{
		Log:     slog.New(slog.DiscardHandler),
		journal: journal{cluster, Topic}, producer: producer, name: name,
		entries: map[string]any{}, reading: map[string]any{}, next: -1, changed: make(chan struct{}),
		problem: errors.New("hub.control has not been read yet"),
		told:    State{Pauses: map[string]Pause{}, Breakers: map[string]Breaker{}},
	}
}

// Run reads the topic from its first record and follows it until ctx ends. What
// cannot be read is logged and tried again; what was read before stays known
// meanwhile.
func (s *Store) Run(ctx context.Context) error {
	defer s.end()
	follow(ctx, s.step, func(err error) {
		s.fail(err)
		s.Log.Warn("hub.control cannot be read, trying again", "error", err.Error())
	})
	return nil
}

// follow takes one step after another until ctx ends. It tells of one that fails, and
// tries again after a pause.
func follow(ctx context.Context, step func(context.Context) error, failed func(error)) {
	for failures := 0; ; {
		err := step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failures = 0
			continue
		}
		failed(err)
		failures++
		if pause(ctx, failures) != nil {
			return
		}
	}
}

// pause waits after a failure: longer each time, up to five seconds.
func pause(ctx context.Context, failures int) error {
	t := time.NewTimer(min(100*time.Millisecond<<min(failures, 10), 5*time.Second))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// step reads once and takes what came.
func (s *Store) step(ctx context.Context) error {
	s.mu.Lock()
	at, behind := s.next, !s.whole || s.next < s.target
	s.mu.Unlock()
	if at < 0 {
		first, _, err := s.journal.bounds(ctx)
		if err != nil {
			return err
		}
		at = first
	}
	wait := longPoll
	if behind {
		wait = 50 * time.Millisecond
	}
	notes, next, end, err := s.journal.fetch(ctx, at, wait)
	if err != nil {
		if errors.Is(err, kafka.OffsetOutOfRange) {
			s.restart() // the topic was made again
		}
		return err
	}
	s.take(notes, next, next >= end)
	s.tell()
	return nil
}

// restart lets the topic be read from its first record again. What is known
// stays until that has been done.
func (s *Store) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.target, s.whole, s.reading = -1, 0, false, map[string]any{}
	s.begun++
	s.signal()
}

func (s *Store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = err
}

// take applies records. atEnd says that they were the last.
func (s *Store) take(notes []note, next int64, atEnd bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range notes {
		key := string(n.key)
		if len(n.value) == 0 {
			delete(s.reading, key)
			continue
		}
		value, err := decode(key, n.value)
		if err != nil {
			s.Log.Warn("a record of hub.control cannot be read", "offset", n.offset, "error", err.Error())
		}
		if value == nil {
			delete(s.reading, key)
			continue
		}
		s.reading[key] = value
	}
	moved := s.next != next || s.whole != (s.whole || atEnd)
	s.next, s.problem = next, nil
	if atEnd {
		s.whole, s.known = true, true
		s.entries = s.reading
	}
	if moved {
		s.signal()
	}
}

func (s *Store) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Caught returns nil once everything has been read that was in the topic when it
// was called. It tries until ctx ends, and needs Run to run.
func (s *Store) Caught(ctx context.Context) error {
	for failures := 1; ; failures++ {
		s.mu.Lock()
		begun := s.begun
		s.mu.Unlock()
		_, end, err := s.journal.bounds(ctx)
		if err == nil {
			if again := s.await(ctx, begun, end); !again {
				err = ctx.Err()
				if err == nil {
					return nil
				}
			}
		}
		if pause(ctx, failures) != nil {
			problem := s.lastProblem()
			if problem != nil && err != nil && problem.Error() == err.Error() {
				problem = nil // once is enough
			}
			return fmt.Errorf("hub.control has not been read to its end: %w", errors.Join(err, problem))
		}
	}
}

// await waits until an offset has been read. again says that the topic is being
// read anew, so that the offset means nothing any more.
func (s *Store) await(ctx context.Context, begun int, end int64) (again bool) {
	for {
		s.mu.Lock()
		s.target = max(s.target, end)
		reached, changed := s.whole && s.next >= end, s.changed
		again = s.begun != begun
		s.mu.Unlock()
		if reached || again {
			return again
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (s *Store) lastProblem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// Check returns nil once the topic has been read to its end, and before that why
// it could not be. It is made for a readiness probe.
func (s *Store) Check(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known {
		return nil
	}
	return s.problem
}

// Put writes what is wanted under a key, a Pause, a Breaker or a Loss, and
// returns once all in-sync replicas have it. nil takes back what stands there.
func (s *Store) Put(ctx context.Context, key string, value any) error {
	if value == nil {
		return s.journal.write(ctx, s.producer, []byte(key), nil)
	}
	b, err := encode(key, value)
	if err != nil {
		return err
	}
	return s.journal.write(ctx, s.producer, []byte(key), b)
}

// ReportLoss writes down that Redis has lost claims, unless such a loss stands
// already, and returns once State shows one. Until it returns nil nothing may be
// claimed. It needs Run to run.
func (s *Store) ReportLoss(ctx context.Context, l Loss) error {
	if l.At.IsZero() {
		l.At = time.Now()
	}
	l.At = l.At.UTC()
	if l.By == "" {
		l.By = s.name
	}
	// Not from what is known already: a loss that has been accepted meanwhile
	// covers nothing that is lost now.
	if err := s.Caught(ctx); err != nil {
		return err
	}
	if s.State().Loss.Standing() {
		return nil
	}
	if err := s.Put(ctx, KeyLoss, l); err != nil {
		return err
	}
	return s.Caught(ctx)
}
