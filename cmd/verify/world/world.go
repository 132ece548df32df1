// Package world is what a fault run is played on: real processes around a few
// hubs, and the means to hurt each of them.
//
// Every process listens on a port of its own and is reached through a proxy, so
// that the process and the network to it can fail apart:
//
//	hubs ──> KafkaProxies ──> brokers (verify broker, or Apache Kafka)
//	     ──> RedisProxy   ──> Redis (verify redis, or redis-server)
//	     ──> SystemProxy  ──> mock systems (mocks serve, one process for all)
//	mock systems ──> Door ──> the hubs' intake and SHEP endpoints, in turn
//	             ──> KafkaProxies, for those that write to topics
//
// A Prometheus may watch the hubs, past the proxies (StartPrometheus).
//
// Whoever checks the run goes past the proxies: KafkaDirect with Dialer,
// RedisDirect, SystemURL, Ledger.
//
// The embedded servers lack what only real ones have: replicas, append-only
// files, Redis' own faults. Config.Real says to run real ones.
package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"kandashub/cmd/verify/broker"
	"kandashub/cmd/verify/proxy"
)

// Config says what world to start.
type Config struct {
	Dir string // of logs and data; kept afterwards

	// Programs. Verify serves the embedded servers (verify broker, verify
	// redis).
	Verify, Hub, Mocks, Hubctl string

	Replicas   int // hubs; 0: one
	Partitions int // of each topic of a route; 0: as the hub has it by default
	Brokers    int // of the embedded Kafka, all in one process; 0: one
	Seed       int64
	Env        []string // settings of every hub, after the world's own
	Real       *Real    // nil: embedded servers
}

// Real says that Kafka and Redis are real.
type Real struct {
	KafkaLibs string // folder with the jars, as deploy/servers/kafka-jars prints it
	Brokers   int    // 1 or 3
	AOF       bool   // Redis writes each change to its file before it answers
}

// A World is a running one. Its fields do not change after Start, except that
// AddHub appends to Hubs.
type World struct {
	Hubs    []*Hub
	Brokers []*Process // the embedded ones are one process
	Redis   *Process
	Mocks   *Process

	KafkaProxies []*proxy.Proxy // one per broker
	RedisProxy   *proxy.Proxy

	// Admin sets faults of the embedded Kafka, and moves its leaders; nil with
	// real servers.
	Admin *broker.Client

	config      Config
	ports       ports
	kafka       []string // the brokers' own addresses
	redis       string
	door        *proxy.Proxy
	systems     map[string]*system
	environment []string
	prometheus  *Process // nil if nobody wants one

	closing sync.Once
}

// Times of the start, and of the end.
const (
	startLimit = 90 * time.Second
	closeLimit = 10 * time.Second
)

// Start brings a world up: servers, topics, mock systems and hubs, which are
// ready when it returns. It lives until Close, whatever becomes of ctx.
func Start(ctx context.Context, c Config) (_ *World, err error) {
	c.Replicas, c.Brokers = max(1, c.Replicas), max(1, c.Brokers)
	w := &World{config: c, systems: make(map[string]*system)}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("it takes longer than %s", startLimit))
	defer cancel()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	if w.door, err = w.proxy(); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"servers", w.startServers}, {"topics", w.createTopics}, {"mock systems", w.startSystems}, {"hubs", w.startHubs},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("world: %s: %w", step.what, err)
		}
	}
	return w, nil
}

// Close ends everything, whatever state it is in. What does not end in good
// order within 10 s is killed, and the servers at once: nobody needs them after.
func (w *World) Close() { w.closing.Do(w.close) }

func (w *World) close() {
	proxies := append([]*proxy.Proxy{w.door, w.RedisProxy}, w.KafkaProxies...)
	for _, s := range w.systems {
		proxies = append(proxies, s.proxy)
	}
	for _, p := range proxies {
		if p != nil {
			_ = p.Clear() // a port that is gone is of no use any more
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	var hubs []*Process
	for _, h := range w.Hubs {
		hubs = append(hubs, h.Process)
	}
	servers := append([]*Process{w.Redis}, w.Brokers...)
	for _, p := range servers {
		if p != nil {
			p.Cont() // hubs that end need them
		}
	}
	closeAll(ctx.Done(), hubs...)
	closeAll(ctx.Done(), w.Mocks, w.prometheus)
	cancel()
	closeAll(ctx.Done(), servers...)
	for _, p := range proxies {
		if p != nil {
			p.Close()
		}
	}
	w.ports.close()
}

func closeAll(deadline <-chan struct{}, processes ...*Process) {
	var wg sync.WaitGroup
	for _, p := range processes {
		if p != nil {
			wg.Go(func() { p.close(deadline) })
		}
	}
	wg.Wait()
}

// process makes one that does not run yet.
func (w *World) process(name, path string, args, env []string, grace time.Duration, ready func(context.Context) error) *Process {
	return newProcess(name, filepath.Join(w.config.Dir, name+".log"), path, args, env, grace, ready)
}

// proxy starts one at a reserved address.
func (w *World) proxy(upstreams ...string) (*proxy.Proxy, error) {
	port, err := w.ports.take(1)
	if err != nil {
		return nil, err
	}
	return proxy.Listen(at(port), upstreams...)
}

// createTopics makes the topics of the contract.
func (w *World) createTopics(ctx context.Context) error {
	replication := 1
	if w.config.Real != nil {
		replication = w.config.Real.Brokers
	}
	_, err := w.Hubctl(ctx, "topics", "create", "--replication", strconv.Itoa(replication))
	return err
}

// startAll starts processes and waits for all of them.
func startAll(ctx context.Context, processes ...*Process) error {
	for _, p := range processes {
		if err := p.Start(); err != nil {
			return err
		}
	}
	errs := make([]error, len(processes))
	var wg sync.WaitGroup
	for i, p := range processes {
		wg.Go(func() { errs[i] = p.Ready(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
