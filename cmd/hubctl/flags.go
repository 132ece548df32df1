package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/contract"
	"kandashub/topics/control"
)

// kafkaFlags say where Kafka is, and how long to try.
type kafkaFlags struct {
	Kafka   []string      `env:"HUB_KAFKA" default:"127.0.0.1:9092" placeholder:"HOST:PORT" help:"Brokers to begin with, separated by commas (${default})."`
	Timeout time.Duration `default:"1m" help:"How long to try (${default})."`
}

// brokers are the addresses without the spaces between them.
func (f kafkaFlags) brokers() []string { return trimmed(f.Kafka) }

func trimmed(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.TrimSpace(s)
	}
	return out
}

func (f kafkaFlags) cluster() *topics.Cluster { return topics.NewCluster(f.brokers()) }

// A desk is what an operator works with.
type desk struct {
	*control.Commands
	agreed *contract.Contract
}

// operate runs f with the commands of an operator, for as long as the flags
// allow.
func (f kafkaFlags) operate(ctx context.Context, do func(context.Context, *desk) error) error {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	return f.operateOn(ctx, do)
}

// operateOn is operate without a limit in time.
func (f kafkaFlags) operateOn(ctx context.Context, do func(context.Context, *desk) error) error {
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	cluster, err := f.reach(ctx)
	if err != nil {
		return err
	}
	defer cluster.Close()
	producer := topics.NewProducer(cluster, f.Timeout, nil)
	store := control.Open(cluster, producer, "hubctl")
	ended := make(chan error, 1)
	following, stop := context.WithCancel(ctx)
	go func() { ended <- store.Run(following) }()
	err = do(ctx, &desk{agreed: agreed, Commands: &control.Commands{
		Cluster: cluster, Producer: producer, Store: store, Audit: control.NewAudit(cluster, producer), Routes: control.Routes(agreed),
	}})
	stop()
	<-ended
	return err
}

// wanted is what operators want now.
func (d *desk) wanted(ctx context.Context) (control.State, error) {
	if err := d.Store.Caught(ctx); err != nil {
		return control.State{}, err
	}
	return d.Store.State(), nil
}

// redisFlags say where the claims are. The password is no flag: everybody on the
// machine sees those.
type redisFlags struct {
	Redis       []string `env:"HUB_REDIS" default:"127.0.0.1:6379" placeholder:"HOST:PORT" help:"Redis, or the nodes of a cluster, or the sentinels (${default}). Its password: HUB_REDIS_PASSWORD, or the file HUB_REDIS_PASSWORD_FILE."`
	RedisMode   string   `env:"HUB_REDIS_MODE" enum:"single,cluster,sentinel" default:"single" help:"single, cluster or sentinel (${default})."`
	RedisMaster string   `env:"HUB_REDIS_MASTER" help:"The master that the sentinels watch."`
	RedisUser   string   `env:"HUB_REDIS_USER" help:"Redis user; the default user if not given."`
}

// connect makes a client of Redis. It connects when first used.
func (f redisFlags) connect() (redis.UniversalClient, error) {
	password := os.Getenv("HUB_REDIS_PASSWORD")
	if file := os.Getenv("HUB_REDIS_PASSWORD_FILE"); file != "" {
		if password != "" {
			return nil, errors.New("HUB_REDIS_PASSWORD and HUB_REDIS_PASSWORD_FILE are both set: set one")
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("HUB_REDIS_PASSWORD_FILE: %w", err)
		}
		password = strings.TrimRight(string(content), "\r\n")
	}
	redis.SetLogger(silent{}) // what it has to say comes back as an error
	return claims.Connect(claims.Server{
		Addrs: trimmed(f.Redis), Mode: f.RedisMode, Master: f.RedisMaster, User: f.RedisUser, Password: password,
	}), nil
}

// silent is a log that keeps nothing.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// orderFlags say who changes something, and why.
type orderFlags struct {
	Who string `required:"" help:"Who wants it; kept for ever."`
	Why string `required:"" help:"Why; kept for ever. No personal data."`
}

func (f orderFlags) order() control.Order { return control.Order{Who: f.Who, Why: f.Why} }

// reasonFlags are orderFlags where not every use of a command needs them.
type reasonFlags struct {
	Who string `help:"Who wants it; kept for ever."`
	Why string `help:"Why; kept for ever. No personal data."`
}

func (f reasonFlags) order() control.Order { return control.Order{Who: f.Who, Why: f.Why} }

// needed asks for both.
func (f reasonFlags) needed(forWhat string) error {
	if f.Who == "" || f.Why == "" {
		return fmt.Errorf("%s needs --who and --why", forWhat)
	}
	return nil
}

// filterFlags choose letters.
type filterFlags struct {
	Route       []string `predictor:"route" help:"Routes to look at; all if none is given."`
	Class       string   `enum:",untrusted,rejected,uncertain,effect_done" default:"" help:"untrusted, rejected, uncertain or effect_done."`
	Code        string   `help:"Such as http_422."`
	Application string   `help:"The application's id."`
	Text        string   `help:"Stands in the reason."`
	Age         string   `help:"Letters that have waited so long or longer, such as 1h."`
	Since       string   `help:"Letters of that time or later: 2026-01-31T12:00:00Z, or 24h ago."`

	since, before time.Time
}

// Validate reads --age and --since.
func (f *filterFlags) Validate() error {
	if f.Age != "" {
		d, err := time.ParseDuration(f.Age)
		if err != nil || d < 0 {
			return errors.New("--age is a duration, such as 1h")
		}
		if d > 0 { // else all, also what a broker's clock has written ahead of ours
			f.before = time.Now().Add(-d)
		}
	}
	if f.Since == "" {
		return nil
	}
	if d, err := time.ParseDuration(f.Since); err == nil {
		f.since = time.Now().Add(-d).Truncate(time.Second)
		return nil
	}
	var err error
	if f.since, err = time.Parse(time.RFC3339, f.Since); err != nil {
		return errors.New("--since is a time as 2026-01-31T12:00:00Z, or a duration")
	}
	return nil
}

func (f *filterFlags) filter() control.Filter {
	return control.Filter{Routes: f.Route, Class: f.Class, Code: f.Code, Application: f.Application, Text: f.Text, Since: f.since, Before: f.before}
}

// any says whether something is chosen at all.
func (f *filterFlags) any() bool { return f.args() != "" }

// args are the flags that choose the same letters again.
func (f *filterFlags) args() string {
	var b strings.Builder
	for _, r := range f.Route {
		b.WriteString(" --route " + r)
	}
	for _, kv := range [][2]string{{"class", f.Class}, {"code", f.Code}, {"application", f.Application}, {"text", quoted(f.Text)}, {"age", f.Age}, {"since", when(f.since, "")}} {
		if kv[1] != "" {
			b.WriteString(" --" + kv[0] + " " + kv[1])
		}
	}
	return b.String()
}

// quoted is a word as a shell takes it.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
