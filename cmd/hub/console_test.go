package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/chromedp/chromedp"
	"github.com/redis/go-redis/v9"

	"kandashub/mocks"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// A consoleWorld is a world whose hub serves a console, with somebody at it.
type consoleWorld struct {
	*world
	*browser
	relay *relay
}

// newConsoleWorld starts a hub and opens its console. It is a world on servers of
// its own: a console shows all that lies there.
func newConsoleWorld(t *testing.T, changes ...string) *consoleWorld {
	t.Helper()
	chromium(t) // before the work of a world
	k := newKafka(t)
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), MaxRetries: -1})
	t.Cleanup(func() { rdb.Close() })
	address := servertest.FreeAddress(t)
	w := newWorldOn(t, []string{k.addr}, rdb, append([]string{"HUB_CONSOLE=" + address, "HUB_CONSOLE_DEV=true", "HUB_OUTCOMES_DIR=" + t.TempDir(),
		"HUB_BREAKER_FAILURES=3"}, changes...)...)
	w.start()
	r := newRelay(t, address)
	return &consoleWorld{w, newBrowser(t, r.listener.Addr().String()), r}
}

// in makes a subtest the one that fails, until it ends.
func (c *consoleWorld) in(t *testing.T) {
	parent := c.browser.t
	c.world.in(t)
	c.browser.t = t
	t.Cleanup(func() { c.browser.t = parent })
}

// refuse has kandas refuse as many registrations as applications are filed, which
// become dead letters, and returns their ids.
func (c *consoleWorld) refuse(n int) (applications []string) {
	t := c.world.t
	t.Helper()
	c.systems["kandas"].Faults.Set(mocks.Fault{Operation: "register", Status: http.StatusUnprocessableEntity})
	before := len(c.waiting())
	for range n {
		applications = append(applications, c.file())
	}
	servertest.Eventually(t, fmt.Sprint(n, " letters"), func() bool { return len(c.waiting()) == before+n })
	c.systems["kandas"].Faults.Clear()
	return applications
}

// waiting are the letters that wait for a decision.
func (c *consoleWorld) waiting() []string {
	c.world.t.Helper()
	agreed := c.contract
	desk := &control.Commands{Cluster: c.cluster, Routes: control.Routes(agreed)}
	letters, err := desk.Letters(c.world.t.Context(), control.Filter{})
	if err != nil {
		c.world.t.Fatal(err)
	}
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}

// onRecord counts the ends of an action in hub.audit.
func (c *consoleWorld) onRecord(action string) (n int) {
	c.world.t.Helper()
	records, err := control.ReadAudit(c.world.t.Context(), c.cluster)
	if err == nil {
		err = control.VerifyAudit(records)
	}
	if err != nil {
		c.world.t.Fatal(err)
	}
	for _, r := range records {
		if r.Action == action && r.Result == control.Done {
			n++
		}
	}
	return n
}

// ask fills in a dialog's reason and sends it.
func (c *consoleWorld) ask(dialog string) {
	c.browser.t.Helper()
	c.until("the dialog is open", `document.querySelector("#`+dialog+`[open]")`)
	c.do(write("#"+dialog+" input[name=why]", "a test"))
	c.follow("#" + dialog + " form button:not([type=button])")
}

// TestConsole is a day at the console of a real hub, in a browser.
func TestConsole(t *testing.T) {
	c := newConsoleWorld(t)
	c.enter("approver")
	for _, part := range []struct {
		name string
		do   func(*consoleWorld)
	}{
		{"live figures", (*consoleWorld).liveFigures},
		{"keys alone", (*consoleWorld).keysAlone},
		{"dialogs and focus", (*consoleWorld).dialogs},
		{"filter and back", (*consoleWorld).filterAndBack},
		{"double click", (*consoleWorld).doubleClick},
		{"decided, and carried out later", (*consoleWorld).decidedWhilePaused},
		{"form again", (*consoleWorld).formAgain},
		{"discard and undo", (*consoleWorld).discardAndUndo},
		{"reveal", (*consoleWorld).revealOnce},
		{"many", (*consoleWorld).many},
		{"pause and resume", (*consoleWorld).pauseAndResume},
		{"breaker", (*consoleWorld).forceBreaker},
		{"application", (*consoleWorld).findApplication},
		{"application before a breaker", (*consoleWorld).waitsForABreaker},
		{"nothing stays", (*consoleWorld).nothingStays},
	} {
		t.Run(part.name, func(t *testing.T) {
			c.in(t)
			part.do(c)
		})
	}
}

