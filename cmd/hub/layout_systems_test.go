package main

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tableOfSystems returns the names in the table systems of a file: of each row
// the field name, or the first string. None means that there is no such table.
func tableOfSystems(t *testing.T, path string) (names []string) {
	t.Helper()
	ast.Inspect(parse(t, path), func(n ast.Node) bool {
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

// folders returns the folders directly below a folder of the repository at top
// that are no tools.
func folders(t *testing.T, top, dir string, tools []string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(top, dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.IsDir() && !slices.Contains(tools, dir+"/"+e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// missing names what each system of the repository at top lacks: one folder in
// adapters, one in mocks, one row in each of two tables.
func missing(t *testing.T, top string) (lacking []string) {
	t.Helper()
	places := map[string][]string{
		"adapters/<system>, the adapter":                     folders(t, top, "adapters", adapterTools),
		"mocks/<system>, the mock":                           folders(t, top, "mocks", mockTools),
		"a row in the table systems of cmd/hub/systems.go":   tableOfSystems(t, filepath.Join(top, "cmd/hub/systems.go")),
		"a row in the table systems of cmd/mocks/systems.go": tableOfSystems(t, filepath.Join(top, "cmd/mocks/systems.go")),
	}
	all := make(map[string]bool)
	for place, names := range places {
		if len(names) == 0 {
			lacking = append(lacking, "no system has "+place)
		}
		for _, n := range names {
			all[n] = true
		}
	}
	for n := range all {
		for place, names := range places {
			if len(names) > 0 && !slices.Contains(names, n) {
				lacking = append(lacking, "system "+n+" lacks "+strings.ReplaceAll(place, "<system>", n))
			}
		}
	}
	slices.Sort(lacking)
	return lacking
}

// TestSystemsAreWhole says what is to be done where a system was added or taken
// out.
func TestSystemsAreWhole(t *testing.T) {
	for _, what := range missing(t, root) {
		t.Error(what)
	}
}

// TestMissingNamesEachPlace takes a system away from one place after another of
// a small repository.
func TestMissingNamesEachPlace(t *testing.T) {
	const hubRows = "package main\n\ntype system struct{ name string }\n\nvar systems = []system{\n\t{name: \"one\"},\n\t{name: \"two\"},\n}\n"
	const mockRows = "package main\n\nvar systems = []struct {\n\tname string\n}{\n\t{\"one\"},\n\t{\"two\"},\n}\n"
	for _, c := range []struct {
		name string
		take func(top string) error
		want []string
	}{
		{"nothing", func(string) error { return nil }, nil},
		{"the adapter", func(top string) error { return os.RemoveAll(filepath.Join(top, "adapters/two")) },
			[]string{"system two lacks adapters/two, the adapter"}},
		{"the mock", func(top string) error { return os.RemoveAll(filepath.Join(top, "mocks/two")) },
			[]string{"system two lacks mocks/two, the mock"}},
		{"the hub's row", func(top string) error {
			return writeFile(top, "cmd/hub/systems.go", strings.Replace(hubRows, "\t{name: \"two\"},\n", "", 1))
		}, []string{"system two lacks a row in the table systems of cmd/hub/systems.go"}},
		{"the mocks' row", func(top string) error {
			return writeFile(top, "cmd/mocks/systems.go", strings.Replace(mockRows, "\t{\"two\"},\n", "", 1))
		}, []string{"system two lacks a row in the table systems of cmd/mocks/systems.go"}},
		{"a whole table", func(top string) error {
			return writeFile(top, "cmd/mocks/systems.go", "package main\n")
		}, []string{"no system has a row in the table systems of cmd/mocks/systems.go"}},
		{"all but the adapter", func(top string) error {
			return writeFile(top, "adapters/three/three.go", "package three\n")
		}, []string{
			"system three lacks a row in the table systems of cmd/hub/systems.go",
			"system three lacks a row in the table systems of cmd/mocks/systems.go",
			"system three lacks mocks/three, the mock",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			for path, content := range map[string]string{
				"adapters/one/a.go": "package one\n", "adapters/two/a.go": "package two\n", "adapters/shep/a.go": "package shep\n",
				"mocks/one/a.go": "package one\n", "mocks/two/a.go": "package two\n", "mocks/samples/a.go": "package samples\n",
				"cmd/hub/systems.go": hubRows, "cmd/mocks/systems.go": mockRows,
			} {
				if err := writeFile(top, path, content); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.take(top); err != nil {
				t.Fatal(err)
			}
			if got := missing(t, top); !slices.Equal(got, c.want) {
				t.Errorf("missing: %q, want %q", got, c.want)
			}
		})
	}
}

func writeFile(top, path, content string) error {
	path = filepath.Join(top, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}
