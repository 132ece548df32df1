package world

import (
	"bytes"
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// Signal sends a signal and does not wait for what comes of it. An end that
// follows is none of our doing, as far as Deaths and Supervise go.
func (p *Process) Signal(s syscall.Signal) { p.signal(s) }

// AwaitStop returns true once the process has been stopped, by itself or by
// anybody, and false after limit.
func (p *Process) AwaitStop(ctx context.Context, limit time.Duration) (bool, error) {
	return within(ctx, limit, p.stopped)
}

// AwaitLog returns true once the process has written a text to its log since it
// was started last, and false after limit.
func (p *Process) AwaitLog(ctx context.Context, text string, limit time.Duration) (bool, error) {
	p.mu.Lock()
	from := p.logFrom
	p.mu.Unlock()
	return within(ctx, limit, func() bool {
		data, err := os.ReadFile(p.Log)
		return err == nil && int64(len(data)) >= from && bytes.Contains(data[from:], []byte(text))
	})
}

// stopped says whether the process runs and has come to a halt.
func (p *Process) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running() && frozen(p.cmd.Process.Pid)
}

func within(ctx context.Context, limit time.Duration, ok func() bool) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLate)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errTooLate) {
				return false, nil
			}
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}

var errTooLate = errors.New("too late")
