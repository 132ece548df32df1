package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"kandashub/observability"
	"kandashub/topics/control"
)

// A failure is an answer other than the page that was asked for.
type failure struct {
	status int
	key    string // of the text, in the languages' tables
	reason string // key of a text that says why; may be empty
	args   []any  // of the reason
	detail string // as it is
	typed  bool   // what was typed is wrong: the form is shown again
}

func (f *failure) Error() string { return f.key + ": " + f.reason + f.detail }

var (
	errUnknown   = &failure{status: http.StatusUnauthorized, key: "error.unknown"}
	errForbidden = &failure{status: http.StatusForbidden, key: "error.forbidden"}
	errReadOnly  = &failure{status: http.StatusForbidden, key: "error.readonly"}
	errNotFound  = &failure{status: http.StatusNotFound, key: "error.notfound"}
	errMethod    = &failure{status: http.StatusMethodNotAllowed, key: "error.method"}
)

// wrong says what of a request cannot be read or is not allowed to be so.
func wrong(reason string, args ...any) error {
	return &failure{status: http.StatusBadRequest, key: "error.request", reason: "wrong." + reason, args: args, typed: true}
}

// refusal is a rule of the console that forbids something, as control.Refusal is one
// of the commands.
func refusal(code string, args ...any) error {
	return refused(&control.Refusal{Code: code, Args: args})
}

func refused(r *control.Refusal) *failure {
	// What is wrong with an order can be mended in its form, the rest is as it is.
	mends := []string{"order", "order_long", "order_personal", "rate", "typed"}
	return &failure{status: http.StatusConflict, key: "error.refused", reason: "refusal." + r.Code, args: r.Args, typed: slices.Contains(mends, r.Code)}
}

// fail shows what went wrong, in the language of the page, and a way back: to the form
// with what was typed where that can be mended, and to the page before.
func (v *visit) fail(err error) {
	var f *failure
	var r *control.Refusal
	switch {
	case errors.As(err, &f):
	case errors.As(err, &r):
		f = refused(r)
	case errors.Is(err, context.Canceled):
		return // nobody waits for the answer
	default:
		f = &failure{status: http.StatusBadGateway, key: "error.failed"}
		if v.user.Role >= Operator { // it names addresses
			f.detail = err.Error()
		}
		v.cfg.Log.Warn("a page could not be made", "handler", "console", "error", err.Error())
	}
	data := map[string]any{"Status": f.status, "Key": f.key, "Detail": observability.Mask(f.detail), "From": v.from()}
	if f.reason != "" {
		texts, err := loadTexts(v.lang)
		if err != nil {
			texts = nil // the page itself will say so
		}
		data["Reason"] = observability.Mask(texts.text(f.reason, formats{texts}.args(f.args)...))
	}
	if f.typed && v.asked.writes() {
		data["Form"] = v.form()
	}
	if err := v.show(f.status, "failure", data); err != nil {
		http.Error(v.w, http.StatusText(f.status), f.status)
	}
}

// mistake is what is wrong with a filter, for the page that has its form, with the
// status of that page; an error that is none of a filter comes back.
func (v *visit) mistake(err error) (text string, status int, other error) {
	var f *failure
	if !errors.As(err, &f) || f.status != http.StatusBadRequest {
		return "", 0, err
	}
	texts, err := loadTexts(v.lang)
	if err != nil {
		return "", 0, err
	}
	return observability.Mask(texts.text(f.reason, f.args...)), f.status, nil
}

// from is the path of ours from which a request came; / where it does not say.
func (v *visit) from() string {
	if path := v.back(""); path != "" {
		return path
	}
	u, err := url.Parse(v.r.Referer())
	if err != nil || u.Host != v.r.Host && u.Host != v.cfg.Host || u.Path == "" || u.Path == v.r.URL.Path && u.RawQuery == v.r.URL.RawQuery {
		return "/"
	}
	return u.RequestURI()
}

// A form is an order's form as it was sent, to be mended. What looks like personal data
// is taken out of its reason: no page holds that.
type form struct {
	Action, Title      string
	Why, Rate, Typed   string
	Minutes            string // chosen; empty: the form does not ask for how long
	Always             bool   // it may hold until it is taken back
	AsksRate, AsksType bool
	Hidden             []field
}

type field struct{ Name, Value string }

// form returns the form of the request.
func (v *visit) form() form {
	sent := v.r.PostForm
	f := form{
		Action: v.r.URL.Path, Title: v.asked.title, Why: observability.Mask(sent.Get("why")), Minutes: sent.Get("minutes"),
		Rate: sent.Get("rate"), AsksRate: sent.Has("rate"), Typed: sent.Get("typed"), AsksType: sent.Has("typed"),
	}
	f.Always = f.Title == "do.pause" || f.Title == "do.drain"
	if sent.Has("minutes") && f.Minutes == "" {
		f.Minutes = "60"
	}
	visible := []string{"request", "why", "minutes", "rate", "typed"}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if slices.Contains(visible, name) {
			continue
		}
		for _, value := range sent[name] {
			f.Hidden = append(f.Hidden, field{name, value})
		}
	}
	return f
}
