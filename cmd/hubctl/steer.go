package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"kandashub/topics/control"
)

type routeCmd struct {
	List   routeListCmd   `cmd:"" help:"List the routes and what operators want of them."`
	Pause  routePauseCmd  `cmd:"" help:"Keep a route from calling its system; what it reads waits."`
	Resume routeResumeCmd `cmd:"" help:"End an operator's pause."`
}

// A wish is what operators want of one route.
type wish struct {
	Route   string           `json:"route"`
	Pause   *control.Pause   `json:"pause,omitempty"`
	Breaker *control.Breaker `json:"breaker,omitempty"`
}

type routeListCmd struct {
	kafkaFlags
	outputFlag
}

// Run prints what operators want. Why a hub itself has paused a route is in its
// metrics and its log.
func (c *routeListCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		if err := do.Store.Caught(ctx); err != nil {
			return err
		}
		state := do.Store.State()
		var wishes []wish
		for _, r := range do.Routes {
			w := wish{Route: r}
			if p, ok := state.Pauses[r]; ok {
				w.Pause = &p
			}
			if b, ok := state.Breakers[r]; ok {
				w.Breaker = &b
			}
			wishes = append(wishes, w)
		}
		if c.Output == "json" {
			return printJSON(stdout, wishes)
		}
		t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ROUTE\tWANTED\tBY\tSINCE\tUNTIL\tWHY")
		for _, w := range wishes {
			if w.Pause == nil && w.Breaker == nil {
				fmt.Fprintf(t, "%s\tto run\t\t\t\t\n", w.Route)
			}
			if p := w.Pause; p != nil {
				fmt.Fprintf(t, "%s\tpaused\t%s\t%s\t%s\t%s\n", w.Route, p.Owner, when(p.Since, ""), when(p.Until, "resumed"), p.Why)
			}
			if b := w.Breaker; b != nil {
				fmt.Fprintf(t, "%s\tbreaker %s\t%s\t%s\t%s\t%s\n", w.Route, b.Force, b.Owner, when(b.Since, ""), when(b.Until, "released"), b.Why)
			}
		}
		return t.Flush()
	})
}

// routeFlags name a route, and who wants something of it.
type routeFlags struct {
	kafkaFlags
	orderFlags
	Route string `arg:"" help:"The route."`
}

type routePauseCmd struct {
	routeFlags
	For time.Duration `help:"How long; until it is resumed if not given."`
}

func (c *routePauseCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		if err := do.Pause(ctx, c.order(), c.Route, c.For); err != nil {
			return err
		}
		fmt.Fprintf(out, "route %s is to pause; the hubs follow at once\n", c.Route)
		return nil
	})
}

type routeResumeCmd struct{ routeFlags }

func (c *routeResumeCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		if err := do.Resume(ctx, c.order(), c.Route); err != nil {
			return err
		}
		fmt.Fprintf(out, "no operator pauses route %s any more; the hubs follow at once\n", c.Route)
		return nil
	})
}

type breakerCmd struct {
	Open    breakerOpenCmd    `cmd:"" help:"Hold it open: nothing is called, no probe is sent."`
	Close   breakerCloseCmd   `cmd:"" help:"Hold it closed: everything is called, nothing is counted."`
	Release breakerReleaseCmd `cmd:"" help:"Let it work by itself again; it begins closed, with a slow start."`
}

// forceFlags say how long a breaker is held. A breaker that was forgotten is
// worse than one that has to be held again.
type forceFlags struct {
	routeFlags
	For time.Duration `default:"1h" help:"How long (${default}); 0s: until it is released."`
}

func (c *forceFlags) force(ctx context.Context, out talk, to string) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		if err := do.ForceBreaker(ctx, c.order(), c.Route, to, c.For); err != nil {
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
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		if err := do.ReleaseBreaker(ctx, c.order(), c.Route); err != nil {
			return err
		}
		fmt.Fprintf(out, "the breaker of route %s works by itself again\n", c.Route)
		return nil
	})
}

type claimsCmd struct {
	Status claimsStatusCmd `cmd:"" help:"Say whether a loss of claims stands."`
	Accept claimsAcceptCmd `cmd:"" help:"Let the routes that wait for it go on."`
}

type claimsStatusCmd struct {
	kafkaFlags
	outputFlag
}

// Run prints the last loss.
func (c *claimsStatusCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		if err := do.Store.Caught(ctx); err != nil {
			return err
		}
		loss := do.Store.State().Loss
		switch {
		case c.Output == "json" && loss.By == "":
			return printJSON(stdout, nil)
		case c.Output == "json":
			return printJSON(stdout, loss)
		case loss.By == "":
			fmt.Fprintln(stdout, "no hub has noticed a loss of claims")
		case loss.Standing():
			fmt.Fprintf(stdout, "a loss of claims stands: noticed at %s by %s on route %s; C2 and C3 routes wait until it is accepted\n", when(loss.At, "an unknown time"), loss.By, loss.Route)
		default:
			fmt.Fprintf(stdout, "the loss of claims noticed at %s by %s was accepted at %s by %s: %s\n", when(loss.At, "an unknown time"), loss.By, when(loss.AcceptedAt, ""), loss.AcceptedBy, loss.Why)
		}
		return nil
	})
}

type claimsAcceptCmd struct {
	kafkaFlags
	orderFlags
	Settle time.Duration `env:"HUB_SETTLE_C3" default:"15m" help:"How long a C3 system may still carry out a call (${default}), as the hubs have it."`
}

func (c *claimsAcceptCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		do.Settle = c.Settle
		if err := do.AcceptLoss(ctx, c.order()); err != nil {
			return err
		}
		fmt.Fprintln(out, "the loss is accepted; the hubs go on, and ask about what is older")
		return nil
	})
}
