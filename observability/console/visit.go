package console

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"kandashub/topics/control"
)

// A visit is one request: who makes it, and how they want to see the answer.
type visit struct {
	*Console
	w    *answer
	r    *http.Request
	user User
	lang string

	asked endpoint // what is asked for
}

const (
	noteCookie  = "hub_note"
	langCookie  = "hub_lang"
	themeCookie = "hub_theme"
)

// A frame is what every page is given beside its own data.
type frame struct {
	Lang, Theme, Page, Hub string
	User                   User
	Langs                  []string
	Dev                    bool
	ReadOnly               bool     // nobody may change anything here
	Note                   []string // key of a text, and what it is about
	Back                   string   // path of this page
	Request                string   // id of what a form of this page asks for
	Lost                   *control.Loss
	Data                   any
}

// Can says whether the user may what a role may.
func (f frame) Can(role string) bool {
	least, err := ParseRole(role)
	return err == nil && f.User.Role >= least
}

// May says whether the user may change what a role may: nothing where all is read only.
func (f frame) May(role string) bool { return !f.ReadOnly && f.Can(role) }

// With gives a part of a page its own data, and all that every page has.
func (f frame) With(data any) frame {
	f.Data = data
	return f
}

// show answers with a page.
func (v *visit) show(status int, page string, data any) error {
	f := frame{
		Lang: v.lang, Theme: theme(v.r), Page: page, Hub: v.cfg.Hub, User: v.user, Langs: languages(), Dev: v.cfg.Login.Dev,
		Back: v.r.URL.RequestURI(), Request: uuid.NewString(), Data: data, Note: v.note(), ReadOnly: v.cfg.ReadOnly,
	}
	if loss := v.cfg.Commands.Store.State().Loss; loss.Standing() && v.user.Role > Nobody {
		f.Lost = &loss
	}
	var b bytes.Buffer // whole, or not at all
	if err := v.pages[v.lang].ExecuteTemplate(&b, page+".html", f); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.lang)
	v.w.WriteHeader(status)
	_, _ = b.WriteTo(v.w) // fails only where the browser has left
	return nil
}

// to sends the browser to another page, with a note for it: the key of a text
// and what it is about.
func (v *visit) to(path string, note ...string) error {
	if len(note) > 0 {
		for i := range note {
			note[i] = url.QueryEscape(note[i])
		}
		v.setCookie(v.w, v.r, noteCookie, strings.Join(note, "&"), http.SameSiteStrictMode, time.Minute)
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// note returns what the page before had to say, once.
func (v *visit) note() (note []string) {
	cookie, err := v.r.Cookie(noteCookie)
	if err != nil || cookie.Value == "" {
		return nil
	}
	for part := range strings.SplitSeq(cookie.Value, "&") {
		text, err := url.QueryUnescape(part)
		if err != nil {
			return nil
		}
		note = append(note, text)
	}
	if !strings.HasPrefix(note[0], "note.") {
		return nil
	}
	v.setCookie(v.w, v.r, noteCookie, "", http.SameSiteStrictMode, -time.Second)
	return note
}

// back is the path of ours that a form names, or the one given.
func (v *visit) back(otherwise string) string {
	path := v.r.PostFormValue("back")
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return otherwise
	}
	return path
}

// order is who wants something and why. The form's request id makes a form that
// is sent twice one request.
func (v *visit) order() (control.Order, error) {
	id := v.r.PostFormValue("request")
	if _, err := uuid.Parse(id); err != nil {
		return control.Order{}, wrong("form")
	}
	return control.Order{Who: v.user.Name, Why: strings.TrimSpace(v.r.PostFormValue("why")), ID: id, From: v.address()}, nil
}

// address is whence a request comes, without a port. A trusted proxy is asked for whom
// it speaks; what others say of that is not believed.
func (v *visit) address() string {
	peer, err := netip.ParseAddrPort(v.r.RemoteAddr)
	if err != nil {
		return ""
	}
	at := peer.Addr().Unmap()
	if !slices.ContainsFunc(v.cfg.Login.Proxies, func(p netip.Prefix) bool { return p.Contains(at) }) {
		return at.String()
	}
	said := strings.Split(strings.Join(v.r.Header.Values("X-Forwarded-For"), ","), ",")
	// The last address is the one that the proxy has seen itself.
	if client, err := netip.ParseAddr(strings.TrimSpace(said[len(said)-1])); err == nil {
		return client.Unmap().String()
	}
	return at.String()
}

// preferences sets language and theme.
func (v *visit) preferences() error {
	if lang := v.r.PostFormValue("lang"); isLanguage(lang) {
		v.setCookie(v.w, v.r, langCookie, lang, http.SameSiteLaxMode, 365*24*time.Hour)
	}
	switch t := v.r.PostFormValue("theme"); t {
	case "light", "dark", "auto":
		v.setCookie(v.w, v.r, themeCookie, t, http.SameSiteLaxMode, 365*24*time.Hour)
	}
	return v.to(v.back("/"))
}

// theme is light, dark, or auto: as the browser has it.
func theme(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return "auto"
}
