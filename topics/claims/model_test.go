package claims

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"
)

// model is what a record means, told apart from how it is kept: who may act,
// and what is known of the effect.
type model struct {
	now   time.Duration
	state string // "", reopened, claimed, sent, answered, done, dead, dead-done

	holder int           // owner that last took it; -1: none may act on it
	until  time.Duration // of the holder's lease
	sent   time.Duration // when the effect became possible; -1: never
	before time.Duration // sent, as the holder found it
	letter string
	reply  string
	kept   time.Duration // until when done is remembered

	discarded string // by which decision of which letter; empty where that cannot be undone
	decided   string // what was decided last, while nobody has claimed since

	// possible: some owner may have reached the system, and neither it nor a
	// person has taken that back.
	possible bool
}

// machine drives a store on miniredis and the model side by side, under any
// order of steps by several owners, however late.
type machine struct {
	redis  *miniredis.Miniredis
	start  time.Time
	store  *Store
	req    Request
	owners []*Claim // each attempt's
	nexts  int      // messages that came with the end of another
	model
}

const (
	modelLease = 10 * time.Second
	modelKeep  = 100 * time.Second
)

func TestAnyOrderOfSteps(t *testing.T) {
	m := miniredis.RunT(t)
	m.ClockTTL(true)
	store := NewStore(client(t, m.Addr()), Config{Lease: modelLease, Keep: modelKeep})
	t.Cleanup(store.Close)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		start := time.UnixMilli(1_800_000_000_000).Add(time.Duration(run) * time.Hour)
		m.SetTime(start)
		mc := &machine{
			redis: m, start: start, store: store,
			req:   Request{Route: "model", Application: "a", Source: "s", ID: fmt.Sprint(run), Fingerprint: "f"},
			model: unknown(0),
		}
		rt.Repeat(map[string]func(*rapid.T){
			"claim": mc.claim, "claim again": mc.claim, "conflict": mc.conflict, "time": mc.time,
			"sent": mc.sentStep, "release": mc.release, "answered": mc.answered, "done": mc.done,
			"dead": mc.dead, "decide": mc.decide, "undo": mc.undo, "lose": mc.lose,
		})
	})
}

// unknown is a message that Redis does not know.
func unknown(now time.Duration) model { return model{now: now, holder: -1, sent: -1, before: -1} }

func (m *machine) alive() bool { return m.now < m.until }
func (m *machine) open() bool {
	return m.state == "claimed" || m.state == "sent" || m.state == "answered"
}

// expire forgets a done marker whose time is over.
func (m *machine) expire() {
	if m.state == "done" && m.now >= m.kept {
		m.forget()
	}
}

func (m *machine) forget() {
	m.model = unknown(m.now)
}

func (m *machine) time(t *rapid.T) {
	m.now += time.Duration(rapid.SampledFrom([]int{1, 4_000, 9_999, 10_000, 25_000, 100_000}).Draw(t, "ms")) * time.Millisecond
	m.redis.SetTime(m.start.Add(m.now))
	m.expire()
}

