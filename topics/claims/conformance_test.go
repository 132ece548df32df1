package claims

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestInProcess(t *testing.T) {
	runConformance(t, func(t *testing.T) *server { srv, _ := inProcess(t); return srv })
}

func TestRealRedis(t *testing.T) {
	runConformance(t, func(t *testing.T) *server { return real(t) })
}

// runConformance holds a Redis against what the package promises.
func runConformance(t *testing.T, connect func(t *testing.T) *server) {
	for _, rows := range []map[string]func(s *story){crashes, releases, lateSteps, deadLetters, sentAtOnce, nexts, records} {
		for name, row := range rows {
			t.Run(name, func(t *testing.T) { row(tell(t, connect(t))) })
		}
	}
	t.Run("person markers", func(t *testing.T) { testMarkers(t, connect(t)) })
}

// crashes: an owner dies between any two steps.
var crashes = map[string]func(s *story){
	"before the claim": func(s *story) { s.claim(New) },
	"claimed, not sent": func(s *story) {
		s.claim(New)
		if c := s.claim(Busy); c.Wait <= 0 || c.Wait > testLease {
			s.Errorf("busy for %s", c.Wait)
		}
		s.crash()
		s.claim(New)
		s.claim(Busy)
	},
	"sent": func(s *story) {
		s.sent()
		s.claim(Busy)
		s.crash()
		s.uncertain(testLease)
		s.claim(Busy)
	},
	"sent, and the next owner too": func(s *story) {
		s.sent()
		s.crash()
		s.uncertain(testLease)
		s.crash()
		s.uncertain(2 * testLease)
	},
	"sent again after asking": func(s *story) {
		s.sent()
		s.crash()
		s.ok(s.store.Sent(s.ctx, s.uncertain(testLease)))
		s.crash()
		s.uncertain(testLease)
	},
	"answered": func(s *story) {
		reply := []byte("{\"a\":1}|\x00\n|\xff")
		s.ok(s.store.Answered(s.ctx, s.sent(), reply))
		s.claim(Busy)
		s.crash()
		c := s.claim(Answered)
		if !bytes.Equal(c.Reply, reply) {
			s.Errorf("reply %q, want %q", c.Reply, reply)
		}
		s.claim(Busy)
		s.crash()
		s.ok(s.store.Done(s.ctx, s.claim(Answered)))
		s.claim(Done)
	},
	"asked, and it had arrived": func(s *story) {
		s.sent()
		s.crash()
		s.ok(s.store.Answered(s.ctx, s.uncertain(testLease), []byte("reply")))
		s.crash()
		s.claim(Answered)
	},
	"done": func(s *story) {
		c := s.sent()
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		s.ok(s.store.Done(s.ctx, c))
		s.claim(Done)
		s.crash()
		s.claim(Done)
	},
	"done without a kept reply": func(s *story) {
		s.ok(s.store.Done(s.ctx, s.sent()))
		s.claim(Done)
	},
	"dead": func(s *story) {
		s.dead("L1")
		s.crash()
		if c := s.claim(Dead); c.Letter != "L1" {
			s.Errorf("letter %q", c.Letter)
		}
	},
	"Redis loses its data": func(s *story) {
		lose := func() { s.ok(s.store.rdb.Del(s.ctx, s.key()).Err()) }
		c := s.claim(New)
		lose()
		s.lost(s.store.Sent(s.ctx, c))
		c = s.sent()
		lose()
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		s.claim(Answered)
		lose()
		c = s.sent()
		lose()
		s.ok(s.store.Done(s.ctx, c))
		s.claim(Done)
		lose()
		c = s.sent()
		lose()
		s.ok(s.store.Dead(s.ctx, c, "L1"))
		s.claim(Dead)
	},
}

