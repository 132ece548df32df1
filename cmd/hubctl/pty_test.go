//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// asHubctl lets this test's program be hubctl, so that a terminal can have it.
const asHubctl = "TEST_AS_HUBCTL"

func TestMain(m *testing.M) {
	if os.Getenv(asHubctl) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command is hubctl as a process of its own.
func command(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), asHubctl+"=1", "NO_COLOR=")
	return c
}

// A terminal is where somebody runs hubctl and sees what it says.
type terminal struct {
	t     *testing.T
	cmd   *exec.Cmd
	file  *os.File // what is typed, and seen
	ended chan struct{}

	mu   sync.Mutex
	seen bytes.Buffer
	more chan struct{} // closed when more is seen
}

// sit starts a command on a terminal of its own. What has been redirected stays so.
func sit(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	return look(t, cmd, file)
}

// look sees what comes on a terminal until the command has ended.
func look(t *testing.T, cmd *exec.Cmd, file *os.File) *terminal {
	s := &terminal{t: t, cmd: cmd, file: file, ended: make(chan struct{}), more: make(chan struct{})}
	go func() {
		defer close(s.ended)
		buffer := make([]byte, 4096)
		for {
			n, err := file.Read(buffer)
			s.mu.Lock()
			s.seen.Write(buffer[:n])
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
			if err != nil { // EIO: nobody has the other end any more
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, unless the test failed
		file.Close()
		<-s.ended
	})
	return s
}

// until waits until a text has been seen so many times.
func (s *terminal) until(text string, times int) {
	s.t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		seen, more := s.seen.String(), s.more
		s.mu.Unlock()
		if strings.Count(seen, text) >= times {
			return
		}
		select {
		case <-more:
		case <-s.ended:
			if seen = s.all(); strings.Count(seen, text) < times {
				s.t.Fatalf("%q was not seen %d times:\n%q", text, times, seen)
			}
			return
		case <-late:
			s.t.Fatalf("%q is not seen %d times:\n%q", text, times, seen)
		}
	}
}

func (s *terminal) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

func (s *terminal) types(text string) {
	s.t.Helper()
	if _, err := s.file.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end and holds it against an exit code.
func (s *terminal) ends(code int) (seen string) {
	s.t.Helper()
	var failed *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		s.t.Fatal(err)
	}
	<-s.ended
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("%q ends with %d, want %d:\n%s", s.cmd.Args[1:], got, code, s.all())
	}
	return s.all()
}

// Somebody at a terminal is asked before many letters are decided, by their number
// where they are many, and sees how far the work has come. The data go elsewhere.
func TestTerminalAsks(t *testing.T) {
	c := cluster(t)
	refusals(t, c, 12)
	few := by("dead", "discard", "--application", "migration-1", "--rate", "100/s")
	many := by("dead", "discard", "--route", "register", "--rate", "100/s")
	for _, a := range []struct {
		args         []string
		asks, answer string
	}{
		{few, "Type yes to go on: ", "no"}, {few, "Type yes to go on: ", ""}, {many, "Type 12 to go on: ", "yes"}, {many, "Type 12 to go on: ", "11"},
	} {
		s := sit(t, command(a.args...))
		s.until(a.asks, 1)
		s.types(a.answer + "\r")
		if seen := s.ends(exitFailed); !strings.Contains(seen, "nothing was done") {
			t.Errorf("the answer %q to %q: %s", a.answer, a.asks, seen)
		}
	}
	if n := len(waiting(t)); n != 12 {
		t.Errorf("%d letters wait after nothing was done", n)
	}
	s := sit(t, command(few...))
	s.until("Type yes to go on: ", 1)
	s.types("yes\r")
	s.ends(exitOK)
	cmd, data := command(many...), new(bytes.Buffer)
	cmd.Stdout = data
	s = sit(t, cmd)
	s.until("Type 11 to go on: ", 1)
	s.types("11\r")
	s.until("11 of 11 decided", 1) // the bar, on stderr
	if s.ends(exitOK); strings.Contains(data.String(), "█") {
		t.Errorf("the bar is among the data: %q", data)
	}
	if n := len(waiting(t)); n != 0 {
		t.Errorf("%d letters wait after all were discarded", n)
	}
}

// Where nobody can type, nobody is asked: it is a mistake not to have said --yes.
func TestTerminalWithoutAKeyboard(t *testing.T) {
	c := cluster(t)
	refusals(t, c, 1)
	file, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(by("dead", "discard", "--application", "migration-0")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("yes\n"), tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	if seen := look(t, cmd, file).ends(exitUsage); strings.Contains(seen, "Type") || !strings.Contains(seen, "nobody can be asked here") {
		t.Errorf("said is %q", seen)
	}
	if n := len(waiting(t)); n != 1 {
		t.Errorf("%d letters wait", n)
	}
}

// What is watched is drawn anew on an empty screen, until Ctrl-C, which is a good
// end.
func TestTerminalWatches(t *testing.T) {
	cluster(t)
	s := sit(t, command("lag", "--watch", "--every", "200ms"))
	s.until(clear+"ROUTE", 3)
	s.types("\x03")
	if seen := s.ends(exitOK); strings.Contains(seen, "hubctl: ") {
		t.Errorf("said is %q", seen)
	}
}

// Verdicts have colours on a terminal, unless NO_COLOR is set, and nowhere else.
func TestTerminalColors(t *testing.T) {
	cluster(t)
	doctor := []string{"doctor", "--redis", "127.0.0.1:1", "--timeout", "5s"}
	const escape = "\x1b["
	if seen := sit(t, command(doctor...)).ends(exitFailed); !strings.Contains(seen, escape+red+"mfail"+escape+"0m") || !strings.Contains(seen, escape+green+"m") {
		t.Errorf("there are no colours: %q", seen)
	}
	plain := command(doctor...)
	plain.Env = append(plain.Env, "NO_COLOR=1")
	if seen := sit(t, plain).ends(exitFailed); strings.Contains(seen, escape) || !strings.Contains(seen, "fail") {
		t.Errorf("there are colours: %q", seen)
	}
	piped := command(doctor...)
	out, _ := piped.Output() // it fails, as above
	if strings.Contains(string(out), escape) || !strings.Contains(string(out), "fail") {
		t.Errorf("there are colours in a pipe: %q", out)
	}
}
