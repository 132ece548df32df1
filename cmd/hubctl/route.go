package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"kandashub/topics/claims"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
)

type routeCmd struct {
	List   routeListCmd   `cmd:"" help:"List the routes, what waits in them, and what operators want of them."`
	Pause  routePauseCmd  `cmd:"" help:"Keep a route from calling its system; what it reads waits."`
	Resume routeResumeCmd `cmd:"" help:"End an operator's pause."`
	Drain  routeDrainCmd  `cmd:"" help:"Pause a route and wait until no call is under way."`
}

type routeListCmd struct {
	kafkaFlags
	hubsFlags
	outputFlag
}

// Run prints the routes.
func (c *routeListCmd) Run(ctx context.Context, stdout io.Writer, s surroundings) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		wanted, err := d.wanted(ctx)
		if err != nil {
			return err
		}
		routes, err := inspect.Routes(ctx, d.Cluster, d.agreed, wanted)
		if err != nil {
			return err
		}
		c.hear(ctx, talk{s.stderr}, routes)
		return c.print(stdout, routes, func(t io.Writer) { tableRoutes(t, routes, time.Now()) })
	})
}

func tableRoutes(t io.Writer, routes []inspect.Route, now time.Time) {
	fmt.Fprintln(t, "ROUTE\tSTATE\tHUBS\tLAG\tOLDEST\tPARKED\tLETTERS\tBREAKER\tBY\tUNTIL\tWHY")
	for _, r := range routes {
		breaker, by, until, why := breakerText(r), "", "", ""
		if r.Told != nil && !r.Told.OpenSince.IsZero() {
			breaker += " since " + when(r.Told.OpenSince, "")
		}
		if reasons := pausesText(r); reasons != "" {
			by, why = "the hubs", reasons
		}
		if b := r.Breaker; b != nil {
			breaker, by, until, why = "held "+b.Force, b.Owner, when(b.Until, "released"), b.Why
		}
		if p := r.Pause; p != nil {
			by, until, why = p.Owner, when(p.Until, "resumed"), p.Why
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n",
			r.Name, stateText(r), r.Members, r.Lag, ago(now, r.Oldest), r.Parked, r.Letters, breaker, by, until, why)
	}
}

// routeFlags name a route, and who wants something of it.
type routeFlags struct {
	kafkaFlags
	orderFlags
	Route string `arg:"" predictor:"route" help:"The route."`
}

type routePauseCmd struct {
	routeFlags
	For time.Duration `help:"How long, at most a week (168h); until it is resumed if not given."`
}

func (c *routePauseCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		if err := d.Pause(ctx, c.order(), c.Route, c.For); err != nil {
			return err
		}
		end, err := d.pausedUntil(ctx, c.Route)
		fmt.Fprintf(out, "route %s is to pause %s; the hubs follow at once\n", c.Route, end)
		return err
	})
}

// pausedUntil says until when an operator has paused a route.
func (d *desk) pausedUntil(ctx context.Context, route string) (string, error) {
	wanted, err := d.wanted(ctx)
	if p, ok := wanted.Pauses[route]; ok && !p.Until.IsZero() {
		return "until " + when(p.Until, ""), err
	}
	return "until it is resumed", err
}

type routeResumeCmd struct{ routeFlags }

func (c *routeResumeCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		if err := d.Resume(ctx, c.order(), c.Route); err != nil {
			return err
		}
		fmt.Fprintf(out, "no operator pauses route %s any more; the hubs follow at once\n", c.Route)
		return nil
	})
}

type routeDrainCmd struct {
	routeFlags
	redisFlags
	For   time.Duration `help:"How long the route stays paused, at most a week (168h); until it is resumed if not given."`
	Lease time.Duration `env:"HUB_LEASE" default:"12s" help:"The hubs' HUB_LEASE, which no call outlives (${default})."`
}

func (c *routeDrainCmd) Run(ctx context.Context, out talk) error {
	rdb, err := c.connect()
	if err != nil {
		return err
	}
	defer rdb.Close()
	store := claims.NewStore(rdb, claims.Config{Lease: c.Lease})
	defer store.Close()
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		fmt.Fprintf(out, "pausing route %s, and waiting until nothing has been claimed for %s\n", c.Route, c.Lease)
		if err := d.Drain(ctx, c.order(), c.Route, c.For, control.Quiet{Count: store.Count, Lease: c.Lease}); err != nil {
			return err
		}
		end, err := d.pausedUntil(ctx, c.Route)
		fmt.Fprintf(out, "route %s is paused %s, and no call is under way\n", c.Route, end)
		return err
	})
}
