package claims

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// A lossy proxy stands before Redis. It can lose the replies to the scripts
// that pass it: Redis has carried them out, but the connection breaks.
type lossy struct {
	net.Listener
	lose atomic.Int64 // how many more replies
}

func newLossy(t *testing.T, target string) *lossy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &lossy{Listener: l}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c, target)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return p
}

func (p *lossy) serve(c net.Conn, target string) {
	defer c.Close()
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer up.Close()
	var script atomic.Bool // the last request ran a script
	go func() {
		defer up.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := c.Read(buf)
			if n > 0 {
				script.Store(containsScript(buf[:n]))
				if _, err := up.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := up.Read(buf)
		if err != nil {
			return
		}
		if script.Load() && p.lose.Load() > 0 {
			p.lose.Add(-1)
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func containsScript(b []byte) bool {
	for i := 0; i+7 <= len(b); i++ {
		if string(b[i:i+7]) == "evalsha" {
			return true
		}
	}
	return false
}

// lossyStory tells a story through a proxy; the scripts are known already.
func lossyStory(t *testing.T) (*story, *lossy) {
	srv, m := inProcess(t)
	tell(t, srv).knownScript()
	proxy := newLossy(t, m.Addr())
	return tell(t, &server{rdb: client(t, proxy.Addr().String()), later: srv.later}), proxy
}

// knownScript makes Redis know the script.
func (s *story) knownScript() {
	s.ok(s.store.batcher.script.Load(s.ctx, s.store.rdb).Err())
}

// Each step gives the same result when its reply is lost and it is repeated.
func TestLostReplies(t *testing.T) {
	for name, row := range map[string]func(s *story, lose func()){
		"new": func(s *story, lose func()) {
			lose()
			c := s.claim(New)
			if c.Count != 2 {
				s.Errorf("the claim was carried out %d times, want 2", c.Count)
			}
			s.ok(s.store.Sent(s.ctx, c))
		},
		"new and sent at once": func(s *story, lose func()) {
			s.req.Sent = true
			lose()
			s.claim(New)
		},
		"uncertain": func(s *story, lose func()) {
			s.sent()
			s.crash()
			lose()
			s.ok(s.store.Release(s.ctx, s.uncertain(testLease)))
			s.uncertain(testLease)
		},
		"uncertain and sent at once": func(s *story, lose func()) {
			s.req.Sent = true
			s.claim(New)
			s.crash()
			lose()
			s.uncertain(testLease)
		},
		"answered": func(s *story, lose func()) {
			s.ok(s.store.Answered(s.ctx, s.sent(), []byte("reply")))
			s.crash()
			lose()
			s.ok(s.store.Done(s.ctx, s.claim(Answered)))
		},
		"busy": func(s *story, lose func()) { s.claim(New); lose(); s.claim(Busy) },
		"every step of a life": func(s *story, lose func()) {
			lose()
			c := s.claim(New)
			lose()
			s.ok(s.store.Sent(s.ctx, c))
			lose()
			s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
			lose()
			s.ok(s.store.Done(s.ctx, c))
			s.claim(Done)
		},
		"release": func(s *story, lose func()) {
			c := s.sent()
			lose()
			s.ok(s.store.Release(s.ctx, c))
			s.sent()
			s.crash()
			c = s.uncertain(testLease)
			lose()
			s.ok(s.store.Release(s.ctx, c))
			s.uncertain(testLease)
		},
		"dead and decided": func(s *story, lose func()) {
			c := s.sent()
			lose()
			s.ok(s.store.Dead(s.ctx, c, "L1"))
			lose()
			s.decide("L1", ReplayAsk, true)
			s.decide("L1", ReplayAsk, false)
			s.ok(s.store.Dead(s.ctx, s.uncertain(0), "L2"))
			lose()
			s.decide("L2", Finish, true)
		},
		"markers": func(s *story, lose func()) {
			lose()
			at, held, err := s.store.Mark(s.ctx, []string{"a", "b"}, "m1")
			if held != nil || err != nil {
				s.Errorf("held by %v, %v", held, err)
			}
			lose()
			s.ok(s.store.Unmark(s.ctx, []string{"a", "b"}, "m1", at))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, proxy := lossyStory(t)
			row(s, func() {
				if left := proxy.lose.Swap(1); left != 0 {
					t.Fatal("the reply before was not lost")
				}
			})
			if proxy.lose.Load() != 0 {
				t.Error("no reply was lost")
			}
		})
	}
}

// The repeats are bounded; then there is an error and no verdict, and what was
// claimed under an owner that nobody knows ends with its lease.
func TestAllRepliesLost(t *testing.T) {
	s, proxy := lossyStory(t)
	proxy.lose.Store(attempts)
	if c, err := s.store.Claim(s.ctx, s.req); err == nil {
		t.Fatalf("verdict %s without a reply", c.Verdict)
	}
	if left := proxy.lose.Load(); left != 0 {
		t.Errorf("%d replies of %d were left to lose", left, attempts)
	}
	s.claim(Busy)
	s.crash()
	s.claim(New)
}

func TestRedisAway(t *testing.T) {
	srv, m := inProcess(t)
	s := tell(t, srv)
	c := s.sent()
	failing := func(why string) {
		t.Helper()
		for name, err := range map[string]error{
			"claim":    func() error { _, err := s.store.Claim(s.ctx, s.req); return err }(),
			"sent":     s.store.Sent(s.ctx, c),
			"release":  s.store.Release(s.ctx, c),
			"answered": s.store.Answered(s.ctx, c, []byte("reply")),
			"done":     s.store.Done(s.ctx, c),
			"dead":     s.store.Dead(s.ctx, c, "L1"),
			"decide":   func() error { _, err := s.store.Decide(s.ctx, s.req, "L1", Replay); return err }(),
			"mark":     func() error { _, _, err := s.store.Mark(s.ctx, []string{"a"}, "m1"); return err }(),
			"unmark":   s.store.Unmark(s.ctx, []string{"a"}, "m1", time.Now()),
			"counters": func() error { _, err := s.store.counters(s.ctx, s.req.Route); return err }(),
		} {
			if err == nil || errors.Is(err, ErrLost) {
				t.Errorf("%s: %s comes to %v", why, name, err)
			}
		}
	}
	m.SetError("LOADING Redis is loading the dataset in memory")
	failing("loading")
	m.SetError("")
	m.Close()
	failing("down")
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	// The client's pool looks once a second whether Redis is back.
	eventually(t, "Redis is back", func() bool { return s.store.Done(s.ctx, c) == nil })
	s.claim(Done)
}

// A Redis that has forgotten the scripts is taught them again.
func TestScriptsForgotten(t *testing.T) {
	srv, _ := inProcess(t)
	s := tell(t, srv)
	for range 2 {
		s.ok(srv.rdb.ScriptFlush(s.ctx).Err())
		s.dead("L1")
		s.decide("L1", Replay, true)
	}
}

// Where replicas are asked for and none confirms, nothing may be called.
func TestNoReplicaConfirms(t *testing.T) {
	srv, _ := inProcess(t)
	s := tell(t, srv)
	s.store.cfg.Replicas, s.req.Replicated = 1, true
	c := s.claim(New)
	if err := s.store.Sent(s.ctx, c); !errors.Is(err, ErrNotReplicated) {
		t.Fatalf("sent: %v, want ErrNotReplicated", err)
	}
	s.ok(s.store.Release(s.ctx, c))
	old := s.claim(New)
	s.crash()
	s.claim(New)
	s.lost(s.store.Sent(s.ctx, old))
	if _, _, err := s.store.Mark(s.ctx, []string{"a"}, "m1"); !errors.Is(err, ErrNotReplicated) {
		t.Errorf("mark: %v, want ErrNotReplicated", err)
	}
}

func TestCanceled(t *testing.T) {
	srv, _ := inProcess(t)
	s := tell(t, srv)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.store.Claim(ctx, s.req); !errors.Is(err, context.Canceled) {
		t.Errorf("claim: %v", err)
	}
	s.claim(New) // the step was not carried out
}
