package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"kandashub/observability/alerts"
	"kandashub/observability/promserver"
)

// rulesFaster makes a minute of the rules three seconds, so that an alert fires
// while one looks.
const rulesFaster = 20

// A prometheus watches the hub of a run, where the program is installed.
type prometheus struct {
	path   string // of the program; empty: none runs
	row    string // what the table of addresses says
	log    string // file
	server *promserver.Server
}

// findPrometheus gives the run's Prometheus its address, its folder and its rules.
func (c *runCmd) findPrometheus(w *world) (p prometheus, err error) {
	if c.Once || c.NoPrometheus {
		return p, nil
	}
	if p.path, err = exec.LookPath("prometheus"); err != nil {
		p.row = "not installed, the hub's metrics stand alone (Debian: apt-get install prometheus)"
		return p, nil
	}
	addr, err := w.free("Prometheus", portPrometheus)
	if err != nil {
		return p, err
	}
	// There are no boards here, and the runbooks are where the reader is.
	rules := alerts.Render(alerts.Options{Faster: rulesFaster, Runbooks: "observability/runbooks"})
	dir := filepath.Join(w.dir, "prometheus")
	p.log = filepath.Join(dir, "prometheus.log")
	p.server, err = promserver.New(dir, addr, rules, w.metrics)
	p.row = "http://" + addr
	return p, err
}

// run watches the hub until ctx ends. That Prometheus has died is an error; what it
// said is in its log.
func (p prometheus) run(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.server.Args()...)
	cmd.Stdout, cmd.Stderr = log, log
	died, err := runProcess(ctx, cmd, nil)
	if err != nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("the run's Prometheus died (%s); its last lines in %s:\n%s", died, p.log, lastLines(p.log, 10))
}
