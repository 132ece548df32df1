package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"kandashub/observability/console"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// Every page in every language answers, and holds nothing that a letter carries.
func TestPages(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1")
	id := w.letters(1)[0].ID
	p := w.enters("admin")
	for _, lang := range console.Languages() {
		p.post("/preferences", map[string][]string{"lang": {lang}})
		for _, path := range []string{"/", "/letters", letterURL(id), "/application", "/routes", "/routes/register", "/breakers", "/groups", "/audit", "/health", "/runs"} {
			page := p.get(path)
			p.has(page, `<html lang="`+lang+`"`)
			for _, personal := range []string{iin, "Secretova", "+77011234567", "<no value>", "%!"} {
				p.hasNot(page, personal)
			}
		}
	}
	for _, path := range []string{"/letters/register/none", "/routes/none", "/runs/none"} {
		if status, _, _ := p.do(http.MethodGet, path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// The first page says of each route what it does, what waits, and who calls.
func TestOverview(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("viewer")
	p.has(p.get("/"), `data-live="register.state" data-state="absent"`)
	w.startHub()
	w.send("egov-1")
	w.letters(1)
	servertest.Eventually(t, "the hub is seen", func() bool {
		page := p.get("/")
		return strings.Contains(page, `data-live="register.state" data-state="running"`) &&
			strings.Contains(page, `data-live="register.letters" data-state="attention">1<`)
	})
	w.breaker.Store(&console.Breaker{Operation: "register", State: "open", Opens: 5, Failures: 5, LastCode: "http_503", LastAt: time.Now(), Probe: time.Now()})
	w.pauses.Store(&[]topics.Pause{{Reason: topics.PauseBreaker, Owner: topics.OwnerHub, Since: time.Now()}})
	servertest.Eventually(t, "the open breaker is seen", func() bool {
		return strings.Contains(p.get("/"), `data-live="register.breaker" data-state="open"`)
	})
	p.has(p.get("/breakers"), "http_503")
	p.has(p.get("/routes"), "its system does not answer")
	w.pauses.Store(&[]topics.Pause{{Reason: topics.PauseStopped, Owner: topics.OwnerHub, Since: time.Now()}})
	servertest.Eventually(t, "the failure is seen", func() bool {
		return strings.Contains(p.get("/"), `data-live="register.state" data-state="failed"`)
	})
}

// Live figures come while the page is open, and end with the session.
func TestEvents(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("viewer")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("%s", got)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() (u struct {
		At    int64
		Cells map[string]struct{ Text, State string }
	}) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &u); err != nil {
					t.Fatal(err)
				}
				return u
			}
		}
		return u
	}
	first := next()
	if first.Cells["register.state"].State != "absent" || first.At == 0 {
		t.Errorf("%+v", first)
	}
	w.startHub()
	for next().Cells["register.state"].State != "running" {
	}
	p.post("/logout", map[string][]string{})
	for next().At != 0 { // the stream ends
	}
}

// Routes and breakers do as they are told, with an end.
func TestSteer(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("approver")
	state := func() control.State {
		if err := w.commands.Store.Caught(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.commands.Store.State()
	}
	must := func(path string, form map[string][]string) {
		t.Helper()
		if status, _, page := p.post(path, form); status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", path, status, main(page))
		}
	}
	must("/routes/register/pause", order("minutes", "0", "back", "/routes/register"))
	if got := state().Pauses["register"]; got.Owner != "duty" || !got.Until.IsZero() {
		t.Errorf("%+v", got)
	}
	p.has(p.get("/routes"), "Paused by duty")
	must("/routes/register/resume", order())
	must("/routes/register/drain", order("minutes", "15"))
	if got := state().Pauses["register"]; got.Until.Sub(got.Since) != 15*time.Minute {
		t.Errorf("%+v", got)
	}
	must("/breakers/register/open", order("minutes", "60"))
	if got := state().Breakers["register"]; got.Force != control.ForceOpen || got.Until.Sub(got.Since) != time.Hour {
		t.Errorf("%+v", got)
	}
	servertest.Eventually(t, "it is seen", func() bool { return strings.Contains(p.get("/breakers"), `data-state="forced_open"`) })
	must("/breakers/register/release", order())
	must("/breakers/register/close", order("minutes", "60"))
	if got := state().Breakers["register"]; got.Force != control.ForceClosed {
		t.Errorf("%+v", got)
	}
	for path, minutes := range map[string]string{"/breakers/register/open": "0", "/routes/register/pause": "-1", "/routes/verify/pause": "x", "/breakers/verify/close": "99999"} {
		if status, _, _ := p.post(path, order("minutes", minutes)); status != http.StatusBadRequest {
			t.Errorf("%s for %s minutes: %d", path, minutes, status)
		}
	}
	if status, _, _ := p.post("/routes/nowhere/pause", order("minutes", "60")); status != http.StatusConflict {
		t.Errorf("a route that does not exist: %d", status)
	}
}

