package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Whoever follows a runbook at night must not be told that there is no such
// command.
func TestRunbooksNameCommandsThatExist(t *testing.T) {
	files, err := filepath.Glob("../../observability/runbooks/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d runbooks, %v", len(files), err)
	}
	command := regexp.MustCompile("`hubctl ([^`]+)`|(?m)^ *hubctl (.+)$")
	found := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range command.FindAllStringSubmatch(string(content), -1) {
			line := m[1] + m[2]
			found++
			parser := kong.Must(new(cli), kong.Exit(func(int) {}))
			if _, err := parser.Parse(strings.Fields(line)); err != nil && !leftOut(err) {
				t.Errorf("%s: hubctl %s: %v", filepath.Base(file), line, err)
			}
		}
	}
	if found == 0 {
		t.Error("no runbook names a command")
	}
}

// leftOut says that a command is there and only its arguments are left to whoever
// types it.
func leftOut(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "missing flags") || strings.Contains(text, "needs --who") || strings.HasPrefix(text, `expected "<`) ||
		strings.Contains(text, "name a letter") || strings.HasPrefix(text, "expected one of")
}
