package topics_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

func (b *bench) undo(l topics.Letter, discard, id string) (again string) {
	b.t.Helper()
	again, err := b.produce.Undo(b.t.Context(), l, discard, id, "tester", "test")
	if err != nil {
		b.t.Fatal(err)
	}
	return again
}

// A discard is taken back, also once the route has committed past its letter and
// another hub has it: the letter holds its application again, and is decided as
// any other. What has followed meanwhile has passed.
func TestUndoBringsALetterBack(t *testing.T) {
	b := newBench(t, topics.C2)
	b.failing(refuse("app", 1))
	stop := b.start()
	b.send("app", 0, 1, 2)
	l := b.letters(1)[0]
	b.decide(l, topics.DecideDiscard, "d1")
	b.awaitEffects("app", 0, 2)
	b.letters(0)
	b.awaitCommitted()
	stop()

	b.start()
	again := b.undo(l, "d1", "u1")
	if back := b.letters(1)[0]; back.ID != again || back.ID == l.ID || back.Class != l.Class || back.Code != l.Code || back.Reason != l.Reason || !back.Holds {
		t.Errorf("%+v has come back as %+v", l, back)
	}
	b.send("app", 3) // waits
	servertest.Eventually(t, "the follower is parked", func() bool {
		parked, err := topics.ReadFollowers(t.Context(), b.cluster, b.route)
		return err == nil && parked["app"] == 1
	})
	b.failing(nil)
	b.decide(b.letters(1)[0], topics.DecideReplay, "d2")
	b.awaitEffects("app", 0, 2, 1, 3)
	b.letters(0)
	b.awaitCommitted()
}

// An undo that comes too late, or is about something else than the discard that
// was carried out, does nothing and holds nobody.
func TestUndoOfWhatIsNoDiscard(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(func(m topics.Message, n int) error {
		if n == 0 {
			return topics.Fail(topics.Rejected, "http_422", "refused")
		}
		return nil
	})
	b.start()
	for _, app := range []string{"discarded", "answered", "untrusted"} {
		b.send(app, 0)
	}
	byApp := map[string]topics.Letter{}
	for _, l := range b.letters(3) {
		byApp[string(l.Record.Key)] = l
	}
	b.undo(byApp["discarded"], "d1", "u0") // nobody has discarded it yet
	b.decide(byApp["discarded"], topics.DecideDiscard, "d1")
	b.undo(byApp["discarded"], "d2", "u1") // another decision
	b.decide(byApp["answered"], topics.DecideAnswer, "d3",
		topics.GivenReply{Topic: b.route.Writes[0], Type: "test.done.v1", Data: json.RawMessage(`{"n":77}`)})
	b.undo(byApp["answered"], "d3", "u2")
	elsewhere := byApp["untrusted"]
	elsewhere.ID = "rejected.http_422.another" // the record that lies there is another letter
	b.undo(elsewhere, "d4", "u3")
	b.decide(byApp["untrusted"], topics.DecideDiscard, "d5")
	for app := range byApp {
		b.send(app, 1)
		b.awaitEffects(app, 1)
	}
	b.letters(0)
	b.awaitCommitted()

	first := b.undo(byApp["discarded"], "d1", "u4")
	b.undo(byApp["discarded"], "d1", "u5") // the second of two people
	if l := b.letters(1)[0]; l.ID != first {
		t.Errorf("letter %s, want %s", l.ID, first)
	}
	b.decide(b.letters(1)[0], topics.DecideDiscard, "d6")
	b.letters(0)
	b.awaitCommitted()

	for id, want := range map[string]string{"u0": "as the discard has left it", "u1": "as the discard has left it", "u2": "as the discard has left it",
		"u3": "no letter that holds", "u4": "", "u5": "as the discard has left it"} {
		if why := b.refusal(id); want == "" && why != "" || !strings.Contains(why, want) {
			t.Errorf("undo %s is refused with %q, want %q", id, why, want)
		}
	}
}

// refusal says why the hub has refused an undo, as the dead topic has it.
func (b *bench) refusal(id string) string {
	b.t.Helper()
	log := topics.NewLetterLog(b.cluster, b.route)
	if err := log.Read(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return log.Refused(id)
}

// An undo that has been carried out is read again by a next owner, where an older
// letter of another application keeps the offset before it: nothing happens again,
// whether the letter that came of it still waits or not.
func TestUndoIsNotCarriedOutTwice(t *testing.T) {
	for _, replayed := range []bool{false, true} {
		t.Run(fmt.Sprint("replayed ", replayed), func(t *testing.T) {
			b := newBench(t, topics.C2)
			b.failing(func(m topics.Message, _ int) error {
				return topics.Fail(topics.Rejected, "http_422", "refused")
			})
			stop := b.start()
			near := func(name string) string { // an application of the same partition
				for n := 0; ; n++ {
					if app := fmt.Sprint(name, n); topics.PartitionOf([]byte(app), testPartitions) == topics.PartitionOf([]byte("app"), testPartitions) {
						return app
					}
				}
			}
			beside, another := near("beside"), near("another")
			b.send(beside, 0)
			b.letters(1)
			b.send("app", 0)
			of := func(n int, app string) topics.Letter {
				for _, l := range b.letters(n) {
					if string(l.Record.Key) == app {
						return l
					}
				}
				t.Fatalf("no letter of %s", app)
				return topics.Letter{}
			}
			l := of(2, "app")
			b.decide(l, topics.DecideDiscard, "d1")
			b.letters(1)
			again := b.undo(l, "d1", "u1")
			left := 2
			if back := of(2, "app"); replayed {
				b.failing(nil)
				b.decide(back, topics.DecideReplay, "d2")
				b.awaitEffects("app", 0)
				left = 1
			}
			b.letters(left)
			stop()
			b.failing(nil)
			b.start()
			b.send(another, 1) // when this is through, the dead topic has been read
			b.awaitEffects(another, 1)
			b.letters(left)
			kinds := map[string]int{}
			for _, r := range b.read(b.route.DeadTopic()) {
				if kind := header(r, "hub_kind"); header(r, "hub_letter") == again || kind == "refused" {
					kinds[kind]++
				}
			}
			if kinds["letter"] != 1 || kinds["refused"] != 0 {
				t.Errorf("of the undone letter there are %v", kinds)
			}
		})
	}
}

// An undo whose letter Kafka has deleted ends with a refusal. It does not wait for
// what never comes, and the application with it.
func TestUndoOfWhatIsGone(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(refuse("app", 0))
	b.start()
	b.send("app", 0)
	l := b.letters(1)[0]
	b.decide(l, topics.DecideDiscard, "d1")
	b.letters(0)
	b.awaitCommitted()
	deleteRecords(t, b, b.route.DeadTopic(), l.Record.Offset+1)
	b.undo(l, "d1", "u1")
	servertest.Eventually(t, "the undo is refused", func() bool { return strings.Contains(b.refusal("u1"), "not in its topic any more") })
	b.send("app", 1)
	b.awaitEffects("app", 1)
	b.letters(0)
	b.awaitCommitted()
}
