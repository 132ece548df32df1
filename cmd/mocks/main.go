// Command mocks is the world around the hub on one machine: every mock system
// on a port of its own, and an embedded Kafka and Redis.
//
//	mocks serve   the world alone, for a hub that you start yourself
//	mocks run     the world and a hub, with sample applications flowing through
//	              all systems and what happens printed as a timeline
//	mocks fault   switches a fault on in a running world, for a while
//
// A run goes on when its flows are through, with an application a second
// (trickle.go) and, where it is installed, with a Prometheus (prometheus.go).
//
// systems.go is the table of mock systems. What flows through them is in
// kandashub/mocks/samples; what came of it is read from the systems' own
// ledgers, and the hub is never asked.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// worldFlags are common to all commands.
type worldFlags struct {
	Kafka string `help:"Brokers of a real Kafka, host:port,... Without it an embedded one is started."`
	Redis string `help:"Address of a real Redis, host:port. Without it an embedded one is started."`
	Port  int    `default:"18000" help:"First of the ports that are taken; 0: any free ones."`
	Seed  int64  `default:"1" help:"Makes people and chance in the mock systems reproducible."`
	Dir   string `type:"path" help:"Folder for data and ledgers, kept afterwards. Without it a temporary one is made."`
}

type runCmd struct {
	worldFlags
	Hub     string        `default:"bin/hub" help:"The hub's program."`
	Hubctl  string        `help:"The operator's program; beside the hub's where not given."`
	Once    bool          `help:"End when all flows are through; exit 0 only if every effect was seen exactly as often as expected."`
	Kill    int           `help:"How often to kill the hub with SIGKILL in the middle."`
	Timeout time.Duration `default:"2m" help:"How long the flows may take."`
	Rate    float64       `default:"1" help:"Applications a second that are filed once the flows are through (${default}); 0: none."`

	NoPrometheus bool `help:"Start no Prometheus, though it is installed."`

	Output io.Writer `kong:"-"` // os.Stdout where nil
}

func (c *runCmd) out() io.Writer {
	if c.Output != nil {
		return c.Output
	}
	return os.Stdout
}

func (c *runCmd) hubctl() string {
	if c.Hubctl != "" {
		return c.Hubctl
	}
	return filepath.Join(filepath.Dir(c.Hub), "hubctl")
}

type serveCmd struct {
	worldFlags
	HubURL string `help:"Where the systems call the hub, if not directly: the URL of a balancer before several hubs."`
}

func (f worldFlags) world(dir string) worldConfig {
	return worldConfig{dir: dir, base: f.Port, seed: f.Seed, kafka: f.Kafka, redis: f.Redis}
}

// folder returns where data goes, and what to do with it at the end: only a
// temporary folder is removed.
func (f worldFlags) folder() (dir string, remove func(really bool), err error) {
	if f.Dir != "" {
		return f.Dir, func(bool) {}, os.MkdirAll(f.Dir, 0o700)
	}
	dir, err = os.MkdirTemp("", "kandashub-")
	return dir, func(really bool) {
		if really {
			os.RemoveAll(dir) //nolint:errcheck // a leftover of the temporary folder
		}
	}, err
}

// Run is `mocks serve`.
func (c *serveCmd) Run(ctx context.Context) error {
	dir, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer remove(true)
	config := c.world(dir)
	config.hubURL = c.HubURL
	w, err := newWorld(ctx, config)
	if err != nil {
		return err
	}
	defer w.close()
	env := filepath.Join(dir, "hub.env")
	if err := writeWhole(env, []byte(strings.Join(w.environment(), "\n")+"\n")); err != nil {
		return err
	}
	printAddresses(os.Stdout, w, "hub's settings", env)
	fmt.Printf("A hub for this world:\n  set -a; . %s; set +a; hubctl topics create --replication=1 && hub\n", env)
	if err := w.run(ctx); err != nil {
		return err
	}
	return nil
}

// writeWhole writes a file that others read as soon as it is there.
func writeWhole(path string, data []byte) error {
	unfinished := path + ".new"
	if err := os.WriteFile(unfinished, data, 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli struct {
		Serve serveCmd `cmd:"" help:"Run the world alone."`
		Run   runCmd   `cmd:"" help:"Run the world and a hub, and let sample applications flow."`
		Fault faultCmd `cmd:"" help:"Switch a fault on in a running world."`
	}
	k := kong.Parse(&cli, kong.Name("mocks"), kong.Description("The world around the hub on one machine."), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Vars{"systems": strings.Join(systemNames(), ", ")})
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "mocks:", err)
		os.Exit(1)
	}
}
