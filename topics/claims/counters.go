package claims

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// counters are the highest counts that are known of a route's hash tags.
type counters [hashTags]atomic.Int64

// saw notes a count. One that shows a loss begins afresh: the next loss of this
// tag is seen, too.
func (k *counters) saw(tag int, count int64, lost bool) {
	for {
		known := k[tag].Load()
		if known >= count && !lost || k[tag].CompareAndSwap(known, count) {
			return
		}
	}
}

// knownCounters are the counters of all routes of a store.
type knownCounters struct {
	mu     sync.Mutex
	routes map[string]*counters
}

func (k *knownCounters) of(route string) *counters {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.routes == nil {
		k.routes = map[string]*counters{}
	}
	c := k.routes[route]
	if c == nil {
		c = new(counters)
		k.routes[route] = c
	}
	return c
}

// Learn takes over the counters of a route as they are in Redis now, before its
// first claim and whenever a loss has been accepted. It returns the tags whose
// counters are missing: if the route has ever claimed, Redis has lost them, which
// is to be written down before they are begun ([Store.Begin]).
func (s *Store) Learn(ctx context.Context, route string) (missing []int, err error) {
	known := s.known.of(route)
	for tag := range known {
		known[tag].Store(0)
	}
	found, err := s.counters(ctx, route)
	if err != nil {
		return nil, err
	}
	for tag := range known {
		if n, ok := found[tag]; ok {
			known.saw(tag, n, false)
		} else {
			missing = append(missing, tag)
		}
	}
	return missing, nil
}

// counters returns the counters of a route's hash tags, by number. A tag that
// never had a claim, or whose counter Redis has lost, is missing.
func (s *Store) counters(ctx context.Context, route string) (map[int]int64, error) {
	var cmds [hashTags]*redis.StringCmd
	_, err := s.do(ctx, "counters", func() (any, error) {
		pipe := s.rdb.Pipeline()
		for tag := range cmds {
			cmds[tag] = pipe.Get(ctx, counterKey(route, tag))
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		return nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("claims: counters: %w", err)
	}
	found := make(map[int]int64)
	for tag, cmd := range cmds {
		n, err := cmd.Int64()
		switch {
		case err == nil:
			found[tag] = n
		case !errors.Is(err, redis.Nil):
			return nil, fmt.Errorf("claims: counters: %w", err)
		}
	}
	return found, nil
}

// Begin writes counters of zero for tags that have none, so that their loss is
// seen from now on.
func (s *Store) Begin(ctx context.Context, route string, tags []int) error {
	if len(tags) == 0 {
		return nil
	}
	_, err := s.do(ctx, "counters", func() (any, error) {
		pipe := s.rdb.Pipeline()
		for _, tag := range tags {
			pipe.SetNX(ctx, counterKey(route, tag), 0, 0)
		}
		_, err := pipe.Exec(ctx)
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("claims: counters: %w", err)
	}
	return nil
}

// Count returns how often messages of a route have been claimed, by all hubs, as
// far as Redis remembers. While it stays the same nobody has begun a call.
func (s *Store) Count(ctx context.Context, route string) (claims int64, err error) {
	found, err := s.counters(ctx, route)
	for _, n := range found {
		claims += n
	}
	return claims, err
}
