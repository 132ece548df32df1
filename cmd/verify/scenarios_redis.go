package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/proxy"
)

func redisScenarios() []scenario {
	return []scenario{
		{
			name: "redis-killed", faults: []string{"F12"}, about: "Redis is killed and started again on its append-only file, down for 1 s and for 10 s",
			rate: 250, real: true, lasts: true, act: killRedis, mustBite: []string{"SIGKILL"},
		},
		{
			name: "redis-away", faults: []string{"F12"}, about: "nobody reaches Redis for 1 s and for 6 s, and once its answers are lost", rate: 250, smoke: true, lasts: true,
			act: cutRedis, mustBite: []string{"refused", "black hole"},
		},
		{
			name: "redis-frozen", faults: []string{"F13"}, about: "Redis is slow, and frozen", rate: 250, real: true,
			act: freezeRedis, mustBite: []string{"CLIENT PAUSE", "SIGSTOP"},
		},
		{
			name: "redis-lost", faults: []string{"F14"}, about: "Redis loses everything under load; C2 and C3 routes wait until a person has accepted it", rate: 250,
			act: loseRedis, mustBite: []string{"FLUSHALL"}, expect: lossNoticed,
		},
		{
			name: "redis-old-copy", about: "Redis is set back to what it was some seconds ago", rate: 250,
			act: restoreRedis, mustBite: []string{"old copy"}, expect: lossNoticed,
		},
		{
			name: "redis-lost-behind-letter", about: "all hubs start again and Redis has lost its data, while finished messages lie behind a dead letter", rate: 250,
			limit: 3 * time.Minute, load: func(p *load.Plan) { p.Poison = 0.03 },
			act: loseRedisAtRest, mustBite: []string{"FLUSHALL"}, expect: lossNoticed,
		},
		{
			name: "redis-full", faults: []string{"F15"}, about: "Redis has no memory left and refuses writes", rate: 250, real: true,
			act: fillRedis, mustBite: []string{"OOM"},
		},
		{
			name: "redis-refuses", faults: []string{"F16"}, about: "Redis is a read-only replica, refuses the hub's rights, is loading", rate: 250, real: true,
			act: refuseRedis, mustBite: []string{"READONLY", "NOPERM"},
		},
	}
}

func killRedis(ctx context.Context, r *run) error {
	for _, down := range []time.Duration{time.Second, r.down(10 * time.Second)} {
		if err := pause(ctx, 1500*time.Millisecond); err != nil {
			return err
		}
		if err := r.kill(ctx, r.world.Redis, down); err != nil {
			return err
		}
	}
	return nil
}

