package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"kandashub/observability/alerts"
)

// rulesFaster makes a minute of the rules three seconds, so that an alert fires
// while one looks.
const rulesFaster = 20

// scrapes is the configuration of a Prometheus that looks at the hub every
// second.
const scrapes = `global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [hub.rules.yml]
scrape_configs:
  - job_name: hub
    static_configs:
      - targets: ["%s"]
`

// A prometheus watches the hub of a run, where the program is installed.
type prometheus struct {
	path string // of the program; empty: none runs
	row  string // what the table of addresses says
	addr string
	dir  string
}

// findPrometheus gives the run's Prometheus its address and folder.
func (c *runCmd) findPrometheus(w *world) (prometheus, error) {
	p := prometheus{dir: filepath.Join(w.dir, "prometheus")}
	if c.Once || c.NoPrometheus {
		return p, nil
	}
	var err error
	if p.path, err = exec.LookPath("prometheus"); err != nil {
		p.row = "not installed, the hub's metrics stand alone (Debian: apt-get install prometheus)"
		return p, nil
	}
	if p.addr, err = w.free("Prometheus", portPrometheus); err != nil {
		return p, err
	}
	p.row = "http://" + p.addr
	return p, os.MkdirAll(p.dir, 0o700)
}

// run watches the hub at this address until ctx ends. That Prometheus has died is
// an error; what it said is in its log.
func (p prometheus) run(ctx context.Context, hub string) error {
	// There are no boards here, and the runbooks are where the reader is.
	rules := alerts.Render(alerts.Options{Faster: rulesFaster, Runbooks: "observability/runbooks"})
	config := filepath.Join(p.dir, "prometheus.yml")
	for path, content := range map[string][]byte{config: fmt.Appendf(nil, scrapes, hub), filepath.Join(p.dir, "hub.rules.yml"): rules} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(filepath.Join(p.dir, "prometheus.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(p.dir, "data"),
		"--web.listen-address="+p.addr, "--enable-feature=exemplar-storage", "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	died, err := runProcess(ctx, cmd, nil)
	if err != nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("the run's Prometheus died (%s); its last lines in %s:\n%s", died, log.Name(), lastLines(log.Name(), 10))
}
