package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// cluster makes an embedded Kafka with all topics, which the commands then use.
func cluster(t *testing.T) *topics.Cluster {
	t.Helper()
	addr := broker(t)
	t.Setenv("HUB_KAFKA", addr)
	t.Setenv("HUB_PARTITIONS", "2")
	if code, out, errs := hubctl(t, "topics", "create", "--replication=1"); code != exitOK {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	c := topics.NewCluster([]string{addr})
	t.Cleanup(c.Close)
	return c
}

// expect carries out a command line and fails unless it ends with a code and
// says all of the words, on stdout or stderr.
func expect(t *testing.T, code int, args []string, words ...string) (stdout string) {
	t.Helper()
	got, out, errs := hubctl(t, args...)
	if got != code {
		t.Fatalf("hubctl %s: %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	for _, w := range words {
		if !strings.Contains(out+errs, w) {
			t.Errorf("hubctl %s does not say %q:\n%s%s", strings.Join(args, " "), w, out, errs)
		}
	}
	return out
}

// by appends who and why.
func by(args ...string) []string { return append(args, "--who", "duty", "--why", "a test") }

func TestRoutesAndBreakers(t *testing.T) {
	cluster(t)
	expect(t, exitUsage, []string{"route", "pause", "register"}, "--who")
	expect(t, exitNothing, by("route", "pause", "nowhere"), "no route nowhere")
	expect(t, exitRefused, []string{"route", "pause", "register", "--who", "duty", "--why", "990101200017 asked"}, "may be an IIN")
	expect(t, exitRefused, by("route", "pause", "register", "--for", "169h"), "168h0m0s at most")
	expect(t, exitOK, by("route", "pause", "register"), "until it is resumed")
	expect(t, exitOK, by("route", "pause", "register", "--for", "1h"), "is to pause until 2")
	expect(t, exitOK, []string{"breaker", "list"}, "no operator holds a breaker", "unknown here: give --hubs")
	for _, wrong := range []string{"0s", "9999h"} {
		expect(t, exitRefused, by("breaker", "open", "verify", "--for", wrong))
	}
	expect(t, exitOK, by("breaker", "open", "verify"), "held open until 2")
	out := expect(t, exitOK, []string{"route", "list"}, "a test", "duty", "unknown here: give --hubs")
	for _, want := range []string{"register paused 0 0 - 0 0 - duty", "verify absent 0 0 - 0 0 held open duty", "reissue absent 0 0 - 0 0 -"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("route list has no %q:\n%s", want, out)
		}
	}
	var routes []inspect.Route
	read(t, expect(t, exitOK, []string{"route", "list", "-o", "json"}), &routes)
	for _, r := range routes {
		if r.Breaker != nil && r.Breaker.Until.Sub(r.Breaker.Since) != time.Hour {
			t.Errorf("a breaker is held for %s if nothing else is said", r.Breaker.Until.Sub(r.Breaker.Since))
		}
		if (r.Pause != nil) != (r.Name == "register") || (r.Breaker != nil) != (r.Name == "verify") {
			t.Errorf("%+v", r)
		}
	}
	var held []shownBreaker
	read(t, expect(t, exitOK, []string{"breaker", "list", "-o", "json"}), &held)
	if len(held) != 1 || held[0].Route != "verify" || held[0].Held.Force != control.ForceOpen {
		t.Errorf("held are %+v", held)
	}
	expect(t, exitOK, by("route", "resume", "register"))
	expect(t, exitRefused, by("route", "resume", "register"), "no operator has paused")
	expect(t, exitOK, by("breaker", "release", "verify"))
	if out := expect(t, exitOK, []string{"route", "list"}); strings.Contains(out, "paused") || strings.Contains(out, "held") {
		t.Errorf("after all was taken back:\n%s", out)
	}
}

// What operators did is listed, verified, and verified again from what was
// exported, without a broker.
func TestAudit(t *testing.T) {
	cluster(t)
	expect(t, exitNothing, []string{"audit", "list"}, "no record")
	expect(t, exitOK, by("route", "pause", "register"))
	expect(t, exitNothing, by("route", "pause", "nowhere"))
	expect(t, exitOK, by("breaker", "open", "verify"))
	expect(t, exitOK, []string{"audit", "list"}, "pause route", "refused", "a test")
	for args, n := range map[string]int{"": 6, "--action pause": 4, "--object verify": 2, "--actor duty --since 1h": 6, "--last 3": 3} {
		var records []control.AuditRecord
		read(t, expect(t, exitOK, append([]string{"audit", "list", "-o", "json"}, strings.Fields(args)...)), &records)
		if len(records) != n {
			t.Errorf("audit list %s: %d records, want %d", args, len(records), n)
		}
	}
	expect(t, exitNothing, []string{"audit", "list", "--actor", "nobody"})
	expect(t, exitNothing, []string{"audit", "list", "--since", "2100-01-01T00:00:00Z"})
	expect(t, exitUsage, []string{"audit", "list", "--since", "yesterday"})

	expect(t, exitOK, []string{"audit", "verify"}, "6 records")
	export := expect(t, exitOK, []string{"audit", "export"})
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(export)
	t.Setenv("HUB_KAFKA", "127.0.0.1:1")
	expect(t, exitOK, []string{"audit", "verify", file}, "6 records")
	expect(t, exitOK, []string{"audit", "verify", "--file", file}, "6 records")
	write(strings.Replace(export, `"refused"`, `"failed"`, 1))
	expect(t, exitFailed, []string{"audit", "verify", "--file", file}, "record 2 of writer", "was changed")
	var verdict auditVerdict
	read(t, expect(t, exitFailed, []string{"audit", "verify", "--file", file, "-o", "json"}), &verdict)
	if verdict.Whole || verdict.Fault == nil || verdict.Fault.Seq != 2 || verdict.Fault.What != "was changed" {
		t.Errorf("%+v", verdict)
	}
	lines := strings.SplitAfter(export, "\n")
	write(strings.Join(append(lines[:2:2], lines[3:]...), ""))
	expect(t, exitFailed, []string{"audit", "verify", "--file", file}, "missing")
}

// read decodes what a command has printed.
func read(t *testing.T, out string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
}

func TestClaims(t *testing.T) {
	c := cluster(t)
	expect(t, exitOK, []string{"claims", "status"}, "no hub has noticed")
	expect(t, exitRefused, by("claims", "accept"), "no loss of claims stands")
	s := control.Open(c, topics.NewProducer(c, 5*time.Second, nil), "hub-1")
	noticed := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	if err := s.Put(t.Context(), control.KeyLoss, control.Loss{At: noticed, By: "hub-1", Route: "iin-generate"}); err != nil {
		t.Fatal(err)
	}
	expect(t, exitOK, []string{"claims", "status"}, "a loss of claims stands", "hub-1")
	expect(t, exitRefused, by("claims", "accept"), "can be accepted from "+noticed.Add(15*time.Minute).Format(time.RFC3339))
	t.Setenv("HUB_SETTLE_C3", "30s")
	expect(t, exitOK, by("claims", "accept"))
	expect(t, exitOK, []string{"claims", "status"}, "was accepted", "a test")
}

// hubOf runs a hub with the route register, whose system refuses while refused
// is true.
func hubOf(t *testing.T, c *topics.Cluster, refused *atomic.Bool) *topics.Producer {
	t.Helper()
	producer := topics.NewProducer(c, 5*time.Second, nil)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	metrics := observability.NewMetrics(nil)
	partitions, err := c.Partitions(t.Context(), outcomes.Topic)
	if err != nil {
		t.Fatal(err)
	}
	// The broker is new for each test, and the ids are the same: Redis must not
	// remember them from another one.
	t.Setenv("REDIS_ADDR", "")
	store := claims.NewStore(servertest.Redis(t), claims.Config{Lease: 3 * time.Second, Keep: time.Hour})
	t.Cleanup(store.Close)
	consumer := &topics.Consumer{
		Cluster: c, Partitions: 2, Workers: 8, Window: 100, WindowBytes: 1 << 20, Bytes: new(atomic.Int64),
		Session: 6 * time.Second, Rebalance: 10 * time.Second,
		Delivery: &topics.Delivery{
			Route: topics.Route{Name: "register", Sources: []string{"migration.applications"}, Operation: topics.Operation{
				System: "test", Name: "do", Effect: topics.C1,
				Do: func(context.Context, topics.Message) ([]topics.Reply, error) {
					if refused.Load() {
						return nil, topics.Fail(topics.Rejected, "http_422", "refused")
					}
					return nil, nil
				},
			}},
			Claims: store, Producer: producer, Gate: topics.NewGate(steady{make(chan struct{})}, nil),
			Timing: topics.Timing{Call: time.Second, Lease: 3 * time.Second, Drain: time.Second, ParkAfter: time.Minute,
				BackoffLeast: 10 * time.Millisecond, BackoffMost: 100 * time.Millisecond},
			Check:    func(string, topics.Message) (string, error) { return "", nil },
			Lease:    func(ctx context.Context, _ time.Time) context.Context { return ctx },
			Outcomes: outcomes.NewWriter(c, partitions, metrics, quiet), Metrics: metrics.Route("register"), Log: quiet, Now: time.Now,
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the hub ended with: %v", err)
		}
	})
	return producer
}

