package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A small run of everything there is, on the embedded servers: real processes of
// the hub, the limit program and the target.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds four programs")
	}
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin+"/", "../hub", "../hubctl", "../verify", ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	addr, err := newPorts().address()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(addr, ":")
	server, err := start(t.TempDir(), "redis", bin+"/verify", []string{"redis", "--port", port}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	rdb := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true})
	defer rdb.Close()
	if err := await(t.Context(), "Redis answers", func() error { return rdb.Ping(t.Context()).Err() }); err != nil {
		t.Fatal(err)
	}
	l, err := settings{Bin: bin, Redis: addr, Workers: 16, LogLevel: "INFO", Reply: true, Patience: time.Minute}.openAs(bin + "/bench")
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()

	out := &report{Began: time.Now(), Commit: "none"}
	small := func(system string, replicas, perSecond int) cell {
		c := standard()
		c.System, c.Replicas, c.PerSecond, c.Messages, c.Applications = system, replicas, perSecond, 300, 20
		return c
	}
	one := func(cell) int { return 1 }
	busy := small("migration", 1, 0)
	busy.Messages, busy.Applications = 4000, 200
	if err := l.all(t.Context(), []cell{busy, small("egov", 2, 0)}, one, func(r result) { out.Throughput = append(out.Throughput, r) }); err != nil {
		t.Fatal(err)
	}
	if err := l.all(t.Context(), []cell{small("migration", 1, 500)}, one, func(r result) { out.Latency = append(out.Latency, r) }); err != nil {
		t.Fatal(err)
	}
	for _, part := range []measuring{&keysCmd{Kafka: kafkaStandIn, Keys: []int{10}, Messages: 100}, &idleCmd{Kafka: []string{kafkaStandIn}, For: 50 * time.Millisecond}} {
		if err := part.measure(context.WithoutCancel(t.Context()), l, out); err != nil {
			t.Fatal(err)
		}
	}
	check(t, out)
}

// mostObjects is what the hub may allocate for one message of 1 KiB, all in all:
// fetched, claimed, called, answered, published, committed and logged; measured:
// 149 to 158.
const mostObjects = 170

// check looks whether a report of the smoke run can be one.
func check(t *testing.T, out *report) {
	t.Helper()
	for _, r := range append(out.Throughput, out.Latency...) {
		if r.Rate <= 0 || r.Objects <= 0 || r.Wrong.Lost != 0 || r.Subject == subjectHub && r.Wrong != (wrongs{}) {
			t.Errorf("%s, %s: %+v", r.Subject, r.Cell, r)
		}
		if r.Subject == subjectHub && r.Cell.Messages >= 4000 && r.Objects > mostObjects {
			t.Errorf("the hub allocated %.0f objects for each message, the figure on record is %d", r.Objects, mostObjects)
		}
		if r.Cell.PerSecond > 0 && (r.ToSystem.P50 <= 0 || r.Whole.P50 <= r.ToSystem.P50) {
			t.Errorf("%s, %s: to the system %+v, the whole way %+v", r.Subject, r.Cell, r.ToSystem, r.Whole)
		}
	}
	dir := t.TempDir()
	if err := out.write(dir); err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("%s/%s-none", dir, out.Began.UTC().Format(time.DateOnly))
	text, err := os.ReadFile(base + ".md")
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"## Throughput", "## Cost of throughput", "## Added latency", "## Order by key", "## Idle", "| JSON, 0s, 1 KiB, 500/s, 20 applications | hub |"} {
		if !strings.Contains(string(text), title) {
			t.Errorf("the report lacks %q", title)
		}
	}
}
