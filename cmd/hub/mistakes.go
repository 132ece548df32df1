package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kandashub/topics"
)

// mistakes returns everything that is wrong with settings that are well formed
// each by itself.
func (c *Config) mistakes() []error {
	return slices.Concat(c.addressMistakes(), c.timeMistakes(), c.countMistakes(), c.routeMistakes(), c.callerMistakes(), c.Console.mistakes())
}

func (c *Config) addressMistakes() (errs []error) {
	for _, list := range []struct {
		name      string
		addresses []string
	}{
		{"HUB_KAFKA", c.Kafka}, {"HUB_REDIS", c.Redis}, {"HUB_LISTEN", []string{c.Listen}}, {"HUB_METRICS", []string{c.Metrics}},
	} {
		for _, a := range list.addresses {
			if err := checkAddress(a); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", list.name, err))
			}
		}
	}
	if c.OTLP != "" {
		if err := checkURL(c.OTLP); err != nil {
			errs = append(errs, fmt.Errorf("HUB_OTLP %w", err))
		}
	}
	switch c.RedisMode {
	case "single":
		if len(c.Redis) > 1 {
			errs = append(errs, fmt.Errorf("HUB_REDIS names %d addresses: set HUB_REDIS_MODE to cluster or sentinel", len(c.Redis)))
		}
	case "cluster":
	case "sentinel":
		if c.RedisMaster == "" {
			errs = append(errs, fmt.Errorf("HUB_REDIS_MASTER is required with HUB_REDIS_MODE=sentinel"))
		}
	default:
		errs = append(errs, fmt.Errorf("HUB_REDIS_MODE: %q is none of single, cluster, sentinel", c.RedisMode))
	}
	if c.RedisReplicas < -1 {
		errs = append(errs, fmt.Errorf("HUB_REDIS_REPLICAS is %d: it must be 0 or more, or -1", c.RedisReplicas))
	}
	if c.RedisMode != "sentinel" && c.RedisMaster != "" {
		errs = append(errs, fmt.Errorf("HUB_REDIS_MASTER is set, but HUB_REDIS_MODE is not sentinel"))
	}
	return errs
}

// timeMistakes checks the relations between times on which safety rests.
func (c *Config) timeMistakes() (errs []error) {
	positive := []struct {
		name string
		d    time.Duration
	}{
		{"HUB_CALL", c.Call}, {"HUB_LEASE", c.Lease}, {"HUB_DRAIN", c.Drain}, {"HUB_SESSION", c.Session},
		{"HUB_REBALANCE", c.Rebalance}, {"HUB_SHUTDOWN", c.Shutdown}, {"HUB_SETTLE_C2", c.SettleC2}, {"HUB_SETTLE_C3", c.SettleC3},
		{"HUB_PARK_AFTER", c.ParkAfter}, {"HUB_BACKOFF_MIN", c.BackoffMin}, {"HUB_BACKOFF_CAP", c.BackoffCap},
		{"HUB_BREAKER_OPEN_FOR", c.BreakerOpenFor}, {"HUB_OUTCOMES_KEEP", c.OutcomesKeep},
	}
	for _, p := range positive {
		if p.d <= 0 {
			errs = append(errs, fmt.Errorf("%s is %s: it must be more than 0", p.name, p.d))
		}
	}
	if c.Deadline < 0 {
		errs = append(errs, fmt.Errorf("HUB_DEADLINE is %s: it must be 0 or more", c.Deadline))
	}
	for _, rule := range []struct {
		ok   bool
		text string
	}{
		{c.Call+leaseMargin < c.Lease, fmt.Sprintf("HUB_CALL (%s) + %s must be less than HUB_LEASE (%s): "+
			"else a call outlives its claim and another hub may call as well", c.Call, leaseMargin, c.Lease)},
		{c.Drain < c.Session, fmt.Sprintf("HUB_DRAIN (%s) must be less than HUB_SESSION (%s): "+
			"no heartbeats are sent while running calls end", c.Drain, c.Session)},
		{c.Session <= c.Rebalance, fmt.Sprintf("HUB_SESSION (%s) must not be more than HUB_REBALANCE (%s): "+
			"else members are thrown out before a dead one is noticed", c.Session, c.Rebalance)},
		{max(c.Call, c.Drain) < c.Shutdown, fmt.Sprintf("HUB_SHUTDOWN (%s) must be more than HUB_CALL (%s) and HUB_DRAIN (%s): "+
			"running calls are to end before the process does", c.Shutdown, c.Call, c.Drain)},
		{c.SettleC2 <= c.SettleC3, fmt.Sprintf("HUB_SETTLE_C2 (%s) must not be more than HUB_SETTLE_C3 (%s): "+
			"what cannot be repeated waits at least as long", c.SettleC2, c.SettleC3)},
		{c.BackoffMin <= c.BackoffCap, fmt.Sprintf("HUB_BACKOFF_MIN (%s) must not be more than HUB_BACKOFF_CAP (%s)", c.BackoffMin, c.BackoffCap)},
	} {
		if !rule.ok {
			errs = append(errs, fmt.Errorf("%s", rule.text))
		}
	}
	return errs
}

