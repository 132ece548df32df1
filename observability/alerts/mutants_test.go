package alerts_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"kandashub/observability/alerts"
)

// A mutant is an alert's rule with one thing changed.
type mutant struct {
	what string
	rule alerts.Rule
}

var (
	comparison = regexp.MustCompile(`(>=|<=|==|>|<)(\s+(?:on \([^)]*\)\s+)?)([0-9.]+)`)
	turned     = map[string]string{">": "<", "<": ">", ">=": "<", "<=": ">", "==": "!="}
	matcher    = regexp.MustCompile(`(\{|,)([a-z_]+)(=~|!=|!~|=)"([^"]*)"`)
	negated    = map[string]string{"=": "!=", "=~": "!~", "!=": "=", "!~": "=~"}
)

// mutants changes each comparison, threshold and label of the rule, its
// severity, and its for.
func mutants(r alerts.Rule) (out []mutant) {
	change := func(what, from string, at []int, to string) {
		if m := r; to != from {
			m.Expr = r.Expr[:at[0]] + to + r.Expr[at[1]:]
			out = append(out, mutant{fmt.Sprintf("%s: %q is now %q", what, from, to), m})
		}
	}
	for _, at := range comparison.FindAllStringSubmatchIndex(r.Expr, -1) {
		op := r.Expr[at[2]:at[3]]
		change("comparison", op, at[2:4], turned[op])
		number := r.Expr[at[6]:at[7]]
		for _, to := range thresholds(op, number) {
			change("threshold", number, at[6:8], to)
		}
	}
	for _, at := range matcher.FindAllStringSubmatchIndex(r.Expr, -1) {
		op := r.Expr[at[6]:at[7]]
		change("label "+r.Expr[at[4]:at[5]], op, at[6:8], negated[op])
	}
	severity := r
	severity.Labels = map[string]string{}
	for k, v := range r.Labels {
		severity.Labels[k] = v
	}
	severity.Labels["severity"] = map[string]string{"critical": "warning", "warning": "critical", "none": "warning"}[r.Labels["severity"]]
	out = append(out, mutant{"severity " + severity.Labels["severity"], severity})
	for _, to := range fors(r.For) {
		m := r
		m.For = to
		out = append(out, mutant{"for " + to, m})
	}
	if r.KeepFiringFor != "" {
		m := r
		m.KeepFiringFor = ""
		out = append(out, mutant{"no keep_firing_for", m})
	}
	return out
}

// thresholds are others than the one that a rule has: three times as much and a
// third, or one that is out of reach. The 0 or 1 of a state has no neighbours.
func thresholds(op, number string) []string {
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || op == "==":
		return nil
	case n == 0:
		return []string{"1e9"}
	}
	return []string{fmt.Sprint(n * 3), fmt.Sprint(n / 3)}
}

func fors(d string) []string {
	if d == "0m" {
		return []string{"10m"}
	}
	n, err := strconv.Atoi(d[:len(d)-1])
	if err != nil {
		return nil
	}
	seconds := n * map[string]int{"m": 60, "h": 3600}[d[len(d)-1:]]
	return []string{"0s", fmt.Sprintf("%ds", seconds/2), fmt.Sprintf("%ds", seconds*2)}
}

// A rule that is changed anywhere fails its tests.
func TestMutantsAreCaught(t *testing.T) {
	needPromtool(t)
	all, s, dir := groups(t), readSuite(t), t.TempDir()
	work, ctx := errgroup.WithContext(t.Context())
	work.SetLimit(runtime.GOMAXPROCS(0))
	var tried atomic.Int64
	for i, g := range all {
		for j, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			window := r.Labels["long_window"]
			tests := s.of(r.Alert).over(window)
			for _, m := range mutants(r) {
				changed := slices.Clone(all)
				changed[i].Rules = slices.Clone(g.Rules)
				changed[i].Rules[j] = m.rule
				work.Go(func() error {
					n := tried.Add(1)
					return caught(ctx, t, filepath.Join(dir, fmt.Sprint(n)), only(changed, r.Alert, window), tests, r, m)
				})
			}
		}
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d mutants", tried.Load())
}

func caught(ctx context.Context, t *testing.T, dir string, g []alerts.Group, s suite, r alerts.Rule, m mutant) error {
	said, failed, err := try(ctx, dir, g, s)
	if err != nil {
		return err
	}
	switch {
	case !failed:
		t.Errorf("%s %s passes all tests", r.Alert+r.Labels["long_window"], m.what)
	case !strings.Contains(said, "got:"):
		t.Errorf("%s %s is no rule: %s", r.Alert, m.what, said)
	}
	return os.RemoveAll(dir)
}
