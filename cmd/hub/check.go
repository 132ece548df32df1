package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/inspect"
)

// check tries everything that the hub needs, without starting it, and says what
// it found on w, one line each: ok, warn or fail, and what to do. It returns the
// exit code: 0, or 1 if anything failed.
func check(ctx context.Context, cfg *Config, w io.Writer) int {
	r := inspect.NewReport(func(f inspect.Finding) { fmt.Fprintf(w, "%-4s  %-12s  %s\n", f.Verdict, f.About, f.Text) })
	r.OK("settings", "are valid; routes: %s", strings.Join(cfg.Routes, ", "))
	for _, name := range cfg.unknown {
		r.Warn("settings", "%s is no setting of the hub: look for a misspelling (hub settings lists them)", name)
	}
	c, err := contract.Load()
	if err != nil {
		r.Fail("contract", "%v", err)
		return 1
	}
	cluster := topics.NewCluster(cfg.Kafka)
	defer cluster.Close()
	inspect.CheckKafka(ctx, r, cluster, cfg.Kafka, c, cfg.Partitions)
	redis.SetLogger(redisLog{slog.New(slog.DiscardHandler)}) // what it has to say is in the report
	rdb := cfg.redisClient()
	defer rdb.Close()
	inspect.CheckRedis(ctx, r, rdb, cfg.runsC3())
	checkSystems(ctx, r, cfg)
	checkCallers(r, cfg)
	checkRecipients(r, cfg.plan, c)
	checkMemory(r, cfg, c)
	if r.Failed {
		return 1
	}
	return 0
}

// checkSystems tries a connection to every system that a running route calls.
func checkSystems(ctx context.Context, r *inspect.Report, cfg *Config) {
	tried := make(map[string]bool)
	for _, route := range cfg.running() {
		if tried[route.System] {
			continue
		}
		tried[route.System] = true
		addr, err := dialAddress(cfg.Systems[route.System].URL)
		if err == nil {
			err = inspect.Dial(ctx, addr)
		}
		if err != nil {
			r.Fail(route.System, "%s does not answer (%v): look at %s; until it answers, its messages wait",
				addr, err, systemSetting(route.System, "URL"))
			continue
		}
		r.OK(route.System, "%s takes connections", addr)
	}
}

// checkCallers names the systems that cannot call the hub.
func checkCallers(r *inspect.Report, cfg *Config) {
	for _, name := range cfg.plan.Callers {
		if cfg.Callers[name].Token == "" {
			r.Warn("callers", "%s has no token: it can write to its topics through Kafka alone; set HUB_INTAKE_%s_TOKEN if it calls the intake or SHEP endpoints",
				name, strings.ToUpper(name))
		}
	}
}

// checkRecipients names the recipients whose notifications no route reads.
func checkRecipients(r *inspect.Report, p plan, c *contract.Contract) {
	for _, t := range c.Topics() {
		recipient, ok := strings.CutSuffix(t.Name, ".notifications")
		if !ok || slices.ContainsFunc(p.Routes, func(route plannedRoute) bool { return slices.Contains(route.Sources, t.Name) }) {
			continue
		}
		r.Warn("recipients", "%s has no route: %s is written and kept without limit, nobody reads it yet", recipient, t.Name)
	}
}

// claimBytes is what one finished claim takes in Redis: measured on Redis 7.0, a
// done marker with its key and expiry takes 180 bytes.
const claimBytes = 185

// checkMemory prints how much memory Redis needs for the markers of finished
// messages, which live for the longest retention of a route's sources and a day.
func checkMemory(r *inspect.Report, cfg *Config, c *contract.Contract) {
	var claims float64
	for _, route := range cfg.running() {
		keep, err := retention(c, route.Sources)
		if err != nil {
			r.Warn("memory", "route %s: %v, so the memory of its claims cannot be reckoned", route.Name, err)
			continue
		}
		claims += (keep + 24*time.Hour).Seconds()
	}
	r.OK("memory", "Redis needs %.2f GiB for each message a second on every route: %.1f million claims of %d bytes (measured)",
		claims*claimBytes/(1<<30), claims/1e6, claimBytes)
}

// retention is the longest time for which a record stays on one of the topics.
func retention(c *contract.Contract, names []string) (longest time.Duration, err error) {
	for _, name := range names {
		t, ok := c.Topic(name)
		if !ok {
			return 0, fmt.Errorf("the contract knows no topic %s", name)
		}
		ms, err := strconv.ParseInt(t.Config["retention.ms"], 10, 64)
		if err != nil || ms < 0 {
			return 0, fmt.Errorf("topic %s is kept without limit", name)
		}
		longest = max(longest, time.Duration(ms)*time.Millisecond)
	}
	return longest, nil
}

// dialAddress is the host and port of a base URL.
func dialAddress(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		return "", errors.New("no URL")
	}
	return inspect.Address(u), nil
}
