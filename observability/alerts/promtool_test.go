package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

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

// coarse returns the suite and the rules for an evaluation only as often as there
// is something new: tests of days have a sample every five minutes, and would else be
// evaluated ten times for each.
func (s suite) coarse(groups []alerts.Group) (suite, []alerts.Group) {
	for _, t := range s.Tests {
		if t["interval"] != "300s" {
			continue
		}
		s.Interval, groups = "300s", slices.Clone(groups)
		for i := range groups {
			groups[i].Interval = ""
		}
		break
	}
	return s, groups
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

// A verdict is what promtool says of one set of rules.
type verdict struct {
	failed bool
	said   string
}

// try runs tests against one set of rules after another, in one promtool, and
// returns a verdict on each.
func try(t *testing.T, s suite, sets ...[]alerts.Group) (out []verdict) {
	t.Helper()
	dir, args := t.TempDir(), []string{"test", "rules"}
	for i, groups := range sets {
		rules, test := fmt.Sprintf("%d.rules.yml", i), filepath.Join(dir, fmt.Sprintf("%d.test.yml", i))
		s.Rules = []string{rules}
		for path, content := range map[string]any{filepath.Join(dir, rules): map[string]any{"groups": groups}, test: s} {
			data, err := yaml.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, test)
	}
	said, _, err := promtool(t.Context(), args...)
	for _, one := range strings.Split(said, "Unit Testing: ")[1:] {
		out = append(out, verdict{!strings.HasSuffix(strings.TrimSpace(one), "SUCCESS"), one})
	}
	if err != nil || len(out) != len(sets) {
		t.Fatalf("promtool speaks of %d of %d files: %v: %s", len(out), len(sets), err, said)
	}
	return out
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

// Each alert fires when its tests say so, and not before. Those of "all" look at all
// rules at once.
func TestAlertsFire(t *testing.T) {
	needPromtool(t)
	all, s, tested := groups(t), readSuite(t), 0
	check := func(name string, g []alerts.Group) {
		tests := s.of(name)
		tested += len(tests.Tests)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(tests.Tests) == 0 {
				t.Fatal("it has no test")
			}
			if v := try(t, tests, g)[0]; v.failed {
				t.Error(v.said)
			}
		})
	}
	for _, name := range names(t) {
		check(name, only(all, name, ""))
	}
	check("all", all)
	if tested != len(s.Tests) {
		t.Errorf("%d of %d tests begin with the name of an alert", tested, len(s.Tests))
	}
}
