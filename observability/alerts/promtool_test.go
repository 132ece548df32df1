package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"kandashub/observability/alerts"
)

// needPromtool skips where there is none; in CI that is a failure.
func needPromtool(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("promtool is not installed (Debian's package prometheus): in CI that is a failure")
	}
	t.Skip("skipped: promtool is not installed (Debian's package prometheus)")
}

// promtool runs it and returns what it says; failed means that the rules are not
// what its tests want.
func promtool(ctx context.Context, args ...string) (said string, failed bool, err error) {
	out, err := exec.CommandContext(ctx, "promtool", args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return string(out), true, nil
	}
	return string(out), false, err
}

// suite is hub.rules.test.yml.
type suite struct {
	Rules    []string         `yaml:"rule_files"`
	Order    []string         `yaml:"group_eval_order"`
	Interval string           `yaml:"evaluation_interval"`
	Tests    []map[string]any `yaml:"tests"`
}

// of returns the tests whose name begins with that of an alert.
func (s suite) of(alert string) suite {
	s.Tests = slices.DeleteFunc(slices.Clone(s.Tests), func(t map[string]any) bool {
		return !strings.HasPrefix(fmt.Sprint(t["name"]), alert+": ")
	})
	return s
}

// over returns the tests of one of an alert's long windows, where it has several.
func (s suite) over(window string) suite {
	s.Tests = slices.DeleteFunc(slices.Clone(s.Tests), func(t map[string]any) bool {
		return window != "" && strings.Contains(fmt.Sprint(t["name"]), " over ") && !strings.Contains(fmt.Sprint(t["name"]), " over "+window+";")
	})
	return s
}

func readSuite(t *testing.T) (s suite) {
	t.Helper()
	data, err := os.ReadFile("hub.rules.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// only keeps the rules that an alert needs: its own, of one long window if that is
// given, and what they take from recorded ones.
func only(groups []alerts.Group, alert, window string) (out []alerts.Group) {
	own := func(r alerts.Rule) bool {
		return r.Alert == alert && (window == "" || r.Labels["long_window"] == window)
	}
	needs := ""
	for _, g := range groups {
		for _, r := range g.Rules {
			if own(r) {
				needs += r.Expr
			}
		}
	}
	for grown := -1; grown != len(needs); {
		grown = len(needs)
		for _, g := range groups {
			for _, r := range g.Rules {
				if r.Record != "" && uses(needs, r.Record) && !strings.Contains(needs, r.Expr) {
					needs += r.Expr
				}
			}
		}
	}
	for _, g := range groups {
		g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r alerts.Rule) bool {
			return !own(r) && (r.Record == "" || !uses(needs, r.Record))
		})
		if len(g.Rules) > 0 {
			out = append(out, g)
		}
	}
	return out
}

func uses(expr, record string) bool {
	return regexp.MustCompile(regexp.QuoteMeta(record) + `\b`).MatchString(expr)
}

// try runs an alert's tests against some rules.
func try(ctx context.Context, dir string, groups []alerts.Group, s suite) (said string, failed bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", false, err
	}
	s.Rules = []string{"rules.yml"}
	for name, content := range map[string]any{"rules.yml": map[string]any{"groups": groups}, "test.yml": s} {
		data, err := yaml.Marshal(content)
		if err != nil {
			return "", false, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return "", false, err
		}
	}
	return promtool(ctx, "test", "rules", filepath.Join(dir, "test.yml"))
}

func groups(t *testing.T) []alerts.Group {
	t.Helper()
	g, err := alerts.Read(alerts.Render(alerts.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Prometheus takes the rules, as they are and shortened.
func TestRulesAreValid(t *testing.T) {
	needPromtool(t)
	for _, faster := range []int{1, 60} {
		path := filepath.Join(t.TempDir(), "hub.rules.yml")
		if err := os.WriteFile(path, alerts.Render(alerts.Options{Faster: faster}), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, failed, err := promtool(t.Context(), "check", "rules", "--lint=all", "--lint-fatal", path); failed || err != nil {
			t.Errorf("faster by %d: %v: %s", faster, err, said)
		}
	}
}

// Each alert fires when its tests say so, and not before. Those that look at all
// rules at once come last.
func TestAlertsFire(t *testing.T) {
	needPromtool(t)
	all, s, dir := groups(t), readSuite(t), t.TempDir()
	work, ctx := errgroup.WithContext(t.Context())
	work.SetLimit(runtime.GOMAXPROCS(0))
	check := func(name string, g []alerts.Group, s suite) {
		if len(s.Tests) == 0 {
			t.Errorf("%s has no test", name)
			return
		}
		work.Go(func() error {
			said, failed, err := try(ctx, filepath.Join(dir, name), g, s)
			if failed {
				t.Errorf("%s: %s", name, said)
			}
			return err
		})
	}
	tested := 0
	for _, name := range names(t) {
		check(name, only(all, name, ""), s.of(name))
		tested += len(s.of(name).Tests)
	}
	check("all", all, s.of("all"))
	if tested += len(s.of("all").Tests); tested != len(s.Tests) {
		t.Errorf("%d of %d tests begin with the name of an alert", tested, len(s.Tests))
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
}
