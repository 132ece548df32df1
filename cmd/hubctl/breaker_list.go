package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"kandashub/topics/control"
	"kandashub/topics/inspect"
)

type breakerListCmd struct {
	kafkaFlags
	hubsFlags
	outputFlag
}

// A shownBreaker is the breaker of a route's operation: as an operator holds it, and
// as the hubs have it.
type shownBreaker struct {
	Route     string           `json:"route"`
	Held      *control.Breaker `json:"held,omitempty"`
	Hubs      map[string]int   `json:"hubs,omitempty"` // how many have it closed, half_open, open, forced_open, forced_closed
	OpenSince time.Time        `json:"open_since,omitzero"`
	Silent    int              `json:"silent,omitempty"` // hubs that were asked and told nothing
}

// Run prints the breakers that are held, and all of them as far as hubs tell.
func (c *breakerListCmd) Run(ctx context.Context, stdout io.Writer, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		wanted, err := d.wanted(ctx)
		if err != nil {
			return err
		}
		var list []shownBreaker
		if len(c.Hubs) > 0 {
			list = toldBreakers(d.Routes, wanted, c.ask(ctx, out))
		} else {
			list = heldBreakers(wanted)
			if len(list) == 0 {
				fmt.Fprintln(out, "no operator holds a breaker")
			}
			fmt.Fprintf(out, "what the hubs' breakers are like by themselves is %s\n", unknownHere)
		}
		if len(list) == 0 && c.Output == "table" {
			return nil
		}
		return c.print(stdout, list, func(t io.Writer) { tableBreakers(t, list) })
	})
}

// heldBreakers are those that operators hold, by route.
func heldBreakers(wanted control.State) []shownBreaker {
	list := []shownBreaker{}
	for _, route := range slices.Sorted(maps.Keys(wanted.Breakers)) {
		b := wanted.Breakers[route]
		list = append(list, shownBreaker{Route: route, Held: &b})
	}
	return list
}

// toldBreakers are those of all routes.
func toldBreakers(routes []string, wanted control.State, hubs []inspect.Hub) []shownBreaker {
	list := []shownBreaker{}
	for _, route := range routes {
		told := inspect.Tell(hubs, route)
		b := shownBreaker{Route: route, Hubs: told.Breaker, OpenSince: told.OpenSince, Silent: told.Silent}
		if held, ok := wanted.Breakers[route]; ok {
			b.Held = &held
		}
		list = append(list, b)
	}
	return list
}

// state is what the breaker is like at the hubs, the worst first.
func (b shownBreaker) state() string {
	all, parts := 0, []string{}
	for _, n := range b.Hubs {
		all += n
	}
	for _, state := range inspect.BreakerStates() {
		if n := b.Hubs[state]; n > 0 {
			parts = append(parts, strings.ReplaceAll(state, "_", " ")+shares(n, all))
		}
	}
	switch {
	case len(parts) == 0:
		return inspect.Unknown
	case b.Silent > 0 && all > 0 && b.Hubs["closed"] == all:
		return fmt.Sprintf("closed in %d of %d hubs", all, all+b.Silent)
	}
	return strings.Join(parts, ", ")
}

func tableBreakers(t io.Writer, list []shownBreaker) {
	fmt.Fprintln(t, "ROUTE\tBREAKER\tOPEN SINCE\tHELD\tBY\tSINCE\tUNTIL\tWHY")
	for _, b := range list {
		held, by, since, until, why := "-", "", "", "", ""
		if h := b.Held; h != nil {
			held, by, since, until, why = h.Force, h.Owner, when(h.Since, ""), when(h.Until, "released"), h.Why
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", b.Route, b.state(), when(b.OpenSince, "-"), held, by, since, until, why)
	}
}
