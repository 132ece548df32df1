package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/outcomes"
)

type deadShowCmd struct {
	letterFlags
	reasonFlags
	outputFlag
	Payload bool `help:"Print what it carries: personal data. Needs --who and --why, and is on record."`
}

// Validate asks for who and why where personal data are shown.
func (c *deadShowCmd) Validate() error {
	if !c.Payload {
		return nil
	}
	return c.needed("--payload")
}

// wholeLetter is all that can be told of a letter.
type wholeLetter struct {
	shownLetter
	Effect  string            `json:"effect"`
	Headers map[string]string `json:"headers"`
	Payload json.RawMessage   `json:"payload"` // its form, or itself if asked for

	Attempts []outcomes.Attempt `json:"attempts,omitempty"` // at its message, as far as they are known
}

// whole tells all of a letter, with what it carries as it is there.
func whole(l topics.Letter) (wholeLetter, error) {
	w := wholeLetter{shownLetter: shown(l), Effect: effectOf(l), Headers: headersOf(l), Payload: l.Record.Value}
	if json.Valid(w.Payload) {
		return w, nil
	}
	var err error
	w.Payload, err = json.Marshal(string(l.Record.Value))
	return w, err
}

// Run prints the letter.
func (c *deadShowCmd) Run(ctx context.Context, stdout io.Writer, s surroundings) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		var l topics.Letter
		var err error
		if c.Payload {
			l, err = d.ShowPayload(ctx, c.order(), c.Route, c.Letter, nil)
		} else {
			l, err = d.Show(ctx, c.Route, c.Letter, nil)
		}
		if err != nil {
			return err
		}
		w, err := whole(l)
		if err != nil {
			return err
		}
		if w.Attempts, err = attemptsAt(ctx, d, l, s); err != nil {
			fmt.Fprintf(s.stderr, "the attempts at its message are not known: %s\n", observability.Mask(err.Error()))
		}
		return c.print(stdout, w, w.table)
	})
}

// extraTime is how long a command waits for what it can do without.
const extraTime = 20 * time.Second

// attemptsAt returns the attempts at a letter's message, from hub.outcomes, of which
// it reads a whole partition: for a limited time, as the letter waits to be printed.
// What cannot be trusted names nobody there.
func attemptsAt(ctx context.Context, d *desk, l topics.Letter, s surroundings) ([]outcomes.Attempt, error) {
	if !l.Holds {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.patience, extraTime))
	defer cancel()
	found, err := s.history(ctx, d, string(l.Record.Key))
	if err != nil {
		return nil, err
	}
	source, id := l.Message()
	return outcomes.Attempts(l.Route.Name, source, id, found), nil
}

func (l wholeLetter) table(t io.Writer) {
	for _, kv := range [][2]string{{"route", l.Route}, {"letter", l.Letter}, {"application", l.Application}, {"since", when(l.Since, "")},
		{"class", l.Class}, {"code", l.Code}, {"reason", l.Reason}, {"effect", l.Effect}, {"holds its application", fmt.Sprint(l.Holds)}} {
		fmt.Fprintf(t, "%s\t%s\n", kv[0], kv[1])
	}
	for _, name := range slices.Sorted(maps.Keys(l.Headers)) {
		fmt.Fprintf(t, "header %s\t%s\n", name, l.Headers[name])
	}
	for _, a := range l.Attempts {
		call := "the system was not called"
		if !a.CallBegan.IsZero() {
			call = "call of " + a.Took().Round(time.Millisecond).String()
		}
		fmt.Fprintf(t, "attempt %d\t%s: %s, %s%s\n", a.Number, a.Began.UTC().Format("2006-01-02T15:04:05.000Z"), call, strings.ReplaceAll(a.Result, "_", " "), coded(a.Code))
	}
	for _, d := range l.Decisions {
		fmt.Fprintf(t, "decision\t%s at %s by %s: %s; not carried out yet\n", d.Action, when(d.At, ""), d.Who, d.Why)
	}
	for _, d := range l.Refused {
		fmt.Fprintf(t, "refused\t%s at %s by %s: %s; the hub could not carry it out: %s\n", d.Action, when(d.At, ""), d.Who, d.Why, d.Refusal)
	}
	fmt.Fprintln(t, "payload")
	_ = printJSON(t, l.Payload) // t is in memory
}

// coded is a code as the end of a phrase.
func coded(code string) string {
	if code == "" {
		return ""
	}
	return ", code " + code
}

// effectOf says what is known of the message's effect at the system. The claim
// says dead in each of these cases, and waits for a decision; only an untrusted
// record has none.
func effectOf(l topics.Letter) string {
	switch l.Class {
	case topics.LetterRejected:
		return "none: the message was refused, by the system or before it was called"
	case topics.LetterUncertain:
		return "unknown: the system may have carried it out"
	case topics.LetterEffectDone:
		return "done: only its reply could not be written"
	}
	return "none: it is no message that the hub can trust, and has no claim"
}

// headersOf returns the headers that may be seen, by name.
func headersOf(l topics.Letter) map[string]string {
	out := map[string]string{}
	for _, h := range control.Headers(l) {
		out[h.Name] = h.Value
	}
	return out
}