func cutRedis(ctx context.Context, r *run) error {
	for _, cut := range []struct {
		name  string
		toxic proxy.Toxic
		last  time.Duration
	}{
		{"refused", proxy.Toxic{Refuse: true}, time.Second},
		{"black hole", proxy.Toxic{BlackHole: true}, 2 * time.Second},
		{"refused", proxy.Toxic{Refuse: true}, r.down(6 * time.Second)},
	} {
		if err := errors.Join(pause(ctx, time.Second), r.flowing(ctx)); err != nil {
			return err
		}
		end := r.band("redis " + cut.name)
		before, flight := r.world.RedisProxy.Struck(), r.inFlight()
		err := r.world.RedisProxy.Set(cut.toxic)
		if err == nil {
			err = pause(ctx, cut.last)
		}
		err = errors.Join(err, r.world.RedisProxy.Clear())
		r.bit(cut.name, min(flight, 1)*max(1, r.world.RedisProxy.Struck()-before))
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

func freezeRedis(ctx context.Context, r *run) error {
	if err := r.flowing(ctx); err != nil {
		return err
	}
	end := r.band("CLIENT PAUSE")
	r.bit("CLIENT PAUSE", min(1, r.inFlight()))
	if _, err := r.world.RedisCommand(ctx, "CLIENT", "PAUSE", 3000, "ALL"); err != nil {
		return err
	}
	err := pause(ctx, 4*time.Second)
	end()
	if err != nil {
		return err
	}
	return r.freeze(ctx, r.world.Redis, r.down(8*time.Second))
}

// lossNoticed expects the loss to stand in hub.control, and to have been
// accepted.
func lossNoticed(r *run, _ *check.History, _ *check.Verdict) []string {
	if r.accepted == 0 {
		return []string{"no hub has noticed that claims were lost"}
	}
	return nil
}

// acceptLoss waits until a loss stands, and accepts it as soon as that may be.
func acceptLoss(ctx context.Context, r *run) error {
	end := r.band("loss stands")
	defer end()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := r.hubctl(ctx, "claims", "accept", "--who", "verify", "--why", "a fault that was injected")
		if err == nil {
			r.accepted++
			r.note("the loss was accepted: %s", firstLine(out))
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

func loseRedis(ctx context.Context, r *run) error {
	if err := r.progress.await(ctx, 0.3); err != nil {
		return err
	}
	end := r.band("FLUSHALL")
	r.bit("FLUSHALL", min(1, r.inFlight()))
	_, err := r.world.RedisCommand(ctx, "FLUSHALL")
	end()
	if err != nil {
		return err
	}
	return acceptLoss(ctx, r)
}

// restoreRedis puts back what Redis held some seconds before. A copy is made of
// strings alone, for claims, markers and counters are nothing else.
func restoreRedis(ctx context.Context, r *run) error {
	if err := r.progress.await(ctx, 0.2); err != nil {
		return err
	}
	rdb := redis.NewClient(&redis.Options{Addr: r.world.RedisDirect(), DisableIdentity: true})
	defer rdb.Close()
	copied, err := readRedis(ctx, r.world.RedisDirect())
	if err != nil {
		return err
	}
	if err := r.progress.await(ctx, 0.5); err != nil {
		return err
	}
	end := r.band("old copy")
	r.bit("old copy", min(len(copied), r.inFlight()))
	pipe := rdb.TxPipeline()
	pipe.FlushAll(ctx)
	for k, v := range copied {
		pipe.Set(ctx, k, v, 0)
	}
	_, err = pipe.Exec(ctx)
	end()
	if err != nil {
		return err
	}
	return acceptLoss(ctx, r)
}

// loseRedisAtRest empties Redis while no hub runs.
func loseRedisAtRest(ctx context.Context, r *run) error {
	if err := r.progress.await(ctx, 0.5); err != nil {
		return err
	}
	for _, h := range r.world.Hubs {
		h.Kill()
	}
	end := r.band("FLUSHALL at rest")
	r.bit("FLUSHALL", 1)
	_, err := r.world.RedisCommand(ctx, "FLUSHALL")
	for _, h := range r.world.Hubs {
		err = errors.Join(err, h.Start())
	}
	end()
	if err != nil {
		return err
	}
	return acceptLoss(ctx, r)
}

func fillRedis(ctx context.Context, r *run) error {
	end := r.band("maxmemory")
	defer end()
	if _, err := r.world.RedisCommand(ctx, "CONFIG", "SET", "maxmemory", "1mb"); err != nil {
		return err
	}
	_, err := r.world.RedisCommand(ctx, "SET", "verify:one-more", "x")
	if err != nil {
		r.bit("OOM", 1)
	}
	err = pause(ctx, r.down(5*time.Second))
	_, cerr := r.world.RedisCommand(ctx, "CONFIG", "SET", "maxmemory", "0")
	_, derr := r.world.RedisCommand(ctx, "DEL", "verify:one-more")
	return errors.Join(err, cerr, derr)
}

func refuseRedis(ctx context.Context, r *run) error {
	if err := r.flowing(ctx); err != nil {
		return err
	}
	end := r.band("READONLY")
	// A replica of a master that nobody answers for: it keeps its data.
	_, err := r.world.RedisCommand(ctx, "REPLICAOF", "127.0.0.1", "1")
	if err == nil {
		r.bit("READONLY", min(1, r.inFlight()))
		err = pause(ctx, r.down(3*time.Second))
	}
	_, back := r.world.RedisCommand(ctx, "REPLICAOF", "NO", "ONE")
	end()
	if err := errors.Join(err, back, r.flowing(ctx)); err != nil {
		return err
	}
	end = r.band("NOPERM")
	defer end()
	_, err = r.world.RedisCommand(ctx, "ACL", "SETUSER", "default", "-evalsha", "-eval")
	if err == nil {
		r.bit("NOPERM", min(1, r.inFlight()))
		err = pause(ctx, r.down(3*time.Second))
	}
	_, back = r.world.RedisCommand(ctx, "ACL", "SETUSER", "default", "+@all")
	return errors.Join(err, back)
}
