package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kandashub/topics/control"
	"kandashub/topics/inspect"
)

// staleAfter is how long something may wait before somebody should look.
const staleAfter = time.Hour

// examineRoutes looks at who runs the routes, and what waits.
func (c *doctorCmd) examineRoutes(ctx context.Context, r *inspect.Report) {
	var routes []inspect.Route
	var wanted control.State
	err := c.operate(ctx, func(ctx context.Context, d *desk) (err error) {
		if wanted, err = d.wanted(ctx); err != nil {
			return err
		}
		routes, err = inspect.Routes(ctx, d.Cluster, d.agreed, wanted)
		return err
	})
	if err != nil {
		r.Fail("routes", "cannot be looked at (%v)", err)
		return
	}
	if wanted.Loss.Standing() {
		r.Fail("claims", "Redis has lost claims, noticed at %s: C2 and C3 routes wait; look at hubctl claims status, and accept it once it is understood", when(wanted.Loss.At, "an unknown time"))
	} else {
		r.OK("claims", "no loss of claims stands")
	}
	hubs := c.examineHubs(ctx, r)
	now := time.Now()
	for _, route := range routes {
		if len(hubs) > 0 {
			route.Hear(hubs)
		}
		adviseRoute(r, route, now)
	}
}

// examineHubs asks the hubs what only they know.
func (c *doctorCmd) examineHubs(ctx context.Context, r *inspect.Report) []inspect.Hub {
	if len(c.Hubs) == 0 {
		r.Skip("hubs", "what their breakers are like, and what they have paused by themselves, is %s", unknownHere)
		return nil
	}
	hubs := inspect.AskHubs(ctx, c.Hubs)
	for _, h := range hubs {
		if h.Problem != nil {
			r.Warn("hubs", "the one at %s tells nothing (%v): look at --hubs (HUB_ADDRESSES), and whether it runs", h.Address, h.Problem)
		} else {
			r.OK("hubs", "the one at %s tells of its routes", h.Address)
		}
	}
	return hubs
}

// adviseRoute says what is to be done about one route.
func adviseRoute(r *inspect.Report, route inspect.Route, now time.Time) {
	const about = "route"
	before := false
	warn := func(format string, args ...any) {
		before = true
		r.Warn(about, route.Name+" "+format, args...)
	}
	if p := route.Pause; p != nil {
		warn("is paused by %s since %s (%s): hubctl route resume %s ends it", p.Owner, when(p.Since, "?"), p.Why, route.Name)
	}
	if b := route.Breaker; b != nil {
		warn("has its breaker held %s by %s since %s (%s): hubctl breaker release %s ends it", b.Force, b.Owner, when(b.Since, "?"), b.Why, route.Name)
	}
	if route.Members == 0 {
		warn("is run by no hub: start one whose HUB_ROUTES name it")
	}
	if route.Members > 0 && route.Group != "Stable" {
		warn("is being handed over (its group is %s): look again; if it stays so, hubs come and go faster than HUB_REBALANCE", route.Group)
	}
	if waits := now.Sub(route.Oldest); !route.Oldest.IsZero() && waits > staleAfter {
		warn("has not finished a message that was written %s ago (%d in all): look at its system and its breaker, hubctl lag %s -p", waits.Round(time.Second), route.Lag, route.Name)
	}
	if route.Letters > 0 {
		warn("has %d dead letters that nobody has decided, the oldest for %s: hubctl dead list --route %s", route.Letters, ago(now, route.OldestLetter), route.Name)
	}
	before = adviseTold(r, route, warn) || before
	state := fmt.Sprintf("%s is run by %s, %s unfinished, %d parked", route.Name, plural(route.Members, "hub"), plural(int(route.Lag), "message"), route.Parked)
	switch {
	case before:
	case breakerText(route) == inspect.Unknown || route.State == inspect.Unknown:
		r.Skip(about, "%s; whether its breaker is open, or a hub has paused it, is unknown here", state)
	default:
		r.OK(about, "%s; its breaker is %s", state, breakerText(route))
	}
}

// adviseTold says what is to be done about what the hubs have told of a route, and
// whether that is anything.
func adviseTold(r *inspect.Report, route inspect.Route, warn func(format string, args ...any)) bool {
	if route.Told == nil {
		return false
	}
	if n := route.Told.States[inspect.Failed]; n > 0 {
		r.Fail("route", "%s has stopped for good%s: its log says why; it begins again when the hub does", route.Name, shares(n, hubsOf(route)))
		return true
	}
	if state, _ := route.Told.Worst(); route.Breaker == nil && state != "" && state != "closed" {
		warn("has its breaker %s, not closed since %s: look at its system; it closes with the first probe that succeeds", breakerText(route), when(route.Told.OpenSince, "an unknown time"))
	}
	var others []string
	for _, reason := range route.Told.Reasons() {
		if reason != "breaker" && reason != "operator" {
			others = append(others, strings.ReplaceAll(reason, "_", " ")+shares(route.Told.Pauses[reason], hubsOf(route)))
		}
	}
	if len(others) > 0 {
		warn("is paused by the hubs themselves (%s): their log says more, and it goes on by itself once that is over", strings.Join(others, ", "))
	}
	return false
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
