package inspect

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// A redisDemand is one setting of Redis on which the claims rest.
type redisDemand struct {
	name, want string
	why, todo  string
}

// redisDemands are what a hub needs of Redis; c3 says whether a C3 route runs.
func redisDemands(c3 bool) []redisDemand {
	demands := []redisDemand{
		{"appendonly", "yes", "claims are lost with the process", "set appendonly yes"},
		{"maxmemory-policy", "noeviction", "an evicted claim is a second effect", "set maxmemory-policy noeviction"},
	}
	if c3 {
		demands = append(demands, redisDemand{"appendfsync", "always",
			"a C3 route runs, and a claim lost in a power cut is a second IIN", "set appendfsync always, or do not run iin-generate here"})
	}
	return demands
}

// CheckRedis tries Redis, each master of a cluster, and how it keeps claims; c3
// says whether a C3 route runs. It says whether Redis answers at all.
func CheckRedis(ctx context.Context, r *Report, rdb redis.UniversalClient, c3 bool) (answers bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*tryFor)
	defer cancel()
	if err := rdb.Ping(ctx).Err(); err != nil {
		r.Fail("redis", "does not answer (%v): look at HUB_REDIS and its credentials; without claims no route calls anything", err)
		return false
	}
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		// Collected first, so that their lines do not mix.
		var mu sync.Mutex
		var masters []*redis.Client
		err := cluster.ForEachMaster(ctx, func(_ context.Context, m *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			masters = append(masters, m)
			return nil
		})
		if err != nil {
			r.Fail("redis", "the cluster does not name its masters (%v)", err)
		}
		for _, m := range masters {
			checkRedisNode(ctx, r, "node "+m.Options().Addr+": ", m, c3)
		}
		return true
	}
	checkRedisNode(ctx, r, "", rdb, c3)
	return true
}

func checkRedisNode(ctx context.Context, r *Report, node string, rdb redis.Cmdable, c3 bool) {
	r.OK("redis", "%sanswers", node)
	checkRedisVersion(ctx, r, node, rdb)
	for _, d := range redisDemands(c3) {
		switch value := redisSetting(ctx, rdb, d.name); value {
		case d.want:
			r.OK("redis", "%s%s is %s", node, d.name, value)
		case "":
			r.Warn("redis", "%scannot tell whether %s is %s: it does not show its settings to us; ask who runs it (%s)", node, d.name, d.want, d.why)
		default:
			r.Fail("redis", "%s%s is %s, not %s (%s): %s", node, d.name, value, d.want, d.why, d.todo)
		}
	}
}

// leastRedis is the first version that takes SET with NX and GET together, which
// every claim uses.
const leastRedis = 7

func checkRedisVersion(ctx context.Context, r *Report, node string, rdb redis.Cmdable) {
	version := redisInfo(ctx, rdb, "server", "redis_version")
	major, err := strconv.Atoi(strings.SplitN(version, ".", 2)[0])
	switch {
	case err != nil:
		r.Warn("redis", "%scannot tell its version: claims need Redis %d", node, leastRedis)
	case major < leastRedis:
		r.Fail("redis", "%sis version %s, and every claim would fail: run Redis %d or newer", node, version, leastRedis)
	default:
		r.OK("redis", "%sis version %s", node, version)
	}
}

// redisInfo returns a line of a section of INFO, or "".
func redisInfo(ctx context.Context, rdb redis.Cmdable, section, key string) string {
	text, err := rdb.Info(ctx, section).Result()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+":"); ok {
			return value
		}
	}
	return ""
}

// redisSetting returns a setting of Redis, or "" where it cannot be told: CONFIG
// is often refused, then INFO knows some.
func redisSetting(ctx context.Context, rdb redis.Cmdable, name string) string {
	if found, err := rdb.ConfigGet(ctx, name).Result(); err == nil && found[name] != "" {
		return found[name]
	}
	info := map[string]struct{ section, key string }{
		"appendonly":       {"persistence", "aof_enabled"},
		"maxmemory-policy": {"memory", "maxmemory_policy"},
	}[name]
	if info.section == "" {
		return ""
	}
	value := redisInfo(ctx, rdb, info.section, info.key)
	if name == "appendonly" {
		return map[string]string{"0": "no", "1": "yes"}[value]
	}
	return value
}
