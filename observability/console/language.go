package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/language"
)

//go:embed lang/*.json
var langFiles embed.FS

//go:embed pages/*.html
var pageFiles embed.FS

// languages are those that pages come in; the first is for whoever asks for none
// of them.
func languages() []string { return []string{"ru", "kk", "en"} }

func isLanguage(s string) bool {
	for _, l := range languages() {
		if l == s {
			return true
		}
	}
	return false
}

// chosenLanguage is the language of a request: as chosen, else as the browser
// prefers.
func chosenLanguage(r *http.Request) string {
	if c, err := r.Cookie(langCookie); err == nil && isLanguage(c.Value) {
		return c.Value
	}
	var tags []language.Tag
	for _, l := range languages() {
		tags = append(tags, language.Make(l))
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return languages()[0]
	}
	_, i, _ := language.NewMatcher(tags).Match(wanted...)
	return languages()[i]
}

// A catalogue is what pages say in one language, by key.
type catalogue map[string]string

// loadTexts reads the table of a language.
func loadTexts(lang string) (catalogue, error) {
	b, err := langFiles.ReadFile("lang/" + lang + ".json")
	if err != nil {
		return nil, err
	}
	var t catalogue
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("lang/%s.json: %w", lang, err)
	}
	return t, nil
}

// text returns the text of a key, with its arguments. A key without a text
// shows itself; a test sees that none is missing.
func (t catalogue) text(key string, args ...any) string {
	text, ok := t[key]
	if !ok {
		return key
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// word returns the text of a value of a closed set, such as a state; the value
// itself where it is none of them.
func (t catalogue) word(set string, value any) string {
	if text, ok := t[set+"."+fmt.Sprint(value)]; ok {
		return text
	}
	return fmt.Sprint(value)
}

// did names an operator's action, alone or, as a timeline has it, with its result.
func (t catalogue) did(action string) string {
	name, result, ok := strings.Cut(action, ": ")
	if !ok {
		if text, ok := t["decision."+name]; ok {
			return text
		}
		return t.word("did", name)
	}
	return t.word("did", name) + ": " + t.word("audit", result)
}

// note returns the text of a note, whose first part is its key.
func (t catalogue) note(parts []string) string {
	args := make([]any, len(parts)-1)
	for i, p := range parts[1:] {
		args[i] = p
	}
	return t.text(parts[0], args...)
}

// loadPages reads the templates once for each language.
func loadPages() (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, lang := range languages() {
		t, err := loadTexts(lang)
		if err != nil {
			return nil, err
		}
		f := formats{t}
		pages[lang], err = template.New("").Funcs(template.FuncMap{
			"t": t.text, "word": t.word, "note": t.note,
			"ago": func(at time.Time) string { return f.ago(at, time.Now()) }, "when": f.when, "utc": f.utc,
			"num": f.number, "rate": f.rate, "lasting": f.lasting, "seconds": f.seconds, "mark": mark, "markLag": markLag, "subject": subject, "did": t.did, "dict": dict, "bar": barOf,
			"after": f.after, "clock": f.clock, "moment": f.moment, "precise": precise, "brief": brief, "topic": func(v topicView) string { return f.topic(v, time.Now()) }, "sum": func(a, b int) int { return a + b },
			"join": join,
		}).ParseFS(pageFiles, "pages/*.html")
		if err != nil {
			return nil, err
		}
	}
	return pages, nil
}
