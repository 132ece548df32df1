package alerts_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

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

// A rule that is changed anywhere fails its tests. All mutants of a rule are tried by
// one promtool, which takes as long to start as most tests to run; the rule as it is
// goes first, so that what fails the mutants is what was changed.
func TestMutantsAreCaught(t *testing.T) {
	needPromtool(t)
	all, s := groups(t), readSuite(t)
	for i, g := range all {
		for j, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			window := r.Labels["long_window"]
			t.Run(r.Alert+window, func(t *testing.T) {
				t.Parallel()
				tests, coarse := s.of(r.Alert).over(window).coarse(all)
				with := func(r alerts.Rule) []alerts.Group {
					changed := slices.Clone(coarse)
					changed[i].Rules = slices.Clone(coarse[i].Rules)
					changed[i].Rules[j] = r
					return only(changed, r.Alert, window)
				}
				list, rules := mutants(r), [][]alerts.Group{with(r)}
				for _, m := range list {
					rules = append(rules, with(m.rule))
				}
				judge(t, list, try(t, tests, rules...))
			})
		}
	}
}

// judge wants the first verdict, on the rule itself, to be good, and all others, on
// its mutants, to be bad.
func judge(t *testing.T, list []mutant, verdicts []verdict) {
	if v := verdicts[0]; v.failed {
		t.Errorf("it fails as it is: %s", v.said)
	}
	for i, m := range list {
		switch v := verdicts[i+1]; {
		case !v.failed:
			t.Errorf("%s: it passes all tests", m.what)
		case !strings.Contains(v.said, "got:"):
			t.Errorf("%s: it is no rule: %s", m.what, v.said)
		}
	}
	t.Logf("%d mutants", len(list))
}
