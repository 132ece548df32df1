package main

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tableOfSystems returns the names in the table systems of a file: of each row
// the field name, or the first string.
func tableOfSystems(t *testing.T, path string) (names []string) {
	t.Helper()
	ast.Inspect(parse(t, filepath.Join(root, path)), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "systems" || len(spec.Values) != 1 {
			return true
		}
		table, ok := spec.Values[0].(*ast.CompositeLit)
		if !ok {
			return false
		}
		for _, row := range table.Elts {
			if name := nameOfRow(row); name != "" {
				names = append(names, name)
			}
		}
		return false
	})
	if len(names) == 0 {
		t.Errorf("%s holds no table var systems with a row for each system", path)
	}
	return names
}

func nameOfRow(row ast.Expr) string {
	lit, ok := row.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); !ok || key.Name != "name" {
				continue
			}
			e = kv.Value
		}
		if s, ok := e.(*ast.BasicLit); ok && s.Kind == token.STRING {
			name, _ := strconv.Unquote(s.Value)
			return name
		}
	}
	return ""
}

// folders returns the packages directly below dir that are no tools.
func folders(t *testing.T, dir string, tools []string) (names []string) {
	t.Helper()
	for _, e := range entries(t, dir) {
		if e.IsDir() && !slices.Contains(tools, dir+"/"+e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestSystemsAreWhole names what is missing where a system was added or taken
// out: one folder in adapters, one in mocks, one row in each of two tables.
func TestSystemsAreWhole(t *testing.T) {
	places := map[string][]string{
		"adapters/<system>, the adapter":                     folders(t, "adapters", adapterTools),
		"mocks/<system>, the mock":                           folders(t, "mocks", mockTools),
		"a row in the table systems of cmd/hub/systems.go":   tableOfSystems(t, "cmd/hub/systems.go"),
		"a row in the table systems of cmd/mocks/systems.go": tableOfSystems(t, "cmd/mocks/systems.go"),
	}
	all := make(map[string]bool)
	for _, names := range places {
		for _, n := range names {
			all[n] = true
		}
	}
	for n := range all {
		for place, names := range places {
			if !slices.Contains(names, n) {
				t.Errorf("system %s has no %s", n, strings.ReplaceAll(place, "<system>", n))
			}
		}
	}
}
