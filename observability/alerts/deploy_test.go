package alerts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kandashub/observability/alerts"
)

const deployed = "../../deploy/prometheus"

// Prometheus takes the example, with the rules beside it.
func TestPrometheusConfig(t *testing.T) {
	needPromtool(t)
	dir := t.TempDir()
	config, err := os.ReadFile(filepath.Join(deployed, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"prometheus.yml": config, "hub.rules.yml": alerts.Render(alerts.Options{})} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, failed, err := promtool(t.Context(), "check", "config", filepath.Join(dir, "prometheus.yml")); failed || err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

// Alertmanager takes the example and sends each alert where its severity says.
func TestAlertmanagerConfig(t *testing.T) {
	if _, err := exec.LookPath("amtool"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("amtool is not installed (Debian's package prometheus-alertmanager): in CI that is a failure")
		}
		t.Skip("skipped: amtool is not installed (Debian's package prometheus-alertmanager)")
	}
	path := filepath.Join(deployed, "alertmanager.yml")
	if out, err := exec.CommandContext(t.Context(), "amtool", "check-config", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		want := map[string]string{"critical": "pager", "warning": "ticket", "none": "watchdog"}[r.Labels["severity"]]
		out, err := exec.CommandContext(t.Context(), "amtool", "config", "routes", "test", "--config.file="+path,
			"alertname="+r.Alert, "severity="+r.Labels["severity"]).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s (%s) goes to %q, want %q: %v", r.Alert, r.Labels["severity"], got, want, err)
		}
	}
}

// Alerts that the example's inhibitions name exist.
func TestInhibitionsNameAlerts(t *testing.T) {
	config, err := os.ReadFile(filepath.Join(deployed, "alertmanager.yml"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Hub[A-Z][A-Za-z]+`).FindAllString(string(config), -1)
	if len(found) < 10 {
		t.Errorf("it names %v", found)
	}
	for _, name := range found {
		if !slices.Contains(names(t), name) {
			t.Errorf("there is no alert %s", name)
		}
	}
}
