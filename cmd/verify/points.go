package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kandashub/cmd/verify/world"
	"kandashub/topics/failpoint"
)

// onTheWay are the points that every message passes, and aside those that only
// some do.
var (
	onTheWay = []failpoint.Point{failpoint.Assigned, failpoint.Indexed, failpoint.Fetched, failpoint.Claimed, failpoint.Marked, failpoint.Sent,
		failpoint.Written, failpoint.Responded, failpoint.Answered, failpoint.Published, failpoint.Done, failpoint.Committing, failpoint.Committed,
		failpoint.Draining, failpoint.Stopping}
	aside = []failpoint.Point{failpoint.Released, failpoint.Parked, failpoint.Through, failpoint.Dying, failpoint.Buried}
)

func names(points []failpoint.Point) (out []string) {
	for _, p := range points {
		out = append(out, string(p))
	}
	return out
}

// dieAt has the first replica die at a point, when it passes it for the nth
// time. It waits for the death as long as limit, and leaves the replica dead.
func (r *run) dieAt(ctx context.Context, p string, nth int, limit time.Duration, provoke func() error) error {
	h := r.world.Hubs[0]
	name, _, _ := strings.Cut(p, "@")
	end := r.band(p)
	defer end()
	h.Kill()
	if err := h.Start(fmt.Sprintf("HUB_FAILPOINT=%s:exit:%d", p, nth)); err != nil {
		return err
	}
	if provoke != nil {
		if err := provoke(); err != nil {
			return err
		}
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-h.Exited():
		if h.ExitCode() == 137 {
			r.bit(name, 1)
		}
	case <-t.C:
		h.Kill()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// alone has one replica only, so that none waits for it to be gone.
func alone(c *world.Config) { c.Replicas = 1 }

func dieAtEachStep(ctx context.Context, r *run) error {
	random := r.random()
	for range r.kills(1) {
		for _, p := range onTheWay {
			if err := r.flowing(ctx); err != nil {
				return err
			}
			h := r.world.Hubs[0]
			var provoke func() error
			nth := 1 + random.IntN(5)
			switch p {
			case failpoint.Assigned, failpoint.Indexed:
				nth = 1
			case failpoint.Stopping, failpoint.Draining:
				nth = 1
				provoke = func() error {
					if err := h.Ready(ctx); err != nil {
						return err
					}
					if err := pause(ctx, 4*time.Second); err != nil { // until it has partitions
						return err
					}
					h.Signal(terminate)
					return nil
				}
			}
			if err := r.dieAt(ctx, string(p), nth, 12*time.Second, provoke); err != nil {
				return err
			}
		}
	}
	return r.world.Hubs[0].Start()
}

// generating are the points of a generation's way.
var generating = []failpoint.Point{failpoint.Marked, failpoint.Sent, failpoint.Responded, failpoint.Answered, failpoint.Published}

func dieGenerating(ctx context.Context, r *run) error {
	for range r.kills(1) {
		for i, p := range append(generating, failpoint.Responded) {
			if err := r.dieAt(ctx, string(p)+"@iin-generate", 1+i%2, 12*time.Second, nil); err != nil {
				return err
			}
		}
	}
	return r.world.Hubs[0].Start()
}

// dieWhileParking keeps two systems from answering half of their calls, so that
// messages are given back and applications parked that hold back a window.
func dieWhileParking(ctx context.Context, r *run) error {
	random := r.random()
	err := r.halfRefused(ctx, func() error {
		for _, p := range aside {
			if err := r.dieAt(ctx, string(p), 1+random.IntN(3), 15*time.Second, nil); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, r.world.Hubs[0].Start())
}

// zombieFor is how long a hub is frozen before its call: until its session has
// ended, another hub has been given its partitions, and what it was about to do
// has been settled and done by that one, also on a busy machine.
const zombieFor = 20 * time.Second

// zombieLives is how long it has then to do what it was about to do.
const zombieLives = 2 * time.Second

// freezeBeforeTheCall stops a hub at the very step at which a zombie does harm.
func freezeBeforeTheCall(ctx context.Context, r *run) error {
	for _, p := range []string{"sent@notify-egov", "sent@iin-generate", "answered@iin-generate"} {
		h := r.world.Hubs[0]
		h.Kill()
		if err := h.Start("HUB_FAILPOINT=" + p + ":stop"); err != nil {
			return err
		}
		stopped, err := h.AwaitStop(ctx, 10*time.Second)
		if err != nil {
			return err
		}
		end := r.band("zombie at " + p)
		if stopped {
			r.bit("zombie", 1)
		}
		err = pause(ctx, zombieFor) // its session and lease end, others settle its message
		h.Cont()
		err = errors.Join(err, pause(ctx, zombieLives))
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

// panicHubs has a hub panic in the life of messages, where it must go on, and in
// its machinery, where the route must stop and the others go on; another replica
// has its messages.
func panicHubs(ctx context.Context, r *run) error {
	h := r.world.Hubs[0]
	for _, p := range []string{"claimed@notify-migration", "sent@notify-egov", "responded@verify", "fetched@delivered", "committing@notify-statecorp"} {
		end := r.band("panic at " + p)
		h.Kill()
		if err := errors.Join(h.Start("HUB_FAILPOINT="+p+":panic"), h.Ready(ctx)); err != nil {
			return err
		}
		struck, err := h.AwaitLog(ctx, "failpoint "+strings.ReplaceAll(p, "@", " "), 8*time.Second)
		if err != nil {
			return err
		}
		if struck {
			r.bit("panic", 1)
		}
		err = pause(ctx, time.Second)
		end()
		if err != nil {
			return err
		}
		if !h.Running() {
			return fmt.Errorf("a panic at %s has ended the process", p)
		}
	}
	h.Kill()
	return h.Start() // its stopped routes begin again
}
