// Command bench measures how fast the hub is, on one machine, in one run beside a
// limit program (package limit) that does the same with the same libraries and
// promises nothing: the ratio of the two is what counts, as figures of one machine
// say little on another.
//
//	bench run       throughput and cost over a grid of cells: latency, size, format, replicas, Kafka
//	bench latency   added latency at a fixed rate
//	bench keys      order by key, as the table of Confluent's Parallel Consumer
//	bench growth    cost by applications, partitions and backlog; memory is bounded by the window
//	bench idle      a hub with all routes and nothing to do
//	bench sight     what metrics, traces and outcomes take
//
// cell.go says what one run is about, trial.go is one run from its servers to its
// figures, lab.go what lasts longer. Hub, limit program, target and the stand-in
// for Kafka are processes of their own; Redis is real always, and given, as a real
// Apache Kafka is (deploy/servers/with-servers starts both).
//
// All messages come through package load, which numbers them, and all calls go to
// package target, which knows from the numbers what is lost, doubled or out of
// order. One of the hub's is a failure of the bench, however fast it was.
// What was tried for the hub and did not pay, or was not safe: profile-guided
// optimisation (no difference in four pairs of runs); one round trip to Redis
// under way instead of two (the same rate, more waiting); one INCR for all claims of
// a counter in a batch (there are 64 counters, so few share one); no look at a
// connection that was idle for less than 5 ms (a server that closes after each
// answer then makes every second call an unclear one).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli struct {
		Run     runCmd     `cmd:"" help:"Throughput and cost over a grid of cells."`
		Latency latencyCmd `cmd:"" help:"Added latency at a fixed rate."`
		Keys    keysCmd    `cmd:"" help:"Order by key, as the table of Parallel Consumer."`
		Growth  growthCmd  `cmd:"" help:"Cost by applications, partitions and backlog."`
		Idle    idleCmd    `cmd:"" help:"A hub with all routes and nothing to do."`
		Sight   sightCmd   `cmd:"" help:"What metrics, traces and outcomes take."`
		Limit   limitCmd   `cmd:"" hidden:"" help:"Be the limit program."`
		Target  targetCmd  `cmd:"" hidden:"" help:"Be the system that is called."`
	}
	k := kong.Parse(&cli, kong.Name("bench"), kong.Description("How fast the hub is, beside a program that promises nothing."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
