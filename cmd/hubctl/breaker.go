package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"kandashub/topics/control"
)

type breakerCmd struct {
	List    breakerListCmd    `cmd:"" help:"List the breakers that operators hold. What the others are like is in the hubs' metrics."`
	Open    breakerOpenCmd    `cmd:"" help:"Hold it open: nothing is called, no probe is sent."`
	Close   breakerCloseCmd   `cmd:"" help:"Hold it closed: everything is called, nothing is counted."`
	Release breakerReleaseCmd `cmd:"" help:"Let it work by itself again; it begins closed, with a slow start."`
}

type breakerListCmd struct {
	kafkaFlags
	outputFlag
}

// Run prints the breakers that are held.
func (c *breakerListCmd) Run(ctx context.Context, stdout io.Writer, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		wanted, err := d.wanted(ctx)
		if err != nil {
			return err
		}
		held := []control.Breaker{}
		for _, b := range wanted.Breakers {
			held = append(held, b)
		}
		slices.SortFunc(held, func(a, b control.Breaker) int { return strings.Compare(a.Route, b.Route) })
		if len(held) == 0 {
			fmt.Fprintln(out, "all breakers work by themselves")
		}
		return c.print(stdout, held, func(t io.Writer) { tableBreakers(t, held) })
	})
}

func tableBreakers(t io.Writer, held []control.Breaker) {
	fmt.Fprintln(t, "ROUTE\tHELD\tBY\tSINCE\tUNTIL\tWHY")
	for _, b := range held {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", b.Route, b.Force, b.Owner, when(b.Since, ""), when(b.Until, "released"), b.Why)
	}
}

// forceFlags say how long a breaker is held. A breaker that was forgotten is
// worse than one that has to be held again.
type forceFlags struct {
	routeFlags
	For time.Duration `default:"1h" help:"How long (${default}); 0s: until it is released."`
}

func (c *forceFlags) force(ctx context.Context, out talk, to string) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		if err := d.ForceBreaker(ctx, c.order(), c.Route, to, c.For); err != nil {
			return err
		}
		fmt.Fprintf(out, "the breaker of route %s is to be held %s; the hubs follow at once\n", c.Route, to)
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
