package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/outcomes"
)

// timeForm is how a browser's field for a time writes it, in our zone.
const timeForm = "2006-01-02T15:04"

// The values by which letters are filtered.
func letterClasses() []string {
	return []string{topics.LetterRejected, topics.LetterUncertain, topics.LetterEffectDone, topics.LetterUntrusted}
}

func letterStates() []string { return []string{"open", "decided", "resolved", "died", "all"} }

// query reads what letters a page or a form is about, and says what is wrong with it.
// Also with an error it shows its fields as they were typed.
func (v *visit) query(values url.Values) (letterQuery, error) {
	q, err := readQuery(values)
	q.typed = values
	if err != nil {
		return q, err
	}
	for _, r := range q.Routes {
		if !slices.Contains(v.cfg.Commands.Routes, r) {
			return q, wrong("route", shorten(r, 80))
		}
	}
	if q.Class != "" && !slices.Contains(letterClasses(), q.Class) {
		return q, wrong("class", shorten(q.Class, 80))
	}
	if q.State != "" && !slices.Contains(letterStates(), q.State) {
		return q, wrong("state", shorten(q.State, 80))
	}
	return q, nil
}

// readQuery reads what letters a page or a form is about.
func readQuery(values url.Values) (q letterQuery, err error) {
	get := func(name string) string { return strings.TrimSpace(values.Get(name)) }
	q.Class, q.Code, q.Application, q.Text = get("class"), get("code"), get("application"), get("text")
	q.State, q.Oldest = get("state"), get("sort") == "oldest"
	for _, r := range values["route"] {
		if r != "" {
			q.Routes = append(q.Routes, r)
		}
	}
	q.Since, q.Before, err = readSpan(values)
	var number error
	q.Page, number = readPage(values)
	return q, cmp.Or(err, number)
}

// readSpan reads the parameters of a span of time; one that is not there is zero.
func readSpan(values url.Values) (since, before time.Time, err error) {
	for name, at := range map[string]*time.Time{"since": &since, "until": &before} {
		typed := strings.TrimSpace(values.Get(name))
		if typed == "" {
			continue
		}
		if *at, err = time.ParseInLocation(timeForm, typed, zone()); err != nil {
			return since, before, wrong("time", shorten(typed, 40))
		}
	}
	return since, before, nil
}

// readPage reads the number of a page of a list; 1 where none is asked for.
func readPage(values url.Values) (int, error) {
	typed := strings.TrimSpace(values.Get("page"))
	if typed == "" {
		return 1, nil
	}
	number, err := strconv.Atoi(typed)
	if err != nil || number < 1 || number > 1<<20 {
		return 1, wrong("page")
	}
	return number, nil
}

// values are the parameters that choose the same letters again.
func (q letterQuery) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	for _, r := range q.Routes {
		v.Add("route", r)
	}
	set("class", q.Class)
	set("code", q.Code)
	set("application", q.Application)
	set("text", q.Text)
	set("state", q.State)
	if q.Oldest {
		v.Set("sort", "oldest")
	}
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Before} {
		if !at.IsZero() {
			v.Set(name, at.In(zone()).Format(timeForm))
		}
	}
	return v
}

// Encode is the query as a form hands it on.
func (q letterQuery) Encode() string { return q.values().Encode() }

// URL is the page of what the query chooses.
func (q letterQuery) URL() string { return "/letters?" + q.values().Encode() }

// With is the page of the query with one parameter changed.
func (q letterQuery) With(name string, value any) string {
	v := q.values()
	v.Set(name, fmt.Sprint(value))
	return "/letters?" + v.Encode()
}

// Only is the page of one group of the query's letters.
func (q letterQuery) Only(g letterGroup) string {
	q.Routes, q.Class, q.Code = []string{g.Route}, g.Class, g.Code
	return q.URL()
}

// Field is a parameter as its field shows it.
func (q letterQuery) Field(name string) string {
	if q.typed != nil {
		return q.typed.Get(name)
	}
	return q.values().Get(name)
}

// Narrow says whether the query leaves letters out that wait for a decision.
func (q letterQuery) Narrow() bool {
	v := q.values()
	v.Del("sort")
	return len(v) > 0
}

// letterList is the page of dead letters.
func (v *visit) letterList() error {
	q, err := v.query(v.r.URL.Query())
	mistake, status := "", http.StatusOK
	if err != nil {
		if mistake, status, err = v.mistake(err); err != nil {
			return err
		}
	}
	problem := ""
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		problem = observability.Mask(err.Error()) // what was read before is shown
	}
	var found letterPageData // nothing, where nobody knows of what
	if mistake == "" {
		found = v.letters.find(q)
	}
	pages := max(1, (found.Total+pageSize-1)/pageSize)
	return v.show(status, "letters", map[string]any{
		"Query": q, "Mistake": mistake, "Found": found, "Pages": pages, "Problem": problem, "Routes": v.cfg.Commands.Routes,
		"Classes": letterClasses(), "States": letterStates(),
		"Prev": q.Page - 1, "Next": q.Page + 1,
	})
}