// liveFigures: what changes is on the page within seconds, and silence is said.
func (c *consoleWorld) liveFigures() {
	c.open("/")
	c.until("the page is live", `document.querySelector("#live").dataset.state === "fresh"`)
	c.until("the route runs", `document.querySelector('.map [data-route=register] .box').dataset.state === "running"`)
	c.systems["kandas"].Faults.Set(mocks.Fault{Operation: "register", Reset: true})
	a := c.file()
	c.until("the open breaker", `["open", "half_open"].includes(document.querySelector('.map [data-route=register] .box.system').dataset.state)`)
	c.until("its word", `/open/.test(document.querySelector('.map [data-live="register.breaker"].state').textContent)`)
	c.systems["kandas"].Faults.Clear()
	c.awaitEffect("kandas", "register", a)
	c.until("the closed breaker", `document.querySelector('.map [data-route=register] .box.system').dataset.state === "closed"`)

	c.press("#live-pause")
	c.until("updates are paused", `document.querySelector("#live").dataset.state === "paused"`)
	c.press("#live-pause")
	c.until("they go on", `document.querySelector("#live").dataset.state === "fresh"`)

	c.expects(true)
	c.relay.set(true)
	c.until("the stale mark", `document.querySelector("#live").dataset.state === "stale" && /no data/.test(document.querySelector("#live-text").textContent)`)
	c.relay.set(false)
	c.until("data again", `document.querySelector("#live").dataset.state === "fresh"`)
	c.expects(false)
}

// keysAlone finds a dead letter and replays it without a mouse.
func (c *consoleWorld) keysAlone() {
	a := c.refuse(1)[0]
	c.open("/")
	c.keys("g", "d")
	c.until("the letters", `document.body.dataset.page === "letters"`)
	c.reload("the letter", `document.querySelectorAll("tr[data-row]").length === 1`)
	c.keys("j")
	c.until("the row has the focus", `document.activeElement.closest("tr.current")`)
	c.keys(enterKey)
	c.until("the letter", `document.body.dataset.page === "letter"`)
	c.keys("r")
	c.until("it asks", `document.activeElement.name === "why"`)
	c.do(chromedp.KeyEvent("a test"))
	c.keys(enterKey)
	c.cameTo("delivered")
	c.awaitEffect("kandas", "register", a)
	c.keys("g", "r")
	c.until("the overview", `document.body.dataset.page === "overview"`)
}

// dialogs: Esc closes and gives the focus back; the focus never gets stuck.
func (c *consoleWorld) dialogs() {
	c.open("/routes")
	const button = `button[commandfor="pause-register"]`
	c.do(chromedp.Focus(chromedp.CSS(button)))
	c.keys(enterKey)
	c.until("the dialog", `document.activeElement.closest("#pause-register[open]")`)
	c.keys(escapeKey)
	c.until("the focus is back", `document.activeElement.getAttribute("commandfor") === "pause-register" && !document.querySelector("dialog[open]")`)
	c.keys("?")
	c.until("help", `document.querySelector("#help[open]")`)
	c.keys(escapeKey)
	c.until("help is closed", `!document.querySelector("dialog[open]")`)
	c.open("/letters")
	c.keys("/")
	c.until("the search", `document.activeElement.name === "text"`)
	c.open("/breakers")
	c.keys(tabKey)
	c.until("the skip link", `document.activeElement.className === "skip"`)
	c.keys(enterKey)
	c.until("the content", `location.hash === "#main"`)
	c.noTrap("/")
}

// noTrap tabs through a page: each step goes on, until the page is left.
func (c *consoleWorld) noTrap(path string) {
	c.open(path)
	const mark = `(() => { const el = document.activeElement; if (el === document.body) return "left"; if (el.dataset.seen) return "again"; el.dataset.seen = 1; return "new"; })()`
	for range 400 {
		c.keys(tabKey)
		if get(c.browser, chromedp.Evaluate[string](mark)) != "new" {
			return // once around
		}
	}
	c.browser.t.Errorf("%s: 400 steps and no end", path)
}

