package world

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Process is a program that the world runs, kills and starts again. All its
// output goes to one log, whatever number of times it is started. Its methods
// may be called by many goroutines at once.
type Process struct {
	Name string
	Log  string // path of the log file

	path  string
	args  []string
	env   []string
	grace time.Duration                   // that Term gives it
	ready func(ctx context.Context) error // one attempt: does it answer?

	mu         sync.Mutex
	cmd        *exec.Cmd     // the last that was started; nil before the first
	exited     chan struct{} // closed when that one has ended
	ours       bool          // its end is our doing
	deaths     int           // ends that were not
	logFrom    int64         // where the log was when it was started last
	epoch      int           // raised by whatever makes a planned restart obsolete
	supervised bool
	after      time.Duration // from a death to the restart
	failed     error         // of the last restart
	closing    chan struct{} // closed when nothing may be started any more
	restarts   sync.WaitGroup
}

func newProcess(name, log, path string, args, env []string, grace time.Duration, ready func(context.Context) error) *Process {
	p := &Process{
		Name: name, Log: log, path: path, args: args, env: env, grace: grace, ready: ready,
		exited: make(chan struct{}), closing: make(chan struct{}),
	}
	close(p.exited)
	return p
}

// Start starts the process, with more variables in its environment this one
// time, and does not wait for it to be ready.
func (p *Process) Start(extraEnv ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.start(extraEnv)
}

// start starts the process. The caller holds mu.
func (p *Process) start(extraEnv []string) error {
	switch {
	case p.over():
		return fmt.Errorf("start %s: the world is closed", p.Name)
	case p.running():
		return fmt.Errorf("start %s: it runs", p.Name)
	}
	out, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer out.Close() // the process has its own
	if info, err := out.Stat(); err == nil {
		p.logFrom = info.Size()
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append(surroundings(), p.env...)
	cmd.Env = append(cmd.Env, extraEnv...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.cmd, p.exited, p.ours, p.failed = cmd, make(chan struct{}), false, nil
	p.epoch++
	go p.wait(cmd, p.exited)
	return nil
}

// surroundings is our own environment without settings of a hub: the world
// alone decides of these.
func surroundings() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HUB_") {
			env = append(env, v)
		}
	}
	return env
}

// wait notes the end of a started process, and plans its restart if it has died
// by itself and is supervised.
func (p *Process) wait(cmd *exec.Cmd, exited chan struct{}) {
	_ = cmd.Wait() // ProcessState says how it ended
	p.mu.Lock()
	defer p.mu.Unlock()
	close(exited)
	if p.ours {
		return
	}
	p.deaths++
	if p.supervised && !p.over() {
		epoch := p.epoch
		p.restarts.Go(func() { p.restart(epoch) })
	}
}

// restart starts a process that has died by itself, unless somebody else has
// decided of it meanwhile.
func (p *Process) restart(epoch int) {
	t := time.NewTimer(p.after)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.closing:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch == epoch && !p.over() {
		p.failed = p.start(nil)
	}
}

// supervise has the process started again whenever it dies by itself.
func (p *Process) supervise(after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.supervised, p.after = true, after
}

// Kill ends the process as a power cut would, and returns once it has ended. A
// restart that was planned is not made.
func (p *Process) Kill() {
	p.mu.Lock()
	exited := p.exited
	p.end(syscall.SIGKILL)
	p.mu.Unlock()
	<-exited
}

// end sends a signal that ends the process. The caller holds mu.
func (p *Process) end(s syscall.Signal) {
	p.epoch++
	if p.running() {
		p.ours = true
		_ = p.cmd.Process.Signal(s) // it may have died by itself
	}
}

// Term asks the process to end in good order. It is an error if it ends with
// another code than 0, or takes longer than it may: then it is killed.
func (p *Process) Term(ctx context.Context) error {
	p.mu.Lock()
	if !p.running() {
		p.mu.Unlock()
		return fmt.Errorf("end %s: it does not run", p.Name)
	}
	exited := p.exited
	p.end(syscall.SIGTERM)
	p.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, p.grace, fmt.Errorf("it has not ended within %s", p.grace))
	defer cancel()
	select {
	case <-exited:
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("end %s: %w; its last lines:\n%s", p.Name, context.Cause(ctx), lastLines(p.Log))
	}
	if code := p.ExitCode(); code != 0 && code != terminated {
		return fmt.Errorf("end %s: exit code %d; its last lines:\n%s", p.Name, code, lastLines(p.Log))
	}
	return nil
}

// terminated is the exit code of a Java program that has ended in good order
// after SIGTERM.
const terminated = 128 + int(syscall.SIGTERM)

// Stop freezes the process (SIGSTOP), and returns once it has come to a halt.
// Its sockets stay open.
func (p *Process) Stop() {
	pid, exited := p.signal(syscall.SIGSTOP)
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for pid != 0 && !frozen(pid) {
		select {
		case <-exited:
			return
		case <-poll.C:
		}
	}
}

// Cont lets a frozen process go on.
func (p *Process) Cont() { p.signal(syscall.SIGCONT) }

// signal sends a signal to the process, if it runs, and says which it was.
func (p *Process) signal(s syscall.Signal) (pid int, exited <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() || p.cmd.Process.Signal(s) != nil {
		return 0, p.exited
	}
	return p.cmd.Process.Pid, p.exited
}

// Running reports whether the process runs; a frozen one does.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

func (p *Process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *Process) over() bool {
	select {
	case <-p.closing:
		return true
	default:
		return false
	}
}

// Exited is closed when the process that was started last has ended.
func (p *Process) Exited() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// ExitCode is that of the last end; -1 while the process runs, and where a
// signal has ended it.
func (p *Process) ExitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.running() {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// Deaths counts how often the process has ended without our doing.
func (p *Process) Deaths() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deaths
}

// close ends the process for good: in good order where the deadline leaves it
// time, else by SIGKILL.
func (p *Process) close(deadline <-chan struct{}) {
	p.mu.Lock()
	if !p.over() {
		close(p.closing)
	}
	exited := p.exited
	p.end(syscall.SIGTERM)
	if p.running() {
		_ = p.cmd.Process.Signal(syscall.SIGCONT) // a frozen one hears nothing else
	}
	p.mu.Unlock()
	p.restarts.Wait()
	select {
	case <-exited:
	case <-deadline:
		p.Kill()
	}
}
