package target_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/egov"
	"kandashub/adapters/migration"
	"kandashub/adapters/shep"
	"kandashub/cmd/bench/load"
	"kandashub/cmd/bench/target"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// serve starts a target that ends with the test.
func serve(t *testing.T) target.Addresses {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- target.Serve(ctx, write) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	line, err := bufio.NewReader(read).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at target.Addresses
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatal(err)
	}
	return at
}

// The hub's own adapters are content with its answers.
func TestAdapters(t *testing.T) {
	at := serve(t)
	admin := target.Client{Admin: at.Admin}
	if err := admin.Begin(t.Context(), target.Run{Run: 7, Messages: 10, Applications: 3, Latency: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	portal, err := adapters.NewClient(adapters.Config{System: "migration", URL: "http://" + at.Calls})
	if err != nil {
		t.Fatal(err)
	}
	defer portal.Close()
	for _, message := range []int{0, 1, 0} {
		if _, err := migration.New(portal).Show(t.Context(), topics.NoticeID("migration-2", load.ID(7, message)), notification(t, "migration")); err != nil {
			t.Fatal(err)
		}
	}
	gateway, err := egov.New(egov.Config{HTTP: adapters.Config{URL: "http://" + at.Calls}, Sender: shep.Sender{ID: "hub"}})
	if err != nil {
		t.Fatal(err)
	}
	notice := topics.NoticeID("egov-1", load.ID(7, 5))
	if _, arrived, err := gateway.Ask(t.Context(), notice, time.Now()); arrived || err != nil {
		t.Errorf("before it is sent, a notice has arrived: %v, %v", arrived, err)
	}
	if _, err := gateway.Notify(t.Context(), notice, "", notification(t, "egov")); err != nil {
		t.Fatal(err)
	}
	if _, arrived, err := gateway.Ask(t.Context(), notice, time.Now()); !arrived || err != nil {
		t.Errorf("after it is sent, a notice has not arrived: %v, %v", arrived, err)
	}
	if _, err := migration.New(portal).Show(t.Context(), topics.NoticeID("migration-2", load.ID(8, 1)), notification(t, "migration")); err != nil {
		t.Fatal(err) // another run's: answered, not noted
	}
	c, err := admin.Counts(t.Context())
	if err != nil || c.Calls != 4 || c.Effects != 3 || c.Doubled != 1 {
		t.Errorf("counts are %+v, %v", c, err)
	}
	arrived, answered, err := admin.Times(t.Context())
	if err != nil || len(arrived) != 10 || answered[5]-arrived[5] < int64(time.Millisecond) || arrived[4] != 0 {
		t.Errorf("message 5 came at %d and was answered at %d, message 4 came at %d: %v", arrived[5], answered[5], arrived[4], err)
	}
}

// notification is a large one: its end comes after what the target looks at.
func notification(t *testing.T, system string) (n payload.Notification) {
	t.Helper()
	for _, r := range (load.Plan{System: system, Records: 1, Applications: 1, Body: 100 << 10}).All() {
		if err := json.Unmarshal(r.Value, &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