// filterAndBack: the URL holds the filter, and the back button restores it.
func (c *consoleWorld) filterAndBack() {
	a := c.refuse(2)[0]
	c.open("/letters")
	c.do(fill("#f-application", a), fill("#f-class", "rejected"))
	c.follow(".filter button")
	c.until("one letter", `document.body.dataset.page === "letters" && location.search.includes("application=") && document.querySelectorAll("tr[data-row]").length === 1`)
	c.follow("tr[data-row] a")
	c.until("the letter", `document.body.dataset.page === "letter"`)
	c.back()
	c.until("the filter is back", `document.querySelector("#f-application")?.value === `+quoted(a)+` && document.querySelectorAll("tr[data-row]").length === 1`)
	if path := c.path(); !strings.Contains(path, "class=rejected") {
		c.browser.t.Errorf("the URL is %s", path)
	}
}

// letterOf opens the page of an application's only letter.
func (c *consoleWorld) letterOf(application string) {
	c.open("/letters?application=" + application)
	c.reload("the letter", `document.querySelectorAll("tr[data-row]").length === 1`)
	c.follow("tr[data-row] a")
	c.until("the letter", `document.body.dataset.page === "letter"`)
}

// doubleClick sends one request.
func (c *consoleWorld) doubleClick() {
	a := c.refuse(1)[0]
	before := c.onRecord("replay letter")
	c.letterOf(a)
	c.press(`button[commandfor=replay]`)
	c.do(write("#replay-why", "a test"))
	get(c.browser, chromedp.Evaluate[bool](`(() => { const b = document.querySelector("#replay button.main"); b.click(); b.click(); return true; })()`))
	c.cameTo("delivered")
	c.awaitEffect("kandas", "register", a)
	if n := c.onRecord("replay letter") - before; n != 1 {
		c.browser.t.Errorf("%d replays", n)
	}
}

// cameTo waits until a letter's page says what its decision came to. Nobody loads it
// anew.
func (c *consoleWorld) cameTo(result string) {
	c.browser.t.Helper()
	c.until("what came of it", `document.body.dataset.page === "letter" && document.querySelector("#letter .head .state").dataset.state === "resolved"`)
	c.shows("Result: " + result)
	if c.is(`document.querySelector("[data-refresh]")`) {
		c.browser.t.Error("the page goes on asking")
	}
}

// decidedWhilePaused: the page of a letter whose hub carries the decision out later says
// so, and tells the result by itself.
func (c *consoleWorld) decidedWhilePaused() {
	a := c.refuse(1)[0]
	c.systems["kandas"].Faults.Set(mocks.Fault{Operation: "register", Reset: true})
	c.letterOf(a)
	c.press(`button[commandfor=replay]`)
	c.ask("replay")
	c.until("it is under way", `document.querySelector("#letter[data-refresh] .head .state")?.dataset.state === "decided"`)
	c.shows("The replay is written down")
	c.systems["kandas"].Faults.Clear()
	c.cameTo("delivered")
	if said := get(c.browser, chromedp.Evaluate[string](`document.querySelector("#announce").textContent`)); said != "resolved" {
		c.browser.t.Errorf("read out is %q", said)
	}
	c.awaitEffect("kandas", "register", a)
}

func (c *consoleWorld) discardAndUndo() {
	a := c.refuse(1)[0]
	c.letterOf(a)
	c.press(`button[commandfor=discard]`)
	c.ask("discard")
	c.reload("it can be undone", `document.querySelector("button[commandfor=undo]")`)
	c.press(`button[commandfor=undo]`)
	c.ask("undo")
	c.shows("The undo is written down")
	c.open("/letters?application=" + a)
	c.reload("the row is back", `document.querySelectorAll("tr[data-row]").length === 1`)
}

// revealOnce: what a letter carries is not in the page before somebody asks, and
// not any more once it is hidden.
func (c *consoleWorld) revealOnce() {
	const digits = `/\d{12}/.test(document.documentElement.outerHTML.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}-[0-9a-f]{16}/g, ""))`
	a := c.refuse(1)[0]
	c.letterOf(a)
	if c.is(digits) {
		c.browser.t.Error("the masked page holds twelve digits in a row")
	}
	c.press(`button[commandfor=reveal]`)
	c.ask("reveal")
	c.until("the content", `document.body.dataset.page === "revealed" && document.querySelector("#content").textContent.includes("applicant")`)
	c.until("the seconds run", `/\d+ s/.test(document.querySelector("#left").textContent)`)
	c.follow("#hide a")
	c.until("it is hidden", `document.body.dataset.page === "letter"`)
	if c.onRecord("show payload") != 1 {
		c.browser.t.Error("the look is not on record")
	}
	c.expects(true) // the browser does not send the form again by itself
	c.back()
	if c.is(digits) {
		c.browser.t.Error("the content is back by the back button")
	}
	c.open("/")
	c.expects(false)
}

