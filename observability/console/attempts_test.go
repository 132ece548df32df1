package console_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/observability/console"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

var (
	rowForm  = regexp.MustCompile(`(?s)<tr.*?</tr>`)
	cellForm = regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`)
	tagForm  = regexp.MustCompile(`(?s)<[^>]*>`)
)

// table returns the cells of the table under a heading, without those of time.
func table(page, heading string, without int) (rows []string) {
	_, page, _ = strings.Cut(page, `<h2 id="`+heading+`">`)
	page, _, _ = strings.Cut(page, "</table>")
	for _, row := range rowForm.FindAllString(page, -1) {
		var cells []string
		for i, c := range cellForm.FindAllStringSubmatch(row, -1) {
			if i != without {
				cells = append(cells, strings.TrimSpace(tagForm.ReplaceAllString(c[1], "")))
			}
		}
		if len(cells) > 0 {
			rows = append(rows, strings.Join(cells, " | "))
		}
	}
	return rows
}

// lasted is the figure of a call's length, which a test cannot know.
var lasted = regexp.MustCompile(`\d+\x{a0}(ms|s)`)

// The letter's page has every attempt at its message, and the timeline, too.
func TestAttemptsOfALetter(t *testing.T) {
	w := indexed(t)
	w.silent = 2
	w.startHub()
	w.send("egov-1")
	first := w.letters(1)[0].ID
	p := w.enters("operator")
	var got []string
	want := []string{
		"1 | TOOK | no result, tried again | timeout | –",
		"2 | TOOK | no result, tried again | timeout | –",
		"3 | TOOK | dead letter, refused | http_422 | rejected (http_422): refused by the test",
	}
	has := func(id string, want ...string) {
		t.Helper()
		servertest.Eventually(t, "the attempts are indexed", func() bool {
			got = table(lasted.ReplaceAllString(p.get(letterURL(id)), "TOOK"), "attempts", 0)
			return len(got) >= len(want)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	has(first, want...)
	// It dies again: the new letter's page tells of the attempts before, too.
	if status, _, page := p.post(letterURL(first)+"/replay", order()); status != 303 {
		t.Fatalf("%d\n%s", status, main(page))
	}
	var second string
	servertest.Eventually(t, "the next letter", func() bool {
		second = w.letters(1)[0].ID
		return second != first
	})
	want[2] = "3 | TOOK | dead letter, refused | http_422 | another letter"
	has(second, append(want, "1 | TOOK | dead letter, refused | http_422 | rejected (http_422): refused by the test")...)

	_, _, page := p.post("/application", url.Values{"application": {"egov-1"}})
	for n, text := range []string{"attempt 1</b>", "attempt 2</b>"} {
		if strings.Count(page, text) != 1 {
			t.Errorf("the timeline tells attempt %d not once:\n%s", n+1, main(page))
		}
	}
	p.hasNot(page, iin)
}

// Without an index the page says so, and where the attempts are.
func TestAttemptsWithoutAnIndex(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1")
	p := w.enters("viewer")
	page := p.get(letterURL(w.letters(1)[0].ID))
	p.has(page, "keeps no index of outcomes")
	p.has(page, `<ul class="tree">`)
	p.hasNot(page, "Secretova")
}

// A fault of the index takes the attempts from the page, and nothing else: the
// letter is read and decided as before.
func TestAttemptsWithABrokenIndex(t *testing.T) {
	var logged strings.Builder
	w := newWorld(t, func(c *console.Config) {
		x, err := outcomes.Open(t.TempDir(), outcomes.Options{Cluster: c.Commands.Cluster, Keep: time.Hour, Most: 1000, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Close(); err != nil { // whoever asks it gets an error
			t.Fatal(err)
		}
		c.Outcomes, c.Log = x, slog.New(slog.NewTextHandler(&logged, nil))
	})
	w.startHub()
	w.send("egov-1")
	id := w.letters(1)[0].ID
	p := w.enters("operator")
	page := p.get(letterURL(id))
	p.has(page, "The attempts are not known now")
	p.has(page, letterURL(id)+"/replay")
	p.has(page, `<ul class="tree">`)
	w.refusing(false)
	if status, _, page := p.post(letterURL(id)+"/replay", order()); status != http.StatusSeeOther {
		t.Errorf("%d\n%s", status, main(page))
	}
	w.letters(0)
	w.server.Close() // so that nothing is logged any more
	if got := logged.String(); !strings.Contains(got, "the attempts at a letter's message cannot be read") {
		t.Errorf("logged is %q", got)
	}
}

// A trace is text to copy, and a link where the hub is told of a place for traces
// and logs.
func TestLinksToTraceAndLogs(t *testing.T) {
	for _, links := range []console.Links{{}, {Trace: "https://tempo.example/trace/{trace}?from=a&to=b", Logs: "https://logs.example/?q={application}+{trace}"}} {
		w := newWorld(t, func(c *console.Config) { c.Links = links })
		w.startHub()
		w.send("egov-1")
		p := w.enters("viewer")
		page := main(p.get(letterURL(w.letters(1)[0].ID)))
		id := regexp.MustCompile(`<span class="trace"><code class="wrap">([0-9a-f]{32})</code>`).FindStringSubmatch(page)
		if len(id) != 2 {
			t.Fatalf("no trace id:\n%s", page)
		}
		if links.Trace == "" {
			p.hasNot(page, "noreferrer")
			continue
		}
		p.has(page, `<a href="https://tempo.example/trace/`+id[1]+`?from=a&amp;to=b" rel="noreferrer">`)
		p.has(page, `<a href="https://logs.example/?q=egov-1&#43;`+id[1]+`" rel="noreferrer">`)
	}
}

// The application's page begins with where it is; its chains are named by their first
// message, and folded once they are done. The letter's page gives advice as long as it
// is of use, and says what came of the decision.
func TestWhereAnApplicationIs(t *testing.T) {
	w := indexed(t)
	w.startHub()
	w.send("egov-1")
	id := w.letters(1)[0].ID
	p := w.enters("operator")
	look := func(until string) (page string) {
		t.Helper()
		servertest.Eventually(t, "the page says "+until, func() bool {
			_, _, page = p.post("/application", url.Values{"application": {"egov-1"}})
			return strings.Contains(page, until)
		})
		return page
	}
	page := look("at register, for a person&#39;s decision, since")
	p.has(page, `<a href="`+letterURL(id)+`">Open the dead letter <code>http_422</code></a>`)
	p.has(page, `<details class="chain" id="chain-1" open>`)
	p.has(page, "<b>Application filed</b> · egov</span>")
	const advice = "Replay it once the cause is gone at the system"
	p.has(p.get(letterURL(id)), advice)
	w.refusing(false)
	w.sendAs("egov-1", "egov-1-2") // a second chain, which waits behind the letter
	page = look("Later messages behind it: 1.")
	p.has(page, `<details class="chain" id="chain-1" open>`)
	p.has(page, `<details class="chain" id="chain-2">`)
	if status, _, page := p.post(letterURL(id)+"/replay", order()); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	page = p.get(letterURL(id))
	p.has(page, "Carried out: delivered.")
	p.has(page, "Result: delivered.")
	p.hasNot(main(page), advice)
	p.hasNot(page, "data-refresh")
	servertest.Eventually(t, "both are through", func() bool { return w.carried("egov-1") == 2 })
	page = look("nothing waits")
	p.has(page, `The last step was “delivered” at route register, `)
	p.has(page, `<details class="chain" id="chain-1">`)
	p.has(page, `<details class="chain" id="chain-2" open>`)
	for _, wrong := range []string{"Иванов", "900101300123", "", "two words", strings.Repeat("x", 41)} {
		status, _, page := p.post("/application", url.Values{"application": {wrong}})
		if status != http.StatusBadRequest {
			t.Errorf("%q: %d", wrong, status)
		}
		p.has(page, "An IIN or a name is never searched for.")
		if wrong != "" {
			p.hasNot(main(page), wrong)
		}
	}
}

// While a decision is under way the letter's page says so and asks for more by itself.
func TestDecisionUnderWay(t *testing.T) {
	w := newWorld(t, nil)
	stop := w.startHub()
	w.send("egov-1")
	id := w.letters(1)[0].ID
	stop()
	p := w.enters("operator")
	if status, _, page := p.post(letterURL(id)+"/discard", order()); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	page := p.get(letterURL(id))
	p.has(page, "The discard is written down")
	p.has(page, `<div id="letter" data-refresh data-version="decided">`)
	p.has(page, "Decided: discard. The hub that owns the letter carries it out")
}

// The application's page says how it stands to its deadline, in words beside the
// picture.
func TestDeadlineOfAnApplication(t *testing.T) {
	w := indexed(t)
	w.startHub()
	w.send("egov-1")
	w.letters(1)
	for deadline, want := range map[time.Duration]string{0: "", time.Hour: "in time", time.Nanosecond: "late"} {
		config := w.config
		config.Deadline = deadline
		c, err := console.New(config)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(c.Handler())
		defer server.Close()
		p := (&world{t: t, server: server}).enters("viewer")
		var page string
		servertest.Eventually(t, "the outcome is indexed", func() bool {
			_, _, page = p.post("/application", url.Values{"application": {"egov-1"}})
			return strings.Contains(page, ">dead letter<") && strings.Contains(page, `class="traces"`)
		})
		switch {
		case want == "":
			p.hasNot(page, `class="deadline"`)
		default:
			p.has(page, `<div class="deadline" data-state="`+strings.ReplaceAll(want, " ", "_")+`">`)
			p.has(page, ">"+want+"</span>")
			p.has(page, "waits here")
		}
	}
}
