package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"kandashub/cmd/verify/broker"
)

// serverGrace is what a server is given to end in good order.
const serverGrace = 10 * time.Second

// startServers brings up Kafka and Redis, and the proxies before them.
func (w *World) startServers(ctx context.Context) error {
	redis, err := w.ports.take(1)
	if err != nil {
		return err
	}
	w.redis = at(redis)
	if w.RedisProxy, err = w.proxy(w.redis); err != nil {
		return err
	}
	if w.config.Real != nil {
		return w.startRealServers(ctx)
	}
	if err := w.planKafka(w.config.Brokers); err != nil {
		return err
	}
	admin, err := w.ports.take(1)
	if err != nil {
		return err
	}
	w.Admin = broker.NewClient(at(admin))
	w.Brokers = []*Process{w.process("kafka", w.config.Verify, []string{
		"broker", "--admin", at(admin), "--dir", filepath.Join(w.config.Dir, "kafka"),
		"--listen", strings.Join(w.kafka, ","), "--advertise", strings.Join(w.advertised(), ","),
	}, nil, serverGrace, func(ctx context.Context) error {
		for i := range w.kafka {
			if err := w.knows(ctx, i, i); err != nil {
				return err
			}
		}
		return nil
	})}
	w.Redis = w.process("redis", w.config.Verify, []string{"redis", "--port", strconv.Itoa(redis)}, nil, serverGrace, w.redisAnswers)
	return startAll(ctx, w.Brokers[0], w.Redis)
}

// planKafka takes addresses for brokers and puts proxies before them.
func (w *World) planKafka(brokers int) (err error) {
	if w.kafka, err = w.ports.addresses(brokers); err != nil {
		return err
	}
	for _, addr := range w.kafka {
		p, err := w.proxy(addr)
		if err != nil {
			return err
		}
		w.KafkaProxies = append(w.KafkaProxies, p)
	}
	return nil
}

// advertised are the addresses at which clients find the brokers.
func (w *World) advertised() (addrs []string) {
	for _, p := range w.KafkaProxies {
		addrs = append(addrs, p.Addr())
	}
	return addrs
}

// knows fails unless broker i answers and knows the brokers of others.
func (w *World) knows(ctx context.Context, i int, others ...int) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	meta, err := (&kafka.Client{Addr: kafka.TCP(w.kafka[i]), Transport: transport}).Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, b := range meta.Brokers {
		known[net.JoinHostPort(b.Host, strconv.Itoa(b.Port))] = true
	}
	for _, o := range others {
		if !known[w.KafkaProxies[o].Addr()] {
			return fmt.Errorf("broker %d does not know broker %d", i, o)
		}
	}
	return nil
}

func (w *World) redisAnswers(ctx context.Context) error {
	_, err := w.RedisCommand(ctx, "PING")
	return err
}

// RedisCommand sends one command to Redis itself, past its proxy.
func (w *World) RedisCommand(ctx context.Context, args ...any) (any, error) {
	client := redis.NewClient(&redis.Options{Addr: w.redis, MaxRetries: -1, DisableIdentity: true, PoolSize: 1})
	defer client.Close()
	return client.Do(ctx, args...).Result()
}

// RedisDirect is Redis' own address, past its proxy.
func (w *World) RedisDirect() string { return w.redis }

// KafkaDirect are the brokers' own addresses, past their proxies. The brokers
// name the proxies' addresses to their clients: use Dialer.
func (w *World) KafkaDirect() []string { return append([]string(nil), w.kafka...) }

// Dialer connects to the brokers past their proxies, whatever address they
// name.
func (w *World) Dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	direct := make(map[string]string)
	for i, addr := range w.advertised() {
		direct[addr] = w.kafka[i]
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if d, ok := direct[addr]; ok {
			addr = d
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
}

// errEmbeddedOnly is what real servers cannot be told to do.
var errEmbeddedOnly = errors.New("only the embedded Kafka answers with errors on demand")

// BrokerFault makes the embedded Kafka answer requests with an error.
func (w *World) BrokerFault(ctx context.Context, f broker.Fault) (*broker.Handle, error) {
	if w.Admin == nil {
		return nil, errEmbeddedOnly
	}
	return w.Admin.Fault(ctx, f)
}
