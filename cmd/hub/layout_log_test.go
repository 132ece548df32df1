package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kandashub/observability"
)

// TestLogKeys holds each key that production code logs under against the list of
// those that are let through: a line with another shows [hidden], and each such line
// raises an alert.
func TestLogKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range goPackages(t) {
		if !under(p.name(), "topics") && !under(p.name(), "adapters") && !under(p.name(), "observability") && p.name() != "cmd/hub" {
			continue
		}
		for _, file := range p.GoFiles {
			ast.Inspect(parse(t, filepath.Join(p.Dir, file)), func(n ast.Node) bool {
				for _, key := range logKeys(n) {
					seen[key] = true
					if hiddenKey(key) {
						t.Errorf("%s/%s logs under %q, which observability/log.go hides: put it on the list if its values never come from a payload or an answer", p.name(), file, key)
					}
				}
				return true
			})
		}
	}
	if len(seen) < 15 || !seen["route"] {
		t.Errorf("found only the keys %v", seen)
	}
	if !hiddenKey("surname") {
		t.Error("a surname is not hidden")
	}
}

// logKeys returns the keys of a call of a logger: what follows its message in pairs,
// and in pairs that are appended to others.
func logKeys(n ast.Node) (keys []string) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, f.Sel.Name) || !isLogger(f.X) || len(call.Args) < 2 {
		return nil
	}
	pairs := call.Args[1:]
	if appended, ok := pairs[0].(*ast.CallExpr); ok && call.Ellipsis.IsValid() {
		if name, ok := appended.Fun.(*ast.Ident); ok && name.Name == "append" {
			pairs = appended.Args[1:]
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if lit, ok := pairs[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			key, _ := strconv.Unquote(lit.Value) // the parser has read it
			keys = append(keys, key)
		}
	}
	return keys
}

// isLogger says whether an expression is a logger, by its name.
func isLogger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return strings.EqualFold(x.Name, "log")
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log")
	}
	return false
}

// hiddenKey says whether the hub's log hides what is logged under a key.
func hiddenKey(key string) bool {
	var line bytes.Buffer
	observability.NewLogger(&line, slog.LevelInfo, nil, nil).Info("a line", key, "v")
	return strings.Contains(line.String(), "[hidden]")
}
