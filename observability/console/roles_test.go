package console_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"kandashub/observability/console"
	"kandashub/topics/control"
)

// path fills the wildcards of a pattern with things that do not exist.
func path(pattern string) (method, out string) {
	method, out, _ = strings.Cut(pattern, " ")
	for wildcard, value := range map[string]string{"{route}": "register", "{letter}": "none", "{run}": "none", "{$}": ""} {
		out = strings.ReplaceAll(out, wildcard, value)
	}
	return method, out
}

// Each thing that can be asked for, by each role: 403 for who may not, and
// something else, whatever it is about, for who may.
func TestEachEndpointByEachRole(t *testing.T) {
	w := newWorld(t, nil)
	least := map[string]string{ // what changes anything or shows what is hidden; the rest is for viewers
		"POST /letters/{route}/{letter}/replay": "operator", "POST /letters/{route}/{letter}/discard": "operator",
		"POST /letters/{route}/{letter}/undo": "operator", "POST /plan": "operator", "POST /runs": "operator",
		"POST /runs/{run}/cancel": "operator", "POST /routes/{route}/pause": "operator", "POST /routes/{route}/drain": "operator",
		"POST /routes/{route}/resume": "operator", "POST /breakers/{route}/open": "operator", "POST /breakers/{route}/release": "operator",
		"POST /letters/{route}/{letter}/reveal": "approver", "POST /breakers/{route}/close": "approver", "POST /loss/accept": "approver",
		"GET /audit/export": "approver",
	}
	roles := []string{"viewer", "operator", "approver", "admin"}
	people := map[string]*person{}
	for _, r := range roles {
		people[r] = w.enters(r)
	}
	nobody := w.enters("")
	open := map[string]bool{"GET /login": true, "POST /login": true, "GET /login/oidc": true, "GET /callback": true, "POST /preferences": true}
	for pattern := range console.Endpoints() {
		if pattern == "GET /events" || pattern == "POST /logout" {
			continue // the one does not end, the other ends the session
		}
		method, path := path(pattern)
		form := url.Values(nil)
		if method == http.MethodPost {
			form = url.Values{} // without a reason: nothing takes effect
		}
		if !open[pattern] {
			if status, location, _ := nobody.do(method, path, form); status != http.StatusUnauthorized && location != "/login" {
				t.Errorf("%s for nobody: %d", pattern, status)
			}
		}
		rank := 0
		if want := least[pattern]; want != "" {
			for roles[rank] != want {
				rank++
			}
		} else if method == http.MethodPost && !open[pattern] && pattern != "POST /application" {
			t.Errorf("%s changes something, and no test says who may", pattern)
		}
		for i, r := range roles {
			if open[pattern] {
				break
			}
			status, _, page := people[r].do(method, path, form)
			if forbidden := status == http.StatusForbidden; forbidden != (i < rank) {
				t.Errorf("%s by %s: %d\n%s", pattern, r, status, main(page))
			}
		}
	}
	records, err := w.auditSteps()
	if err != nil || len(records) != 0 {
		t.Errorf("on record is %q, %v", records, err)
	}
}

// Who is in no list is nobody, also who is logged out.
func TestLogout(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("viewer")
	p.get("/")
	if status, location, _ := p.post("/logout", url.Values{}); status != http.StatusSeeOther || location != "/login" {
		t.Errorf("%d, %s", status, location)
	}
	if status, location, _ := p.do(http.MethodGet, "/", nil); status != http.StatusSeeOther || location != "/login" {
		t.Errorf("after logging out: %d, %s", status, location)
	}
}

// The development login is for this machine, by its own name.
func TestDevLoginIsForThisMachine(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("")
	form := url.Values{"name": {"duty"}, "role": {"admin"}}
	host := strings.TrimPrefix(w.server.URL, "http://")
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{host, w.server.URL, http.StatusSeeOther},
		{"attacker.example", "http://attacker.example", http.StatusForbidden}, // a name of theirs that points here
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/login", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", c.origin)
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("login by Host %s: %d, want %d", c.host, resp.StatusCode, c.want)
		}
	}
	if status, _, page := p.post("/login", url.Values{"name": {"aida@example.kz"}, "role": {"viewer"}}); status != http.StatusForbidden || !strings.Contains(page, "латинскими буквами") {
		t.Errorf("a name that is personal data: %d\n%s", status, main(page))
	}
	for _, bad := range []url.Values{{"name": {""}, "role": {"admin"}}, {"name": {"x"}, "role": {"nobody"}}, {"name": {strings.Repeat("x", 81)}, "role": {"admin"}}} {
		if status, _, _ := p.post("/login", bad); status != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, status)
		}
	}
}

