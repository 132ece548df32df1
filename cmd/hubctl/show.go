package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
)

type deadShowCmd struct {
	kafkaFlags
	outputFlag
	Letter  string `arg:"" help:"The letter's id, as dead list prints it."`
	Route   string `required:"" help:"The route whose letter it is."`
	Payload bool   `help:"Print what it carries: personal data. Needs --who and --why, and is on record."`
	Who     string `help:"Who looks at the payload."`
	Why     string `help:"Why."`
}

// Validate asks for who and why where personal data are shown.
func (c *deadShowCmd) Validate() error {
	if c.Payload && (c.Who == "" || c.Why == "") {
		return errors.New("--payload needs --who and --why")
	}
	return nil
}

// wholeLetter is all that can be told of a letter.
type wholeLetter struct {
	shownLetter
	Effect  string            `json:"effect"`
	Headers map[string]string `json:"headers"`
	Payload json.RawMessage   `json:"payload"` // its form, or itself if asked for
}

// Run prints the letter.
func (c *deadShowCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		var l topics.Letter
		var err error
		if c.Payload {
			l, err = do.ShowPayload(ctx, control.Order{Who: c.Who, Why: c.Why}, c.Route, c.Letter)
		} else {
			l, err = do.Show(ctx, c.Route, c.Letter)
		}
		if err != nil {
			return err
		}
		whole := wholeLetter{shownLetter: shown(l), Effect: effectOf(l), Headers: headersOf(l), Payload: l.Record.Value}
		if !json.Valid(whole.Payload) {
			if whole.Payload, err = json.Marshal(string(l.Record.Value)); err != nil {
				return err
			}
		}
		if c.Output == "json" {
			return printJSON(stdout, whole)
		}
		return whole.print(stdout)
	})
}

func (l wholeLetter) print(stdout io.Writer) error {
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, kv := range [][2]string{{"route", l.Route}, {"letter", l.Letter}, {"application", l.Application}, {"since", when(l.Since, "")},
		{"class", l.Class}, {"code", l.Code}, {"reason", l.Reason}, {"effect", l.Effect}, {"holds its application", fmt.Sprint(l.Holds)}} {
		fmt.Fprintf(t, "%s\t%s\n", kv[0], kv[1])
	}
	var names []string
	for name := range l.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(t, "header %s\t%s\n", name, l.Headers[name])
	}
	for _, d := range l.Decisions {
		fmt.Fprintf(t, "decision\t%s at %s by %s: %s; not carried out yet\n", d.Action, when(d.At, ""), d.Who, d.Why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printJSON(stdout, l.Payload)
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

// headersOf returns the headers. Those that are neither the contract's nor ours
// may hold anything: only their size is told.
func headersOf(l topics.Letter) map[string]string {
	out := map[string]string{}
	for _, h := range l.Record.Headers {
		switch {
		case strings.HasPrefix(h.Key, "hub_"), strings.HasPrefix(h.Key, "ce_"), h.Key == "traceparent", h.Key == "content-type":
			out[h.Key] = observability.Mask(string(h.Value))
		default:
			out[observability.Mask(h.Key)] = fmt.Sprintf("[%d bytes]", len(h.Value))
		}
	}
	return out
}
