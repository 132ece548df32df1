package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// surroundings are what a command line is run in.
type surroundings struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	asks   bool // somebody can be asked
	live   bool // stderr is a terminal
	screen bool // stdout is one

	patience time.Duration // with what a command can do without; zero: extraTime
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// typedAbove is for how many letters a plain yes will do.
const typedAbove = 10

// confirm asks whether something is to be done with n letters: by a word, and
// where there are many by their number, which nobody types by habit. Where nobody
// can be asked it is a mistake not to have said --yes.
func (s surroundings) confirm(what string, n int) error {
	if !s.asks {
		return mistake{errors.New("nobody can be asked here: say --yes, or look first with --dry-run")}
	}
	want := "yes"
	if n > typedAbove {
		want = strconv.Itoa(n)
	}
	fmt.Fprintf(s.stderr, "%s? Type %s to go on: ", what, want)
	line, err := bufio.NewReader(s.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != want {
		return errors.New("nothing was done")
	}
	return nil
}

// The colours of verdicts, beside their words.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

// paint colours a word on a terminal, unless NO_COLOR is set (no-color.org).
func (s surroundings) paint(color, word string) string {
	if !s.screen || os.Getenv("NO_COLOR") != "" {
		return word
	}
	return "\x1b[" + color + "m" + word + "\x1b[0m"
}

// newBar returns a bar that shows how far long work has come; nil where stderr is
// no terminal.
func (s surroundings) newBar(of int) *progressbar.ProgressBar {
	if !s.live {
		return nil
	}
	return progressbar.NewOptions(of, progressbar.OptionSetWriter(s.stderr), progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(), progressbar.OptionShowCount())
}
