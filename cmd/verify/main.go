// Command verify starts real processes, lets load flow through them, injects
// faults, and then decides from the outside whether the hub keeps its promises:
// from the systems' ledgers, the topics and Redis. It never asks the hub.
//
//	verify run       the scenarios, one after another; exit 1 on any violation
//	verify mutants   hubs that are broken on purpose, each of which must be caught
//	verify list      what there is
//	verify alerts    faults on which a real Prometheus must raise the hub's alerts
//
// scenarios*.go is the table of scenarios, mutants.go that of broken hubs.
// Package world starts and hurts the processes, package load sends, package check
// decides, package report writes it down.
//
// A fault that did not bite makes its run void, never green. What only a real
// Kafka and Redis can do is listed as "needs real" on the embedded ones.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"kandashub/cmd/verify/broker"
)

// The embedded servers run as processes of this same program.
type brokerCmd struct{ broker.Options }

// Run is `verify broker`.
func (c *brokerCmd) Run(ctx context.Context) error { return broker.Serve(ctx, c.Options) }

type redisCmd struct {
	Port int `required:"" help:"Port of this machine."`
}

// Run is `verify redis`.
func (c *redisCmd) Run(ctx context.Context) error { return broker.ServeRedis(ctx, c.Port) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli struct {
		Run     runCmd     `cmd:"" help:"Play scenarios."`
		Mutants mutantsCmd `cmd:"" help:"Play broken hubs, each of which must be caught."`
		List    listCmd    `cmd:"" help:"List the scenarios."`
		Alerts  alertsCmd  `cmd:"" help:"Break things until a real Prometheus raises the hub's alerts, and mend them until they are silent."`
		Broker  brokerCmd  `cmd:"" hidden:"" help:"Serve an embedded Kafka."`
		Redis   redisCmd   `cmd:"" hidden:"" help:"Serve an embedded Redis."`
	}
	k := kong.Parse(&cli, kong.Name("verify"), kong.Description("Faults against real processes, and a verdict from outside."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}
