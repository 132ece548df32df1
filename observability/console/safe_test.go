package console_test

import (
	"net/http"
	"net/url"
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

// What every answer carries.
func TestHeaders(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("viewer")
	for _, path := range []string{"/", "/letters", "/login", "/nowhere", "/static/console.js"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		cache := "no-store"
		if strings.HasPrefix(path, "/static/") {
			cache = "no-cache"
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": console.Policy, "Cache-Control": cache, "X-Frame-Options": "DENY",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	for _, part := range []string{"frame-ancestors 'none'", "script-src 'self'", "style-src 'self'", "default-src 'none'"} {
		if !strings.Contains(console.Policy, part) || strings.Contains(console.Policy, "unsafe") {
			t.Errorf("the policy is %q", console.Policy)
		}
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