// sentAtOnce: claim and sent in one step.
var sentAtOnce = map[string]func(s *story){
	"at once: a crash is uncertain": func(s *story) {
		s.req.Sent = true
		s.claim(New)
		s.claim(Busy)
		s.crash()
		s.uncertain(testLease)
		s.crash()
		s.uncertain(testLease) // the second owner has sent it too
	},
	"at once: release": func(s *story) {
		s.req.Sent = true
		s.ok(s.store.Release(s.ctx, s.claim(New)))
		s.claim(New)
		s.crash()
		s.ok(s.store.Release(s.ctx, s.uncertain(testLease)))
		s.uncertain(testLease)
	},
	"at once: done": func(s *story) {
		s.req.Sent = true
		s.ok(s.store.Done(s.ctx, s.claim(New)))
		s.claim(Done)
	},
}

// nexts: one message ends and the next of its application begins in one step.
var nexts = map[string]func(s *story){
	"next": func(s *story) {
		c := s.sent()
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		next, err := s.store.Next(s.ctx, c, s.other("m2"))
		s.ok(err)
		if next.Verdict != New || next.Count != c.Count+1 || time.Until(next.Lease) <= 0 {
			s.Errorf("the next claim is %+v after %+v", next, c)
		}
		s.ok(s.store.Sent(s.ctx, next))
		s.claim(Done)
	},
	"next, and its reply is lost": func(s *story) {
		c := s.sent()
		for range 2 { // as the store repeats it
			_, err := s.store.Next(s.ctx, c, s.other("m2"))
			s.ok(err)
		}
		s.claim(Done)
	},
	"no next after another owner has taken over": func(s *story) {
		c := s.sent()
		s.crash()
		s.uncertain(testLease)
		_, err := s.store.Next(s.ctx, c, s.other("m2"))
		s.lost(err)
		s.req = s.other("m2")
		s.claim(New)
	},
	"next is done already": func(s *story) {
		first := s.req
		s.req = s.other("m2")
		s.ok(s.store.Done(s.ctx, s.sent()))
		s.req = first
		next, err := s.store.Next(s.ctx, s.sent(), s.other("m2"))
		s.ok(err)
		if next.Verdict != Done {
			s.Errorf("verdict %s", next.Verdict)
		}
		s.claim(Done)
	},
}

