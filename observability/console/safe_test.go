package console_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kandashub/observability/console"
)

// A form that another page sends is refused, whatever the browser says of it.
func TestFormsOfOthersAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("admin")
	form := order("minutes", "60")
	for name, headers := range map[string][]string{
		"another site":              {"Origin", "https://attacker.example", "Sec-Fetch-Site", "cross-site"},
		"another site, old browser": {"Origin", "https://attacker.example", "Sec-Fetch-Site", ""},
		"a sibling":                 {"Sec-Fetch-Site", "same-site", "Origin", ""},
		"an opaque page":            {"Origin", "null", "Sec-Fetch-Site", ""},
		"no browser":                {"Origin", "", "Sec-Fetch-Site", ""},
		"said of itself":            {"Origin", "https://attacker.example", "Sec-Fetch-Site", "same-origin"},
	} {
		if status, _, _ := p.do(http.MethodPost, "/routes/register/pause", form, headers...); status != http.StatusForbidden {
			t.Errorf("%s: %d", name, status)
		}
	}
	if steps, err := w.auditSteps(); err != nil || len(steps) != 0 {
		t.Errorf("on record is %q, %v", steps, err)
	}
	for name, headers := range map[string][]string{
		"a browser of today": {}, "an old one": {"Sec-Fetch-Site", ""}, "without an origin": {"Origin", ""},
	} {
		if status, _, page := p.do(http.MethodPost, "/routes/register/pause", order("minutes", "60"), headers...); status != http.StatusSeeOther {
			t.Errorf("%s: %d\n%s", name, status, main(page))
		}
	}
}

// What cannot be asked for without a page of ours, whatever it is: a form that
// another page sends to anything that takes one, by anybody.
func TestEachEndpointRefusesFormsOfOthers(t *testing.T) {
	w := newWorld(t, nil)
	admin, nobody := w.enters("admin"), w.enters("")
	for pattern := range console.Endpoints() {
		method, path := path(pattern)
		if method == http.MethodGet {
			continue
		}
		if method != http.MethodPost {
			t.Errorf("%s: what changes anything is a POST", pattern)
		}
		for name, p := range map[string]*person{"an admin": admin, "nobody": nobody} {
			for _, headers := range [][]string{
				{"Origin", "https://attacker.example", "Sec-Fetch-Site", "cross-site"}, {"Origin", "https://attacker.example", "Sec-Fetch-Site", ""},
				{"Origin", "", "Sec-Fetch-Site", ""}, {"Origin", "null", "Sec-Fetch-Site", ""}, {"Origin", "", "Sec-Fetch-Site", "same-site"},
			} {
				status, _, page := p.do(method, path, order("minutes", "60"), headers...)
				if status != http.StatusForbidden || !strings.Contains(page, "does not come from the console itself") {
					t.Errorf("%s by %s with %q: %d", pattern, name, headers, status)
				}
			}
		}
	}
	if steps, err := w.auditSteps(); err != nil || len(steps) != 0 {
		t.Errorf("on record is %q, %v", steps, err)
	}
	admin.get("/") // whose session nobody has ended
}

// What every answer carries: pages, refusals, files, and what is not there.
func TestHeaders(t *testing.T) {
	w := newWorld(t, nil)
	people := []*person{w.enters(""), w.enters("viewer"), w.enters("admin")}
	patterns := []string{"GET /nowhere", "GET /static/console.js", "GET /static/nothing", "DELETE /letters"}
	for pattern := range console.Endpoints() {
		if pattern != "POST /logout" { // which would end the session
			patterns = append(patterns, pattern)
		}
	}
	for _, pattern := range patterns {
		method, path := path(pattern)
		for _, p := range people {
			header := p.headers(method, path)
			cache := "no-store"
			if path == "/static/console.js" {
				cache = "no-cache"
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": console.Policy, "Cache-Control": cache, "X-Frame-Options": "DENY",
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			} {
				if got := header.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", pattern, name, got, want)
				}
			}
		}
	}
	for _, part := range []string{"frame-ancestors 'none'", "script-src 'self'", "style-src 'self'", "default-src 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(console.Policy, part) || strings.Contains(console.Policy, "unsafe") {
			t.Errorf("the policy is %q", console.Policy)
		}
	}
}

// headers asks for something as a browser does, and returns what the answer
// carries. It does not read the answer, for one of them does not end.
func (p *person) headers(method, path string) http.Header {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Origin", p.server.URL)
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header
}

// Nothing is served beside the list of endpoints and the static files, so that
// what these tests ask of each holds for all there is.
func TestTheListIsAllThatIsServed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var served []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "Handle" || f.Sel.Name == "HandleFunc") {
				switch what := call.Args[0].(type) {
				case *ast.BasicLit:
					served = append(served, what.Value)
				case *ast.SelectorExpr:
					served = append(served, what.Sel.Name)
				default:
					served = append(served, name+": something else")
				}
			}
			return true
		})
	}
	if want := []string{`"GET /static/"`, "pattern", `"/"`}; !slices.Equal(served, want) {
		t.Errorf("served are %q: all but the static files belongs into endpoints()", served)
	}
}

// A session's cookie is out of reach of scripts and of other sites, and does not
// leave an encrypted connection where browsers have one.
func TestSessionCookie(t *testing.T) {
	for _, https := range []bool{false, true} {
		w := newWorld(t, func(c *console.Config) { c.HTTPS = https })
		c := w.sessionCookie()
		if c == nil {
			t.Fatal("no session")
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || len(c.Value) < 26 || c.Secure != https {
			t.Errorf("https %t: %s", https, c)
		}
	}
}

// sessionCookie logs in and returns the session's cookie.
func (w *world) sessionCookie(headers ...string) *http.Cookie {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+"/login", strings.NewReader(url.Values{"name": {"duty"}, "role": {"viewer"}}.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", w.server.URL)
	for _, name := range headers {
		req.Header.Set(name, "192.0.2.7")
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	for _, c := range resp.Cookies() {
		if c.Name == "hub_session" {
			return c
		}
	}
	return nil
}

// What a proxy on this machine hands on comes from elsewhere: nobody there is
// whom they say.
func TestDevLoginIsNotForwarded(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "Forwarded"} {
		if w.sessionCookie(name) != nil {
			t.Errorf("a request with %s has logged in", name)
		}
	}
}

// No page goes back to elsewhere.
func TestBackStaysHere(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("viewer")
	for _, back := range []string{"https://attacker.example/", "//attacker.example/", `/\attacker.example`, "javascript:alert(1)", ""} {
		if _, location, _ := p.post("/preferences", url.Values{"back": {back}, "theme": {"dark"}}); location != "/" {
			t.Errorf("back to %q leads to %q", back, location)
		}
	}
	if _, location, _ := p.post("/preferences", url.Values{"back": {"/letters?class=rejected"}}); location != "/letters?class=rejected" {
		t.Errorf("leads to %q", location)
	}
}