// many replays a filter: a dry run first, then the run with each result.
func (c *consoleWorld) many() {
	before := c.refuse(12)
	c.open("/letters")
	c.reload("letters", `document.querySelectorAll("tr[data-row] input:not([disabled])").length >= 12`)
	n := get(c.browser, chromedp.Evaluate[int](`document.querySelectorAll("tr[data-row] input:not([disabled])").length`))
	c.press("input[name=which][value=all]")
	c.follow("button[name=action][value=replay]")
	c.until("the plan", `document.body.dataset.page === "plan"`)
	c.shows(fmt.Sprintf("%d letters would be decided", n))
	c.do(fill("#why", "a test"), fill("#rate", "50"))
	c.follow("form[action='/runs'] button")
	c.until("the run", `document.body.dataset.page === "run"`)
	c.until("the run is through", `document.querySelector(".head .state").textContent === "through"`)
	c.until("each result", fmt.Sprintf(`[...document.querySelectorAll("#run tr .state")].filter(e => e.textContent === "delivered").length === %d`, n))
	for _, a := range before {
		c.awaitEffect("kandas", "register", a)
	}
}

// formAgain: what is refused comes back with what was typed, and goes through once it is
// mended.
func (c *consoleWorld) formAgain() {
	c.open("/routes")
	c.press(`button[commandfor="pause-verify"]`)
	c.until("the dialog is open", `document.querySelector("#pause-verify[open]")`)
	c.do(write("#pause-verify-why", "as +77011234567 asked"), fill("#pause-verify-for", "240"))
	c.expects(true)
	c.follow("#pause-verify form button:not([type=button])")
	c.shows("it holds no personal data")
	c.until("the form", `document.querySelector("#again-why").value === "as [phone] asked" && document.querySelector("#again-for").value === "240"`)
	c.expects(false)
	c.do(fill("#again-why", "a test"))
	c.follow("main form button")
	c.shows("Route verify is paused")
	c.press(`button[commandfor="resume-verify"]`)
	c.ask("resume-verify")
	c.shows("Route verify goes on")
}

// pauseAndResume: a paused route calls nobody, and goes on where it was.
func (c *consoleWorld) pauseAndResume() {
	c.open("/routes")
	c.press(`button[commandfor="pause-register"]`)
	c.ask("pause-register")
	c.shows("Route register is paused")
	servertest.Eventually(c.browser.t, "the hub follows", func() bool { return c.metric(`hub_route_paused{reason="operator",route="register"}`) == "1" })
	c.until("the state", `document.querySelector('[data-live="register.state"].state').dataset.state === "paused"`)
	a := c.file()
	c.until("lag grows", `document.querySelector('[data-live="register.lag"]').textContent !== "0"`)
	if n := c.calls["kandas"].with("/api/v1/applications", a); n != 0 {
		c.browser.t.Errorf("%d calls of a paused route", n)
	}
	c.press(`button[commandfor="resume-register"]`)
	c.ask("resume-register")
	c.awaitEffect("kandas", "register", a)
	c.open("/routes/register")
	c.until("partitions", `document.querySelectorAll("table tbody tr").length > 0`)
}

// forceBreaker: a breaker that is held open lets nothing through.
func (c *consoleWorld) forceBreaker() {
	c.open("/breakers")
	c.press(`button[commandfor="open-register"]`)
	c.ask("open-register")
	c.until("the state", `document.querySelector('[data-live="register.breaker"]').dataset.state === "forced_open"`)
	servertest.Eventually(c.browser.t, "the hub follows", func() bool {
		return slices.Contains([]string{c.metric(`hub_breaker_state{operation="register",state="forced_open",system="kandas"}`),
			c.metric(`hub_breaker_state{operation="register",state="open",system="kandas"}`)}, "1")
	})
	a := c.file()
	c.othersGoOn()
	if n := c.calls["kandas"].with("/api/v1/applications", a); n != 0 {
		c.browser.t.Errorf("%d calls through a breaker that is held open", n)
	}
	c.press(`button[commandfor="release-register"]`)
	c.ask("release-register")
	c.awaitEffect("kandas", "register", a)
}

