package main

import (
	"go/parser"
	"go/token"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README has every command, with what its help says, and every exit code, as
// the package comment has them.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(b), "\n## hubctl\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("the README has no section hubctl")
	}

	var table strings.Builder
	table.WriteString("| command | what it does |\n|---|---|\n")
	for _, leaf := range newParser(t.Context(), surroundings{stdout: io.Discard, stderr: io.Discard}).Model.Leaves(true) {
		table.WriteString("| `" + strings.TrimPrefix(leaf.FullPath(), "hubctl ") + "` | " + leaf.Help + " |\n")
	}
	if !strings.Contains(section, table.String()) {
		t.Errorf("the README's table of commands is to be:\n%s", table.String())
	}

	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)^\t([0-9])  (.*)$`).FindAllStringSubmatch(file.Doc.Text(), -1)
	if len(codes) != exitRefused+1 {
		t.Errorf("the package comment has %d exit codes", len(codes))
	}
	for _, c := range codes {
		if row := "| " + c[1] + " | " + c[2] + " |\n"; !strings.Contains(section, row) {
			t.Errorf("the README's exit codes have no row %s", row)
		}
	}
}