// steady is a breaker that admits everything.
type steady struct{ changed chan struct{} }

func (steady) Admit() (func(error), time.Duration, bool) { return func(error) {}, 0, true }
func (steady) Open() bool                                { return false }
func (b steady) Changed() <-chan struct{}                { return b.changed }

// An operator finds letters, looks at one, plans, and carries the plan out.
func TestDeadLetters(t *testing.T) {
	c := cluster(t)
	var refused atomic.Bool
	refused.Store(true)
	producer := hubOf(t, c, &refused)
	expect(t, exitOK, []string{"dead", "list"}, "no dead letter waits")
	for n := range 5 {
		id := fmt.Sprint("migration-", n)
		m := topics.Message{ID: id, Type: "kz.migration.application.submitted.v1", Source: "migration", Subject: id, Time: time.Now(),
			Data: json.RawMessage(`{"application_id":"` + id + `","iin":"990101200017"}`)}
		if err := producer.Publish(t.Context(), "migration.applications", m); err != nil {
			t.Fatal(err)
		}
	}
	list := func(args ...string) (letters []shownLetter) {
		t.Helper()
		code, out, errs := hubctl(t, append([]string{"dead", "list", "-o", "json"}, args...)...)
		read(t, out, &letters)
		want := exitOK
		if len(letters) == 0 && len(args) > 0 {
			want = exitNothing
		}
		if code != want {
			t.Errorf("dead list %v: %d, want %d: %s", args, code, want, errs)
		}
		return letters
	}
	servertest.Eventually(t, "five letters", func() bool { return len(list()) == 5 })
	if n := len(list("--since", "2000-01-01T00:00:00Z", "--class", "rejected", "--code", "http_422", "--application", "migration-3", "--route", "register")); n != 1 {
		t.Errorf("%d letters of one application", n)
	}
	for _, none := range [][]string{{"--since", "2100-01-01T00:00:00Z"}, {"--age", "1h"}, {"--text", "accepted"}, {"--discarded"}} {
		if none[0] == "--discarded" {
			none = append(none, "--route", "register")
		}
		if n := len(list(none...)); n != 0 {
			t.Errorf("%v takes %d letters", none, n)
		}
	}
	if n := len(list("--age", "0s", "--text", "Refused")); n != 5 {
		t.Errorf("%d letters of any age", n)
	}
	expect(t, exitUsage, []string{"dead", "list", "--age", "old"}, "--age")
	expect(t, exitUsage, []string{"dead", "list", "--since", "yesterday"}, "--since")

	if letters := list(); !slices.IsSortedFunc(letters, func(a, b shownLetter) int { return a.Since.Compare(b.Since) }) {
		t.Errorf("the letters are not in the order of their time: %+v", letters)
	}
	expect(t, exitOK, []string{"dead", "list", "--discarded"}, "no dead letter is discarded")
	expect(t, exitNothing, []string{"dead", "list", "--discarded", "--code", "http_422"}, "matches this filter")
	expect(t, exitNothing, []string{"dead", "list", "--route", "nowhere"}, "there is no route nowhere")
	id := list()[0].Letter
	show := []string{"dead", "show", id, "--route", "register"}
	if out := expect(t, exitOK, show, `"iin": "string"`, "http_422", "ce_id"); strings.Contains(out, "990101200017") {
		t.Errorf("show tells what the letter carries:\n%s", out)
	}
	servertest.Eventually(t, "its attempt is known", func() bool {
		out := expect(t, exitOK, append(show, "-o", "json"))
		compiled(t).obeyed(t, "dead show", []byte(out))
		var w wholeLetter
		read(t, out, &w)
		return len(w.Attempts) == 1 && w.Attempts[0].Result == topics.ResultRejected && w.Attempts[0].Code == "http_422" && !w.Attempts[0].CallBegan.IsZero()
	})
	expect(t, exitUsage, append(show, "--payload"), "--who")
	expect(t, exitOK, by(append(show, "--payload")...), "990101200017")

	// An answer that breaks the contract would end the letter without a reply.
	replies := filepath.Join(t.TempDir(), "replies.json")
	for _, bad := range []string{`[{"topic":"nowhere","type":"x","data":{}}]`, `[{"topic":"gbdfl.lookups","type":"kz.hub.iin.lookup.v1","data":{"iin":"990101200018"}}]`} {
		if err := os.WriteFile(replies, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, exitRefused, by("dead", "answer", id, "--route", "register", "--replies", replies), "reply 1: ")
	}
	if letters := list(); len(letters) != 5 || slices.ContainsFunc(letters, func(l shownLetter) bool { return len(l.Decisions) > 0 }) {
		t.Errorf("after an answer that was refused: %+v", letters)
	}

	plan := func() (p control.Plan) {
		t.Helper()
		out := expect(t, exitOK, []string{"dead", "plan", "--action", "replay", "--route", "register", "-o", "json"})
		if err := json.Unmarshal([]byte(out), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := plan()
	expect(t, exitOK, []string{"dead", "plan", "--action", "replay", "--route", "register"}, "nothing was changed",
		"dead run --plan "+first.Hash+" --action replay --route register ")
	run := func(hash string) []string {
		return by("dead", "run", "--plan", hash, "--action", "replay", "--route", "register", "--rate", "100/s", "--canary", "2", "--stop-at", "0")
	}
	out := expect(t, exitPartly, append(run(first.Hash), "-o", "json"), "died again")
	compiled(t).obeyed(t, "dead run", []byte(out))
	var came told
	read(t, out, &came)
	if came.Letters != 5 || came.Died == 0 || len(came.Results) != 5 || came.Results[0].Result != control.ResultDied || came.Results[0].Next == "" {
		t.Errorf("the run came to %+v", came)
	}
	servertest.Eventually(t, "what was decided has been carried out", func() bool {
		letters := list()
		return len(letters) == 5 && !slices.ContainsFunc(letters, func(l shownLetter) bool { return len(l.Decisions) > 0 })
	})
	refused.Store(false)
	expect(t, exitRefused, run("0-0"), "make a new plan")
	second := plan()
	if first.Letters != 5 || second.Letters != 5 || second.Hash == first.Hash {
		t.Errorf("plans %+v and %+v", first, second)
	}
	expect(t, exitOK, run(second.Hash), "5 letters: 0 decided before, 5 decided, 5 carried out: 5 delivered or discarded, 0 finished before, 0 died again; 0 wait", "100 %")
	servertest.Eventually(t, "no letters", func() bool { return len(list()) == 0 })
	expect(t, exitUsage, by("dead", "run", "--plan", second.Hash, "--action", "replay", "--rate", "fast"), "--rate")
	expect(t, exitUsage, []string{"dead", "replay", id, "--route", "register"}, "--who")
	expect(t, exitNothing, by("dead", "replay", id, "--route", "register"), "no unresolved letter")
	expect(t, exitOK, []string{"audit", "verify"})
}
