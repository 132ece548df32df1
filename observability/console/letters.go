package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	for name, at := range map[string]*time.Time{"since": &q.Since, "until": &q.Before} {
		if get(name) == "" {
			continue
		}
		if *at, err = time.ParseInLocation(timeForm, get(name), zone()); err != nil {
			return q, badRequest("%s is no time", name)
		}
	}
	q.Page = 1
	if p := get("page"); p != "" {
		if q.Page, err = strconv.Atoi(p); err != nil || q.Page < 1 || q.Page > 1<<20 {
			return q, badRequest("page is no number of a page")
		}
	}
	return q, nil
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
func (q letterQuery) Field(name string) string { return q.values().Get(name) }

// letterList is the page of dead letters.
func (v *visit) letterList() error {
	q, err := readQuery(v.r.URL.Query())
	if err != nil {
		return err
	}
	problem := ""
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		problem = observability.Mask(err.Error()) // what was read before is shown
	}
	found := v.letters.find(q)
	pages := max(1, (found.Total+pageSize-1)/pageSize)
	return v.show(http.StatusOK, "letters", map[string]any{
		"Query": q, "Found": found, "Pages": pages, "Problem": problem, "Routes": v.cfg.Commands.Routes,
		"Classes": []string{topics.LetterRejected, topics.LetterUncertain, topics.LetterEffectDone, topics.LetterUntrusted},
		"States":  []string{"open", "decided", "resolved", "died", "all"},
		"First":   (q.Page - 1) * pageSize, "Prev": q.Page - 1, "Next": q.Page + 1,
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

func (v *visit) replay() error {
	return v.decide("note.replayed", v.cfg.Commands.Replay)
}

func (v *visit) discard() error {
	return v.decide("note.discarded", v.cfg.Commands.Discard)
}

// undo takes a discard back and goes to the letter that the message is then.
func (v *visit) undo() error {
	o, err := v.order()
	if err != nil {
		return err
	}
	route := v.r.PathValue("route")
	var again string
	err = v.weigh(func(ctx context.Context) error {
		again, err = v.cfg.Commands.Undo(ctx, o, route, v.r.PathValue("letter"), undoWait)
		return err
	})
	if err != nil {
		return err
	}
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		return err
	}
	return v.to(letterPath(route, again), "note.undone")
}

// undoWait is how long a hub may take to undo a discard.
const undoWait = 20 * time.Second

func letterPath(route, id string) string {
	return "/letters/" + url.PathEscape(route) + "/" + url.PathEscape(id)
}

// decide writes a decision of one letter.
func (v *visit) decide(note string, do func(ctx context.Context, o control.Order, route, id string) error) error {
	o, err := v.order()
	if err != nil {
		return err
	}
	route, id := v.r.PathValue("route"), v.r.PathValue("letter")
	if err := v.weigh(func(ctx context.Context) error { return do(ctx, o, route, id) }); err != nil {
		return err
	}
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		return err
	}
	return v.to(letterPath(route, id), note)
}
