package main

import (
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"kandashub/observability/alerts"
	"kandashub/observability/dashboards"
	"kandashub/observability/runbooks"
)

type alertsCmd struct {
	Rules    rulesCmd    `cmd:"" help:"Print the rules for Prometheus, hub.rules.yml, with addresses of your own."`
	Runbooks runbooksCmd `cmd:"" help:"Write what to do on each alert, as Markdown."`
}

type rulesCmd struct {
	Runbooks string `placeholder:"URL" help:"Where the runbooks are served; an alert's page is URL/<alert>.md."`
	Grafana  string `placeholder:"URL" help:"Where Grafana is served; a board is URL/d/<board>."`
}

// addresses are the flags and what they were given.
func (c *rulesCmd) addresses() [2][2]string {
	return [2][2]string{{"--runbooks", c.Runbooks}, {"--grafana", c.Grafana}}
}

// Validate wants addresses that people can open.
func (c *rulesCmd) Validate() error {
	for _, given := range c.addresses() {
		flag, address := given[0], given[1]
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.String() != address) {
			return fmt.Errorf("%s wants an http or https address, not %q", flag, address)
		}
	}
	return nil
}

// Run prints the rules, and says which addresses are left to replace.
func (c *rulesCmd) Run(stdout io.Writer, t talk) error {
	for _, given := range c.addresses() {
		if given[1] == "" {
			fmt.Fprintf(t, "no %s: its links in the rules lead to an example address\n", given[0])
		}
	}
	_, err := stdout.Write(alerts.Render(alerts.Options{Runbooks: c.Runbooks, Grafana: c.Grafana}))
	return err
}

// outFlag is the folder that files are written to.
type outFlag struct {
	Out string `required:"" type:"path" placeholder:"DIR" help:"Folder to write to; made if it is not there. Files of the same name are replaced."`
}

type runbooksCmd struct{ outFlag }

// Run writes the runbooks and prints the paths of the files.
func (c *runbooksCmd) Run(stdout io.Writer) error { return c.write(stdout, runbooks.Files()) }

type boardsCmd struct{ outFlag }

// Run writes the boards and prints the paths of the files.
func (c *boardsCmd) Run(stdout io.Writer) error { return c.write(stdout, dashboards.Files()) }

// write writes all files to the folder. They hold nothing secret, and a server that
// is somebody else reads them.
func (f outFlag) write(stdout io.Writer, files fs.FS) error {
	if err := os.MkdirAll(f.Out, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		path := filepath.Join(f.Out, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, path)
		return err
	})
}
