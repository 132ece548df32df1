package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Ready returns once the process answers. It is an error if it has ended and
// nobody will start it again.
func (p *Process) Ready(ctx context.Context) error {
	var gone error
	err := until(ctx, func(ctx context.Context) error {
		if gone = p.gone(); gone != nil {
			return nil
		}
		return p.ready(ctx)
	})
	if err != nil {
		return fmt.Errorf("%s is not ready: %w; its last lines:\n%s", p.Name, err, lastLines(p.Log))
	}
	return gone
}

// until repeats an attempt, of a second at most, until it succeeds or ctx ends.
func until(ctx context.Context, attempt func(context.Context) error) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		one, cancel := context.WithTimeout(ctx, time.Second)
		err := attempt(one)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// gone says why there is nothing to wait for, if so.
func (p *Process) gone() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.running():
		return nil
	case p.failed != nil:
		return p.failed
	case p.cmd == nil || p.ours:
		return fmt.Errorf("%s does not run", p.Name)
	case p.supervised:
		return nil
	}
	return fmt.Errorf("%s has ended by itself (%s); its last lines:\n%s", p.Name, p.cmd.ProcessState, lastLines(p.Log))
}

// shownLines is how much of a log an error shows.
const shownLines = 10

// lastLines returns the end of a log.
func lastLines(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return errors.Unwrap(err).Error()
	}
	lines := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-shownLines):], []byte("\n")))
}
