package console

import (
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"kandashub/observability"
)

// A Login says who is asking. Exactly one of its ways is set.
type Login struct {
	// Dev lets whoever asks from this machine be whom they say. For one's own
	// machine only.
	Dev bool

	// Proxies are the addresses from which UserHeader and GroupsHeader are
	// believed. What others send under these names is nothing.
	Proxies                  []netip.Prefix
	UserHeader, GroupsHeader string

	// OIDC is an OpenID Connect provider.
	OIDC *OIDC

	// Roles of groups, for Proxies and OIDC.
	Roles Roles
}

// Bounds of a session: it ends after so long, and after so long without a
// request.
const (
	sessionLong = 12 * time.Hour
	sessionIdle = time.Hour
	maxSessions = 1000
)

const (
	sessionCookie = "hub_session"
	loginCookie   = "hub_login"
)

// userOf returns who a request is from. by says whether somebody makes it: a page
// that asks by itself does not keep its session from ending.
func (c *Console) userOf(r *http.Request, by asker) (User, error) {
	if len(c.cfg.Login.Proxies) > 0 {
		return c.cfg.Login.proxied(r)
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return User{}, errUnknown
	}
	if u, known := c.sessions.user(cookie.Value, time.Now(), by); known {
		return u, nil
	}
	return User{}, errUnknown
}

// An asker is who makes a request: a person, or a page by itself.
type asker bool

const (
	person asker = true
	page   asker = false
)

// proxied believes the headers of a trusted proxy.
func (l Login) proxied(r *http.Request) (User, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return User{}, errUnknown
	}
	for _, p := range l.Proxies {
		if !p.Contains(peer.Addr().Unmap()) {
			continue
		}
		role := l.Roles.of(strings.Split(strings.Join(r.Header.Values(l.GroupsHeader), ","), ","))
		if role == Nobody {
			return User{}, errUnknown
		}
		name, err := userName(r.Header.Get(l.UserHeader), l.UserHeader+" (HUB_CONSOLE_USER_HEADER)")
		if err != nil {
			return User{}, err
		}
		return User{Name: name, Role: role}, nil
	}
	return User{}, errUnknown
}

// maxName bounds a user's name, in bytes: the audit keeps it.
const maxName = 80

// userName returns the name of a user as it can be kept. Without one, nobody is
// known. One that may be personal data is refused here and not at the first
// action, for the audit keeps it for ever: the answer says whence it came.
func userName(name, whence string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "" || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", errUnknown
	case observability.Mask(name) != name:
		return "", &failure{status: http.StatusForbidden, key: "error.name", reason: "wrong.namefield", detail: whence}
	}
	return name, nil
}

// local reports whether a request comes from this machine and was meant for it:
// a page elsewhere can point a name of its own at it, but not send our Host. What a
// proxy on this machine hands on comes from elsewhere.
func local(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// sessions are the logins of this process, by the value of their cookie. A
// restart ends them all.
type sessions struct {
	mu   sync.Mutex
	open map[string]*session
}

type session struct {
	user        User
	began, last time.Time
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.began) > sessionLong || now.Sub(s.last) > sessionIdle
}

// begin returns the cookie value of a new session.
func (s *sessions) begin(u User, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*session{}
	}
	oldest, at := "", now
	for id, known := range s.open {
		if known.over(now) {
			delete(s.open, id)
		} else if known.last.Before(at) {
			oldest, at = id, known.last
		}
	}
	if len(s.open) >= maxSessions {
		delete(s.open, oldest)
	}
	id := rand.Text()
	s.open[id] = &session{user: u, began: now, last: now}
	return id
}

func (s *sessions) user(id string, now time.Time, by asker) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.open[id]
	if known == nil || known.over(now) {
		delete(s.open, id)
		return User{}, false
	}
	if by == person {
		known.last = now
	}
	return known.user, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
}

// setCookie sets a cookie that no script can read and no other site sends.
func (c *Console) setCookie(w http.ResponseWriter, r *http.Request, name, value string, same http.SameSite, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: same, MaxAge: int(age.Seconds()),
		Secure: r.TLS != nil || c.cfg.HTTPS || !local(r),
	})
}

// welcome begins a session.
func (c *Console) welcome(w http.ResponseWriter, r *http.Request, u User) {
	c.setCookie(w, r, sessionCookie, c.sessions.begin(u, time.Now()), http.SameSiteStrictMode, sessionLong)
	c.cfg.Log.Info("login", "role", u.Role.String())
}

// loginPage shows the ways to log in.
func (v *visit) loginPage() error {
	l := v.cfg.Login
	return v.show(http.StatusOK, "login", map[string]any{
		"Dev": l.Dev && local(v.r), "OIDC": l.OIDC != nil, "Proxy": len(l.Proxies) > 0, "Roles": roleNames()[1:],
	})
}

// loginDev begins a session for whom one says one is, on one's own machine.
func (v *visit) loginDev() error {
	if !v.cfg.Login.Dev || !local(v.r) {
		return errForbidden
	}
	role, err := ParseRole(v.r.PostFormValue("role"))
	if err != nil {
		return wrong("login")
	}
	name, err := userName(v.r.PostFormValue("name"), "name")
	if errors.Is(err, errUnknown) {
		return wrong("login")
	}
	if err != nil {
		return &failure{status: http.StatusForbidden, key: "error.name", reason: "wrong.name"}
	}
	v.welcome(v.w, v.r, User{Name: name, Role: role})
	return v.to("/")
}

// logout ends the session.
func (v *visit) logout() error {
	if cookie, err := v.r.Cookie(sessionCookie); err == nil {
		v.sessions.end(cookie.Value)
	}
	v.setCookie(v.w, v.r, sessionCookie, "", http.SameSiteStrictMode, -time.Second)
	v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return v.to("/login")
}
