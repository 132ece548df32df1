// Command bench measures how fast the hub is: on one machine, beside a limit
// program that does the same with the same libraries and promises nothing.
//
//	bench run       throughput over the grid of cells
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"kandashub/cmd/bench/limit"
	"kandashub/cmd/bench/target"
)

type limitCmd struct{ limit.Options }

// Run is `bench limit`.
func (c *limitCmd) Run(ctx context.Context) error { return limit.Serve(ctx, c.Options, os.Stdout) }

type targetCmd struct{}

// Run is `bench target`.
func (c *targetCmd) Run(ctx context.Context) error { return target.Serve(ctx, os.Stdout) }

type runCmd struct {
	settings
	Repeat  int `default:"1"`
	Latency time.Duration
}

func (c *runCmd) Run(ctx context.Context) error {
	l, err := c.settings.open()
	if err != nil {
		return err
	}
	defer l.close()
	for range c.Repeat {
		for _, s := range []string{subjectLimit, subjectHub} {
			cell := standard()
			cell.Latency = c.Latency
			r, err := l.measure(ctx, s, cell)
			fmt.Printf("%+v %v\n", r, err)
		}
	}
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli struct {
		Run    runCmd    `cmd:"" help:"Throughput."`
		Limit  limitCmd  `cmd:"" hidden:"" help:"Be the limit program."`
		Target targetCmd `cmd:"" hidden:"" help:"Be the system that is called."`
	}
	k := kong.Parse(&cli, kong.Name("bench"), kong.Description("How fast the hub is."), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
