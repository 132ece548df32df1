package main

import (
	"context"
	"fmt"
	"time"

	"kandashub/topics/control"
)

type breakerCmd struct {
	List    breakerListCmd    `cmd:"" help:"List the breakers: those that operators hold, and with --hubs what each is like."`
	Open    breakerOpenCmd    `cmd:"" help:"Hold it open: nothing is called, no probe is sent."`
	Close   breakerCloseCmd   `cmd:"" help:"Hold it closed: everything is called, nothing is counted."`
	Release breakerReleaseCmd `cmd:"" help:"Let it work by itself again; it begins closed, with a slow start."`
}

// forceFlags say how long a breaker is held: it always ends by itself.
type forceFlags struct {
	routeFlags
	For time.Duration `default:"1h" help:"How long (${default}), at most a week (168h)."`
}

func (c *forceFlags) force(ctx context.Context, out talk, to string) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		if err := d.ForceBreaker(ctx, c.order(), c.Route, to, c.For); err != nil {
			return err
		}
		wanted, err := d.wanted(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "the breaker of route %s is to be held %s until %s; the hubs follow at once\n", c.Route, to, when(wanted.Breakers[c.Route].Until, "it is released"))
		return nil
	})
}

type breakerOpenCmd struct{ forceFlags }

func (c *breakerOpenCmd) Run(ctx context.Context, out talk) error {
	return c.force(ctx, out, control.ForceOpen)
}

type breakerCloseCmd struct{ forceFlags }

func (c *breakerCloseCmd) Run(ctx context.Context, out talk) error {
	return c.force(ctx, out, control.ForceClosed)
}

type breakerReleaseCmd struct{ routeFlags }

func (c *breakerReleaseCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		if err := d.ReleaseBreaker(ctx, c.order(), c.Route); err != nil {
			return err
		}
		fmt.Fprintf(out, "the breaker of route %s works by itself again\n", c.Route)
		return nil
	})
}
