package main

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"kandashub/observability"
	"kandashub/topics/servertest"
)

// TestRedisStateIsAsked looks at a Redis that holds something, a real one where
// the tests have one, and at one that has gone.
func TestRedisStateIsAsked(t *testing.T) {
	rdb := servertest.Redis(t)
	key := servertest.Unique("key")
	if err := rdb.Set(t.Context(), key, "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	defer rdb.Del(t.Context(), key)
	h := &hub{redis: rdb, metrics: observability.NewMetrics(nil)}
	s := h.redisState(t.Context())
	if !s.Up || !s.Told || s.Keys < 1 || s.Idle+s.InUse < 1 {
		t.Errorf("Redis answers and holds a key, and its state is %+v", s)
	}
	if rdb.Info(t.Context(), "memory").Err() == nil && s.Memory == 0 { // the stand-in does not say
		t.Errorf("Redis uses memory, and its state is %+v", s)
	}
	stand := miniredis.RunT(t)
	stand.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
		if command != "DBSIZE" {
			return false
		}
		peer.WriteError("ERR not now")
		return true
	})
	half := redis.NewClient(&redis.Options{Addr: stand.Addr(), DisableIdentity: true})
	defer half.Close()
	h.redis = half
	if s := h.redisState(t.Context()); !s.Up || s.Told {
		t.Errorf("Redis answers and does not say how many keys it has, and its state is %+v", s)
	}
	away := redis.NewClient(&redis.Options{Addr: stand.Addr(), MaxRetries: -1, DisableIdentity: true})
	defer away.Close()
	stand.Close()
	h.redis = away
	if s := h.redisState(t.Context()); s.Up {
		t.Errorf("Redis has gone, and its state is %+v", s)
	}
}

// TestRedisInfoIsRead reads what Redis says of itself.
func TestRedisInfoIsRead(t *testing.T) {
	got := readRedisInfo("# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:2097152\r\nmaxmemory_policy:allkeys-lru\r\n\r\n# Stats\r\nevicted_keys:7\r\n")
	want := observability.RedisState{Memory: 1048576, MemoryLimit: 2097152, Evicted: 7, EvictionUnsafe: true}
	if got != want {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if s := readRedisInfo("maxmemory_policy:noeviction\r\n"); s.EvictionUnsafe {
		t.Error("noeviction is taken for unsafe")
	}
}
