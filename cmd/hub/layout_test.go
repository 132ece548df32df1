package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the top of the repository, as seen from this package's tests.
const root = "../.."

const module = "kandashub/"

// A goPackage is what go list says of one package of ours.
type goPackage struct {
	ImportPath                         string
	Dir                                string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
	Deps                               []string // of GoFiles, directly and indirectly
}

// name is the import path below the module.
func (p goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// goPackages lists all packages of the repository.
func goPackages(t *testing.T) (packages []goPackage) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// under reports whether a package is dir or lies below it.
func under(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

// tools are the packages beside those of systems, in adapters and in mocks.
var (
	adapterTools = []string{"adapters", "adapters/shep", "adapters/adaptertest"}
	mockTools    = []string{"mocks", "mocks/shep", "mocks/samples", "mocks/traces"}
)

// commandOf returns the command that a package is or belongs to; "" for others.
func commandOf(name string) string {
	command, ok := strings.CutPrefix(name, "cmd/")
	if !ok {
		return ""
	}
	command, _, _ = strings.Cut(command, "/")
	return command
}

// forbidden returns why from must not import to, both below the module; "" if it
// may. test says that only from's tests do.
func forbidden(from, to string, test bool) string {
	mayUse := func(allowed ...string) bool { return from == to || slices.Contains(allowed, to) }
	switch {
	case under(to, "cmd") && commandOf(from) != commandOf(to):
		return "a command is the end of every road: what two commands need belongs in a package"
	case from == "observability" && !(test && to == "observability/spantest"): // which imports nothing of ours either; what lies below it (alerts, console) is built on everything
		return "observability imports nothing of ours, so that everything may import it"
	case under(from, "observability") && !mayUse("observability") && !under(to, "observability") && !under(to, "topics") && !(test && under(to, "mocks")):
		return "what is made of observability for people shows topics; it knows no system and no command"
	case under(from, "topics") && under(to, "adapters"):
		return "topics knows nothing of adapters: delivery is the same for every system"
	case under(from, "mocks") && !mayUse("mocks", "mocks/shep"):
		return "a mock is written from its system's side and shares nothing with the hub, or both would be wrong together"
	case !under(from, "mocks") && under(to, "mocks") && !test && !under(from, "cmd/mocks") && !under(from, "cmd/verify"):
		return "production code never imports mocks"
	case slices.Contains(adapterTools, from) && under(to, "adapters") && !slices.Contains(adapterTools, to):
		return "the tools of adapters know no system"
	case under(from, "adapters") && under(to, "adapters") && !mayUse("adapters", "adapters/shep") && !(test && to == "adapters/adaptertest"):
		return "a system's adapter never imports another's: one can be changed or taken out alone"
	case under(from, "adapters") && under(to, "topics") && !test && !mayUse("topics", "topics/payload", "topics/iin", "topics/failpoint"):
		return "adapters know messages and payloads, not how they are delivered"
	}
	return ""
}

// TestForbidden checks the rules themselves.
func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		from, to  string
		test, bad bool
	}{
		{"adapters/egov", "adapters/kandas", false, true},
		{"adapters/egov", "adapters/kandas", true, true},
		{"adapters/egov", "adapters/shep", false, false},
		{"adapters/egov", "adapters/adaptertest", true, false},
		{"adapters/egov", "adapters/adaptertest", false, true},
		{"adapters/egov", "mocks/egov", true, false},
		{"adapters/egov", "mocks/egov", false, true},
		{"adapters/egov", "topics/claims", false, true},
		{"adapters/shep", "adapters/egov", false, true},
		{"topics/claims", "adapters", false, true},
		{"topics", "topics/claims", false, false},
		{"observability", "topics", false, true},
		{"observability", "observability/console", false, true},
		{"observability", "observability/spantest", true, false},
		{"observability", "observability/spantest", false, true},
		{"observability/console", "topics/control", false, false},
		{"observability/console", "adapters", false, true},
		{"observability/alerts", "observability", true, false},
		{"mocks/egov", "mocks/shep", false, false},
		{"mocks/egov", "mocks/kandas", false, true},
		{"mocks/egov", "topics", false, true},
		{"cmd/hub", "mocks", false, true},
		{"cmd/mocks", "mocks/egov", false, false},
		{"cmd/mocks", "topics/contract", false, false},
		{"cmd/hubctl", "cmd/hub", false, true},
		{"cmd/verify", "cmd/verify/check", false, false},
		{"cmd/hub", "cmd/verify/check", false, true},
		{"cmd/verify/check", "mocks", false, false},
	} {
		if why := forbidden(c.from, c.to, c.test); (why != "") != c.bad {
			t.Errorf("%s importing %s (test: %v): %q, want a reason: %v", c.from, c.to, c.test, why, c.bad)
		}
	}
}

