package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A process is a program that the bench runs; what it says goes to a file.
type process struct {
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{}
}

// start starts a program with more variables in its environment than ours,
// which lends it no setting of a hub. announce, if not nil, is filled from the
// first line that the program prints, in JSON: it is up then.
func start(dir, name, path string, args, env []string, announce any) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), exited: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close() // the process has its own
	said, stdout, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer said.Close()
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HUB_") }), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if announce != nil {
		p.cmd.Stdout = stdout
	}
	p.cmd.SysProcAttr = attributes()
	err = p.cmd.Start()
	stdout.Close() // so that the program's end ends our reading
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState says how it ended
		close(p.exited)
	}()
	if announce == nil {
		return p, nil
	}
	line, err := bufio.NewReader(said).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, announce)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not come up: %w%s", name, err, p.lastLines()), p.stop())
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// grace is how long a process may take to end in good order.
const grace = 30 * time.Second

// stop ends the process in good order, or kills it.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	late := time.AfterFunc(grace, func() { _ = p.cmd.Process.Kill() })
	<-p.exited
	if !late.Stop() {
		return fmt.Errorf("%s did not end within %s", p.name, grace)
	}
	return nil
}

// watched returns a context that ends when one of the processes does.
func watched(ctx context.Context, processes ...*process) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	for _, p := range processes {
		go func() {
			select {
			case <-p.exited:
				cancel(fmt.Errorf("%s has ended by itself: %s%s", p.name, p.cmd.ProcessState, p.lastLines()))
			case <-ctx.Done():
			}
		}()
	}
	return ctx, func() { cancel(nil) }
}

// lastLines is the end of what a process said, to be part of an error.
func (p *process) lastLines() string {
	b, err := os.ReadFile(p.log)
	if err != nil || len(b) == 0 {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return "; its last lines:\n" + string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}

// Ports lie below those that systems give to outgoing connections, so that none
// of these takes one before it is used.
const (
	firstPort = 30000
	portCount = 2700
)

// ports hands out ports that nobody listens at, each once: what is started has
// not bound its port yet when the next one is asked for.
type ports struct{ next int }

// newPorts begins at a place of its own, so that two benches seldom meet.
func newPorts() *ports { return &ports{next: os.Getpid()} }

func (p *ports) address() (string, error) {
	for range portCount {
		p.next++
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+p.next%portCount))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no port is free")
}