func (m *machine) claim(t *rapid.T) {
	req := m.req
	req.Sent = rapid.Bool().Draw(t, "sent at once")
	c, err := m.store.Claim(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := New
	switch {
	case m.state == "done":
		want = Done
	case m.state == "dead" || m.state == "dead-done":
		want = Dead
	case m.open() && m.alive():
		want = Busy
	case m.state == "answered":
		want = Answered
	case m.state == "sent":
		want = Uncertain
	}
	if c.Verdict != want {
		t.Fatalf("verdict %s of %q, want %s", c.Verdict, m.state, want)
	}
	if c.Verdict == New && m.possible {
		t.Fatalf("new, although an earlier owner may have reached the system")
	}
	if at := c.SentAt.Sub(m.start); c.Verdict == Uncertain && (at != m.sent || c.SentAge != m.now-m.sent) {
		t.Fatalf("sent at %s, %s ago, want %s, %s ago", at, c.SentAge, m.sent, m.now-m.sent)
	}
	if c.Verdict == Busy && c.Wait != m.until-m.now || c.Verdict == Dead && c.Letter != m.letter || c.Verdict == Answered && string(c.Reply) != m.reply {
		t.Fatalf("%+v of %+v", c, m.model)
	}
	if want == New || want == Uncertain || want == Answered {
		m.take(want, req.Sent, c)
	}
}

// take makes the claimant the holder.
func (m *machine) take(v Verdict, atOnce bool, c *Claim) {
	m.owners = append(m.owners, c)
	m.holder, m.until, m.decided = len(m.owners)-1, m.now+modelLease, ""
	switch v {
	case New:
		m.state, m.before = "claimed", -1
	case Uncertain:
		m.before = m.sent
	}
	if v != Answered && atOnce {
		m.state, m.sent, m.possible = "sent", m.now, true
	}
}

func (m *machine) conflict(t *rapid.T) {
	req := m.req
	req.Fingerprint = "other"
	if m.state == "" {
		t.Skip("nothing to conflict with")
	}
	if c, err := m.store.Claim(context.Background(), req); err != nil || c.Verdict != Conflict {
		t.Fatalf("%v, %v of %q, want a conflict", c, err, m.state)
	}
}

// some draws an owner, mostly not the holder.
func (m *machine) some(t *rapid.T) (int, *Claim) {
	if len(m.owners) == 0 {
		t.Skip("no owner yet")
	}
	i := rapid.IntRange(0, len(m.owners)-1).Draw(t, "owner")
	if rapid.Bool().Draw(t, "the last one") {
		i = len(m.owners) - 1
	}
	return i, m.owners[i]
}

// expect holds a step's result against the model's.
func expect(t *rapid.T, step string, err error, accepted bool) {
	if err != nil && !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	if (err == nil) != accepted {
		t.Fatalf("%s: %v, accepted by the model: %v", step, err, accepted)
	}
}

func (m *machine) sentStep(t *rapid.T) {
	i, c := m.some(t)
	ok := m.holder == i && m.alive() && (m.state == "claimed" || m.state == "sent")
	expect(t, "sent", m.store.Sent(context.Background(), c), ok)
	if ok {
		m.state, m.sent, m.possible = "sent", m.now, true
	}
}

func (m *machine) release(t *rapid.T) {
	i, c := m.some(t)
	ok := m.state == "" || m.holder == i && m.open()
	expect(t, "release", m.store.Release(context.Background(), c), ok)
	switch {
	case !ok || m.state == "":
	case m.state == "answered":
		m.until = 0
	case m.before < 0:
		m.forget()
	default:
		m.state, m.sent, m.until = "sent", m.before, 0
	}
}

func (m *machine) answered(t *rapid.T) {
	i, c := m.some(t)
	ok := m.state == "" || m.holder == i && m.open()
	reply := rapid.SampledFrom([]string{"", "r", "|", "a|b\n"}).Draw(t, "reply")
	expect(t, "answered", m.store.Answered(context.Background(), c, []byte(reply)), ok)
	if ok {
		if m.state == "" {
			m.holder = i
		}
		m.state, m.reply = "answered", reply
	}
}

func (m *machine) done(t *rapid.T) {
	i, c := m.some(t)
	ok := m.state == "" || m.state == "done" || m.state == "answered" || m.holder == i && m.open()
	if rapid.Bool().Draw(t, "with the next one") {
		req := m.req
		m.nexts++
		req.ID = fmt.Sprintf("next-%d", m.nexts)
		next, err := m.store.Next(context.Background(), c, req)
		expect(t, "next", err, ok)
		if ok && next.Verdict != New {
			t.Fatalf("the next message is %s", next.Verdict)
		}
		if again, err := m.store.Claim(context.Background(), req); err != nil || ok != (again.Verdict == Busy) {
			t.Fatalf("the next message is %v, %v after a done that was accepted: %v", again, err, ok)
		}
	} else {
		expect(t, "done", m.store.Done(context.Background(), c), ok)
	}
	switch {
	case ok && m.state == "done":
		m.kept = m.now + modelKeep // the marker lives on from the last time
	case ok:
		m.finish()
	}
}

func (m *machine) finish() {
	m.forget()
	m.state, m.kept = "done", m.now+modelKeep
}

func (m *machine) dead(t *rapid.T) {
	i, c := m.some(t)
	letter := drawLetter(t)
	again := (m.state == "dead" || m.state == "dead-done") && m.letter == letter
	ok := m.state == "" || again || m.holder == i && m.open()
	expect(t, "dead", m.store.Dead(context.Background(), c, letter), ok)
	if !ok || again {
		return
	}
	if m.state == "answered" {
		m.state = "dead-done"
	} else {
		m.state = "dead"
	}
	if m.sent < 0 {
		m.sent = m.now
	}
	m.holder, m.until, m.before, m.letter = -1, 0, -1, letter
}

func drawLetter(t *rapid.T) string { return rapid.SampledFrom([]string{"L1", "L2"}).Draw(t, "letter") }

func (m *machine) decide(t *rapid.T) {
	req, letter := m.req, drawLetter(t)
	d := rapid.SampledFrom([]Decision{Replay, ReplayAsk, Finish, Discard}).Draw(t, "decision")
	req.DecisionID = rapid.SampledFrom([]string{"", "d1", "d2"}).Draw(t, "id")
	name := ""
	if req.DecisionID != "" {
		name = req.DecisionID + letter + string(d)
	}
	acts := (m.state == "dead" || m.state == "dead-done") && m.letter == letter
	again := name != "" && m.decided == name
	acted, err := m.store.Decide(context.Background(), req, letter, d)
	if err != nil || acted != (acts || again) {
		t.Fatalf("acted %v, %v; acts %v, again %v", acted, err, acts, again)
	}
	if !acts {
		return
	}
	switch {
	case d == Finish || d == Discard:
		before := m.model
		m.finish()
		if d == Discard && before.state == "dead" {
			m.letter, m.sent, m.possible, m.discarded = letter, before.sent, before.possible, req.DecisionID
		}
	case m.state == "dead-done":
		m.state, m.letter = "answered", ""
	case d == ReplayAsk:
		m.state, m.letter = "sent", ""
	default:
		m.forget()
		m.state = "reopened"
	}
	m.decided = name
}

func (m *machine) undo(t *rapid.T) {
	req, letter, again := m.req, drawLetter(t), drawLetter(t)
	req.DecisionID = rapid.SampledFrom([]string{"d1", "d2"}).Draw(t, "id")
	acts := m.state == "done" && m.discarded == req.DecisionID && m.letter == letter
	repeats := m.state == "dead" && m.letter == again
	acted, err := m.store.Undo(context.Background(), req, letter, again)
	if err != nil || acted != (acts || repeats) {
		t.Fatalf("acted %v, %v; acts %v, repeats %v", acted, err, acts, repeats)
	}
	if acts {
		m.state, m.letter, m.discarded, m.decided = "dead", again, "", ""
	}
}

// lose loses what Redis knows of the message.
func (m *machine) lose(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "rarely") != 0 {
		t.Skip("not lost")
	}
	m.redis.FlushAll()
	m.forget()
}
