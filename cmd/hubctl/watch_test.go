package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Prometheus takes the rules that are given out, and each of their links leads to a
// runbook or a board that is given out, too.
func TestRulesLeadToWhatIsGivenOut(t *testing.T) {
	dir := t.TempDir()
	code, rules, said := hubctl(t, "alerts", "rules", "--runbooks=https://docs.gov.example/hub/", "--grafana=https://boards.gov.example")
	if code != exitOK || said != "" {
		t.Fatalf("%d: %s", code, said)
	}
	for _, c := range []struct {
		link string
		args []string
		ext  string
	}{
		{`runbook_url: "https://docs\.gov\.example/hub/(\w+)\.md"`, []string{"alerts", "runbooks"}, ".md"},
		{`dashboard_url: "https://boards\.gov\.example/d/([\w-]+)"`, []string{"boards"}, ".json"},
	} {
		out := filepath.Join(dir, c.ext)
		written := strings.Fields(expect(t, exitOK, append(c.args, "--out="+out)))
		if len(written) < 7 {
			t.Errorf("%v writes %v", c.args, written)
		}
		links := regexp.MustCompile(c.link).FindAllStringSubmatch(rules, -1)
		if alerts := strings.Count(rules, "- alert: "); len(links) != alerts || alerts == 0 {
			t.Errorf("%d links of %d alerts are %s", len(links), alerts, c.link)
		}
		for _, link := range links {
			data, err := os.ReadFile(filepath.Join(out, link[1]+c.ext))
			if err != nil || c.ext == ".json" && !json.Valid(data) {
				t.Errorf("%s leads nowhere: %v", link[0], err)
			}
		}
	}
	promtool(t, rules)
}

// promtool fails where the rules are none; where it is not installed it is left out.
func promtool(t *testing.T, rules string) {
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("promtool is not installed (Debian's package prometheus): in CI that is a failure")
		}
		t.Skip("skipped from here on: promtool is not installed (Debian's package prometheus)")
	}
	file := filepath.Join(t.TempDir(), "hub.rules.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", "--lint=all", "--lint-fatal", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// Without addresses the rules are whole, and it is said what they lack.
func TestRulesWithoutAddresses(t *testing.T) {
	code, rules, said := hubctl(t, "alerts", "rules")
	if code != exitOK || !strings.Contains(said, "no --runbooks") || !strings.Contains(said, "no --grafana") {
		t.Errorf("%d: %s", code, said)
	}
	promtool(t, rules)
}

func TestRulesWantAddresses(t *testing.T) {
	for _, wrong := range []string{"docs.gov.example", "ftp://docs.gov.example", `https://docs.gov.example/"`, "https://", "https://docs.gov.example/a b"} {
		if code, out, said := hubctl(t, "alerts", "rules", "--runbooks="+wrong); code != exitUsage || out != "" {
			t.Errorf("%s: %d: %s", wrong, code, said)
		}
	}
}
