package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A machine is where figures come from.
type machine struct {
	CPU       string `json:"cpu"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory_bytes"`
	Kernel    string `json:"kernel"`
	Load      string `json:"load_at_the_beginning"` // of the last 1, 5 and 15 minutes: others use the cores, too
	Go        string `json:"go"`
	Redis     string `json:"redis"`
	StandIn   string `json:"kafka_stand_in"`
	RealKafka string `json:"kafka_real,omitempty"`
}

func machineNow(ctx context.Context, s settings) (m machine, err error) {
	m = machine{
		CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Memory: parseStatus([]byte(content("/proc/meminfo")), "MemTotal:"),
		Kernel: strings.TrimSpace(content("/proc/sys/kernel/osrelease")), Go: runtime.Version(), StandIn: "kfake " + module(filepath.Join(s.Bin, "verify"), "github.com/twmb/franz-go/pkg/kfake"),
	}
	if load := strings.Fields(content("/proc/loadavg")); len(load) >= 3 {
		m.Load = strings.Join(load[:3], " ")
	}
	if m.Redis, err = redisVersion(ctx, s.Redis); err != nil {
		return m, err
	}
	if s.RealKafka != "" {
		m.RealKafka, err = kafkaVersion(ctx, s.RealKafka)
	}
	return m, err
}

// lines say it to a reader.
func (m machine) lines() []string {
	kafka := m.StandIn
	if m.RealKafka != "" {
		kafka += ", " + m.RealKafka
	}
	return []string{
		fmt.Sprintf("%s, %d cores, %s, Linux %s; load before %s", m.CPU, m.Cores, size(int(m.Memory)), m.Kernel, m.Load),
		fmt.Sprintf("%s; %s; %s", m.Go, m.Redis, kafka),
	}
}

func content(path string) string {
	b, _ := os.ReadFile(path) // what a system does not say stays empty
	return string(b)
}

// field is a value of a file that has one "name : value" on each line.
func field(path, name string) string {
	for line := range strings.Lines(content(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func redisVersion(ctx context.Context, addr string) (string, error) {
	rdb := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true})
	defer rdb.Close()
	info, err := rdb.Info(ctx, "server").Result()
	if err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	_, version, _ := strings.Cut(info, "redis_version:")
	version, _, _ = strings.Cut(version, "\r\n")
	sync, err := rdb.ConfigGet(ctx, "append*").Result()
	if err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	return fmt.Sprintf("Redis %s, appendonly %s, appendfsync %s", version, sync["appendonly"], sync["appendfsync"]), nil
}

func kafkaVersion(ctx context.Context, broker string) (string, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return "", fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	all, err := kadm.NewClient(client).ApiVersions(ctx)
	if err != nil {
		return "", fmt.Errorf("kafka: %w", err)
	}
	for _, b := range all.Sorted() {
		return "Apache Kafka " + b.VersionGuess(), b.Err
	}
	return "", fmt.Errorf("kafka: %s names no broker", broker)
}

// commit is that of this program, with + where there was more than it holds.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, changed := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 8)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	return revision + changed
}

// module is the version of a module that a program is built with.
func module(program, path string) string {
	if info, err := buildinfo.ReadFile(program); err == nil {
		for _, d := range info.Deps {
			if d.Path == path {
				return d.Version
			}
		}
	}
	return "unknown"
}
