package world

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// startRealServers brings up Apache Kafka, as one node or three that are brokers
// and controllers, and redis-server.
func (w *World) startRealServers(ctx context.Context) error {
	n := w.config.Real.Brokers
	if n != 1 && n != 3 {
		return fmt.Errorf("%d real brokers: 1 or 3 are possible", n)
	}
	if err := w.planKafka(n); err != nil {
		return err
	}
	if err := w.planRealBrokers(ctx); err != nil {
		return err
	}
	if err := w.planRealRedis(); err != nil {
		return err
	}
	if err := startAll(ctx, append(w.Brokers, w.Redis)...); err != nil {
		return err
	}
	return w.brokersMet(ctx)
}

// java runs one of Kafka's programs with little memory.
func (w *World) java(args ...string) []string {
	return append([]string{
		"-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(w.config.Real.KafkaLibs, "*"),
	}, args...)
}

// planRealBrokers writes the brokers' settings and formats their folders.
func (w *World) planRealBrokers(ctx context.Context) error {
	n := len(w.kafka)
	internal, err := w.ports.addresses(n)
	if err != nil {
		return err
	}
	controllers, err := w.ports.addresses(n)
	if err != nil {
		return err
	}
	id := make([]byte, 16)
	rand.Read(id) // never fails
	cluster := base64.RawURLEncoding.EncodeToString(id)
	errs := make(chan error, n)
	var formats sync.WaitGroup
	for i := range n {
		name := fmt.Sprintf("kafka-%d", i+1)
		properties := filepath.Join(w.config.Dir, name+".properties")
		if err := os.WriteFile(properties, []byte(w.properties(i, name, internal, controllers)), 0o600); err != nil {
			return err
		}
		w.Brokers = append(w.Brokers, w.process(name, "java", w.java("kafka.Kafka", properties), nil, serverGrace,
			func(ctx context.Context) error { return w.knows(ctx, i, i) }))
		formats.Go(func() {
			cmd := exec.CommandContext(ctx, "java", w.java("kafka.tools.StorageTool", "format", "--cluster-id="+cluster, "-c", properties)...)
			if out, err := cmd.CombinedOutput(); err != nil {
				errs <- fmt.Errorf("format %s: %w: %s", name, err, out)
			}
		})
	}
	formats.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// properties are the settings of broker i. Clients come through its proxy; the
// brokers talk among themselves past the proxies.
func (w *World) properties(i int, name string, internal, controllers []string) string {
	n := len(w.kafka)
	var voters []string
	for j, c := range controllers {
		voters = append(voters, fmt.Sprintf("%d@%s", j+1, c))
	}
	return strings.Join([]string{
		"process.roles=broker,controller",
		"node.id=" + strconv.Itoa(i+1),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		fmt.Sprintf("listeners=CLIENT://%s,INTERNAL://%s,CONTROLLER://%s", w.kafka[i], internal[i], controllers[i]),
		fmt.Sprintf("advertised.listeners=CLIENT://%s,INTERNAL://%s", w.KafkaProxies[i].Addr(), internal[i]),
		"inter.broker.listener.name=INTERNAL",
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.Join(w.config.Dir, name),
		fmt.Sprintf("default.replication.factor=%d", n),
		fmt.Sprintf("offsets.topic.replication.factor=%d", n),
		fmt.Sprintf("transaction.state.log.replication.factor=%d", n),
		fmt.Sprintf("min.insync.replicas=%d", (n+1)/2),
		fmt.Sprintf("transaction.state.log.min.isr=%d", (n+1)/2),
		"offsets.topic.num.partitions=8",
		"group.initial.rebalance.delay.ms=0",
		"group.min.session.timeout.ms=1000",
		"auto.create.topics.enable=false",
		"broker.session.timeout.ms=2000", // after a SIGKILL the broker is let in again only then
		"broker.heartbeat.interval.ms=500",
		"log.cleaner.dedupe.buffer.size=2097152",
	}, "\n") + "\n"
}

// planRealRedis prepares redis-server.
func (w *World) planRealRedis() error {
	dir := w.RedisDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	_, port, _ := strings.Cut(w.redis, ":")
	appendOnly := "no"
	if w.config.Real.AOF {
		appendOnly = "yes"
	}
	w.Redis = w.process("redis", "redis-server", []string{
		"--port", port, "--bind", loopback, "--dir", dir, "--appendonly", appendOnly, "--appendfsync", "always",
		"--maxmemory-policy", "noeviction", "--save", "", "--enable-debug-command", "local",
	}, nil, serverGrace, w.redisAnswers)
	return nil
}

// RedisDir is the folder of a real Redis' data, to be copied while it is down.
func (w *World) RedisDir() string { return filepath.Join(w.config.Dir, "redis") }

// brokersMet waits until each broker knows all.
func (w *World) brokersMet(ctx context.Context) error {
	all := make([]int, len(w.kafka))
	for i := range all {
		all[i] = i
	}
	for i := range w.kafka {
		if err := until(ctx, func(ctx context.Context) error { return w.knows(ctx, i, all...) }); err != nil {
			return err
		}
	}
	return nil
}
