package control_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// A discard is undone once; the letter that comes back is decided like any other,
// and the record names it.
func TestUndo(t *testing.T) {
	o := newOffice(t)
	o.start()
	ctx, route := t.Context(), o.route.Name
	for _, a := range []string{"app-1", "app-2"} {
		o.send(a, 0)
	}
	letters := o.letters(2)
	id := letters[0].ID
	undo := func(id string) (string, error) { return o.Undo(ctx, order, route, id, time.Minute) }
	_, err := undo(id)
	o.refused(err, "was not discarded")
	_, err = undo("none")
	o.refused(err, "there is no letter [4 bytes]")
	_, err = o.Undo(ctx, order, "nowhere", id, time.Minute)
	o.refused(err, "no route nowhere")

	o.must(o.Discard(ctx, order, route, id))
	o.letters(1)
	discarded := func() (ids []string) {
		t.Helper()
		letters, err := o.Letters(ctx, control.Filter{Discarded: true})
		o.must(err)
		for _, l := range letters {
			ids = append(ids, l.ID)
		}
		return ids
	}
	if got := discarded(); !slices.Equal(got, []string{id}) {
		t.Errorf("discarded are %v, want %s", got, id)
	}
	again, err := undo(id)
	o.must(err)
	if back := o.letters(2); !slices.ContainsFunc(back, func(l topics.Letter) bool { return l.ID == again }) || again == id {
		t.Errorf("%s came back as %s, there are %+v", id, again, back)
	}
	if got := discarded(); len(got) != 0 {
		t.Errorf("discarded are %v after all was undone", got)
	}
	_, err = undo(id)
	o.refused(err, "it is letter "+again+" now")

	o.refusing(func(string) bool { return false })
	o.must(o.Replay(ctx, order, route, again))
	o.awaitEffects(string(letters[0].Record.Key) + "-0")
	_, err = undo(again)
	o.refused(err, "was not discarded")
	want := "undo letter " + route + "/" + id + ": done"
	if got := o.steps(); !slices.Contains(got, want) {
		t.Errorf("%q is not on record: %q", want, got)
	}
}

// Where no hub runs the route, an undo says so and is on record as failed.
func TestUndoWithoutAHub(t *testing.T) {
	o := newOffice(t)
	stop := o.run()
	o.send("app-1", 0)
	id := o.letters(1)[0].ID
	o.must(o.Discard(t.Context(), order, o.route.Name, id))
	o.letters(0)
	stop()
	_, err := o.Undo(t.Context(), order, o.route.Name, id, time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "has not been undone") {
		t.Errorf("%v", err)
	}
	if got := o.steps(); !strings.HasSuffix(got[len(got)-1], ": failed") {
		t.Errorf("on record is %q", got)
	}
	o.start() // and does it after all
	o.letters(1)
}

// What the hub refuses is told to who asked, and on record as refused: here the
// letter is deleted after it was found and before a hub comes to the undo.
func TestUndoThatTheHubRefuses(t *testing.T) {
	o := newOffice(t)
	stop := o.run()
	o.send("app-1", 0)
	l := o.letters(1)[0]
	o.must(o.Discard(t.Context(), order, o.route.Name, l.ID))
	o.letters(0)
	stop()
	undone := make(chan error, 1)
	go func() {
		_, err := o.Undo(t.Context(), order, o.route.Name, l.ID, time.Minute)
		undone <- err
	}()
	servertest.Eventually(t, "the undo is written", func() bool {
		log := topics.NewLetterLog(o.cluster, o.route)
		o.must(log.Read(t.Context()))
		decided := log.Letters()[0].Decisions
		return decided[len(decided)-1].Action == topics.DecideUndo
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(o.brokers...))
	o.must(err)
	defer client.Close()
	gone := kadm.Offsets{}
	gone.AddOffset(o.route.DeadTopic(), int32(l.Record.Partition), l.Record.Offset+1, -1)
	_, err = kadm.NewClient(client).DeleteRecords(t.Context(), gone)
	o.must(err)
	o.start()
	o.refused(<-undone, "not in its topic any more; the letter stays as it is")
	got := o.steps()
	if want := "undo letter " + o.route.Name + "/" + l.ID + ": refused"; got[len(got)-1] != want {
		t.Errorf("on record is %q, want %q", got, want)
	}
}
