package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/redis/go-redis/v9"

	"kandashub/topics"
	"kandashub/topics/claims"
)

// Config is every setting of the hub. Each field is one environment variable;
// the tags give its name, its default, its unit and what it means, and the
// README's table is made from them (hub settings). A secret may also be given
// as a file: HUB_X_FILE instead of HUB_X.
type Config struct {
	Kafka      []string `env:"HUB_KAFKA" envDefault:"127.0.0.1:9092" unit:"host:port, ..." meaning:"Kafka brokers to begin with"`
	Partitions int      `env:"HUB_PARTITIONS" envDefault:"8" unit:"partitions" meaning:"of every topic of a route; a topic with another number stops its routes"`

	Redis         []string `env:"HUB_REDIS" envDefault:"127.0.0.1:6379" unit:"host:port, ..." meaning:"Redis, or the nodes of a cluster, or the sentinels"`
	RedisMode     string   `env:"HUB_REDIS_MODE" envDefault:"single" unit:"single, cluster, sentinel" meaning:"how the claims' Redis is run"`
	RedisMaster   string   `env:"HUB_REDIS_MASTER" unit:"name" meaning:"name of the master that the sentinels watch; required with sentinel"`
	RedisUser     string   `env:"HUB_REDIS_USER" unit:"name" meaning:"Redis user; empty: the default user"`
	RedisReplicas int      `env:"HUB_REDIS_REPLICAS" envDefault:"-1" unit:"replicas" meaning:"that must have a claim before a call that nothing repeats (C3) is made; -1: one with cluster or sentinel, else none"`
	RedisPassword Secret   `env:"HUB_REDIS_PASSWORD" unit:"secret" meaning:"Redis password; empty: none"`

	Routes  []string `env:"HUB_ROUTES" envDefault:"all" unit:"name, ..." meaning:"routes that this process runs"`
	Listen  string   `env:"HUB_LISTEN" envDefault:"127.0.0.1:8080" unit:"host:port" meaning:"address of the intake and the SHEP endpoints"`
	Metrics string   `env:"HUB_METRICS" envDefault:"127.0.0.1:9090" unit:"host:port" meaning:"address of /metrics, /livez and /readyz"`

	Call      time.Duration `env:"HUB_CALL" envDefault:"8s" unit:"duration" meaning:"deadline of one call of a system"`
	Lease     time.Duration `env:"HUB_LEASE" envDefault:"12s" unit:"duration" meaning:"of a claim; longer than call by 1 s and more"`
	Drain     time.Duration `env:"HUB_DRAIN" envDefault:"5s" unit:"duration" meaning:"given to running calls when a partition is handed over; shorter than session"`
	Session   time.Duration `env:"HUB_SESSION" envDefault:"10s" unit:"duration" meaning:"after which Kafka takes a silent hub for dead; brokers accept 6 s and more unless told otherwise"`
	Rebalance time.Duration `env:"HUB_REBALANCE" envDefault:"15s" unit:"duration" meaning:"in which all members must join again; not shorter than session"`
	Shutdown  time.Duration `env:"HUB_SHUTDOWN" envDefault:"20s" unit:"duration" meaning:"from the signal to the end of the process; longer than call and drain"`
	SettleC2  time.Duration `env:"HUB_SETTLE_C2" envDefault:"60s" unit:"duration" meaning:"after sent and deadline, in which a C2 system may still carry out a call"`
	SettleC3  time.Duration `env:"HUB_SETTLE_C3" envDefault:"15m" unit:"duration" meaning:"the same for a C3 system; not shorter than for C2"`

	Window      int      `env:"HUB_WINDOW" envDefault:"1000" unit:"messages" meaning:"read and unfinished, per partition"`
	WindowBytes ByteSize `env:"HUB_WINDOW_BYTES" envDefault:"64MiB" unit:"bytes, KiB, MiB, GiB" meaning:"the same for the whole process; each partition may always hold one message"`
	Workers     int      `env:"HUB_WORKERS" envDefault:"256" unit:"calls" meaning:"at once at most, per route; how many it is follows what the system bears"`

	ParkAfter       time.Duration `env:"HUB_PARK_AFTER" envDefault:"30s" unit:"duration" meaning:"of failing while the operation answers others, after which an application's messages are parked"`
	Deadline        time.Duration `env:"HUB_DEADLINE" envDefault:"24h" unit:"duration" meaning:"from a chain's first message to its effect, in metrics and alerts alone: nothing is dropped for being late; 0s: none"`
	BackoffMin      time.Duration `env:"HUB_BACKOFF_MIN" envDefault:"200ms" unit:"duration" meaning:"first wait of a message whose system did not answer; doubles, with jitter"`
	BackoffCap      time.Duration `env:"HUB_BACKOFF_CAP" envDefault:"10s" unit:"duration" meaning:"longest such wait"`
	BreakerFailures int           `env:"HUB_BREAKER_FAILURES" envDefault:"5" unit:"calls" meaning:"without an answer in a row, after which an operation's breaker opens"`
	BreakerOpenFor  time.Duration `env:"HUB_BREAKER_OPEN_FOR" envDefault:"10s" unit:"duration" meaning:"until an open breaker lets one probe through"`

	Outcomes     bool          `env:"HUB_OUTCOMES" envDefault:"true" unit:"true, false" meaning:"write what has become of each message to hub.outcomes"`
	OutcomesDir  string        `env:"HUB_OUTCOMES_DIR" unit:"folder" meaning:"of the index that finds outcomes by application, of this process alone; empty: this process has none"`
	OutcomesKeep time.Duration `env:"HUB_OUTCOMES_KEEP" envDefault:"8760h" unit:"duration" meaning:"after its end an outcome stays in the index"`
	OutcomesMost int           `env:"HUB_OUTCOMES_MOST" envDefault:"1000000" unit:"outcomes" meaning:"in the index, of which the oldest go first; a million take up to 1 GB of disk"`

	PersonKey Key        `env:"HUB_PERSON_KEY" unit:"secret, 32 bytes and more, hex or base64" meaning:"makes the markers that keep a person from getting two IINs; never change it; required where a C3 route runs"`
	Profile   bool       `env:"HUB_PROFILE" envDefault:"false" unit:"true, false" meaning:"serve Go's profiles at HUB_METRICS, under /debug/pprof/"`
	LogLevel  slog.Level `env:"HUB_LOG_LEVEL" envDefault:"INFO" unit:"DEBUG, INFO, WARN, ERROR" meaning:"least level of log lines"`
	LogKey    Key        `env:"HUB_LOG_KEY" unit:"secret, 32 bytes and more, hex or base64" meaning:"makes the tokens that stand for IINs in logs; empty: they show as [iin]"`

	OTLP        string `env:"HUB_OTLP" unit:"http or https URL" meaning:"OpenTelemetry receiver of traces (OTLP/HTTP; /v1/traces where it has no path); empty: none are made"`
	TraceSample int    `env:"HUB_TRACE_SAMPLE" envDefault:"100" unit:"traces" meaning:"of so many, one is exported, the same ones by all hubs; an attempt that has failed always is"`

	ShepSenderID    string `env:"HUB_SHEP_SENDER_ID" envDefault:"kandashub" unit:"name" meaning:"the hub's sender id at the state gateway"`
	ShepPassword    Secret `env:"HUB_SHEP_PASSWORD" unit:"secret" meaning:"its password"`
	GbdflSenderCode string `env:"HUB_GBDFL_SENDER_CODE" envDefault:"KANDASHUB" unit:"name" meaning:"the hub's sender code in requests to the register of persons"`

	Console ConsoleConfig           `env:"-"` // its fields have names of their own
	Systems map[string]SystemConfig `env:"-"` // that routes call, by name
	Callers map[string]CallerConfig `env:"-"` // that call the hub, by name

	plan    plan
	unknown []string // variables that look like settings and are none
}

