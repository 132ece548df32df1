package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"kandashub/topics/control"
	"kandashub/topics/inspect"
)

// routeList is the page of all routes, with what can be done to them.
func (v *visit) routeList() error {
	s := v.now()
	return v.show(http.StatusOK, "routes", map[string]any{"Now": s})
}

// routePage shows one route by partition.
func (v *visit) routePage() error {
	s := v.now()
	i := slices.IndexFunc(s.Routes, func(r routeView) bool { return r.Name == v.r.PathValue("route") })
	if i < 0 {
		return errNotFound
	}
	var group inspect.Group
	if j := slices.IndexFunc(s.Groups, func(g inspect.Group) bool { return g.Route == s.Routes[i].Name }); j >= 0 {
		group = s.Groups[j]
	}
	return v.show(http.StatusOK, "route", map[string]any{"Now": s, "Route": s.Routes[i], "Group": group})
}

func (v *visit) breakerList() error {
	return v.show(http.StatusOK, "breakers", map[string]any{"Now": v.now()})
}

// A groupView is a consumer group as its page shows it.
type groupView struct {
	inspect.Group
	Lag       int64
	Oldest    time.Time // of the unfinished
	Here      bool      // this process is a member, if anybody is
	Committed time.Time // when this process has committed last
	Joined    int       // generations that this process has joined
}

func (v *visit) groupList() error {
	s := v.now()
	var groups []groupView
	for _, g := range s.Groups {
		view := groupView{Group: g}
		view.Lag, view.Oldest = g.Lag()
		if i := slices.IndexFunc(s.Routes, func(r routeView) bool { return r.Name == g.Route }); i >= 0 {
			view.Here, view.Committed, view.Joined = s.Routes[i].Here, s.Routes[i].Committed, s.Routes[i].Joined
		}
		groups = append(groups, view)
	}
	return v.show(http.StatusOK, "groups", map[string]any{"Now": s, "Groups": groups})
}

// lasting reads how long something is to hold, in minutes. always says that it
// may hold until it is taken back.
func (v *visit) lasting(always bool) (time.Duration, error) {
	text := v.r.PostFormValue("minutes")
	if text == "0" && always {
		return 0, nil
	}
	minutes, err := strconv.Atoi(text)
	d := time.Duration(minutes) * time.Minute
	if err != nil || d <= 0 || d > control.LongestHold {
		return 0, wrong("minutes", int(control.LongestHold.Minutes()))
	}
	return d, nil
}

// command carries out a command about the route in the path and goes back.
func (v *visit) command(note, back string, do func(ctx context.Context, o control.Order, route string) error) error {
	o, err := v.order()
	if err != nil {
		return err
	}
	route := v.r.PathValue("route")
	if err := do(v.r.Context(), o, route); err != nil {
		return err
	}
	// What was just written is to be seen on the next page.
	if err := v.cfg.Commands.Store.Caught(v.r.Context()); err != nil {
		return err
	}
	return v.to(v.back(back), note, route)
}

func (v *visit) pause() error {
	d, err := v.lasting(true)
	if err != nil {
		return err
	}
	return v.command("note.paused", "/routes", func(ctx context.Context, o control.Order, route string) error {
		return v.cfg.Commands.Pause(ctx, o, route, d)
	})
}

// drainTime bounds how long a page waits for a route to become quiet; it stays
// paused after that.
const drainTime = 90 * time.Second

// drain pauses a route and waits until nothing of it is under way.
func (v *visit) drain() error {
	d, err := v.lasting(true)
	if err != nil {
		return err
	}
	return v.command("note.drained", "/routes", func(ctx context.Context, o control.Order, route string) error {
		ctx, cancel := context.WithTimeout(ctx, drainTime)
		defer cancel()
		return v.cfg.Commands.Drain(ctx, o, route, d, v.cfg.Quiet)
	})
}

func (v *visit) resume() error { return v.command("note.resumed", "/routes", v.cfg.Commands.Resume) }

func (v *visit) breakerOpen() error  { return v.force("note.opened", control.ForceOpen) }
func (v *visit) breakerClose() error { return v.force("note.closed", control.ForceClosed) }

// force holds a breaker, always with an end.
func (v *visit) force(note, to string) error {
	d, err := v.lasting(false)
	if err != nil {
		return err
	}
	return v.command(note, "/breakers", func(ctx context.Context, o control.Order, route string) error {
		return v.cfg.Commands.ForceBreaker(ctx, o, route, to, d)
	})
}

func (v *visit) breakerRelease() error {
	return v.command("note.released", "/breakers", v.cfg.Commands.ReleaseBreaker)
}

// acceptLoss accepts a loss of claims.
func (v *visit) acceptLoss() error {
	return v.command("note.accepted", "/", func(ctx context.Context, o control.Order, _ string) error {
		return v.cfg.Commands.AcceptLoss(ctx, o)
	})
}