func (c *Config) countMistakes() (errs []error) {
	counts := []struct {
		name string
		n    int64
	}{
		{"HUB_PARTITIONS", int64(c.Partitions)}, {"HUB_WINDOW", int64(c.Window)}, {"HUB_WINDOW_BYTES", int64(c.WindowBytes)},
		{"HUB_WORKERS", int64(c.Workers)}, {"HUB_BREAKER_FAILURES", int64(c.BreakerFailures)}, {"HUB_TRACE_SAMPLE", int64(c.TraceSample)},
		{"HUB_OUTCOMES_MOST", int64(c.OutcomesMost)},
	}
	for _, name := range c.plan.Systems {
		counts = append(counts, struct {
			name string
			n    int64
		}{systemSetting(name, "CONNS"), int64(c.Systems[name].Conns)})
	}
	for _, s := range counts {
		if s.n < 1 {
			errs = append(errs, fmt.Errorf("%s is %d: it must be 1 or more", s.name, s.n))
		}
	}
	return errs
}

// routeMistakes checks what the routes that run need.
func (c *Config) routeMistakes() (errs []error) {
	known := make([]string, 0, len(c.plan.Routes))
	for _, r := range c.plan.Routes {
		known = append(known, r.Name)
	}
	for _, name := range c.Routes {
		if name != "all" && !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("HUB_ROUTES: there is no route %q; there are all, %s", name, strings.Join(known, ", ")))
		}
	}
	users := make(map[string][]string) // system -> running routes
	for _, r := range c.running() {
		users[r.System] = append(users[r.System], r.Name)
		if r.Effect == topics.C3 && len(c.PersonKey) == 0 {
			errs = append(errs, fmt.Errorf("HUB_PERSON_KEY is required, because route %s runs: make one with openssl rand -hex 32, keep it for ever", r.Name))
		}
	}
	for _, name := range c.plan.Systems {
		u := c.Systems[name].URL
		if u == "" {
			if len(users[name]) > 0 {
				errs = append(errs, fmt.Errorf("%s is required by %s", systemSetting(name, "URL"), strings.Join(users[name], ", ")))
			}
		} else if err := checkURL(u); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", systemSetting(name, "URL"), err))
		}
	}
	return errs
}

// callerMistakes checks the credentials of those who call the hub.
func (c *Config) callerMistakes() (errs []error) {
	senders, tokens := make(map[string]string), make(map[Secret]string)
	for _, name := range c.plan.Callers {
		caller := c.Callers[name]
		upper := strings.ToUpper(name)
		if other, taken := senders[caller.Sender]; taken {
			errs = append(errs, fmt.Errorf("HUB_SHEP_SENDER_%s is the same as that of %s", upper, other))
		}
		senders[caller.Sender] = name
		if caller.Token == "" {
			continue
		}
		if len(caller.Token) < 16 {
			errs = append(errs, fmt.Errorf("HUB_INTAKE_%s_TOKEN is shorter than 16 characters", upper))
		}
		if other, taken := tokens[caller.Token]; taken {
			errs = append(errs, fmt.Errorf("HUB_INTAKE_%s_TOKEN is the same as that of %s: a token names one system", upper, other))
		}
		tokens[caller.Token] = name
	}
	return errs
}

// systemSetting is the name of a setting that each system has.
func systemSetting(system, name string) string { return "HUB_" + strings.ToUpper(system) + "_" + name }
