package claims

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{}) // the client logs each failed dial
	goleak.VerifyTestMain(m)
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// testLease is long enough that no lease ends by itself during a test; tests
// let time pass with server.later.
const testLease = time.Minute

// A server is a Redis whose time a test can let pass.
type server struct {
	rdb redis.UniversalClient
	// later lets d pass for the records and markers with these keys.
	later func(t testing.TB, d time.Duration, keys ...string)
}

func client(t testing.TB, addrs ...string) redis.UniversalClient {
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: addrs, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
	})
	t.Cleanup(func() {
		if err := rdb.Close(); err != nil {
			t.Errorf("closing the client: %v", err)
		}
	})
	return rdb
}

// inProcess is a miniredis with a clock that stands still until later. Its
// TTLs follow that clock.
func inProcess(t testing.TB) (*server, *miniredis.Miniredis) {
	m := miniredis.RunT(t)
	now := time.Now()
	m.SetTime(now)
	m.ClockTTL(true)
	return &server{
		rdb: client(t, m.Addr()),
		later: func(_ testing.TB, d time.Duration, _ ...string) {
			now = now.Add(d)
			m.SetTime(now)
		},
	}, m
}

// real is the Redis of REDIS_ADDR (several addresses, apart by commas: a
// Cluster). Its records are made older instead of its clock.
func real(t testing.TB) *server {
	addr := os.Getenv("REDIS_ADDR")
	if addr == "" {
		t.Skip("REDIS_ADDR is not set: not run against a real Redis")
	}
	return realAt(client(t, strings.Split(addr, ",")...))
}

// realAt is a real Redis, whose clock can not be set.
func realAt(rdb redis.UniversalClient) *server {
	older := redis.NewScript(`
		local v = redis.call('GET', KEYS[1])
		if not v then return 0 end
		local d = tonumber(ARGV[1])
		local function back(n) if n == '' then return n end return string.format('%d', n - d) end
		local at, id = string.match(v, '^(%d+)|(.*)$')
		if at then
			v = back(at) .. '|' .. id
		else
			local head, till, sent, before, rest = string.match(v, '^(.|[^|]*|[^|]*|)(%d*)|(%d*)|(%d*)|(.*)$')
			v = head .. back(till) .. '|' .. back(sent) .. '|' .. back(before) .. '|' .. rest
		end
		local left = redis.call('PTTL', KEYS[1])
		redis.call('SET', KEYS[1], v)
		if left > 0 then redis.call('PEXPIRE', KEYS[1], left - d) end
		return 1`)
	return &server{rdb: rdb, later: func(t testing.TB, d time.Duration, keys ...string) {
		for _, key := range keys {
			if err := older.Run(context.Background(), rdb, []string{key}, d.Milliseconds()).Err(); err != nil {
				t.Fatalf("making a record older: %v", err)
			}
		}
	}}
}

// A story is one message in a test: every claim on it is a new owner.
type story struct {
	testing.TB
	ctx   context.Context
	srv   *server
	store *Store
	req   Request
}

// tell starts a story about a message that Redis has never met.
func tell(t testing.TB, srv *server) *story {
	store := NewStore(srv.rdb, Config{Lease: testLease, Keep: time.Hour})
	t.Cleanup(store.Close)
	route := fmt.Sprintf("test-%s", newToken())
	req := Request{Route: route, Application: "egov-1896-000042", Source: "kandas", ID: "m1", Fingerprint: "content"}
	return &story{TB: t, ctx: t.Context(), srv: srv, store: store, req: req}
}

// other is the request for another message of the same application.
func (s *story) other(id string) Request {
	r := s.req
	r.ID = id
	return r
}

func (s *story) key() string { return claimKey(&s.req, tagOf(s.req.Application)) }

func (s *story) later(d time.Duration) { s.Helper(); s.srv.later(s, d, s.key()) }

// crash lets the lease of whoever holds the message end.
func (s *story) crash() { s.Helper(); s.later(testLease) }

// claim is made by a new owner, and comes to want.
func (s *story) claim(want Verdict) *Claim {
	s.Helper()
	c, err := s.store.Claim(s.ctx, s.req)
	if err != nil {
		s.Fatalf("claim: %v", err)
	}
	if c.Verdict != want {
		s.Fatalf("verdict %s, want %s", c.Verdict, want)
	}
	return c
}

func (s *story) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("step failed: %v", err)
	}
}

func (s *story) lost(err error) {
	s.Helper()
	if !errors.Is(err, ErrLost) {
		s.Fatalf("got %v, want ErrLost", err)
	}
}

// sent claims, and says sent.
func (s *story) sent() *Claim {
	s.Helper()
	c := s.claim(New)
	s.ok(s.store.Sent(s.ctx, c))
	return c
}

// dead makes the message a dead letter after the call.
func (s *story) dead(letter string) {
	s.Helper()
	s.ok(s.store.Dead(s.ctx, s.sent(), letter))
}

func (s *story) decide(letter string, d Decision, want bool) {
	s.Helper()
	acted, err := s.store.Decide(s.ctx, s.req, letter, d)
	if err != nil || acted != want {
		s.Fatalf("decide %s of %s: acted %v, %v, want %v", d, letter, acted, err, want)
	}
}

func (s *story) decided(letter string, d Decision, want bool) {
	s.Helper()
	acted, err := s.store.Decided(s.ctx, s.req, letter, d)
	if err != nil || acted != want {
		s.Fatalf("%s of %s has acted: %v, %v, want %v", d, letter, acted, err, want)
	}
}

func (s *story) undo(letter, again string, want bool) {
	s.Helper()
	acted, err := s.store.Undo(s.ctx, s.req, letter, again)
	if err != nil || acted != want {
		s.Fatalf("undo of %s as %s: acted %v, %v, want %v", letter, again, acted, err, want)
	}
}

// uncertain is a claim that comes to Uncertain, sent age ago.
func (s *story) uncertain(age time.Duration) *Claim {
	s.Helper()
	c := s.claim(Uncertain)
	if slack := c.SentAge - age; slack < 0 || slack > 30*time.Second {
		s.Fatalf("sent %s ago, want %s", c.SentAge, age)
	}
	now, err := s.store.rdb.Time(s.ctx).Result()
	s.ok(err)
	if slack := now.Sub(c.SentAt) - c.SentAge; slack < -time.Second || slack > 30*time.Second {
		s.Fatalf("sent at %s, %s ago by a clock that says %s", c.SentAt, c.SentAge, now)
	}
	return c
}
