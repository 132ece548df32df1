package control_test

import (
	"encoding/json"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// What came of the decision of one letter is told: while no hub runs that it waits,
// then what the hub made of it, and by the order's own id why the hub refused it.
func TestAwait(t *testing.T) {
	o := newOffice(t)
	stop := o.run()
	ctx, route := t.Context(), o.route.Name
	for _, a := range []string{"app-1", "app-2"} {
		o.send(a, 0)
	}
	letters := o.letters(2)
	stop()
	decided := control.Order{Who: "duty", Why: "a test", ID: "d-1"}
	o.must(o.Replay(ctx, decided, route, letters[0].ID))
	r, err := o.Await(ctx, route, letters[0].ID, "d-1", time.Millisecond)
	o.must(err)
	if r.Result != control.ResultWaiting || r.Application != letters[0].Application() {
		t.Errorf("without a hub: %+v", r)
	}
	o.start()
	r, err = o.Await(ctx, route, letters[0].ID, "d-1", time.Minute)
	o.must(err)
	if r.Result != control.ResultDied || r.Next == "" || r.Next == letters[0].ID {
		t.Errorf("its system refuses it again: %+v", r)
	}

	broken := func(topics.Letter) ([]topics.GivenReply, error) {
		return []topics.GivenReply{{Topic: "broken", Type: "x", Data: json.RawMessage(`{}`)}}, nil
	}
	decided.ID = "d-2"
	o.must(o.Answer(ctx, decided, route, letters[1].ID, broken))
	r, err = o.Await(ctx, route, letters[1].ID, "d-2", time.Minute)
	o.must(err)
	if r.Result != control.ResultRefused || r.Why == "" {
		t.Errorf("the answer breaks its contract: %+v", r)
	}
}
