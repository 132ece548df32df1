package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

const loopback = "127.0.0.1"

// defaultPort is the first of the ports that are taken unless told otherwise.
const defaultPort = 18000

var errTaken = errors.New("choose others with --port, or any free ones with --port 0")

// listen takes a port of this machine for what, 0 being any free one.
func listen(what string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d, for %s, is taken: %w", port, what, errTaken)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	return l, nil
}

// startKafka starts an embedded Kafka of one broker that keeps its data in dir.
// Topics must be created: a misspelt one is not made in passing.
func startKafka(dir string, port int) (addr string, stop func(), err error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.DataDir(dir),
		kfake.ListenFn(func(_, address string) (net.Listener, error) {
			_, p, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(p)
			if err != nil {
				return nil, err
			}
			return listen("Kafka", n)
		}),
	)
	if err != nil {
		return "", nil, err
	}
	return cluster.ListenAddrs()[0], cluster.Close, nil
}

// expireEvery is how often keys expire in the embedded Redis. miniredis can do so
// with each command, but looks at all keys then: after ten minutes of traffic that
// was nearly all that it did. Leases do not wait for it: they are times in records.
const expireEvery = time.Second

// startRedis starts an embedded Redis.
func startRedis(port int) (addr string, stop func(), err error) {
	// miniredis opens its own listener: this one only finds out whether the
	// port is free, and says so in our words.
	if port != 0 {
		l, err := listen("Redis", port)
		if err != nil {
			return "", nil, err
		}
		l.Close()
	}
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr(net.JoinHostPort(loopback, strconv.Itoa(port))); err != nil {
		return "", nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	ctx, end := context.WithCancel(context.Background())
	var expiring sync.WaitGroup
	expiring.Go(func() { expire(ctx, m) })
	return m.Addr(), func() {
		end()
		expiring.Wait()
		m.Close()
	}, nil
}

// expire lets keys expire until ctx ends.
func expire(ctx context.Context, m *miniredis.Miniredis) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case now := <-tick.C:
			m.FastForward(now.Sub(last))
			last = now
		case <-ctx.Done():
			return
		}
	}
}

// answers fails where a real server that the caller names does not answer.
func answers(ctx context.Context, brokers []string, redisAddr string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if len(brokers) > 0 {
		if _, err := countBrokers(ctx, brokers); err != nil {
			return fmt.Errorf("no Kafka answers at %s: %w", strings.Join(brokers, ","), err)
		}
	}
	if redisAddr != "" {
		if err := pingRedis(ctx, redisAddr); err != nil {
			return fmt.Errorf("no Redis answers at %s: %w", redisAddr, err)
		}
	}
	return nil
}

// countBrokers returns how many brokers the cluster has.
func countBrokers(ctx context.Context, brokers []string) (int, error) {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	meta, err := (&kafka.Client{Addr: kafka.TCP(brokers...), Transport: transport}).Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return 0, err
	}
	return len(meta.Brokers), nil
}

// pingRedis asks once, in Redis' protocol; that it wants a password is an
// answer, too.
func pingRedis(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if answer != "+PONG\r\n" && !strings.HasPrefix(answer, "-NOAUTH") {
		return fmt.Errorf("it says %q", strings.TrimSpace(answer[:min(len(answer), 80)]))
	}
	return nil
}