// inOrder holds where the steps of each chain stand in the order of time.
const inOrder = `[...document.querySelectorAll(".timeline")].every(c => (t => t.every((x, i) => !i || t[i - 1] <= x))([...c.querySelectorAll("time")].map(e => e.dateTime)))`

// findApplication: from its id to its whole way, and the id is in no address.
func (c *consoleWorld) findApplication() {
	a := c.file()
	c.awaitEffect("kandas", "register", a)
	c.awaitCommitted()
	servertest.Eventually(c.browser.t, "the way of the application", func() bool {
		c.open("/application")
		c.do(fill("#application", a))
		c.follow(".search button")
		return c.is(`document.querySelector('.timeline [data-kind="delivered"]')`)
	})
	for _, kind := range []string{"made", "written", "called", "returned"} {
		if !c.is(`document.querySelector('.timeline [data-kind="` + kind + `"]')`) {
			c.browser.t.Errorf("the way does not say %q", kind)
		}
	}
	if !c.is(inOrder) {
		c.browser.t.Error("the way is not in order of time")
	}
	c.shows("nothing waits")
	if path := c.path(); strings.Contains(path, a) {
		c.browser.t.Errorf("the id is in the address: %s", path)
	}
}

// wayOf looks for an application until its timeline has a step that a CSS selector
// finds, and returns what that says.
func (c *consoleWorld) wayOf(application, step string) string {
	c.browser.t.Helper()
	const of = `(e => { e.closest("details").open = true; return e.innerText; })(document.querySelector(%s))`
	servertest.Eventually(c.browser.t, "the step "+step, func() bool {
		c.open("/application")
		c.do(fill("#application", application))
		c.follow(".search button")
		return c.is(`document.querySelector(` + quoted(".timeline "+step) + `)`)
	})
	return get(c.browser, chromedp.Evaluate[string](fmt.Sprintf(of, quoted(".timeline "+step))))
}

// waitsForABreaker: the timeline says that a message waits for an open breaker, and
// afterwards from when to when it was open and how long the message has waited.
func (c *consoleWorld) waitsForABreaker() {
	c.systems["kandas"].Faults.Set(mocks.Fault{Operation: "register", Reset: true})
	first := c.file()
	servertest.Eventually(c.browser.t, "the breaker is open", func() bool { return c.metric(`hub_route_paused{reason="breaker",route="register"}`) == "1" })
	a := c.file()
	for _, of := range []string{first, a} {
		said := c.wayOf(of, `[data-kind="paused"]`)
		c.until("where it waits", `/at register, which calls nobody, since .*breaker/.test(document.querySelector(".where [data-wait=pause]").innerText)`)
		for _, want := range []string{"route paused", "kandas: register", "its system does not answer (breaker)", "so far", "since 20", "waits here"} {
			if !strings.Contains(said, want) {
				c.browser.t.Errorf("while it waits, the step of %s lacks %q: %s", of, want, said)
			}
		}
	}
	c.systems["kandas"].Faults.Clear()
	c.awaitEffect("kandas", "register", first)
	c.awaitEffect("kandas", "register", a)
	for _, of := range []string{first, a} {
		said := c.wayOf(of, `[data-kind="resumed"]`)
		if !regexp.MustCompile(`it waited \d+\x{a0}(s|ms)`).MatchString(said) || !strings.Contains(said, "route goes on") || !regexp.MustCompile(`from 20[\d :-]+ to 20[\d :-]+`).MatchString(said) {
			c.browser.t.Errorf("afterwards the step of %s says: %s", of, said)
		}
		if !c.is(inOrder) {
			c.browser.t.Error("the way is not in order of time")
		}
	}
	// Of its own attempts, those that opened the breaker stand before the pause.
	c.wayOf(first, `[data-kind="resumed"]`)
	if !c.is(`(k => k.indexOf("attempt") >= 0 && k.indexOf("attempt") < k.indexOf("paused") && k.indexOf("paused") < k.indexOf("resumed") && k.lastIndexOf("resumed") < k.lastIndexOf("delivered"))(` +
		`[...document.querySelectorAll(".timeline li")].map(e => e.dataset.kind))`) {
		c.browser.t.Errorf("the steps are %s", get(c.browser, chromedp.Evaluate[string](`[...document.querySelectorAll(".timeline li")].map(e => e.dataset.kind).join()`)))
	}
}

