package console_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kandashub/observability/console"
)

// Why something is refused is said in the language of the page, in the form that was
// sent, with what was typed.
func TestRefusalsInEachLanguage(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("approver")
	long := strings.Repeat("x", 1001)
	for _, c := range []struct {
		path, field, value string // what is wrong in the form
		status             int
		said               map[string]string
		again              string // what the form shows
	}{
		{"/routes/register/pause", "why", " ", http.StatusConflict, map[string]string{"en": "Say why", "ru": "Укажите причину", "kk": "Себебін жазыңыз"}, `value="240" selected`},
		{"/routes/register/pause", "why", long, http.StatusConflict, map[string]string{"en": "the reason 1000", "ru": "причина — 1000", "kk": "себеп — 1000"}, long},
		{"/routes/register/pause", "minutes", "soon", http.StatusBadRequest, map[string]string{"en": "1 to 10080", "ru": "от 1 до 10080", "kk": "1-ден 10080 дейін"}, `value="a test"`},
		{"/routes/register/resume", "", "", http.StatusConflict, map[string]string{"en": "No operator has paused route register", "ru": "Маршрут register никто не приостанавливал", "kk": "register бағытын ешкім тоқтатқан жоқ"}, ""},
		{"/breakers/nowhere/open", "", "", http.StatusConflict, map[string]string{"en": "There is no route nowhere", "ru": "Маршрута nowhere нет", "kk": "nowhere деген бағыт жоқ"}, ""},
		{"/plan", "which", "selected", http.StatusConflict, map[string]string{"en": "No letter was chosen", "ru": "Ничего не отмечено", "kk": "Ештеңе белгіленбеді"}, ""},
		{"/plan", "filter", "state=resolved", http.StatusConflict, map[string]string{"en": "Only letters that nobody has decided", "ru": "Решать можно только то", "kk": "Тек шешілмегенді"}, ""},
	} {
		for lang, said := range c.said {
			p.post("/preferences", url.Values{"lang": {lang}})
			form := order("minutes", "240", "back", "/routes?x=1", "action", "replay")
			if c.field != "" {
				form.Set(c.field, c.value)
			}
			status, _, page := p.post(c.path, form)
			if status != c.status {
				t.Errorf("%s: %d\n%s", c.path, status, main(page))
			}
			p.has(page, said)
			p.has(page, `href="/routes?x=1"`)
			if c.again == "" {
				p.hasNot(page, `action="`+c.path+`"`)
				continue
			}
			p.has(page, `<form method="post" action="`+c.path+`"`)
			p.has(page, c.again)
			p.has(page, `name="back" value="/routes?x=1"`)
			p.hasNot(page, form.Get("request")) // the one refused is on record
		}
	}
}

// The form that is shown again does what the first one should have done.
func TestMendedForm(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("operator")
	form := order("minutes", "240")
	form.Set("why", "call +77011234567")
	_, _, page := p.post("/routes/register/pause", form)
	mended := url.Values{"why": {"a test"}, "minutes": {"240"}}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(main(page), -1) {
		mended.Add(m[1], m[2])
	}
	p.has(page, "call [phone]")
	if status, location, page := p.post("/routes/register/pause", mended); status != http.StatusSeeOther || location != "/routes" {
		t.Errorf("%d, %s\n%s", status, location, main(page))
	}
	if steps, err := w.auditSteps(); err != nil || len(steps) != 2 {
		t.Errorf("on record is %q, %v", steps, err)
	}
}

// What is not there, and what cannot be asked for so, is said on a page, too.
func TestNowhere(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("viewer")
	for lang, said := range map[string][2]string{
		"en": {"There is no such thing here", "This page cannot be asked for in this way"}, "ru": {"Здесь такого нет", "нельзя запросить таким способом"},
		"kk": {"Мұнда ондай жоқ", "осылай сұрауға болмайды"},
	} {
		p.post("/preferences", url.Values{"lang": {lang}})
		status, _, page := p.do(http.MethodGet, "/nowhere/at/all", nil)
		if status != http.StatusNotFound {
			t.Errorf("%d", status)
		}
		p.has(page, said[0])
		for _, c := range [][2]string{{http.MethodPost, "/letters"}, {http.MethodGet, "/routes/register/pause"}, {http.MethodDelete, "/letters/register/x"}} {
			status, _, page := p.do(c[0], c[1], nil)
			if status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", c[0], c[1], status)
			}
			p.has(page, said[1])
		}
	}
	if status, location, _ := w.enters("").do(http.MethodGet, "/nowhere", nil); status != http.StatusSeeOther || location != "/login" {
		t.Errorf("nobody learns what is there: %d, %s", status, location)
	}
}

// A filter that names what does not exist is a mistake and says so; one that finds
// nothing says that, and no filter that nothing waits.
func TestFilterThatFindsNothing(t *testing.T) {
	w := newWorld(t, nil)
	p := w.enters("operator")
	p.has(p.get("/letters"), "Nothing waits for a decision here.")
	p.has(p.get("/letters?sort=oldest"), "Nothing waits for a decision here.")
	p.has(p.get("/letters?code=http_422"), "Nothing matches this filter.")
	for query, said := range map[string]string{
		"route=nowhere": "There is no route “nowhere”.", "class=odd": "There is no class “odd”.", "state=odd": "There is no state “odd”.",
		"since=yesterday": "“yesterday” is no time.", "page=0": "There is no such page of the list.",
	} {
		status, _, page := p.do(http.MethodGet, "/letters?code=kept&"+query, nil)
		if status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, status)
		}
		p.has(page, said)
		p.has(page, `name="code" value="kept"`)
		p.hasNot(page, "Nothing ")
	}
	for _, query := range []string{"since=yesterday", "until=yesterday", "action=odd", "page=x"} {
		status, _, page := p.do(http.MethodGet, "/audit?object=kept&"+query, nil)
		if status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, status)
		}
		p.has(page, `id="mistake"`)
		p.has(page, `name="object" value="kept"`)
	}
}

// Where all is read only, nobody changes anything, and everybody is told so.
func TestReadOnly(t *testing.T) {
	w := newWorld(t, func(c *console.Config) { c.ReadOnly = true })
	reads := []string{"POST /login", "POST /preferences", "POST /logout", "POST /application", "POST /plan"}
	for _, role := range []string{"viewer", "operator", "approver", "admin"} {
		p := w.enters(role)
		page := p.get("/routes")
		p.has(page, `id="read-only"`)
		p.hasNot(page, `action="/routes/register/pause"`)
		p.hasNot(p.get("/breakers"), "/breakers/register/")
		for _, pattern := range slices.Sorted(maps.Keys(console.Endpoints())) {
			method, path := path(pattern)
			if method != http.MethodPost || slices.Contains(reads, pattern) {
				continue
			}
			status, _, page := p.do(method, path, order("minutes", "60"))
			if status != http.StatusForbidden || !strings.Contains(page, "This console is set to read only") {
				t.Errorf("%s by %s: %d\n%s", pattern, role, status, main(page))
			}
			if !slices.Contains(console.Writes(), pattern) {
				t.Errorf("%s is taken for one that changes nothing", pattern)
			}
		}
	}
	if steps, err := w.auditSteps(); err != nil || len(steps) != 0 {
		t.Errorf("on record is %q, %v", steps, err)
	}
	if state := w.commands.Store.State(); len(state.Pauses)+len(state.Breakers) != 0 {
		t.Errorf("%+v", state)
	}
}
