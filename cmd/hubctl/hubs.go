package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"kandashub/topics/inspect"
)

// hubsFlags say where the hubs tell what only they know: the state of their breakers,
// and which routes they have paused by themselves.
type hubsFlags struct {
	Hubs []string `env:"HUB_ADDRESSES" placeholder:"HOST:PORT" help:"The HUB_METRICS of all hubs, separated by commas: they are asked for what only they know."`
}

// Validate wants addresses.
func (f *hubsFlags) Validate() error {
	f.Hubs = trimmed(f.Hubs)
	for _, address := range f.Hubs {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return fmt.Errorf("--hubs (HUB_ADDRESSES): %q is no host:port", address)
		}
	}
	return nil
}

// unknownHere is said wherever something is left out that only hubs know.
const unknownHere = "unknown here: give --hubs (HUB_ADDRESSES), or look at the console"

// ask asks the hubs, and says which of them tell nothing.
func (f *hubsFlags) ask(ctx context.Context, out talk) []inspect.Hub {
	hubs := inspect.AskHubs(ctx, f.Hubs)
	for _, h := range hubs {
		if h.Problem != nil {
			fmt.Fprintf(out, "the hub at %s tells nothing (%v): look at --hubs (HUB_ADDRESSES), and whether it runs\n", h.Address, h.Problem)
		}
	}
	return hubs
}

// hear adds what the hubs tell to the routes; where none is named, it says what is
// missing.
func (f *hubsFlags) hear(ctx context.Context, out talk, routes []inspect.Route) {
	if len(f.Hubs) == 0 {
		fmt.Fprintf(out, "what the hubs' breakers are like, and what the hubs have paused by themselves, is %s\n", unknownHere)
		return
	}
	hubs := f.ask(ctx, out)
	for i := range routes {
		routes[i].Hear(hubs)
	}
}

// shares says at how many hubs something is so; nothing where it is so at all.
func shares(n, all int) string {
	if n >= all {
		return ""
	}
	return fmt.Sprintf(" in %d of %d hubs", n, all)
}

// hubsOf is how many hubs a route has: as far as they have told, or as its group is
// known to have.
func hubsOf(r inspect.Route) int {
	if r.Told == nil {
		return r.Members
	}
	return max(r.Members, r.Told.Hubs)
}

// stateText is the state of a route, with how many of its hubs see it so.
func stateText(r inspect.Route) string {
	if r.Told == nil || r.Told.States[r.State] == 0 {
		return r.State
	}
	return r.State + shares(r.Told.States[r.State], hubsOf(r))
}

// breakerText is what the breakers of a route are like by themselves.
func breakerText(r inspect.Route) string {
	if r.Told == nil && r.Members > 0 {
		return inspect.Unknown
	}
	if r.Told == nil {
		return "-"
	}
	state, n := r.Told.Worst()
	switch {
	case state == "" && r.Members == 0:
		return "-"
	case state == "", state == "closed" && n < r.Members: // the others have not told
		return inspect.Unknown
	}
	return strings.ReplaceAll(state, "_", " ") + shares(n, hubsOf(r))
}

// pausesText is why the hubs have paused a route by themselves, and at how many.
func pausesText(r inspect.Route) string {
	if r.Told == nil {
		return ""
	}
	var all []string
	for _, reason := range r.Told.Reasons() {
		if reason != "operator" { // told with who and why
			all = append(all, strings.ReplaceAll(reason, "_", " ")+shares(r.Told.Pauses[reason], hubsOf(r)))
		}
	}
	return strings.Join(all, ", ")
}