// A proxy's headers are believed from its address alone.
func TestProxyHeaders(t *testing.T) {
	roles, err := console.ParseRoles([]string{"ops=operator", "all=viewer"})
	if err != nil {
		t.Fatal(err)
	}
	login := console.Login{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, UserHeader: "X-User", GroupsHeader: "X-Groups", Roles: roles}
	w := newWorld(t, func(c *console.Config) { c.Login = login })
	p := w.enters("")
	for _, c := range []struct {
		user, groups string
		path         string
		want         int
	}{
		{"aida", "all", "/", http.StatusOK},
		{"aida", "others, all", "/", http.StatusOK},
		{"aida", "others", "/", http.StatusUnauthorized},
		{"aida", "", "/", http.StatusUnauthorized},
		{"", "all", "/", http.StatusUnauthorized},
		{"aida", "all", "/audit/export", http.StatusForbidden},
	} {
		if status, _, _ := p.do(http.MethodGet, c.path, nil, "X-User", c.user, "X-Groups", c.groups); status != c.want {
			t.Errorf("%+v: %d", c, status)
		}
	}
	for _, name := range []string{"aida@example.kz", "990101200017", "aida 990101200017", "+77011234567"} {
		status, _, page := p.do(http.MethodGet, "/", nil, "X-User", name, "X-Groups", "all")
		if status != http.StatusForbidden || !strings.Contains(page, "X-User (HUB_CONSOLE_USER_HEADER)") || strings.Contains(page, name) {
			t.Errorf("a name that is personal data: %d\n%s", status, main(page))
		}
		if status, _, page := p.do(http.MethodGet, "/", nil, "X-User", name, "X-Groups", "others"); status != http.StatusUnauthorized || strings.Contains(page, "X-User") {
			t.Errorf("who may nothing is told how names come: %d", status)
		}
	}
	if status, _, _ := p.post("/login", url.Values{"name": {"x"}, "role": {"admin"}}); status != http.StatusForbidden {
		t.Errorf("development login behind a proxy: %d", status)
	}
	login.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	w = newWorld(t, func(c *console.Config) { c.Login = login })
	if status, _, _ := w.enters("").do(http.MethodGet, "/", nil, "X-User", "aida", "X-Groups", "all"); status != http.StatusUnauthorized {
		t.Errorf("headers of who is no proxy: %d", status)
	}
}

// The audit keeps from where somebody acted: the browser's address, which only a trusted
// proxy may tell.
func TestAddressOfWhoAsks(t *testing.T) {
	login := console.Login{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, UserHeader: "X-User", GroupsHeader: "X-Groups", Roles: console.Roles{"ops": console.Operator}}
	for name, c := range map[string]struct {
		login     console.Login
		forwarded string
		want      string
	}{
		"nobody between":       {console.Login{Dev: true}, "", "127.0.0.1"},
		"a proxy":              {login, "198.51.100.7, 192.0.2.9", "192.0.2.9"},
		"a proxy that says no": {login, "", "127.0.0.1"},
		"a proxy's nonsense":   {login, "somewhere", "127.0.0.1"},
	} {
		w := newWorld(t, func(config *console.Config) { config.Login = c.login })
		p := w.enters(map[bool]string{true: "operator"}[c.login.Dev])
		status, _, page := p.do(http.MethodPost, "/routes/register/pause", order("minutes", "60"), "X-User", "aida", "X-Groups", "ops", "X-Forwarded-For", c.forwarded)
		if status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", name, status, main(page))
		}
		records, err := control.ReadAudit(t.Context(), w.cluster)
		if err != nil || len(records) != 2 || records[0].From != c.want || records[1].From != c.want {
			t.Errorf("%s: %+v, %v", name, records, err)
		}
	}
}

func TestParseRoles(t *testing.T) {
	for _, bad := range []string{"ops", "=viewer", "ops=root", "ops=nobody"} {
		if _, err := console.ParseRoles([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
