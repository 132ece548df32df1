package claims

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// town is what several owners and people do with the messages of one person, as
// a delivery does it, on a clock that only the test moves: two messages that
// would each have an IIN made for the person (C3), and one whose system can be
// asked (C2). Each owner's attempt may stand still between any two steps, for
// longer than its lease, and may end there.
type town struct {
	*rapid.T
	store    *Store
	pass     func(time.Duration)
	now      time.Duration
	requests [3]Request
	attempts []*try
	effects  [3]int
	flying   [3][]time.Duration // calls without an answer, and until when each may still arrive
	finished [3]bool            // the claim has said done
	highest  int64              // count seen, of the one hash tag
	letters  int
	sent     [3]string // the letter that waits for a person
	unclear  map[string]bool
}

// try is one attempt and the step that comes next.
type try struct {
	message int
	claim   *Claim
	until   time.Duration // of its lease
	sent    time.Duration // when the claim said so
	marked  time.Time     // when it wrote the markers
	next    string
	letter  string
}

const (
	asked        = 2 // the message whose system can be asked
	townSettle   = 40 * time.Second
	townDeadline = 5 * time.Second
)

var person = []string{"marker-of-a-person"}

func (w *town) request(i int) Request { return w.requests[i] }

// begin claims a message for a new owner.
func (w *town) begin(i int) {
	c, err := w.store.Claim(context.Background(), w.request(i))
	if err != nil {
		w.Fatal(err)
	}
	if c.Count <= w.highest {
		w.Fatalf("count %d after %d", c.Count, w.highest)
	}
	w.highest = c.Count
	if w.finished[i] != (c.Verdict == Done) {
		w.Fatalf("message %d finished: %v, but the verdict is %s", i, w.finished[i], c.Verdict)
	}
	a := &try{message: i, claim: c, until: w.now + modelLease}
	switch c.Verdict {
	case New:
		a.next = "mark"
	case Uncertain:
		a.next = "ask"
	case Answered:
		a.next = "done"
	default:
		return
	}
	w.attempts = append(w.attempts, a)
}

// step takes the next step of an attempt.
func (w *town) step(a *try) {
	ctx := context.Background()
	next := ""
	switch a.next {
	case "mark":
		next = w.mark(a)
	case "ask":
		next = w.ask(a)
	case "sent":
		if a.sent = w.now; w.ok(w.store.Sent(ctx, a.claim)) {
			next = "call"
		}
	case "call":
		next = w.call(a)
	case "give back":
		if a.claim.Verdict == New && a.message != asked {
			w.ok(w.store.Unmark(ctx, person, w.requests[a.message].ID, a.marked))
		}
		w.ok(w.store.Release(ctx, a.claim))
	case "release":
		w.ok(w.store.Release(ctx, a.claim))
	case "answered":
		if w.ok(w.store.Answered(ctx, a.claim, []byte("reply"))) {
			next = "done"
		}
	case "done":
		if w.ok(w.store.Done(ctx, a.claim)) {
			w.finished[a.message] = true
		}
	case "refused":
		if a.claim.Verdict == New && a.message != asked {
			w.ok(w.store.Unmark(ctx, person, w.requests[a.message].ID, a.marked))
		}
		next = "dead"
	case "dead":
		if w.ok(w.store.Dead(ctx, a.claim, a.letter)) {
			w.sent[a.message] = a.letter
		}
	}
	a.next = next
}

// ok says whether a step was accepted.
func (w *town) ok(err error) bool {
	if err != nil && !errors.Is(err, ErrLost) {
		w.Fatal(err)
	}
	return err == nil
}

// mark keeps another message from being sent for the same person.
func (w *town) mark(a *try) string {
	if a.message == asked {
		return "sent"
	}
	at, held, err := w.store.Mark(context.Background(), person, w.requests[a.message].ID)
	a.marked = at
	switch {
	case err != nil:
		w.Fatal(err)
	case held != nil:
		return "release"
	}
	return "sent"
}

// ask asks what became of an earlier call, once it can not arrive any more; where
// nobody can be asked, a person is.
func (w *town) ask(a *try) string {
	if a.claim.SentAge < townSettle+townDeadline {
		return "release"
	}
	for _, until := range w.flying[a.message] {
		if w.now < until {
			w.Fatalf("message %d was sent %s ago, but a call may still arrive", a.message, a.claim.SentAge)
		}
	}
	switch {
	case a.message != asked:
		w.name(a, true)
		return "dead"
	case w.effects[a.message] > 0:
		return "answered"
	}
	return "sent"
}

