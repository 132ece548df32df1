package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
)

// Help is printed below the flags.
func (doctorCmd) Help() string {
	return "The systems are those of which HUB_<SYSTEM>_URL is set here, such as HUB_EGOV_URL: give it the settings of a hub."
}

type doctorCmd struct {
	kafkaFlags
	hubsFlags
	redisFlags
	partitionFlag
	outputFlag
	NoC3 bool `name:"no-c3" help:"No hub runs a C3 route, so that Redis need not sync each write."`
}

// Run tries one thing after another and fails if one of them does.
func (c *doctorCmd) Run(ctx context.Context, stdout io.Writer, s surroundings) error {
	findings := []inspect.Finding{}
	r := inspect.NewReport(func(f inspect.Finding) {
		findings = append(findings, f)
		if c.Output == "table" { // each at once: a try may take its time
			color := map[string]string{inspect.OK: green, inspect.Warn: yellow, inspect.Fail: red}[f.Verdict]
			fmt.Fprintf(stdout, "%s  %-12s  %s\n", s.paint(color, fmt.Sprintf("%-4s", f.Verdict)), f.About, f.Text)
		}
	})
	if err := c.examine(ctx, r); err != nil {
		return err
	}
	if c.Output != "table" {
		if err := c.print(stdout, findings, nil); err != nil {
			return err
		}
	}
	if r.Failed {
		return errors.New("something is wrong; each line that begins with fail says what to do")
	}
	return nil
}

func (c *doctorCmd) examine(ctx context.Context, r *inspect.Report) error {
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	rdb, err := c.connect()
	if err != nil {
		return err
	}
	defer rdb.Close()
	cluster := c.cluster()
	defer cluster.Close()
	if inspect.CheckKafka(ctx, r, cluster, c.brokers(), agreed, c.Partitions) {
		c.examineRoutes(ctx, r)
		examineKafkaClock(ctx, r, cluster)
	}
	if inspect.CheckRedis(ctx, r, rdb, !c.NoC3) {
		examineRedisClock(ctx, r, rdb)
	}
	systems := systemsOf(os.Environ())
	if len(systems) == 0 {
		r.Skip("systems", "their addresses and certificates are not looked at: set HUB_<SYSTEM>_URL here as the hubs have it, such as HUB_EGOV_URL")
	}
	r.Skip("acls", "what Kafka and Redis let the hubs do is not looked at: where a right is missing, the hubs' log says so")
	for _, name := range slices.Sorted(maps.Keys(systems)) {
		inspect.CheckSystem(ctx, r, name, systems[name], time.Now())
	}
	return nil
}

// clockApart is how far clocks may be apart before somebody should look. The hub
// bears minutes; whoever reads its logs does not.
const clockApart = 2 * time.Second

// examineRedisClock compares Redis' clock with the one here, as of the middle of
// the question.
func examineRedisClock(ctx context.Context, r *inspect.Report, rdb redis.UniversalClient) {
	asked := time.Now()
	there, err := rdb.Time(ctx).Result()
	if err != nil {
		r.Warn("clock", "Redis does not tell the time (%v)", err)
		return
	}
	took := time.Since(asked)
	apart := there.Sub(asked.Add(took / 2)).Round(time.Millisecond)
	if apart.Abs() > clockApart+took/2 {
		r.Warn("clock", "that of Redis differs by %s from the one here: look at the time service on both; leases bear it, reading logs side by side does not", apart)
		return
	}
	r.OK("clock", "that of Redis differs by %s from the one here", apart)
}

// examineKafkaClock compares the newest record of the hub's own topics with the
// clock here. Kafka does not tell the time, so that only a record from the future
// shows a difference.
func examineKafkaClock(ctx context.Context, r *inspect.Report, cluster *topics.Cluster) {
	ask := map[string][]int{control.Topic: {0}, control.AuditTopic: {0}}
	_, end, err := cluster.Bounds(ctx, ask)
	if err != nil {
		r.Warn("clock", "Kafka does not show its newest records (%v)", err)
		return
	}
	var newest time.Time
	for topic := range ask {
		if last := end[topic][0] - 1; last >= 0 {
			at, err := cluster.TimeAt(ctx, topic, 0, last)
			if err == nil && at.After(newest) {
				newest = at
			}
		}
	}
	if ahead := time.Until(newest).Round(time.Millisecond); ahead > clockApart {
		r.Warn("clock", "Kafka holds a record from %s ahead of the clock here: look at the time service on both", ahead)
		return
	}
	r.OK("clock", "Kafka holds no record that is ahead of the clock here")
}

// systemsOf returns the base URLs of systems that the environment names, as
// HUB_<SYSTEM>_URL. The console's own address has a name of that form, too.
func systemsOf(environ []string) map[string]string {
	systems := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		system, ok := strings.CutPrefix(name, "HUB_")
		if system, isURL := strings.CutSuffix(system, "_URL"); ok && isURL && value != "" && system != "CONSOLE" {
			systems[strings.ToLower(system)] = value
		}
	}
	return systems
}
