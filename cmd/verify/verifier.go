package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"kandashub/cmd/verify/report"
)

// verifier is what all scenarios share.
type verifier struct {
	Bin       string `default:"bin" type:"path" help:"Folder of the programs: hub, hub-failpoints, hubctl, mocks."`
	KafkaLibs string `type:"path" help:"Folder with Apache Kafka's jars: real servers instead of the embedded ones."`
	Long      bool   `help:"60 s faults and ten times the load."`
	Keep      bool   `help:"Keep the data and logs of scenarios that passed, too."`
	Out       string `type:"path" help:"Folder for report.json, report.html, and what is kept. Without it one is made."`

	Hub    string `kong:"-"`
	Mocks  string `kong:"-"`
	Hubctl string `kong:"-"`

	pointed string // the hub with failpoints
	self    string
	dir     string
}

// prepare finds the programs and makes the folder.
func (v *verifier) prepare() (err error) {
	programs := map[string]*string{"hub": &v.Hub, "hub-failpoints": &v.pointed, "hubctl": &v.Hubctl, "mocks": &v.Mocks}
	for name, path := range programs {
		*path = filepath.Join(v.Bin, name)
		if _, err := exec.LookPath(*path); err != nil {
			return fmt.Errorf("no program at %s: build it first, for example with make verify", *path)
		}
	}
	if v.self, err = os.Executable(); err != nil {
		return err
	}
	if v.dir = v.Out; v.dir == "" {
		v.dir, err = os.MkdirTemp("", "kandashub-verify-")
		return err
	}
	return os.MkdirAll(v.dir, 0o700)
}

func (v *verifier) worldName() string {
	if v.KafkaLibs != "" {
		return "Apache Kafka 4.1, Redis 7.0"
	}
	return "embedded"
}

// otherSeed is added to the seed of a run whose fault did not bite.
const otherSeed = 1000

type runCmd struct {
	verifier
	Scenario []string `arg:"" optional:"" help:"Names of scenarios, or of faults (F1); all if none is given."`
	Smoke    bool     `help:"Only the short ones that are part of make test."`
	Seeds    int      `default:"1" help:"How often to play each scenario, each time with another seed."`
	Seed     int64    `default:"1" help:"The first seed."`
}

// Run is `verify run`.
func (c *runCmd) Run(ctx context.Context) error {
	if err := c.prepare(); err != nil {
		return err
	}
	chosen := c.chosen()
	if len(chosen) == 0 {
		return errors.New("no scenario has one of these names; verify list shows those there are")
	}
	rep := report.New()
	report.PrintHead(os.Stdout)
	for i := range c.Seeds {
		for _, s := range chosen {
			if ctx.Err() != nil {
				return c.finish(rep, errors.New("interrupted"))
			}
			row := c.play(ctx, s, c.Seed+int64(i))
			row.Print(os.Stdout)
			if row.Result == report.Void { // by chance: another seed, once
				row = c.play(ctx, s, c.Seed+int64(i)+otherSeed)
				row.Print(os.Stdout)
			}
			rep.Add(row)
		}
	}
	return c.finish(rep, nil)
}

// finish writes the reports and says what came of it all.
func (c *runCmd) finish(rep *report.Report, err error) error {
	json, html := filepath.Join(c.dir, "report.json"), filepath.Join(c.dir, "report.html")
	err = errors.Join(err, write(json, rep.WriteJSON), write(html, rep.WriteHTML))
	rep.Totals.Print(os.Stdout)
	fmt.Printf("%s\n%s\n", json, html)
	if !rep.Totals.OK() {
		return errors.Join(err, fmt.Errorf("%d scenarios failed and %d are void; their data and logs are in %s", rep.Totals.Failed, rep.Totals.Void, c.dir))
	}
	return err
}

func write(path string, to func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(to(f), f.Close())
}

func (c *runCmd) chosen() (out []scenario) {
	for _, s := range scenarios() {
		wanted := len(c.Scenario) == 0 || slices.ContainsFunc(c.Scenario, func(n string) bool { return n == s.name || slices.Contains(s.faults, n) })
		if wanted && (!c.Smoke || s.smoke) {
			out = append(out, s)
		}
	}
	return out
}

type listCmd struct{}

// Run is `verify list`.
func (listCmd) Run() error { return list(os.Stdout) }

func list(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SCENARIO\tFAULTS\tSERVERS\tWHAT HAPPENS")
	for _, s := range scenarios() {
		servers := "any"
		if s.real {
			servers = "real"
		}
		if s.fake {
			servers = "embedded"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.name, strings.Join(s.faults, " "), servers, s.about)
	}
	return t.Flush()
}