// call sends the first byte if the lease still runs, and the call's deadline, which
// counts from before the claim said sent.
func (w *town) call(a *try) string {
	if w.now >= a.until || w.now >= a.sent+townDeadline {
		return "give back"
	}
	if w.finished[a.message] {
		w.Fatalf("message %d is called although it is finished", a.message)
	}
	switch rapid.SampledFrom([]string{"answer", "answer", "nothing", "refusal", "outage"}).Draw(w.T, "outcome") {
	case "answer":
		w.act(a.message)
		return "answered"
	case "nothing":
		if rapid.Bool().Draw(w.T, "arrived") {
			w.act(a.message)
		}
		w.flying[a.message] = append(w.flying[a.message], a.sent+townDeadline+townSettle)
		return ""
	case "refusal":
		w.name(a, false)
		return "refused"
	}
	return "give back"
}

func (w *town) name(a *try, unclear bool) {
	w.letters++
	a.letter = fmt.Sprint("L", w.letters)
	w.unclear[a.letter] = unclear
}

// act is an effect at the system.
func (w *town) act(i int) {
	w.effects[i]++
	if w.effects[i] > 1 {
		w.Fatalf("message %d has a second effect", i)
	}
	if w.effects[0]+w.effects[1] > 1 {
		w.Fatal("one person got two")
	}
}

// decide is a person who decides of a letter: one that is not clear is never
// called again without a question.
func (w *town) decide(i int) {
	letter := w.sent[i]
	if letter == "" {
		return
	}
	d := Replay
	if w.unclear[letter] {
		d = rapid.SampledFrom([]Decision{ReplayAsk, Finish}).Draw(w.T, "decision")
	}
	acted, err := w.store.Decide(context.Background(), w.request(i), letter, d)
	if err != nil || !acted {
		w.Fatalf("%s of %s: acted %v, %v", d, letter, acted, err)
	}
	if again, err := w.store.Decide(context.Background(), w.request(i), letter, d); err != nil || again {
		w.Fatalf("%s of %s acted twice (%v)", d, letter, err)
	}
	w.sent[i] = ""
	w.finished[i] = d == Finish
}

// Whatever order owners take their steps in, wherever they end and however long
// they stand still: one effect for each message, one IIN for a person, nothing
// called that is finished, counts that rise, and at the end each message is
// finished or waits for a person.
func TestSchedulesOfOwners(t *testing.T) {
	srv, _ := inProcess(t)
	store := NewStore(srv.rdb, Config{Lease: modelLease, Keep: 1000 * time.Hour})
	t.Cleanup(store.Close)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		w := &town{T: rt, store: store, pass: func(d time.Duration) { srv.later(t, d) }, unclear: map[string]bool{}}
		for i := range w.requests {
			w.requests[i] = Request{Route: fmt.Sprint("town-", run), Application: "a", Source: "s", ID: fmt.Sprint(run, ".", i), Fingerprint: "f", Replicated: i != asked}
		}
		defer func() { _ = store.rdb.Del(context.Background(), markerKeys(person)...).Err() }()
		for range rapid.IntRange(10, 80).Draw(rt, "steps") {
			w.turn()
		}
		w.attempts = nil // all owners end
		for range 8 {
			w.later(townSettle + townDeadline + modelLease)
			for i := range w.requests {
				w.settle(i)
			}
		}
		for i := range w.requests {
			if !w.ended(i) && (i == asked || !w.ended(1-i)) { // a marker that stays keeps the other one waiting
				rt.Fatalf("message %d is neither finished nor with a person", i)
			}
		}
	})
}

// ended says whether a message is finished, or waits for a person.
func (w *town) ended(i int) bool { return w.finished[i] || w.sent[i] != "" }

// turn is one thing that happens.
func (w *town) turn() {
	i := rapid.IntRange(0, 2).Draw(w.T, "message")
	switch rapid.SampledFrom([]string{"step", "step", "step", "step", "claim", "claim", "time", "end", "person"}).Draw(w.T, "what") {
	case "claim":
		w.begin(i)
	case "time":
		w.later(rapid.SampledFrom([]time.Duration{time.Second, modelLease - 1, modelLease, townSettle, 2 * townSettle}).Draw(w.T, "for"))
	case "person":
		w.decide(i)
	default:
		if len(w.attempts) == 0 {
			return
		}
		j := rapid.IntRange(0, len(w.attempts)-1).Draw(w.T, "owner")
		w.step(w.attempts[j])
		if w.attempts[j].next == "" || rapid.IntRange(0, 9).Draw(w.T, "ends") == 0 {
			w.attempts = append(w.attempts[:j:j], w.attempts[j+1:]...)
		}
	}
}

func (w *town) later(d time.Duration) {
	w.now += d
	w.pass(d)
}

// settle has one owner carry a message as far as it goes.
func (w *town) settle(i int) {
	before := len(w.attempts)
	w.begin(i)
	if len(w.attempts) == before {
		return
	}
	a := w.attempts[before]
	w.attempts = w.attempts[:before]
	for a.next != "" {
		w.step(a)
	}
}