func TestImports(t *testing.T) {
	for _, p := range goPackages(t) {
		for _, kind := range []struct {
			imports []string
			test    bool
		}{{p.Imports, false}, {p.TestImports, true}, {p.XTestImports, true}} {
			for _, i := range kind.imports {
				to, ours := strings.CutPrefix(i, module)
				if !ours || p.ImportPath == i {
					continue
				}
				if why := forbidden(p.name(), to, kind.test); why != "" {
					t.Errorf("%s imports %s (test: %v): %s", p.name(), to, kind.test, why)
				}
			}
		}
	}
}

// TestProductionHoldsNoTestCode looks at all that is linked into what is
// deployed.
func TestProductionHoldsNoTestCode(t *testing.T) {
	notDeployed := regexp.MustCompile(`^(kandashub/mocks|kandashub/observability/promserver|testing$|net/http/httptest$|github\.com/(alicebob/miniredis|twmb/franz-go|testcontainers|google/go-cmp|chromedp)|pgregory\.net/rapid|go\.uber\.org/goleak)`)
	for _, p := range goPackages(t) {
		if p.name() != "cmd/hub" && p.name() != "cmd/hubctl" {
			continue
		}
		for _, d := range p.Deps {
			if notDeployed.MatchString(d) {
				t.Errorf("%s is linked with %s: what is deployed holds no mock, fake or test tool", p.name(), d)
			}
		}
	}
}

// parse parses one Go file of ours.
func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPackageComments(t *testing.T) {
	for _, p := range goPackages(t) {
		var with []string
		for _, file := range p.GoFiles {
			f := parse(t, filepath.Join(p.Dir, file))
			if f.Doc == nil {
				continue
			}
			with = append(with, file)
			want := "Package " + f.Name.Name + " "
			if f.Name.Name == "main" {
				want = "Command " + filepath.Base(p.Dir) + " "
			}
			if !strings.HasPrefix(f.Doc.Text(), want) {
				t.Errorf("%s/%s: the package comment begins with %q, not %q", p.name(), file, firstLine(f.Doc.Text()), want)
			}
		}
		if len(p.GoFiles) > 0 && len(with) != 1 {
			t.Errorf("%s has %d package comments %v, want one: newcomers read it as the guide", p.name(), len(with), with)
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// TestNoInit keeps order out of what imports do.
func TestNoInit(t *testing.T) {
	for _, p := range goPackages(t) {
		for _, file := range p.GoFiles {
			for _, d := range parse(t, filepath.Join(p.Dir, file)).Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
					t.Errorf("%s/%s has a func init: start things in main, where a reader sees it", p.name(), file)
				}
			}
		}
	}
}

// entries lists what is in a folder of the repository.
func entries(t *testing.T, dir string) []fs.DirEntry {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestTopLevel keeps the list that the README explains.
func TestTopLevel(t *testing.T) {
	required := []string{".ci", ".gitattributes", ".gitignore", "LICENSE", "Makefile", "README.md", "adapters", "cmd", "deploy",
		"go.mod", "go.sum", "mocks", "observability", "topics"}
	allowed := append([]string{".dockerignore", ".git", ".golangci.yml", "bin"}, required...) // bin is ignored by git
	var found []string
	for _, e := range entries(t, ".") {
		found = append(found, e.Name())
		if !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top of the repository: everything has its place below one of %v", e.Name(), required)
		}
	}
	for _, name := range required {
		if !slices.Contains(found, name) {
			t.Errorf("%s is missing at the top of the repository", name)
		}
	}
}

// TestNoTraces looks through all text for what a reader cannot follow: paths of
// the machine on which it was written, and work put off.
func TestNoTraces(t *testing.T) {
	machine := regexp.MustCompile(`(?:^|[\s"'=(\x60:])/(?:root|home|Users|work)/\w`)
	putOff := regexp.MustCompile(`\b(?:TO` + `DO|FIX` + `ME|HA` + `CK)\b`)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == ".git" || e.Name() == "bin" || e.Name() == "node_modules"):
			return filepath.SkipDir
		case !e.Type().IsRegular() || e.Name() == ".git": // a file in a worktree
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(content, 0) >= 0 {
			return err
		}
		for i, line := range strings.Split(string(content), "\n") {
			if m := machine.FindString(line); m != "" {
				t.Errorf("%s:%d names a path of one machine: %s", path, i+1, strings.TrimSpace(m))
			}
			if m := putOff.FindString(line); m != "" {
				t.Errorf("%s:%d puts work off: %s", path, i+1, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
