package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/observability"
)

// watchRedisEvery is how often Redis is asked how it is, and askRedisFor how
// long it may take to say so.
const (
	watchRedisEvery = 10 * time.Second
	askRedisFor     = 2 * time.Second
)

// watchRedis keeps the metrics of Redis itself fresh until ctx ends.
func (h *hub) watchRedis(ctx context.Context) {
	every := time.NewTicker(watchRedisEvery)
	defer every.Stop()
	for {
		state := h.redisState(ctx)
		if ctx.Err() != nil {
			return
		}
		h.metrics.RedisState(state)
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// redisState asks Redis, each master of a cluster, how it is.
func (h *hub) redisState(ctx context.Context) observability.RedisState {
	ctx, cancel := context.WithTimeout(ctx, askRedisFor)
	defer cancel()
	pool := h.redis.PoolStats()
	s := observability.RedisState{
		Idle: int(pool.IdleConns), InUse: int(pool.TotalConns) - int(pool.IdleConns),
		Waiting: int(pool.PendingRequests), Stale: int(pool.StaleConns),
	}
	if s.Up = h.timed(ctx, "ping", func() error { return h.redis.Ping(ctx).Err() }) == nil; !s.Up {
		return s
	}
	var mu sync.Mutex
	add := func(ctx context.Context, node redis.Cmdable) error {
		one, err := h.redisNode(ctx, node)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		s.Keys += one.Keys
		s.Memory += one.Memory
		s.MemoryLimit += one.MemoryLimit
		s.Evicted += one.Evicted
		s.EvictionUnsafe = s.EvictionUnsafe || one.EvictionUnsafe
		return nil
	}
	var err error
	if cluster, ok := h.redis.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return add(ctx, m) })
		s.Up = err == nil
	} else {
		err = add(ctx, h.redis)
	}
	s.Told = err == nil
	return s
}

// redisNode asks one Redis. One that fails has said nothing: half of what it says
// would look like claims that are lost.
func (h *hub) redisNode(ctx context.Context, node redis.Cmdable) (s observability.RedisState, err error) {
	err = h.timed(ctx, "info", func() error {
		text, err := node.Info(ctx).Result()
		s = readRedisInfo(text)
		return err
	})
	if err != nil {
		return s, err
	}
	s.Keys, err = node.DBSize(ctx).Result()
	return s, err
}

// readRedisInfo reads the answer to INFO.
func readRedisInfo(text string) (s observability.RedisState) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch name {
		case "used_memory":
			s.Memory = n
		case "maxmemory":
			s.MemoryLimit = n
		case "evicted_keys":
			s.Evicted = n
		case "maxmemory_policy":
			s.EvictionUnsafe = value != "noeviction"
		}
	}
	return s
}

// timed counts and times a command of Redis that is no step of a claim.
func (h *hub) timed(ctx context.Context, command string, do func() error) error {
	began := time.Now()
	err := do()
	result := "ok"
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		result = "canceled"
	case err != nil:
		result = "error"
	}
	h.metrics.Redis(command, result, time.Since(began))
	return err
}

// redisLog brings what the Redis client says into the log.
type redisLog struct{ log *slog.Logger }

func (l redisLog) Printf(_ context.Context, format string, v ...any) {
	l.log.Debug("redis client", "problem", fmt.Sprintf(format, v...))
}
