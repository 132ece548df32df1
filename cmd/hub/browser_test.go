package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kandashub/topics/servertest"
)

// patience bounds each single step in the browser.
const patience = 30 * time.Second

// A browser is somebody at the console in Chromium, which looks at no network
// but this machine.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string

	mu       sync.Mutex
	expected bool // requests fail, and that is what the test wants
	problems []string
}

// chromium finds the browser; without one the test is skipped, and in CI fails.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	notHere(t, "no chromium: install it to test the console in a browser")
	return ""
}

// axe is the script with the accessibility rules.
func axe(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../observability/console/axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		notHere(t, "no axe-core: run make axe to test the console's accessibility")
	}
	return string(b)
}

func notHere(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// step is something done in the browser.
type step = chromedp.Action[chromedp.Void]

// newBrowser opens a window.
func newBrowser(t *testing.T, address string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("lang", "en"), chromedp.UserDataDir(t.TempDir()))
	allocated, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		cancel()
	})
	b := &browser{t: t, ctx: ctx, url: "http://" + address}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.problems {
			t.Errorf("the browser says: %s", p)
		}
	})
	b.do(chromedp.EmulateViewport(1280, 900))
	return b
}

// hear keeps what goes wrong in a page.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL)
	case *cdplog.EventEntryAdded: // what breaks the content security policy is here
		if !b.expected && e.Entry.Level == cdplog.EntryLevelError {
			b.problems = append(b.problems, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// expects says whether requests are to fail now.
func (b *browser) expects(failures bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = failures
}

// do does things, each within patience.
func (b *browser) do(steps ...step) {
	b.t.Helper()
	for _, s := range steps {
		get(b, s)
	}
}

// get does one thing, within patience, and returns what it gives.
func get[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, a)
	if err != nil {
		b.failed(err)
	}
	return value
}

// failed ends the test with what the page shows.
func (b *browser) failed(err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	where, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	b.t.Fatalf("%v; at %s:\n%.3000s", err, where, text)
}

// open goes to a page.
func (b *browser) open(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.url + path)) }

// enter logs in.
func (b *browser) enter(role string) {
	b.t.Helper()
	b.open("/login")
	b.do(fill("#name", "duty"), fill("#role", role), chromedp.Submit(chromedp.CSS("#role")))
	b.until("logged in", `document.body.dataset.page === "overview" && document.readyState === "complete"`)
	b.prefer("lang", "en")
}

// prefer presses one of the buttons for language and theme.
func (b *browser) prefer(name, value string) {
	b.t.Helper()
	b.follow(fmt.Sprintf(`.tools button[name=%s][value=%s]`, name, value))
	b.until(value, fmt.Sprintf(`document.querySelector('.tools button[name=%s][value=%s]')?.getAttribute("aria-pressed") === "true"`, name, value))
}

// press clicks on what a selector finds, with the mouse: what covers it would be
// hit instead.
func (b *browser) press(selector string) {
	b.t.Helper()
	find := `document.querySelector(` + quoted(selector) + `)`
	b.until(selector, find)
	at := get(b, chromedp.Evaluate[[]float64](`(el => {
		el.scrollIntoView({block: "center"});
		const r = el.getClientRects()[0], x = r.left + Math.min(r.width / 2, 20), y = r.top + r.height / 2, hit = document.elementFromPoint(x, y);
		return el.contains(hit) ? [x, y] : [];
	})(`+find+`)`))
	if len(at) != 2 {
		b.failed(fmt.Errorf("%s is covered by something", selector))
	}
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// keys presses keys, one after another.
func (b *browser) keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

// follow clicks on what leads to another page, and waits for that.
func (b *browser) follow(selector string) {
	b.t.Helper()
	get(b, chromedp.Evaluate[bool](`window.testLeaves = true`))
	b.press(selector)
	b.until("the next page", `!window.testLeaves && document.readyState === "complete"`)
}

// back presses the browser's back button.
func (b *browser) back() {
	b.t.Helper()
	from := get(b, chromedp.Location())
	get(b, chromedp.Evaluate[int](`history.back(); 0`))
	b.until("the page before", `location.href !== `+quoted(from)+` && document.readyState === "complete"`)
}

// fill sets a field.
func fill(selector, value string) step { return chromedp.SetValue(chromedp.CSS(selector), value) }

// write types into a field.
func write(selector, text string) step { return chromedp.SendKeys(chromedp.CSS(selector), text) }

// is evaluates a condition in the page. While a page loads, and its script has not
// run, nothing is true.
func (b *browser) is(condition string) bool {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && Boolean(`+condition+`)`))
	return err == nil && yes
}

// until waits for a condition in the page.
func (b *browser) until(what, condition string) {
	b.t.Helper()
	over := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !b.is(condition) {
		select {
		case <-over:
			b.failed(fmt.Errorf("gave up waiting: %s", what))
		case <-tick.C:
		}
	}
}

// reload waits for a condition that the page shows when it is loaded anew.
func (b *browser) reload(what, condition string) {
	b.t.Helper()
	servertest.Eventually(b.t, what, func() bool {
		b.do(chromedp.Reload())
		return b.is(condition)
	})
}

// quoted is a string in a script.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}

// shows waits until a text stands in the page.
func (b *browser) shows(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%q on the page", text), `document.readyState === "complete" && document.body.innerText.includes(`+quoted(text)+`)`)
}

// violations runs the accessibility rules on the page.
func (b *browser) violations(script string) (found []string) {
	b.t.Helper()
	const look = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => JSON.stringify(r.violations.map(v =>
		v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message)).join(" | "))))`
	get(b, chromedp.Evaluate[int](script+";0"))
	out := get(b, chromedp.Evaluate[string](look, chromedp.EvalAwaitPromise))
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		b.t.Fatal(err)
	}
	return found
}

// size sets the window as a device has it.
func (b *browser) size(width, height int64, scale float64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// shoot takes a picture of the whole page, where CONSOLE_SHOTS names a folder.
func (b *browser) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("CONSOLE_SHOTS")
	if dir == "" {
		return
	}
	picture := get(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// path is the path and query of the page.
func (b *browser) path() string {
	b.t.Helper()
	u, err := url.Parse(get(b, chromedp.Location()))
	if err != nil {
		b.t.Fatal(err)
	}
	return u.RequestURI()
}

// Names of keys.
const (
	enterKey  = kb.Enter
	escapeKey = kb.Escape
	tabKey    = kb.Tab
)

// pageOf is a name for a path, for pictures.
func pageOf(path string) string {
	name := strings.Trim(strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path), "-")
	if name == "" {
		return "overview"
	}
	if len(name) > 24 {
		name = name[:24]
	}
	return name
}