// nothingStays: the browser keeps nothing, and logging out ends it.
func (c *consoleWorld) nothingStays() {
	if !c.is(`localStorage.length === 0 && sessionStorage.length === 0`) {
		c.browser.t.Error("something is kept in the browser")
	}
	c.follow(`form[action="/logout"] button`)
	c.until("the login", `document.body.dataset.page === "login"`)
	c.open("/letters")
	c.until("the login again", `document.body.dataset.page === "login"`)
}

// TestConsoleLooks holds every page, in both themes and on narrow and wide
// windows, against the rules of accessibility, and nothing sticks out.
func TestConsoleLooks(t *testing.T) {
	script := axe(t)
	c := newConsoleWorld(t, "HUB_PARK_AFTER=1s", "HUB_DEADLINE=1s", "HUB_CONSOLE_TRACE_URL=https://tempo.example/trace/{trace}", "HUB_CONSOLE_LOG_URL=https://logs.example/?trace={trace}")
	values := c.personalValues()
	f := c.flow("iin-several")
	c.play(f)
	c.finish(f)
	a := c.refuse(3)[0]
	c.enter("admin")
	c.letterOf(a)
	letter := c.path()
	c.press(`button[commandfor=discard]`)
	c.ask("discard")
	c.reload("discarded", `document.querySelector("button[commandfor=undo]")`)
	c.systems["migration"].Faults.Set(mocks.Fault{Operation: "show", Reset: true})
	notified := c.flow("filed-migration") // its notice waits before an open breaker
	c.play(notified)
	c.open("/breakers")
	c.until("a breaker is open", `document.querySelector('[data-live="notify-migration.breaker"][data-state=open]')`)
	c.open("/routes")
	c.press(`button[commandfor="pause-verify"]`)
	c.ask("pause-verify")
	c.shows("Route verify is paused")
	c.open("/letters")
	c.press("input[name=which][value=all]")
	c.follow("button[name=action][value=replay]")
	c.until("the plan", `document.body.dataset.page === "plan"`)
	c.look(script, "plan", values)
	c.do(fill("#why", "a test"))
	c.follow("form[action='/runs'] button")
	c.until("the run", `document.body.dataset.page === "run" && document.querySelector(".head .state").textContent === "through"`)
	run := c.path()
	for _, path := range []string{"/", "/letters?state=all", letter, "/application", "/routes", "/routes/register", "/breakers", "/groups", "/runs", run, "/audit", "/health", "/letters?code=none", "/letters?route=none", "/nowhere/at/all"} {
		if path == "/nowhere/at/all" || path == "/letters?route=none" {
			c.expects(true)
		}
		c.open(path)
		get(c.browser, chromedp.Evaluate[int](`document.querySelectorAll("details.groups").forEach(d => d.open = true); 0`))
		c.look(script, pageOf(path), values)
	}
	c.expects(false)
	c.open("/groups")
	get(c.browser, chromedp.Evaluate[int](`document.querySelectorAll("details").forEach(d => d.open = true); 0`))
	c.look(script, "groups-open", values)
	c.open(letter)
	c.open("/application")
	c.do(write("#application", f.Applications[0].ApplicationID+enterKey))
	c.until("the way", `document.querySelector(".timeline li")`)
	c.look(script, "timeline", values)
	c.wayOf(notified.Applications[0].ApplicationID, `[data-kind="paused"]`)
	c.look(script, "timeline-paused", values)
	c.open("/routes")
	c.press(`button[commandfor="pause-register"]`)
	c.look(script, "dialog", values)
	c.keys(escapeKey, "?")
	c.until("help", `document.querySelector("#help[open]")`)
	get(c.browser, chromedp.Evaluate[bool](`document.querySelector("#help details").open = true`))
	c.look(script, "help", values)
	c.keys(escapeKey)
	for _, lang := range []string{"ru", "kk"} {
		c.prefer("lang", lang)
		for _, path := range []string{"/", "/letters?state=all", "/breakers"} {
			c.open(path)
			c.look(script, lang+"-"+pageOf(path), values)
		}
	}
	c.wayOf(notified.Applications[0].ApplicationID, `[data-kind="paused"]`)
	c.look(script, "kk-timeline-paused", values)
	c.refusedForm(script, values)
	c.systems["migration"].Faults.Clear()
	c.wayOf(notified.Applications[0].ApplicationID, `[data-kind="resumed"]`)
	c.look(script, "kk-timeline-resumed", values)
	c.prefer("lang", "en")
	c.lookAtTrouble(script, values)
	c.follow(`form[action="/logout"] button`)
	c.until("the login", `document.body.dataset.page === "login"`)
	c.look(script, "login", values)
}