// SystemConfig is how the hub calls one system: HUB_<SYSTEM>_URL and so on.
type SystemConfig struct {
	URL   string `env:"URL" unit:"http or https URL" meaning:"base URL of the system; required if a route that runs calls it"`
	Token Secret `env:"TOKEN" unit:"secret" meaning:"bearer token that the hub shows to the system; empty: none"`
	Conns int    `env:"CONNS" envDefault:"256" unit:"connections" meaning:"to the system at once"`
}

// CallerConfig is how one system calls the hub.
type CallerConfig struct {
	Token  Secret // HUB_INTAKE_<SYSTEM>_TOKEN
	Sender string // HUB_SHEP_SENDER_<SYSTEM>
}

// A plan is what the routing table says to the settings, before any adapter is
// made.
type plan struct {
	Systems []string // that routes call
	Callers []string // that may call the hub: intake and SHEP
	Routes  []plannedRoute
}

type plannedRoute struct {
	Name, System    string
	Effect          topics.Effect
	Sources, Writes []string
}

// leaseMargin is what a lease must last beyond a call: time for the claim, the
// notes before the call, and for clocks that run apart.
const leaseMargin = time.Second

// loadConfig reads the settings from environ, the environment as a map. The
// error names every mistake at once, and no secret.
func loadConfig(environ map[string]string, p plan) (*Config, error) {
	environ, errs := readSecretFiles(maps.Clone(environ), p)
	c := &Config{plan: p, Systems: make(map[string]SystemConfig), Callers: make(map[string]CallerConfig)}
	errs = append(errs, parseInto(c, environ, "")...)
	errs = append(errs, parseInto(&c.Console, environ, "")...)
	for _, list := range [][]string{c.Kafka, c.Redis, c.Routes} {
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
	}
	c.unknown = unknownSettings(environ, p)
	for _, name := range p.Systems {
		var s SystemConfig
		errs = append(errs, parseInto(&s, environ, "HUB_"+strings.ToUpper(name)+"_")...)
		c.Systems[name] = s
	}
	for _, name := range p.Callers {
		upper := strings.ToUpper(name)
		caller := CallerConfig{Token: Secret(environ["HUB_INTAKE_"+upper+"_TOKEN"]), Sender: environ["HUB_SHEP_SENDER_"+upper]}
		if caller.Sender == "" {
			caller.Sender = name
		}
		c.Callers[name] = caller
	}
	for _, m := range c.mistakes() {
		// What cannot be read has its default now; more about it would confuse.
		if !slices.ContainsFunc(errs, func(e error) bool { return firstWord(e) == firstWord(m) }) {
			errs = append(errs, m)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// firstWord is the name of the setting that a mistake is about.
func firstWord(err error) string {
	word, _, _ := strings.Cut(err.Error(), " ")
	return strings.TrimSuffix(word, ":")
}

// parseInto fills the struct that v points to and returns all mistakes, each
// with the name of its setting. What cannot be read gets its default.
func parseInto(v any, environ map[string]string, prefix string) (errs []error) {
	err := env.ParseWithOptions(v, env.Options{Environment: environ, Prefix: prefix})
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []error{err}
	}
	readable := maps.Clone(environ)
	for _, e := range all.Errors {
		var parse env.ParseError
		if !errors.As(e, &parse) {
			return append(errs, e)
		}
		field, _ := reflect.TypeOf(v).Elem().FieldByName(parse.Name)
		name := prefix + field.Tag.Get("env")
		delete(readable, name)
		errs = append(errs, fmt.Errorf("%s: %w", name, parse.Err))
	}
	if err := env.ParseWithOptions(v, env.Options{Environment: readable, Prefix: prefix}); err != nil {
		errs = append(errs, err) // a default that cannot be read: a mistake in the struct
	}
	return errs
}

// readSecretFiles puts the content of the file that HUB_X_FILE names under
// HUB_X, for each secret HUB_X.
func readSecretFiles(environ map[string]string, p plan) (map[string]string, []error) {
	var errs []error
	for _, s := range settingsOf(p) {
		if !s.secret {
			continue
		}
		file := environ[s.Name+"_FILE"]
		if file == "" {
			continue
		}
		if environ[s.Name] != "" {
			errs = append(errs, fmt.Errorf("%s and %s_FILE are both set: set one", s.Name, s.Name))
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s_FILE: %w", s.Name, err))
			continue
		}
		environ[s.Name] = strings.TrimRight(string(content), "\r\n")
	}
	return environ, errs
}

// unknownSettings returns the variables that are named like settings and are
// none. They are no mistakes: Kubernetes sets some for a service named hub.
func unknownSettings(environ map[string]string, p plan) (unknown []string) {
	known := map[string]bool{"HUB_ADDRESSES": true} // hubctl's, which is given the settings of a hub
	for _, s := range settingsOf(p) {
		known[s.Name] = true
		if s.secret {
			known[s.Name+"_FILE"] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		if strings.HasPrefix(name, "HUB_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// Runs reports whether this process runs a route.
func (c *Config) Runs(route string) bool {
	return slices.Contains(c.Routes, "all") || slices.Contains(c.Routes, route)
}

// running are the routes of the plan that this process runs.
func (c *Config) running() (routes []plannedRoute) {
	for _, r := range c.plan.Routes {
		if c.Runs(r.Name) {
			routes = append(routes, r)
		}
	}
	return routes
}

// runsC3 reports whether a C3 route runs: one whose calls nothing repeats.
func (c *Config) runsC3() bool {
	return slices.ContainsFunc(c.running(), func(r plannedRoute) bool { return r.Effect == topics.C3 })
}

// redisReplicas is how many replicas must confirm that a C3 message was said to
// be sent: what one node alone knows is lost with a failover.
func (c *Config) redisReplicas() int {
	switch {
	case c.RedisReplicas >= 0:
		return c.RedisReplicas
	case c.RedisMode == "single":
		return 0
	}
	return 1
}

// redisClient makes the client of the claims' Redis.
func (c *Config) redisClient() redis.UniversalClient {
	return claims.Connect(claims.Server{
		Addrs: c.Redis, Mode: c.RedisMode, Master: c.RedisMaster, User: c.RedisUser, Password: string(c.RedisPassword),
	})
}

// checkURL returns what is wrong with a base URL. It never repeats the URL,
// which may hold a password.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("is no http or https URL with a host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("holds a user, a query or a fragment; credentials have settings of their own")
	}
	return nil
}

func checkAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || port == "" {
		return fmt.Errorf("%q is not host:port", s)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q: %q is no port", host, port)
	}
	return nil
}