// records: what lies in Redis.
var records = map[string]func(s *story){
	"unresolved records never expire, done ones live Keep": func(s *story) {
		ttl := func() time.Duration {
			d, err := s.store.rdb.PTTL(s.ctx, s.key()).Result()
			s.ok(err)
			return d
		}
		never := func(state string) {
			if d := ttl(); d != -1 {
				s.Errorf("%s expires in %s", state, d)
			}
		}
		c := s.claim(New)
		never("claimed")
		s.ok(s.store.Sent(s.ctx, c))
		never("sent")
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		never("answered")
		s.ok(s.store.Dead(s.ctx, c, "L1"))
		never("dead")
		s.decide("L1", Replay, true)
		never("reopened")
		s.ok(s.store.Done(s.ctx, s.claim(Answered)))
		if d := ttl(); d <= 0 || d > time.Hour {
			s.Errorf("done lives %s, want an hour", d)
		}
		s.later(2 * time.Hour)
		s.claim(New)
		never("claimed after done")
	},
	"done holds no reply": func(s *story) {
		c := s.sent()
		s.ok(s.store.Answered(s.ctx, c, []byte("a person")))
		s.ok(s.store.Done(s.ctx, c))
		record, err := s.store.rdb.Get(s.ctx, s.key()).Result()
		s.ok(err)
		if strings.Contains(record, "person") || len(record) > 25 {
			s.Errorf("marker %q", record)
		}
	},
	"other content is a conflict in every state": func(s *story) {
		conflict := func() {
			s.Helper()
			s.req.Fingerprint = "other"
			s.claim(Conflict)
			s.decide("L1", Replay, false)
			s.req.Fingerprint = "content"
		}
		c := s.claim(New)
		conflict()
		s.ok(s.store.Sent(s.ctx, c))
		conflict()
		s.crash()
		conflict()
		s.ok(s.store.Answered(s.ctx, c, []byte("reply")))
		conflict()
		s.ok(s.store.Dead(s.ctx, c, "L1"))
		conflict()
		s.decide("L1", Replay, true)
		conflict()
		s.ok(s.store.Done(s.ctx, s.claim(Answered)))
		conflict()
		s.claim(Done)
	},
	"every claim raises the counter of its tag": func(s *story) {
		c := s.claim(New)
		if again := s.claim(Busy); again.Count != c.Count+1 || again.Tag != c.Tag {
			s.Errorf("count %d of tag %d after %d of %d", again.Count, again.Tag, c.Count, c.Tag)
		}
		s.req.Application, s.req.ID = "migration-7", "m2"
		other := s.claim(New)
		counters, err := s.store.counters(s.ctx, s.req.Route)
		s.ok(err)
		if len(counters) != 2 || counters[c.Tag] != 2 || counters[other.Tag] != 1 {
			s.Errorf("counters %v, tags %d and %d", counters, c.Tag, other.Tag)
		}
		s.ok(s.store.rdb.Del(s.ctx, counterKey(s.req.Route, c.Tag)).Err())
		counters, err = s.store.counters(s.ctx, s.req.Route)
		s.ok(err)
		if _, ok := counters[c.Tag]; ok {
			s.Errorf("counters %v after the loss of that of %d", counters, c.Tag)
		}
	},
	"a counter that goes back shows the loss, once": func(s *story) {
		c := s.claim(New)
		s.claim(Busy)
		s.ok(s.store.rdb.Set(s.ctx, counterKey(s.req.Route, c.Tag), 1, 0).Err())
		if c := s.claim(Busy); !c.Lost || c.Count != 2 {
			s.Errorf("count %d, lost %t, after the counter was set back to 1", c.Count, c.Lost)
		}
		if c := s.claim(Busy); c.Lost {
			s.Error("the same loss was seen twice")
		}
		s.ok(s.store.rdb.Del(s.ctx, counterKey(s.req.Route, c.Tag), s.key()).Err())
		if c := s.claim(New); !c.Lost {
			s.Error("a counter that has gone shows no loss")
		}
	},
	"learning begins what is missing": func(s *story) {
		c := s.claim(New)
		other := NewStore(s.store.rdb, Config{Lease: testLease})
		defer other.Close()
		missing, err := other.Learn(s.ctx, s.req.Route)
		s.ok(err)
		if len(missing) != hashTags-1 || slices.Contains(missing, c.Tag) {
			s.Errorf("missing %v, all but %d are expected", missing, c.Tag)
		}
		s.ok(other.Begin(s.ctx, s.req.Route, missing))
		if missing, err = other.Learn(s.ctx, s.req.Route); err != nil || len(missing) > 0 {
			s.Errorf("missing %v (%v) after they were begun", missing, err)
		}
		s.ok(s.store.rdb.Del(s.ctx, counterKey(s.req.Route, c.Tag)).Err())
		if again, err := other.Claim(s.ctx, s.req); err != nil || !again.Lost {
			s.Errorf("%+v (%v): a store that has learned sees no loss", again, err)
		}
	},
	"one of many claims wins": func(s *story) {
		other := NewStore(s.store.rdb, Config{Lease: testLease})
		defer other.Close()
		var mu sync.Mutex
		got := map[Verdict]int{}
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				c, err := [...]*Store{s.store, other}[i%2].Claim(s.ctx, s.req)
				if err != nil {
					s.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				got[c.Verdict]++
			})
		}
		wg.Wait()
		if got[New] != 1 || got[Busy] != 63 {
			s.Errorf("verdicts %v, want one new", got)
		}
	},
	"a record that cannot be read is an error": func(s *story) {
		s.ok(s.store.rdb.Set(s.ctx, s.key(), "?", 0).Err())
		if c, err := s.store.Claim(s.ctx, s.req); err == nil {
			s.Errorf("verdict %s", c.Verdict)
		}
	},
	"the owner gives up before Redis does": func(s *story) {
		began := time.Now()
		c := s.claim(New)
		if c.Lease.After(time.Now().Add(testLease)) || c.Lease.Before(began) {
			s.Errorf("lease ends %s after the claim began", c.Lease.Sub(began))
		}
		left := s.claim(Busy).Wait // Redis' own view, later than the claim
		if mine := time.Until(c.Lease); mine > left+time.Millisecond {
			s.Errorf("the owner has %s left, Redis gives %s", mine, left)
		}
	},
}
