package main

import (
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// The lines that mutants replace are still there, and what comes of it is Go.
func TestMutantsAreUpToDate(t *testing.T) {
	known := scenarios()
	seen := map[string]bool{}
	for _, m := range mutants() {
		if seen[m.name] {
			t.Errorf("two mutants are called %s", m.name)
		}
		seen[m.name] = true
		if !slices.ContainsFunc(known, func(s scenario) bool { return s.name == m.scenario }) {
			t.Errorf("%s: there is no scenario %s", m.name, m.scenario)
		}
		if len(m.patches) == 0 || len(m.caught) == 0 {
			t.Errorf("%s: no patch, or nothing that catches it", m.name)
		}
		for file, f := range m.sources("../..") {
			if f.err != nil {
				t.Errorf("%s: %v", m.name, f.err)
			} else if _, err := parser.ParseFile(token.NewFileSet(), file, f.data, parser.AllErrors); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	}
	if len(seen) < 19 {
		t.Errorf("%d mutants", len(seen))
	}
}

// Scenarios have names of their own, and what a run of one must show can bite.
func TestScenarios(t *testing.T) {
	seen := map[string]bool{}
	smoke := 0
	for _, s := range scenarios() {
		if seen[s.name] || s.about == "" || s.act == nil {
			t.Errorf("scenario %q: twice, or without a word, or without an act", s.name)
		}
		seen[s.name] = true
		if s.smoke {
			smoke++
		}
		if s.real && s.fake {
			t.Errorf("%s can be played nowhere", s.name)
		}
	}
	if smoke < 4 {
		t.Errorf("%d smoke scenarios", smoke)
	}
}
