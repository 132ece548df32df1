package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestTourPictures walks through the tour in a browser and takes the README's
// pictures, where TOUR_PICTURES names a folder for them: make tour.
func TestTourPictures(t *testing.T) {
	dir := os.Getenv("TOUR_PICTURES")
	if dir == "" {
		t.Skip("TOUR_PICTURES is not set")
	}
	needPrometheus(t)
	v := visitRun(t)
	p := newPhotographer(t, dir, "http://"+v.address("hub: console"))
	p.do(chromedp.Navigate(p.console + "/login"))
	p.do(chromedp.SetValue(chromedp.CSS("#name"), "visitor"), chromedp.SetValue(chromedp.CSS("#role"), "operator"), chromedp.Submit(chromedp.CSS("#role")))
	p.until(`document.body.dataset.page === "overview"`)
	const band = `document.querySelector("[data-live='notify-migration.%s']")`
	p.until(fmt.Sprintf(band, "rate") + `.innerText.match(/[1-9]/)`)
	p.take("traffic")

	v.fault("down", time.Minute)
	v.sees("alert HubBreakerOpen migration show fires")
	p.until(fmt.Sprintf(band, "breaker") + `.dataset.state.match(/bad|open/)`)
	p.window(460)
	p.eval(fmt.Sprintf(band, "breaker") + `.scrollIntoView({block: "center"})`)
	p.take("breaker")
	v.fault("off", 0)
	v.sees("the breaker of migration show closes")

	v.fault("refuse", 0)
	route, id := v.letter()
	p.do(chromedp.Navigate(p.console + "/letters/" + route + "/" + id))
	p.eval(`document.querySelector("#replay input[name=why]").value = "the portal is well again"`)
	p.eval(`document.querySelector("#replay").showModal()`)
	p.take("letter")
	p.eval(`document.querySelector("#replay form").submit()`)
	v.sees("is through after all")

	p.do(chromedp.Navigate(p.console + "/letters/" + route + "/" + id))
	p.eval(`document.querySelector("form[action='/application']").submit()`)
	p.until(`document.querySelector(".timeline [data-kind=decision]")`)
	p.eval(`(e => { e.closest("details").open = true; e.scrollIntoView({block: "center"}); })(document.querySelector(".timeline [data-kind=decision]"))`)
	p.take("application")

	p.eval(`location = document.querySelector(".chain:has([data-kind=decision]) .traces a").href`)
	p.until(`location.port !== ` + strconv.Quote(port(p.console)) + ` && document.querySelector("h1")`)
	p.eval(`location = "/?application=" + document.querySelector("h1").innerText.split(",")[0]`)
	p.until(`document.querySelector("tr .failure")`)
	p.eval(`location = document.querySelector("tr:has(.failure) a").href`)
	p.until(`document.querySelector("tr.failed")`)
	p.take("trace")
}

// port is that of an address.
func port(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }

// A photographer is somebody with a browser, a window of one size and a folder.
type photographer struct {
	t       *testing.T
	ctx     context.Context
	dir     string
	console string
}

func newPhotographer(t *testing.T, dir, console string) *photographer {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	allocated, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("lang", "en"))...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancel()
	})
	p := &photographer{t: t, ctx: ctx, dir: dir, console: console}
	p.window(560)
	return p
}

// window sets the height of the window: small pictures are quick to load.
func (p *photographer) window(height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(1080, height))
}

// do does things, one after another.
func (p *photographer) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	for _, s := range steps {
		if _, err := chromedp.Run(p.ctx, s); err != nil {
			p.t.Fatal(err)
		}
	}
}

// eval runs a script in the page.
func (p *photographer) eval(script string) {
	p.t.Helper()
	p.until(`document.readyState === "complete"`)
	if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](script+"; 0")); err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
}

// until waits for something to be true in the page, for a minute. While a page
// loads nothing is.
func (p *photographer) until(condition string) {
	p.t.Helper()
	over := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")")); err == nil && yes {
			return
		}
		select {
		case <-over:
			text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
			p.t.Fatalf("gave up waiting for %s on\n%.2000s", condition, text)
		case <-tick.C:
		}
	}
}

// take takes a picture of the window. No page of the console that it shows holds
// personal data; the host's name at the foot is not in the window.
func (p *photographer) take(name string) {
	p.t.Helper()
	p.until(`document.readyState === "complete"`)
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	path := filepath.Join(p.dir, name+".png")
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.t.Log(strings.TrimPrefix(path, p.dir+"/"), len(picture)>>10, "KiB")
}

// TestReadmePictures: every picture that the README shows is there, and all
// together are small.
func TestReadmePictures(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllSubmatch(readme, -1)
	if len(shown) == 0 {
		t.Error("the README shows no picture")
	}
	var total int64
	for _, s := range shown {
		info, err := os.Stat(filepath.Join("../..", string(s[1])))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 400<<10 {
		t.Errorf("the README's pictures take %d KiB, want 400 at most", total>>10)
	}
}
