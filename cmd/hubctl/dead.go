package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/iin"
	"kandashub/topics/payload"
)

// deadCmd reads the routes' dead letters and writes down what a person decides
// of them. The hub that owns a letter's partition carries it out.
type deadCmd struct {
	List    deadListCmd    `cmd:"" help:"List the dead letters that nobody has decided."`
	Show    deadShowCmd    `cmd:"" help:"Show one, without what it carries unless that is asked for."`
	Plan    deadPlanCmd    `cmd:"" help:"Say what a decision of many would come to. Changes nothing."`
	Run     deadRunCmd     `cmd:"" help:"Carry out a plan."`
	Replay  deadReplayCmd  `cmd:"" help:"Carry a message out again; an uncertain one is asked about first."`
	Answer  deadAnswerCmd  `cmd:"" help:"Give the answer that the system did not give."`
	Discard deadDiscardCmd `cmd:"" help:"Decide that nothing more is to happen."`
}

// filterFlags choose letters.
type filterFlags struct {
	Route       []string `help:"Routes to look at; all if none is given."`
	Class       string   `enum:",untrusted,rejected,uncertain,effect_done" default:"" help:"untrusted, rejected, uncertain or effect_done."`
	Code        string   `help:"Such as http_422."`
	Application string   `help:"The application's id."`
	Since       string   `help:"Letters of that time or later: 2026-01-31T12:00:00Z, or 24h ago."`

	since time.Time
}

// Validate reads --since.
func (f *filterFlags) Validate() error {
	if f.Since == "" {
		return nil
	}
	if d, err := time.ParseDuration(f.Since); err == nil {
		f.since = time.Now().Add(-d).Truncate(time.Second)
		return nil
	}
	var err error
	if f.since, err = time.Parse(time.RFC3339, f.Since); err != nil {
		return errors.New("--since is a time as 2026-01-31T12:00:00Z, or a duration")
	}
	return nil
}

func (f *filterFlags) filter() control.Filter {
	return control.Filter{Routes: f.Route, Class: f.Class, Code: f.Code, Application: f.Application, Since: f.since}
}

// args are the flags that choose the same letters again.
func (f *filterFlags) args() string {
	var b strings.Builder
	for _, r := range f.Route {
		b.WriteString(" --route " + r)
	}
	for _, kv := range [][2]string{{"class", f.Class}, {"code", f.Code}, {"application", f.Application}, {"since", when(f.since, "")}} {
		if kv[1] != "" {
			b.WriteString(" --" + kv[0] + " " + kv[1])
		}
	}
	return b.String()
}

type deadListCmd struct {
	kafkaFlags
	filterFlags
	outputFlag
}

// shownLetter is a letter as it is printed: without what it carries, which is
// personal data.
type shownLetter struct {
	Route       string          `json:"route"`
	Letter      string          `json:"letter"`
	Application string          `json:"application"`
	Since       time.Time       `json:"since"`
	Class       string          `json:"class"`
	Code        string          `json:"code"`
	Holds       bool            `json:"holds"`
	Reason      string          `json:"reason"`
	Decisions   []shownDecision `json:"decisions,omitempty"`
}

