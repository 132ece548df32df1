// Command verify starts real processes, injects faults and decides from the
// outside whether the hub keeps its promises.
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
		Broker brokerCmd `cmd:"" hidden:"" help:"Serve an embedded Kafka."`
		Redis  redisCmd  `cmd:"" hidden:"" help:"Serve an embedded Redis."`
	}
	k := kong.Parse(&cli, kong.Name("verify"), kong.Description("Faults against real processes, and a verdict from outside."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}
