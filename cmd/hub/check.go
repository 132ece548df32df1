package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/contract"
)

// tryFor bounds each single try of hub check.
const tryFor = 5 * time.Second

// A report is what hub check prints: one line for each thing that was tried,
// with what to do about it.
type report struct {
	w      io.Writer
	failed bool
}

func (r *report) ok(what, format string, args ...any)   { r.line("ok", what, format, args...) }
func (r *report) warn(what, format string, args ...any) { r.line("warn", what, format, args...) }

func (r *report) fail(what, format string, args ...any) {
	r.failed = true
	r.line("fail", what, format, args...)
}

func (r *report) line(verdict, what, format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	fmt.Fprintf(r.w, "%-4s  %-12s  %s\n", verdict, what, text)
}

// check tries everything that the hub needs, without starting it, and says what
// it found on w, one line each: ok, warn or fail, and what to do. It returns the
// exit code: 0, or 1 if anything failed.
func check(ctx context.Context, cfg *Config, w io.Writer) int {
	r := &report{w: w}
	r.ok("settings", "are valid; routes: %s", strings.Join(cfg.Routes, ", "))
	for _, name := range cfg.unknown {
		r.warn("settings", "%s is no setting of the hub: look for a misspelling (hub settings lists them)", name)
	}
	c, err := contract.Load()
	if err != nil {
		r.fail("contract", "%v", err)
		return 1
	}
	checkKafka(ctx, r, cfg, c)
	redis.SetLogger(redisLog{slog.New(slog.DiscardHandler)}) // what it has to say is in the report
	rdb := cfg.redisClient()
	defer rdb.Close()
	checkRedis(ctx, r, rdb, cfg.runsC3())
	checkSystems(ctx, r, cfg)
	checkCallers(r, cfg)
	checkRecipients(r, cfg.plan, c)
	checkMemory(r, cfg, c)
	if r.failed {
		return 1
	}
	return 0
}

// checkKafka tries the brokers, by the addresses that they give to clients, and
// holds the topics against the contract.
func checkKafka(ctx context.Context, r *report, cfg *Config, c *contract.Contract) {
	ctx, cancel := context.WithTimeout(ctx, 3*tryFor)
	defer cancel()
	cluster := topics.NewCluster(cfg.Kafka)
	defer cluster.Close()
	meta, err := cluster.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if err != nil {
		r.fail("kafka", "no broker answers at %s (%v): look at HUB_KAFKA and the network", strings.Join(cfg.Kafka, ", "), err)
		return
	}
	for _, b := range meta.Brokers {
		addr := net.JoinHostPort(b.Host, strconv.Itoa(b.Port))
		if err := dial(ctx, addr); err != nil {
			r.fail("kafka", "broker %d calls itself %s, which does not answer (%v): look at its advertised.listeners", b.ID, addr, err)
		} else {
			r.ok("kafka", "broker %d answers at %s", b.ID, addr)
		}
	}
	if len(meta.Brokers) > 0 {
		checkOffsets(ctx, r, cluster.Client, meta.Brokers[0].ID)
	}
	problems, err := c.Missing(ctx, cluster.Client, cfg.Partitions, nil)
	if err != nil {
		r.fail("topics", "cannot be listed (%v)", err)
		return
	}
	var missing []string
	for _, p := range problems {
		if p.Partitions == 0 {
			missing = append(missing, p.Topic)
		} else {
			r.fail("topics", "%s: set HUB_PARTITIONS, or make the topic anew; its routes do not start", p)
		}
	}
	if len(missing) > 0 {
		r.fail("topics", "missing: %s; run hubctl topics create", strings.Join(missing, ", "))
	}
	if len(problems) == 0 {
		r.ok("topics", "%d topics are as the contract says, with %d partitions", len(c.Topics()), cfg.Partitions)
	}
}

// checkSystems tries a connection to every system that a running route calls.
func checkSystems(ctx context.Context, r *report, cfg *Config) {
	tried := make(map[string]bool)
	for _, route := range cfg.running() {
		if tried[route.System] {
			continue
		}
		tried[route.System] = true
		addr, err := dialAddress(cfg.Systems[route.System].URL)
		if err == nil {
			err = dial(ctx, addr)
		}
		if err != nil {
			r.fail(route.System, "%s does not answer (%v): look at %s; until it answers, its messages wait",
				addr, err, systemSetting(route.System, "URL"))
			continue
		}
		r.ok(route.System, "%s takes connections", addr)
	}
}

// checkCallers names the systems that cannot call the hub.
func checkCallers(r *report, cfg *Config) {
	for _, name := range cfg.plan.Callers {
		if cfg.Callers[name].Token == "" {
			r.warn("callers", "%s has no token: it can write to its topics through Kafka alone; set HUB_INTAKE_%s_TOKEN if it calls the intake or SHEP endpoints",
				name, strings.ToUpper(name))
		}
	}
}

// checkRecipients names the recipients whose notifications no route reads.
func checkRecipients(r *report, p plan, c *contract.Contract) {
	for _, t := range c.Topics() {
		recipient, ok := strings.CutSuffix(t.Name, ".notifications")
		if !ok || slices.ContainsFunc(p.Routes, func(route plannedRoute) bool { return slices.Contains(route.Sources, t.Name) }) {
			continue
		}
		r.warn("recipients", "%s has no route: %s is written and kept without limit, nobody reads it yet", recipient, t.Name)
	}
}

// claimBytes is what one finished claim takes in Redis: measured on Redis 7.0, a
// done marker with its key and expiry takes 180 bytes.
const claimBytes = 185

// checkMemory prints how much memory Redis needs for the markers of finished
// messages, which live for the longest retention of a route's sources and a day.
func checkMemory(r *report, cfg *Config, c *contract.Contract) {
	var claims float64
	for _, route := range cfg.running() {
		keep, err := retention(c, route.Sources)
		if err != nil {
			r.warn("memory", "route %s: %v, so the memory of its claims cannot be reckoned", route.Name, err)
			continue
		}
		claims += (keep + 24*time.Hour).Seconds()
	}
	r.ok("memory", "Redis needs %.2f GiB for each message a second on every route: %.1f million claims of %d bytes (measured)",
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
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// dial tries one TCP connection.
func dial(ctx context.Context, addr string) error {
	d := net.Dialer{Timeout: tryFor}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}