// A group says how much and how long it is behind, and what this hub did in it last.
func TestGroups(t *testing.T) {
	var member atomic.Pointer[console.Local]
	member.Store(&console.Local{Route: route})
	w := newWorld(t, func(c *console.Config) { c.Local = func() []console.Local { return []console.Local{*member.Load()} } })
	w.send("egov-1")
	p := w.enters("viewer")
	var page string
	see := func(pattern string) {
		t.Helper()
		servertest.Eventually(t, "the page has "+pattern, func() bool {
			page = main(p.get("/groups"))
			return regexp.MustCompile(pattern).MatchString(page)
		})
	}
	see(`<b>hub.register</b>.*Lag <span data-state="calm">1 · \d+\x{a0}m?s</span>`)
	p.has(page, "This hub has committed nothing yet.")
	member.Store(&console.Local{Route: route, Committed: time.Now().Add(-time.Hour), Joined: 3})
	see("This hub committed last 60\u00a0min ago. Rebalances that it took part in: 3.")
	if n := strings.Count(page, "This hub committed"); n != 1 {
		t.Errorf("%d groups tell of a commit", n)
	}
}

// A loss of claims stands on every page until it is accepted.
func TestLoss(t *testing.T) {
	w := newWorld(t, nil)
	if err := w.commands.Store.ReportLoss(t.Context(), control.Loss{At: time.Now().Add(-time.Hour), Route: "register"}); err != nil {
		t.Fatal(err)
	}
	viewer, approver := w.enters("viewer"), w.enters("approver")
	viewer.has(viewer.get("/health"), "Redis has lost claims")
	viewer.hasNot(viewer.get("/health"), "/loss/accept")
	approver.has(approver.get("/health"), "/loss/accept")
	if status, _, page := approver.post("/loss/accept", order()); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	servertest.Eventually(t, "the loss is accepted", func() bool { return !strings.Contains(viewer.get("/health"), "Redis has lost claims") })
}

