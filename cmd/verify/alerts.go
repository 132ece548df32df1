package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/verify/world"
	"kandashub/observability/alerts"
	"kandashub/observability/promserver"
)

// alertsCmd breaks a hub and what is around it, in one way after another, and
// waits for a real Prometheus to say so, and to fall silent again. Its rules are
// the hub's own, with a minute made a second.
type alertsCmd struct {
	Bin        string   `default:"bin" type:"path" help:"Folder of the programs: hub, hubctl, mocks."`
	Prometheus string   `default:"prometheus" help:"Prometheus' program, 2.42 or newer."`
	KafkaLibs  string   `type:"path" help:"Folder with Apache Kafka's jars: real servers instead of the embedded ones."`
	Long       bool     `help:"Faults that take minutes, too."`
	Only       []string `placeholder:"ALERT" help:"Only the faults on which these alerts must fire."`
	List       bool     `help:"List the alerts, each with its fault, or with why it has none; break nothing."`
	Out        string   `type:"path" help:"Folder for data and logs, kept afterwards. Without it a temporary one is made."`
}

// rulesFaster makes a minute of the rules a second.
const rulesFaster = 60

// How long alerts may take. The slowest of those that are tried needs four hours,
// and one may fire on for half an hour; a busy machine takes its time, too.
const (
	fireWithin  = 5 * time.Minute
	clearWithin = 3 * time.Minute
)

// watchdog is the alert that always fires.
const watchdog = "HubWatchdog"

// A watch is a world with a Prometheus.
type watch struct {
	dir        string // of data and logs
	world      *world.World
	prometheus *promserver.Server
	kafka      *kgo.Client
	loads      sync.WaitGroup
}

// Run is `verify alerts`.
func (c *alertsCmd) Run(ctx context.Context) (err error) {
	if c.List {
		return listAlerts(os.Stdout)
	}
	chosen := c.chosen(stages())
	if len(chosen) == 0 {
		return errors.New("no fault that can be injected here raises one of these alerts; verify alerts --list shows those there are")
	}
	dir := c.Out
	if dir == "" {
		if dir, err = os.MkdirTemp("", "kandashub-alerts-"); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				_ = os.RemoveAll(dir) // a leftover of the temporary folder
			}
		}()
	}
	w, err := c.start(ctx, dir)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer w.close()
	defer stop()
	if err := w.play(ctx, chosen); err != nil {
		if ctx.Err() == nil {
			w.tell(ctx, os.Stdout)
		}
		return fmt.Errorf("%w; data and logs are in %s", err, dir)
	}
	return nil
}

// chosen are the stages to be played, with the trials that can be here.
func (c *alertsCmd) chosen(all []stage) (out []stage) {
	here := map[bool]servers{false: embedded, true: realServer}[c.KafkaLibs != ""]
	for _, s := range all {
		var trials []trial
		for _, t := range s.trials {
			wanted := len(c.Only) == 0 || slices.ContainsFunc(c.Only, func(alert string) bool { return slices.Contains(t.all(), alert) })
			if wanted && (t.on == "" || t.on == here) && (!s.long || c.Long || len(c.Only) > 0) {
				trials = append(trials, t)
			}
		}
		if s.trials = trials; len(trials) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// start brings everything up.
func (c *alertsCmd) start(ctx context.Context, dir string) (*watch, error) {
	if _, err := exec.LookPath(c.Prometheus); err != nil {
		return nil, fmt.Errorf("no Prometheus: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	program := func(name string) string { return filepath.Join(c.Bin, name) }
	w := &watch{dir: dir}
	config := world.Config{Dir: dir, Verify: self, Hub: program("hub"), Mocks: program("mocks"), Hubctl: program("hubctl"), Replicas: 2, Seed: 1}
	if c.KafkaLibs != "" {
		config.Real = &world.Real{KafkaLibs: c.KafkaLibs, Brokers: 1, AOF: true}
	}
	if w.world, err = world.Start(ctx, config); err != nil {
		return nil, err
	}
	if w.prometheus, err = w.world.StartPrometheus(ctx, c.Prometheus, alerts.Render(alerts.Options{Faster: rulesFaster})); err == nil {
		w.kafka, err = client(w.world, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	if err != nil {
		w.world.Close()
		return nil, err
	}
	return w, nil
}

func (w *watch) close() {
	w.loads.Wait()
	w.kafka.Close()
	w.world.Close()
}

// play goes through all stages, while messages flow. Before and after each of them
// all is calm.
func (w *watch) play(ctx context.Context, stages []stage) error {
	for _, begin := range []func(context.Context) error{w.flow, w.watched, w.calm} {
		if err := begin(ctx); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tFAULT\tALERT\tFIRED AFTER\tSILENT AFTER")
	proven := map[string]bool{}
	for _, s := range stages {
		rows, err := w.stage(ctx, s)
		for _, r := range rows {
			fmt.Fprintf(t, "%s\t%s\t%s\t%.1f s\t%.1f s\n", s.name, r.fault, r.alert, r.fired.Seconds(), r.silent.Seconds())
			proven[r.alert] = true
		}
		t.Flush()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	fmt.Printf("%d alerts fired on a fault and fell silent after it\n", len(proven))
	return nil
}

// stage tries all trials of a stage at once. Afterwards all is calm.
func (w *watch) stage(ctx context.Context, s stage) ([]row, error) {
	for _, one := range s.trials {
		if one.before != nil {
			if err := one.before(ctx, w); err != nil {
				return nil, fmt.Errorf("before %s: %w", one.fault, err)
			}
		}
	}
	errs := make([]error, len(s.trials))
	rows := make([][]row, len(s.trials))
	var wg sync.WaitGroup
	for i, one := range s.trials {
		wg.Go(func() { rows[i], errs[i] = w.try(ctx, one) })
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err == nil {
		if err = w.calm(ctx); err != nil {
			err = fmt.Errorf("after it: %w", err)
		}
	}
	return slices.Concat(rows...), err
}

// A row is what came of one alert.
type row struct {
	fault, alert  string
	fired, silent time.Duration // after the fault, and after its end
}

// try has one fault strike, waits for its alerts, takes it away, and waits for
// them to fall silent.
func (w *watch) try(ctx context.Context, t trial) (rows []row, err error) {
	struck, fired := time.Now(), map[string]time.Duration{}
	steps := []phase{{t.alerts, t.strike}}
	if t.then != nil {
		steps = append(steps, *t.then)
	}
	for _, p := range steps {
		if err := p.strike(ctx, w); err != nil {
			return nil, fmt.Errorf("%s: %w", t.fault, err)
		}
		seen, err := w.each(ctx, p.alerts, true, fireWithin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.fault, err)
		}
		for a, at := range seen {
			fired[a] = at.Sub(struck)
		}
	}
	healed := time.Now()
	if err := t.heal(ctx, w); err != nil {
		return nil, fmt.Errorf("%s: at its end: %w", t.fault, err)
	}
	silent, err := w.each(ctx, t.all(), false, clearWithin)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.fault, err)
	}
	for _, a := range t.all() {
		rows = append(rows, row{t.fault, a, fired[a], silent[a].Sub(healed)})
	}
	return rows, nil
}