type shownDecision struct {
	Action string    `json:"action"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Why    string    `json:"why"`
}

func shown(l topics.Letter) shownLetter {
	s := shownLetter{
		Route: l.Route.Name, Letter: l.ID, Application: string(l.Record.Key), Since: l.Record.Time.UTC(),
		Class: l.Class, Code: l.Code, Holds: l.Holds, Reason: l.Reason,
	}
	for _, d := range l.Decisions {
		s.Decisions = append(s.Decisions, shownDecision{d.Action, d.At.UTC(), d.Who, d.Why})
	}
	return s
}

// Run prints one line for each letter.
func (c *deadListCmd) Run(ctx context.Context, stdout io.Writer, out talk) error {
	return c.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		letters, err := do.Letters(ctx, c.filter())
		if err != nil {
			return err
		}
		list := make([]shownLetter, len(letters))
		for i, l := range letters {
			list[i] = shown(l)
		}
		if c.Output == "json" {
			return printJSON(stdout, list)
		}
		if len(list) == 0 {
			fmt.Fprintln(out, "no dead letter waits for a decision")
			return nil
		}
		table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ROUTE\tLETTER\tAPPLICATION\tSINCE\tHOLDS\tDECIDED\tREASON")
		for _, l := range list {
			decided := "-"
			if n := len(l.Decisions); n > 0 {
				decided = l.Decisions[n-1].Action
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%t\t%s\t%s\n", l.Route, l.Letter, l.Application, when(l.Since, ""), l.Holds, decided, l.Reason)
		}
		return table.Flush()
	})
}

// letterFlags name a letter, and who decides of it and why.
type letterFlags struct {
	kafkaFlags
	orderFlags
	Letter string `arg:"" help:"The letter's id, as dead list prints it."`
	Route  string `required:"" help:"The route whose letter it is."`
}

// decide writes one decision.
func (f *letterFlags) decide(ctx context.Context, out talk, action string, write func(context.Context, *control.Commands) error) error {
	return f.operate(ctx, func(ctx context.Context, do *control.Commands) error {
		if err := write(ctx, do); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s of letter %s is written; the hub carries it out\n", action, f.Letter)
		return nil
	})
}

type deadReplayCmd struct{ letterFlags }

func (c *deadReplayCmd) Run(ctx context.Context, out talk) error {
	return c.decide(ctx, out, topics.DecideReplay, func(ctx context.Context, do *control.Commands) error {
		return do.Replay(ctx, c.order(), c.Route, c.Letter)
	})
}

type deadDiscardCmd struct{ letterFlags }

func (c *deadDiscardCmd) Run(ctx context.Context, out talk) error {
	return c.decide(ctx, out, topics.DecideDiscard, func(ctx context.Context, do *control.Commands) error {
		return do.Discard(ctx, c.order(), c.Route, c.Letter)
	})
}

type deadAnswerCmd struct {
	letterFlags
	IIN           string `xor:"answer" required:"" help:"The IIN that was generated (letters of iin-lookup)."`
	NoneGenerated bool   `xor:"answer" required:"" help:"No IIN was generated: the search begins afresh (letters of iin-lookup)."`
	Replies       string `xor:"answer" required:"" type:"existingfile" help:"File with the replies: a JSON array of {topic, type, data}."`
}

func (c *deadAnswerCmd) Run(ctx context.Context, out talk) error {
	return c.decide(ctx, out, topics.DecideAnswer, func(ctx context.Context, do *control.Commands) error {
		return do.Answer(ctx, c.order(), c.Route, c.Letter, c.replies)
	})
}

// replies makes the answer to a letter from the flags.
func (c *deadAnswerCmd) replies(l topics.Letter) ([]topics.GivenReply, error) {
	if c.Replies != "" {
		content, err := os.ReadFile(c.Replies)
		if err != nil {
			return nil, err
		}
		var given []topics.GivenReply
		if err := json.Unmarshal(content, &given); err != nil {
			return nil, errors.New("the file with the replies is no JSON array of {topic, type, data}")
		}
		return given, nil
	}
	return iinAnswer(l, c.IIN)
}

// iinAnswer answers whether an IIN was generated (domain.md 3.2): number is the
// IIN, or empty if none was.
func iinAnswer(l topics.Letter, number string) ([]topics.GivenReply, error) {
	var r payload.IINRequest
	if err := json.Unmarshal(l.Record.Value, &r); err != nil || r.Generation == nil {
		return nil, errors.New("the letter does not ask whether an IIN was generated")
	}
	if number == "" {
		r.Void = append(r.Void, r.Generation.MessageID)
	} else {
		if err := iin.Check(number); err != nil {
			return nil, fmt.Errorf("--iin: %w", err)
		}
		i := r.Unsettled()
		if i < 0 {
			return nil, errors.New("every person of the letter is settled")
		}
		r.Persons[i].Result = &payload.PersonResult{Status: payload.IINGenerated, IIN: number}
	}
	r.Generation = nil
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return []topics.GivenReply{{Topic: "gbdfl.lookups", Type: payload.TypeIINLookup, Data: data}}, nil
}