// The audit is shown, filtered, held against its chain and exported as written.
func TestAudit(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("approver")
	p.post("/routes/register/pause", order("minutes", "60"))
	p.post("/routes/verify/pause", order("minutes", "60"))
	servertest.Eventually(t, "four records", func() bool { return strings.Contains(p.get("/audit"), "all 4 records") })
	page := p.get("/audit?object=verify&result=done")
	p.has(page, "<code class=\"wrap\">verify</code>")
	p.hasNot(page, "<code class=\"wrap\">register</code>")
	p.has(page, "pause a route")
	p.has(page, "<code>127.0.0.1</code>")
	at := func(d time.Duration) string {
		return time.Now().Add(d).In(time.FixedZone("", 5*60*60)).Format("2006-01-02T15:04")
	}
	for query, want := range map[string]int{
		"since=" + at(-time.Hour): 4, "since=" + at(time.Hour): 0, "until=" + at(-time.Hour): 0, "until=" + at(time.Hour): 4,
		"since=" + at(-time.Hour) + "&until=" + at(time.Hour) + "&action=pause+route": 4, "action=resume+route": 0,
	} {
		if n := strings.Count(p.get("/audit?"+query), "<tr data-row>"); n != want {
			t.Errorf("%s finds %d records, want %d", query, n, want)
		}
	}
	p.post("/preferences", map[string][]string{"lang": {"kk"}})
	p.has(p.get("/audit"), "бағытты тоқтата тұру")
	var records []control.AuditRecord
	for line := range strings.Lines(p.get("/audit/export")) {
		r, err := control.DecodeAudit([]byte(strings.TrimSpace(line)))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if err := control.VerifyAudit(records); err != nil || len(records) != 4 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

// A long audit is checked and exported whole, and shown as far as it fits into
// memory. What comes later is read on, also once it was made again.
func TestLongAudit(t *testing.T) {
	const n = console.MaxAudit + 1100
	t.Setenv("KAFKA_BROKERS", "") // the audit of others is not made again
	w := newWorld(t, nil)
	write := func(n int) {
		t.Helper()
		var writing errgroup.Group
		for i := range 20 {
			a := control.NewAudit(w.cluster, w.producer)
			writing.Go(func() error {
				for j := i; j < n; j += 20 {
					if err := a.Write(t.Context(), control.AuditRecord{Request: "r", Actor: "duty", Action: "pause route", Object: "register", Reason: "a test", Result: control.Asked}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := writing.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	write(n)
	p := w.enters("approver")
	shown := func(all string) {
		t.Helper()
		whole := "all " + all + " records"
		servertest.Eventually(t, "the page has "+whole, func() bool { return strings.Contains(p.get("/audit"), whole) })
	}
	shown("6\u202f100")
	p.has(p.get("/audit"), "The youngest 5\u202f000 records")
	if lines := strings.Count(p.get("/audit/export"), "\n"); lines != n {
		t.Errorf("the export has %d records, want %d", lines, n)
	}
	write(20)
	shown("6\u202f120")
	if _, err := w.cluster.Client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{control.AuditTopic}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.config.Contract.Create(t.Context(), w.cluster.Client, 2, 1); err != nil {
		t.Fatal(err)
	}
	write(40)
	shown("40")
	p.hasNot(p.get("/audit"), "The youngest")
}

// Health says what answers; why something does not is for operators and above.
func TestHealth(t *testing.T) {
	w := newWorld(t, nil)
	for role, told := range map[string]bool{"viewer": false, "operator": true, "approver": true, "admin": true} {
		page := w.enters(role).get("/health")
		for _, want := range []string{"not ready", "kafka", "redis"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not see %q", role, want)
			}
		}
		if strings.Contains(page, "away") != told {
			t.Errorf("%s sees why: %t", role, !told)
		}
	}
	if status, location, _ := w.enters("").do(http.MethodGet, "/health", nil); status != http.StatusSeeOther || location != "/login" {
		t.Errorf("nobody: %d, %s", status, location)
	}
}

// Why a page fails, or its figures are old, names addresses: it is for operators.
func TestFailuresAreForOperators(t *testing.T) {
	const why = "Unknown Topic"
	t.Setenv("KAFKA_BROKERS", "") // the topics of others stay
	w := newWorld(t, nil)
	viewer, operator := w.enters("viewer"), w.enters("operator")
	viewer.get("/") // there are figures, which then grow old
	if _, err := w.cluster.Client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{control.AuditTopic, route + ".dead"}}); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "operators see why figures are old", func() bool { return strings.Contains(operator.get("/"), why) })
	for _, path := range []string{"/", "/routes", "/groups", "/breakers", "/health"} {
		viewer.hasNot(viewer.get(path), why)
	}
	viewer.has(viewer.get("/"), "Kafka could not be asked")
	for _, c := range []struct {
		*person
		told bool
	}{{viewer, false}, {operator, true}} {
		status, _, page := c.do(http.MethodGet, "/audit", nil)
		if status != http.StatusBadGateway || strings.Contains(page, why) != c.told {
			t.Errorf("told %t: %d\n%s", c.told, status, main(page))
		}
		if live := c.event(); strings.Contains(live, why) != c.told || !strings.Contains(live, `"problem"`) {
			t.Errorf("told %t: the live page has %s", c.told, live)
		}
	}
}

// event is the first that a live page is sent.
func (p *person) event() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server.URL+"/events", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return line
}

// An application is found by POST, with its letters and decisions.
func TestApplication(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1", "egov-2")
	w.letters(2)
	p := w.enters("viewer")
	p.has(p.get("/application"), `method="post" action="/application"`)
	status, _, page := p.post("/application", map[string][]string{"application": {" egov-1 "}})
	if status != http.StatusOK {
		t.Fatal(status)
	}
	p.has(page, "dead letter")
	p.has(page, "http_422")
	p.hasNot(page, "egov-2")
	for _, bad := range []string{"", "a b", strings.Repeat("x", 41)} {
		if status, _, _ := p.post("/application", map[string][]string{"application": {bad}}); status != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, status)
		}
	}
	if status, _, _ := p.do(http.MethodGet, "/application?application=egov-1", nil); status != http.StatusOK {
		t.Fatal(status)
	}
}
