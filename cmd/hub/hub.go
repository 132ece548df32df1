package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"kandashub/adapters"
	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/contract"
	"kandashub/topics/control"
	"kandashub/topics/failpoint"
	"kandashub/topics/outcomes"
)

// produceTimeout bounds one write to Kafka; what was written by then is not
// known, and is written again under the same id.
const produceTimeout = 5 * time.Second

// leaveMargin is what is left of HUB_SHUTDOWN for a member that has not come to
// leave its group in good order.
const leaveMargin = time.Second

// batchRoom is what a batch of Kafka needs beside the payload of one message, in
// bytes: its headers and those of the batch, with room to spare.
const batchRoom = 2 << 10

// closeTracer bounds the export of the last spans.
const closeTracer = 2 * time.Second

// hub is all that one process is made of.
type hub struct {
	cfg      *Config
	lines    *observability.Lines
	log      *slog.Logger
	metrics  *observability.Metrics
	tracer   *observability.Tracer
	registry *prometheus.Registry
	contract *contract.Contract
	cluster  *topics.Cluster
	producer *topics.Producer
	redis    redis.UniversalClient
	claims   *claims.Store
	adapters *adapterSet
	routes   []topics.Route
	control  *control.Store
	losses   *losses
	outcomes *outcomes.Index // nil: this process has none
	reports  topics.Outcomes // nil: what becomes of messages is not reported
	held     atomic.Int64    // bytes of messages in memory
}

// serve runs the hub until ctx ends, then hands over and ends within
// HUB_SHUTDOWN. Log lines go to w.
func serve(ctx context.Context, cfg *Config, w io.Writer) error {
	limit := useMemory(cfg)
	h, err := newHub(cfg, w)
	if err != nil {
		return err
	}
	h.metrics.MemoryLimit(limit)
	defer h.close()
	door, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("HUB_LISTEN: %w", err)
	}
	probes := observability.NewServer(cfg.Metrics, h.registry, h.readiness()...)
	if cfg.Profile {
		probes.Profile()
	}
	g, running := errgroup.WithContext(ctx)

	// The probes outlive what they tell of.
	probing, stopProbes := context.WithCancel(context.WithoutCancel(ctx))
	defer stopProbes()
	probed := make(chan error, 1)
	go func() { probed <- probes.Serve(probing) }()
	if probes.Addr() == "" {
		return errors.Join(fmt.Errorf("HUB_METRICS: %w", <-probed), door.Close())
	}
	h.log.Info("started", "addr", door.Addr().String(), "handler", "intake and SHEP")
	h.log.Info("started", "addr", probes.Addr(), "handler", "metrics and probes")

	var all []steered
	for _, r := range h.routes {
		all = append(all, h.consumer(r))
	}
	desk, err := h.openConsole(all)
	if err != nil {
		stopProbes()
		return errors.Join(err, <-probed, door.Close())
	}
	g.Go(func() error { return h.controlled(running, all...) })
	g.Go(func() error { return h.serveDoor(running, door) })
	if h.outcomes != nil {
		g.Go(func() error { return h.outcomes.Run(running) })
	}
	if desk != nil {
		g.Go(func() error { return desk(running) })
	}

	<-running.Done()
	probes.NotReady("shutting down")
	h.log.Info("stopping", "limit", cfg.Shutdown.String())
	failpoint.Hit(failpoint.Stopping, "")
	ended := make(chan error, 1)
	go func() { ended <- g.Wait() }()
	select {
	case err = <-ended:
	case <-time.After(cfg.Shutdown):
		err = fmt.Errorf("not everything has ended within HUB_SHUTDOWN (%s): what runs on keeps its lease and commits nothing", cfg.Shutdown)
	}
	stopProbes()
	h.log.Info("stopped")
	return errors.Join(err, <-probed)
}

// useMemory has garbage collected seldom while there is room: what the hub holds
// is bounded by its window, and nearly all that it makes ends with a message.
// GOGC and GOMEMLIMIT in the environment go before.
//
// It returns how much memory the process may use, in bytes: what GOMEMLIMIT or its
// container allow; 0 where nobody has set a limit.
func useMemory(cfg *Config) (limit int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return debug.SetMemoryLimit(-1)
	}
	enough := max(2*int64(cfg.WindowBytes), 96<<20)
	if container, err := memlimit.FromCgroup(); err == nil { // else there is none
		limit = int64(container)
		enough = min(enough, limit/4*3) // the rest is for what Go does not count
	}
	debug.SetMemoryLimit(enough)
	return limit
}

