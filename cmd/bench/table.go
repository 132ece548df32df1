package main

import (
	"fmt"
	"io"
	"strings"
)

// A table is one part of a report as a reader sees it.
type table struct {
	title string
	note  string
	head  []string
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print writes the table for a terminal: w is a tabwriter.
func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n%s\n", strings.ToUpper(t.title), t.note)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
}

// markdown writes the table for a file.
func (t *table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", t.title, t.note)
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	line(strings.Split(strings.Repeat("---,", len(t.head)-1)+"---", ","))
	for _, row := range t.rows {
		line(row)
	}
}

// markdown is the whole report for a file.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Bench of %s at %s\n\n%s\n\n%d calls at once. It took %s.\n", r.Began.UTC().Format("2006-01-02 15:04"), r.Commit,
		strings.Join(r.Machine.lines(), "\n"), r.Settings.Workers, r.Took.Round(1e9))
	for _, t := range r.tables() {
		t.markdown(&b)
	}
	if r.Failures != "" {
		fmt.Fprintf(&b, "\n## Failures\n\n```\n%s\n```\n", r.Failures)
	}
	return b.String()
}
