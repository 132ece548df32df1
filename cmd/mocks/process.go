package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// grace is what a process is given to end in good order.
const grace = 10 * time.Second

// runProcess runs a program until it ends or ctx does, and says how it died.
// Once ctx ends it is asked to stop, and killed where it does not. started is
// told when it runs, with what is closed once it has ended; it may be nil.
func runProcess(ctx context.Context, cmd *exec.Cmd, started func(gone <-chan struct{})) (died string, err error) {
	// Of its own group, so that Ctrl-C in the terminal reaches us alone and it
	// is stopped in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	gone := make(chan struct{})
	if started != nil {
		started(gone)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-gone:
			return
		case <-ctx.Done():
		}
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have died by itself
		select {
		case <-gone:
		case <-time.After(grace):
			cmd.Process.Kill() //nolint:errcheck // as above
		}
	}()
	err = cmd.Wait()
	close(gone)
	<-stopped
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	return cmd.ProcessState.String(), nil
}
