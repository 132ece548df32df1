package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"
)

// outputFlag is how data are printed. The JSON of each command is described in
// shapes.json; YAML has the same names, and in JSON lines each element of a list
// is a line.
type outputFlag struct {
	Output string `short:"o" enum:"table,json,yaml,jsonl" default:"table" placeholder:"FORM" help:"table, json, yaml or jsonl (${default})."`
}

// print prints data: as a table, which the caller lays out, or for programs.
func (f outputFlag) print(w io.Writer, data any, table func(io.Writer)) error {
	switch f.Output {
	case "json":
		return printJSON(w, data)
	case "yaml":
		return printYAML(w, data)
	case "jsonl":
		return printLines(w, data)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	table(t)
	return t.Flush()
}

func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// printJSON prints data as JSON for programs that people read, too.
func printJSON(w io.Writer, data any) error {
	e := encoder(w)
	e.SetIndent("", "  ")
	return e.Encode(data)
}

// printLines prints each element of a list on a line of its own.
func printLines(w io.Writer, data any) error {
	e := encoder(w)
	list := reflect.ValueOf(data)
	if list.Kind() != reflect.Slice {
		return e.Encode(data)
	}
	for i := range list.Len() {
		if err := e.Encode(list.Index(i).Interface()); err != nil {
			return err
		}
	}
	return nil
}

// printYAML prints data under the names that they have in JSON, which is YAML
// already: only its look is changed.
func printYAML(w io.Writer, data any) error {
	var text bytes.Buffer
	if err := encoder(&text).Encode(data); err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &doc); err != nil {
		return fmt.Errorf("yaml: %w", err)
	}
	plain(&doc)
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return fmt.Errorf("yaml: %w", err)
	}
	return e.Close()
}

// plain takes JSON's brackets and quotes away where YAML can do without.
func plain(n *yaml.Node) {
	if len(n.Content) > 0 || n.Kind == yaml.ScalarNode {
		n.Style = 0
	}
	for _, c := range n.Content {
		plain(c)
	}
}

// when prints a time; none for zero.
func when(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}

// ago prints how long something has been waiting; - for zero.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return max(0, now.Sub(t)).Round(time.Second).String()
}
