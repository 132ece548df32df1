// Command containers runs another command with a real Apache Kafka and a real
// Redis in containers, at KAFKA_BROKERS and REDIS_ADDR, and removes them after
// it:
//
//	go run ./deploy/containers go test ./...
//
// It is a program of its own so that no test pays for compiling the container
// library.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/segmentio/kafka-go"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/redis"
	"github.com/testcontainers/testcontainers-go/wait"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "containers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: containers COMMAND [ARGUMENT ...]")
	}
	cache, err := redis.Run(ctx, "redis:7-alpine", testcontainers.WithCmdArgs("--appendonly", "yes", "--appendfsync", "always"))
	defer remove(cache)
	if err != nil {
		return fmt.Errorf("starting redis: %w", err)
	}
	addr, err := cache.Endpoint(ctx, "")
	if err != nil {
		return fmt.Errorf("asking for redis' address: %w", err)
	}
	broker, brokers, err := startKafka(ctx)
	defer remove(broker)
	if err != nil {
		return fmt.Errorf("starting kafka: %w", err)
	}
	fmt.Fprintf(os.Stderr, "containers: Apache Kafka at %s, Redis at %s\n", brokers, addr)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "KAFKA_BROKERS="+brokers, "REDIS_ADDR="+addr)
	return cmd.Run()
}

func remove(c testcontainers.Container) {
	if err := testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0)); err != nil {
		fmt.Fprintln(os.Stderr, "containers: removing a container:", err)
	}
}

// startKafka runs one broker on a fixed port of this machine, because a broker
// must know the address that it advertises before it starts. It has a listener
// for itself beside: the advertised port is this machine's, not the
// container's, and a broker that cannot call itself verifies no transaction.
// Once one setting is given the image drops all of its defaults, so the list is
// full.
func startKafka(ctx context.Context) (testcontainers.Container, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	c, err := testcontainers.Run(ctx, "apache/kafka:4.1.0",
		testcontainers.WithExposedPorts("9092/tcp"),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) {
			h.PortBindings = network.PortMap{network.MustParsePort("9092/tcp"): {{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: strconv.Itoa(port)}}}
		}),
		testcontainers.WithEnv(map[string]string{
			"KAFKA_NODE_ID":                                  "1",
			"KAFKA_PROCESS_ROLES":                            "broker,controller",
			"KAFKA_LISTENERS":                                "PLAINTEXT://:9092,INTERNAL://:19092,CONTROLLER://:9093",
			"KAFKA_ADVERTISED_LISTENERS":                     "PLAINTEXT://" + address + ",INTERNAL://localhost:19092",
			"KAFKA_CONTROLLER_LISTENER_NAMES":                "CONTROLLER",
			"KAFKA_INTER_BROKER_LISTENER_NAME":               "INTERNAL",
			"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP":           "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT",
			"KAFKA_CONTROLLER_QUORUM_VOTERS":                 "1@localhost:9093",
			"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR":         "1",
			"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
			"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR":            "1",
			"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS":         "0",
			"KAFKA_AUTO_CREATE_TOPICS_ENABLE":                "false",
			"KAFKA_BROKER_SESSION_TIMEOUT_MS":                "2000",
			"KAFKA_BROKER_HEARTBEAT_INTERVAL_MS":             "500",
			"KAFKA_HEAP_OPTS":                                "-Xms256m -Xmx384m",
			"CLUSTER_ID":                                     "a2FuZGFzaHViLXRlc3RzMQ",
		}),
		testcontainers.WithWaitStrategyAndDeadline(2*time.Minute,
			wait.ForLog("Kafka Server started"), wait.ForListeningPort("9092/tcp").SkipInternalCheck()),
	)
	if err != nil {
		return c, "", err
	}
	return c, address, awaitBroker(ctx, address)
}

// awaitBroker asks until the broker answers: its log line comes before that.
func awaitBroker(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(address)}
	for {
		_, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the broker at %s does not answer: %w", address, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// freePort finds a port below those that systems give to outgoing connections, one of
// which could take it before the container does.
func freePort() (port int, err error) {
	const first, last, tries = 30_000, 32_767, 100
	for range tries {
		port = first + rand.IntN(last-first+1)
		l, lerr := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if lerr == nil {
			return port, l.Close()
		}
		err = lerr
	}
	return 0, fmt.Errorf("no port between %d and %d is free: %w", first, last, err)
}