// refusedForm looks at a form that comes back, and at the audit, in Kazakh.
func (c *consoleWorld) refusedForm(script string, values []string) {
	c.open("/routes")
	c.press(`button[commandfor="pause-register"]`)
	c.do(write("#pause-register-why", "as +77011234567 asked"))
	c.expects(true)
	c.follow("#pause-register form button:not([type=button])")
	c.until("the form again", `document.querySelector("#again-why")`)
	c.look(script, "kk-refused", values)
	c.expects(false)
	c.open("/audit")
	c.look(script, "kk-audit", values)
}

// lookAtTrouble looks at a letter whose message was tried three times, and at the
// way of its application.
func (c *consoleWorld) lookAtTrouble(script string, values []string) {
	unanswered := mocks.Fault{Operation: "register", Status: http.StatusServiceUnavailable, Times: 2}
	c.systems["kandas"].Faults.Set(unanswered, mocks.Fault{Operation: "register", Status: http.StatusUnprocessableEntity})
	before := len(c.waiting())
	a := c.file()
	servertest.Eventually(c.browser.t, "its letter", func() bool { return len(c.waiting()) == before+1 })
	c.systems["kandas"].Faults.Clear()
	c.letterOf(a)
	c.reload("its attempts", `document.querySelectorAll("#attempts + .scroll tbody tr").length === 3`)
	if !c.is(`[...document.querySelectorAll(".tree code")].some(e => e.textContent === "SignatureValue" || e.textContent === "application")`) {
		c.browser.t.Error("the signature's XML is not shown as a tree")
	}
	c.do(chromedp.Focus(chromedp.CSS(".tree summary")))
	c.keys(enterKey)
	c.until("the tree is folded by a key", `!document.querySelector(".tree details").open`)
	c.keys(enterKey)
	c.look(script, "letter-open", values)
	if address, want := get(c.browser, chromedp.Evaluate[string](`document.querySelector(".trace a")?.href ?? ""`)), "https://tempo.example/trace/"; !strings.HasPrefix(address, want) {
		c.browser.t.Errorf("the trace's link is %q", address)
	}
	c.follow(`form[action="/application"] button`)
	c.until("its way", `document.querySelectorAll('.timeline [data-kind="attempt"]').length === 2`)
	c.shows("late by")
	c.look(script, "application-waits", values)
	c.prefer("lang", "kk")
}

// look holds the page against the rules, wide and narrow, in both themes, and
// takes a picture of each.
func (c *consoleWorld) look(script, name string, personal []string) {
	t := c.browser.t
	t.Helper()
	if shown := leaks(get(c.browser, chromedp.OuterHTML(chromedp.CSS("html"))), personal); len(shown) > 0 {
		t.Errorf("%s shows %d personal values, among them %q", name, len(shown), shown[0])
	}
	for _, theme := range []string{"light", "dark"} {
		get(c.browser, chromedp.Evaluate[string](`document.documentElement.dataset.theme = `+quoted(theme)))
		for _, size := range []struct {
			name          string
			width, height int64
			scale         float64
		}{{"wide", 1280, 900, 1}, {"zoomed", 640, 450, 2}, {"narrow", 360, 740, 1}} {
			c.size(size.width, size.height, size.scale)
			if !c.is(`document.documentElement.scrollWidth <= innerWidth`) {
				width := get(c.browser, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
				t.Errorf("%s: %s, %d wide, needs %d", name, size.name, size.width, width)
			}
			if size.name != "zoomed" {
				c.shoot(name + "-" + theme + "-" + size.name)
			}
			for _, v := range c.violations(script) {
				t.Errorf("%s, %s, %s: %s", name, theme, size.name, v)
			}
		}
	}
	c.size(1280, 900, 1)
}