// newHub makes everything and connects to nothing yet.
func newHub(cfg *Config, w io.Writer) (*hub, error) {
	h := &hub{cfg: cfg, registry: prometheus.NewRegistry(), lines: observability.NewLines(w)}
	h.metrics = newMetrics(h.registry)
	h.log = observability.NewLogger(h.lines, cfg.LogLevel, cfg.LogKey, h.metrics)
	redis.SetLogger(redisLog{h.log})
	var err error
	h.tracer, err = observability.NewTracer(observability.TracerConfig{URL: cfg.OTLP, OneIn: cfg.TraceSample, Instance: hubName(), Log: h.log})
	if err != nil {
		return nil, err
	}
	if h.contract, err = contract.Load(); err != nil {
		return nil, err
	}
	wires := wiring{cfg: cfg, metrics: h.metrics, recipient: func(name string) bool {
		_, ok := h.contract.Topic(name + ".notifications")
		return ok
	}}
	if h.adapters, err = connectSystems(wires); err != nil {
		return nil, err
	}
	if h.routes, err = runningRoutes(h.adapters, wires); err != nil {
		return nil, err
	}
	var known []observability.Route
	var sources []string
	for _, r := range h.routes {
		sources = append(sources, r.Sources...)
		known = append(known, observability.Route{Name: r.Name, Sources: r.Sources, Writes: r.Writes,
			System: r.Operation.System, Operation: r.Operation.Name})
	}
	h.metrics.Init(topics.LetterCodes(), known...)
	h.metrics.Config(cfg.String())
	keep, err := retention(h.contract, sources)
	if err != nil {
		return nil, err
	}
	h.cluster = topics.NewCluster(cfg.Kafka)
	h.producer = topics.NewProducer(h.cluster, produceTimeout, h.metrics)
	h.control = control.Open(h.cluster, h.producer, hubName())
	h.control.Log = h.log
	h.losses = &losses{hub: h}
	if cfg.Outcomes {
		h.reports = outcomes.NewWriter(h.cluster, cfg.Partitions, h.metrics, h.log)
	}
	if cfg.OutcomesDir != "" {
		if h.outcomes, err = outcomes.Open(cfg.OutcomesDir, outcomes.Options{
			Cluster: h.cluster, Keep: cfg.OutcomesKeep, Most: cfg.OutcomesMost, Metrics: h.metrics, Log: h.log,
		}); err != nil {
			return nil, fmt.Errorf("HUB_OUTCOMES_DIR: %w", err)
		}
	}
	h.redis = cfg.redisClient()
	h.claims = claims.NewStore(h.redis, claims.Config{
		Lease: cfg.Lease, Keep: keep + 24*time.Hour, Replicas: cfg.redisReplicas(), Metrics: h.metrics,
	})
	return h, nil
}

func (h *hub) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTracer)
	defer cancel()
	if err := h.tracer.Close(ctx); err != nil {
		h.log.Warn("the last traces cannot be exported, and are dropped", "error", err.Error())
	}
	h.claims.Close()
	if h.outcomes != nil {
		_ = h.outcomes.Close() // what was not stored is read from the topic again
	}
	_ = h.redis.Close()
	h.cluster.Close()
	h.lines.Close()
}

// consumer is one route with its breaker.
func (h *hub) consumer(r topics.Route) steered {
	cfg := h.cfg
	breaker := adapters.NewBreaker(adapters.BreakerConfig{
		System: r.Operation.System, Operation: r.Operation.Name,
		Failures: cfg.BreakerFailures, OpenFor: cfg.BreakerOpenFor, Metrics: h.metrics,
	})
	counts := h.metrics.Route(r.Name)
	gate := topics.NewGate(breaker, func(reason string, on bool) {
		counts.Pause(reason, on)
		h.log.Info("pause", "route", r.Name, "reason", reason, "state", on)
	})
	return steered{breaker: breaker, Consumer: &topics.Consumer{
		Cluster: h.cluster, Partitions: cfg.Partitions,
		Workers: cfg.Workers, Window: cfg.Window, WindowBytes: int64(cfg.WindowBytes), Bytes: &h.held,
		Session: cfg.Session, Rebalance: cfg.Rebalance, Leave: cfg.Shutdown - leaveMargin,
		Delivery: &topics.Delivery{
			Route: r, Claims: h.claims, Producer: h.producer, Gate: gate,
			Timing: topics.Timing{
				Call: cfg.Call, Lease: cfg.Lease, Drain: cfg.Drain, ParkAfter: cfg.ParkAfter, Deadline: cfg.Deadline,
				BackoffLeast: cfg.BackoffMin, BackoffMost: cfg.BackoffCap,
			},
			Check: h.checkContract, Lease: adapters.WithLease, Losses: h.losses, Outcomes: h.reports, Known: h.contract.Knows,
			Metrics: counts, Tracer: h.tracer, Log: h.log, Now: failpoint.Now,
		},
	}}
}

// checkContract holds a message against the contract of its topic.
func (h *hub) checkContract(topic string, m topics.Message) (code string, err error) {
	if t, ok := h.contract.Topic(topic); ok && t.MaxBytes > 0 && len(m.Data) > t.MaxBytes-batchRoom {
		return "too_large", fmt.Errorf("the payload has %d bytes, %s takes %d", len(m.Data), topic, t.MaxBytes-batchRoom)
	}
	var v *contract.Violation
	switch err := h.contract.Check(topic, m); {
	case err == nil:
		return "", nil
	case errors.As(err, &v):
		return v.Code, err
	default:
		return "internal", err
	}
}

// readiness is what /readyz asks: the settings are valid, or there would be no
// process.
func (h *hub) readiness() []observability.Check {
	return []observability.Check{
		{Name: "kafka", Run: h.cluster.Ping},
		{Name: "redis", Run: func(ctx context.Context) error { return h.redis.Ping(ctx).Err() }},
		{Name: "topics", Run: h.topicsExist},
		{Name: "control", Run: h.control.Check},
	}
}

func (h *hub) topicsExist(ctx context.Context) error {
	var names []string
	for _, r := range h.routes {
		names = append(names, r.Sources...)
		names = append(names, r.Writes...)
		names = append(names, r.ParkedTopic(), r.DeadTopic())
	}
	if h.cfg.Outcomes || h.outcomes != nil {
		names = append(names, outcomes.Topic)
	}
	problems, err := h.contract.Missing(ctx, h.cluster.Client, h.cfg.Partitions, names)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s (%d problems in all): hubctl topics create makes what is missing", problems[0], len(problems))
	}
	return nil
}
