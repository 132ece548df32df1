package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"kandashub/observability/promserver"
)

// each waits until every one of some alerts has been seen to fire, or to be
// silent, and returns when.
func (w *watch) each(ctx context.Context, names []string, fire bool, limit time.Duration) (map[string]time.Time, error) {
	seen := map[string]time.Time{}
	err := w.await(ctx, limit, func(firing []promserver.Sample) error {
		var missing []string
		var on []promserver.Sample
		for _, n := range names {
			if !seen[n].IsZero() {
				continue
			}
			now := of(n, firing)
			if (len(now) > 0) == fire {
				seen[n] = time.Now()
				continue
			}
			missing, on = append(missing, n), append(on, now...)
		}
		switch {
		case len(missing) == 0:
			return nil
		case fire:
			return fmt.Errorf("%s does not fire", strings.Join(missing, ", "))
		default:
			return fmt.Errorf("what was to fall silent fires on:%s", lines(on))
		}
	})
	return seen, err
}

// of returns those of some alerts that have a name.
func of(name string, alerts []promserver.Sample) (found []promserver.Sample) {
	for _, a := range alerts {
		if a.Labels["alertname"] == name {
			found = append(found, a)
		}
	}
	return found
}

// watched waits until Prometheus has seen all hubs at work: what they have counted
// before it looks for the first time is no increase.
func (w *watch) watched(ctx context.Context) error {
	return w.await(ctx, clearWithin, func([]promserver.Sample) error {
		seen, err := w.prometheus.Series(ctx, `rate(hub_messages_final_total{route="delivered",outcome="delivered"}[5s]) > 0`)
		if err == nil && len(seen) < len(w.world.Hubs) {
			err = fmt.Errorf("%d of %d hubs are seen at work", len(seen), len(w.world.Hubs))
		}
		return err
	})
}

// leftovers are what a fault may leave behind that raises no alert, or none yet. It
// would raise one in a later stage, and be taken for that one's.
var leftovers = []string{
	`hub_dlq_unresolved_messages > 0`,
	`hub_parked_messages > 0`,
	`hub_stuck_attempts > 0`,
	`hub_route_paused == 1`,
	`hub_breaker_state{state!="closed"} == 1`,
	`hub_claims_lost == 1`,
	`hub_consumer_lag_seconds > 5`,
}

// calm waits until only the watchdog fires and no fault has left anything behind.
func (w *watch) calm(ctx context.Context) error {
	return w.await(ctx, clearWithin, func(firing []promserver.Sample) error {
		found := slices.DeleteFunc(firing, func(a promserver.Sample) bool { return a.Labels["alertname"] == watchdog })
		if len(firing) == len(found) {
			return fmt.Errorf("%s does not fire", watchdog)
		}
		left, err := w.left(ctx)
		if found = append(found, left...); err == nil && len(found) > 0 {
			err = fmt.Errorf("it does not become calm:%s", lines(found))
		}
		return err
	})
}

// left returns what there is now of leftovers.
func (w *watch) left(ctx context.Context) (found []promserver.Sample, err error) {
	for _, expr := range leftovers {
		more, err := w.prometheus.Series(ctx, expr)
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// lines puts each of some samples on a line of its own.
func lines(samples []promserver.Sample) string {
	const most = 20
	var b strings.Builder
	for _, s := range samples[:min(most, len(samples))] {
		fmt.Fprintf(&b, "\n  %s", s)
	}
	if more := len(samples) - most; more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	return b.String()
}

// await asks Prometheus again and again which alerts fire, until ok has nothing
// against it or too long has passed.
func (w *watch) await(ctx context.Context, limit time.Duration, ok func(firing []promserver.Sample) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s have passed", limit))
	defer cancel()
	var last error
	err := until(ctx, 250*time.Millisecond, func() bool {
		firing, err := w.prometheus.Alerts(ctx)
		if err == nil {
			err = ok(firing)
		}
		if ctx.Err() != nil {
			return false // what was against it before says more
		}
		last = err
		return err == nil
	})
	return errors.Join(err, last)
}

// tell prints what is to be known of a world in which something has gone wrong: the
// folder with its logs may be lost with the machine.
func (w *watch) tell(ctx context.Context, out io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	firing, err := w.prometheus.Alerts(ctx)
	fmt.Fprintf(out, "what fires in the end:%s\n", cmp.Or(failure(err), lines(firing)))
	left, err := w.left(ctx)
	fmt.Fprintf(out, "what is left:%s\n", cmp.Or(failure(err), lines(left)))
	letters, err := w.world.Hubctl(ctx, "dead", "list")
	fmt.Fprintf(out, "hubctl dead list:\n%s%s\n", shortened(letters), failure(err))
	for _, h := range w.world.Hubs {
		log, err := os.ReadFile(h.Log)
		fmt.Fprintf(out, "the last errors of %s:\n%s%s\n", h.Name, lastErrors(string(log)), failure(err))
	}
}

// failure is what is printed of an error; "" of none.
func failure(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}

// shownLines is how much of a text is shown.
const shownLines = 12

// shortened is the beginning of a text.
func shortened(text string) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[:min(shownLines, len(lines))], "")
}

// lastErrors are the last lines of a hub's log that tell of an error.
func lastErrors(log string) string {
	var found []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"level":"ERROR"`) {
			found = append(found, line)
		}
	}
	return strings.Join(found[max(0, len(found)-shownLines):], "")
}
