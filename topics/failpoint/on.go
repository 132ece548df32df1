//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// plan is what the environment asks for. It and skew are the one state of a
// package in the module: they are not in the programs that anybody runs.
var plan = sync.OnceValue(func() []*trap {
	traps, err := parse(os.Getenv("HUB_FAILPOINT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "HUB_FAILPOINT:", err)
		os.Exit(2)
	}
	return traps
})

// A trap is one action at one point.
type trap struct {
	point  Point
	route  string // empty: any
	action string
	sleep  time.Duration
	nth    int64
	hits   atomic.Int64
}

// Hit says that a point has been reached on a route; "" where no route is known.
func Hit(p Point, route string) {
	for _, t := range plan() {
		if t.point == p && (t.route == "" || t.route == route) && t.hits.Add(1) == t.nth {
			t.strike()
		}
	}
}

func (t *trap) strike() {
	fmt.Fprintf(os.Stderr, "failpoint %s %s: %s\n", t.point, t.route, t.action)
	switch t.action {
	case "exit":
		os.Exit(137)
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "panic":
		panic("failpoint " + string(t.point))
	case "sleep":
		time.Sleep(t.sleep)
	}
}

func parse(s string) (traps []*trap, err error) {
	if s == "" {
		return nil, nil
	}
	for _, one := range strings.Split(s, ",") {
		parts := strings.Split(one, ":")
		if len(parts) < 2 || len(parts) > 3 {
			return nil, fmt.Errorf("%q is not point[@route]:action[:nth]", one)
		}
		t := &trap{action: parts[1], nth: 1}
		name, route, _ := strings.Cut(parts[0], "@")
		t.point, t.route = Point(name), route
		if !slices.Contains(Points(), t.point) {
			return nil, fmt.Errorf("there is no point %q", name)
		}
		if d, ok := strings.CutPrefix(t.action, "sleep="); ok {
			t.action = "sleep"
			if t.sleep, err = time.ParseDuration(d); err != nil {
				return nil, err
			}
		}
		if !slices.Contains([]string{"exit", "stop", "panic", "sleep"}, t.action) {
			return nil, fmt.Errorf("there is no action %q", t.action)
		}
		if len(parts) == 3 {
			if t.nth, err = strconv.ParseInt(parts[2], 10, 64); err != nil || t.nth < 1 {
				return nil, fmt.Errorf("%q is no count", parts[2])
			}
		}
		traps = append(traps, t)
	}
	return traps, nil
}

// skew is how far the clock of this process is to be off: HUB_CLOCK=+10m.
var skew = sync.OnceValue(func() time.Duration {
	text := os.Getenv("HUB_CLOCK")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "HUB_CLOCK:", err)
		os.Exit(2)
	}
	return d
})

// Now is the time, as a clock has it that is off by HUB_CLOCK.
func Now() time.Time { return time.Now().Add(skew()) }