// letterPage shows one letter without what it carries.
func (v *visit) letterPage() error {
	return v.showLetter("letter", nil)
}

// showLetter shows a letter; whole is what it carries, for who may see that.
func (v *visit) showLetter(page string, whole *topics.Letter) error {
	route, id := v.r.PathValue("route"), v.r.PathValue("letter")
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		return err
	}
	known, err := v.letters.get(route, id)
	if errors.Is(err, errNotFound) { // it may have been written just now
		if err := v.letters.readAnew(v.r.Context()); err != nil {
			return err
		}
		known, err = v.letters.get(route, id)
	}
	if err != nil {
		return err
	}
	carried := whole
	if carried == nil && !known.Resolved {
		masked, err := v.cfg.Commands.Show(v.r.Context(), route, id, placeOf(known))
		var refused *control.Refusal
		switch {
		case errors.As(err, &refused): // it has been resolved just now
			if err := v.letters.readAnew(v.r.Context()); err != nil {
				return err
			}
			if known, err = v.letters.get(route, id); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			carried = &masked
		}
	}
	data := map[string]any{
		"Letter": rowOf(&known), "Decisions": known.Decisions, "Refused": known.Refused, "Next": known.Next, "Undoable": undoable(known), "Index": v.cfg.Outcomes != nil,
	}
	attempts, err := v.attemptsAt(known)
	if err != nil { // the letter is read and decided without them
		v.cfg.Log.Warn("the attempts at a letter's message cannot be read", "handler", "console", "error", err.Error())
	}
	data["Attempts"], data["AttemptsUnknown"] = attempts, err != nil
	if carried != nil {
		if trace := carried.Trace(); trace != "" {
			data["Traces"] = v.cfg.Links.of(string(known.Record.Key), trace)
		}
		data["Headers"], data["Payload"], data["Tree"] = headersOf(*carried), pretty(carried.Record.Value), treeOf(carried.Record.Value)
		data["Partition"], data["Offset"] = carried.Record.Partition, carried.Record.Offset
	}
	return v.show(http.StatusOK, page, data)
}

// attemptsAt returns the attempts at a letter's message, also those before it was
// parked or replayed, where this process keeps an index.
func (v *visit) attemptsAt(l topics.Letter) ([]outcomes.Attempt, error) {
	if v.cfg.Outcomes == nil || !l.Holds { // else it names nobody
		return nil, nil
	}
	found, err := v.cfg.Outcomes.History(v.r.Context(), string(l.Record.Key))
	if err != nil {
		return nil, err
	}
	source, id := l.Message()
	return outcomes.Attempts(l.Route.Name, source, id, found), nil
}

// undoable says whether a letter may be one whose discard can be undone.
func undoable(l topics.Letter) bool {
	return l.Resolved && l.HasMessage() && l.Next == "" && l.Class != topics.LetterEffectDone &&
		len(l.Decisions) > 0 && l.Decisions[0].Action == topics.DecideDiscard
}

// isShown says whether a page shows a header. The others repeat what stands
// elsewhere on it.
func isShown(name string) bool {
	switch name {
	case "ce_id", "ce_type", "ce_source", "ce_time", "ce_roottime", "traceparent", "hub_topic", "hub_partition", "hub_offset", "hub_at", "hub_route":
		return true
	}
	return false
}

func headersOf(l topics.Letter) (out []control.Header) {
	for _, h := range control.Headers(l) {
		if isShown(h.Name) {
			h.Value = shorten(strings.ToValidUTF8(h.Value, "?"), 200)
			out = append(out, h)
		}
	}
	return out
}

// pretty indents a payload; what is no JSON is shown as it is.
func pretty(payload []byte) string {
	var value any
	if json.Unmarshal(payload, &value) != nil {
		return strings.ToValidUTF8(string(payload), "?")
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the template escapes
	e.SetIndent("", "  ")
	if e.Encode(value) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// placeOf is where a letter of the index lies.
func placeOf(l topics.Letter) *control.Place {
	return &control.Place{Partition: l.Record.Partition, Offset: l.Record.Offset}
}

// reveal shows what a letter carries. That is on record.
func (v *visit) reveal() error {
	o, err := v.order()
	if err != nil {
		return err
	}
	route, id := v.r.PathValue("route"), v.r.PathValue("letter")
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		return err
	}
	var at *control.Place // of one that is not resolved: others are refused
	if known, err := v.letters.get(route, id); err == nil && !known.Resolved {
		at = placeOf(known)
	}
	l, err := v.cfg.Commands.ShowPayload(v.r.Context(), o, route, id, at)
	if err != nil {
		return err
	}
	return v.showLetter("revealed", &l)
}
