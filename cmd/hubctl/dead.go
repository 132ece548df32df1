package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// deadCmd reads the routes' dead letters and writes down what a person decides
// of them. The hub that owns a letter's partition carries it out.
type deadCmd struct {
	List    deadListCmd    `cmd:"" help:"List the dead letters that nobody has decided."`
	Show    deadShowCmd    `cmd:"" help:"Show one, without what it carries unless that is asked for."`
	Replay  deadReplayCmd  `cmd:"" help:"Carry messages out again; uncertain ones are asked about first."`
	Answer  deadAnswerCmd  `cmd:"" help:"Give the answer that the system did not give."`
	Discard deadDiscardCmd `cmd:"" help:"Decide that nothing more is to happen."`
	Undo    deadUndoCmd    `cmd:"" help:"Take a discard back."`
	Plan    deadPlanCmd    `cmd:"" help:"Say what a decision of many would come to. Changes nothing."`
	Run     deadRunCmd     `cmd:"" help:"Carry out a plan."`
	Export  deadExportCmd  `cmd:"" help:"Print all that can be told of letters, for programs."`
}

// letterFlags name one letter.
type letterFlags struct {
	kafkaFlags
	Letter string `arg:"" help:"The letter's id, as dead list prints it."`
	Route  string `required:"" predictor:"route" help:"The route whose letter it is."`
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
	Lost        bool            `json:"lost,omitempty"` // Kafka has deleted it, and its message with it
	Reason      string          `json:"reason"`
	Decisions   []shownDecision `json:"decisions,omitempty"`
	Refused     []shownRefusal  `json:"refused,omitempty"` // decisions that the hub could not carry out
}

type shownDecision struct {
	Action string    `json:"action"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Why    string    `json:"why"`
}

type shownRefusal struct {
	shownDecision
	Refusal string `json:"refusal"` // why the hub refused it
}

func shown(l topics.Letter) shownLetter {
	s := shownLetter{
		Route: l.Route.Name, Letter: l.ID, Application: l.Application(), Since: l.Record.Time.UTC(),
		Class: l.Class, Code: l.Code, Holds: l.Holds, Lost: l.Lost, Reason: l.Reason,
	}
	for _, d := range l.Decisions {
		s.Decisions = append(s.Decisions, shownDecision{d.Action, d.At.UTC(), d.Who, d.Why})
	}
	for _, d := range l.Refused {
		s.Refused = append(s.Refused, shownRefusal{shownDecision{d.Action, d.At.UTC(), d.Who, d.Why}, d.Reason})
	}
	return s
}

type deadListCmd struct {
	kafkaFlags
	filterFlags
	outputFlag
	Discarded bool `help:"Those that were discarded, which dead undo can bring back."`
}

// Run prints one line for each letter, the oldest first. That none waits is good
// news; that a filter matches none is told by the exit code.
func (c *deadListCmd) Run(ctx context.Context, stdout io.Writer, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		f := c.filter()
		f.Discarded = c.Discarded
		letters, err := d.Letters(ctx, f)
		if err != nil {
			return err
		}
		slices.SortStableFunc(letters, func(a, b topics.Letter) int { return a.Record.Time.Compare(b.Record.Time) })
		list := make([]shownLetter, len(letters))
		for i, l := range letters {
			list[i] = shown(l)
		}
		if len(list) > 0 || c.Output != "table" {
			err = c.print(stdout, list, func(t io.Writer) { tableLetters(t, list) })
		}
		switch {
		case err != nil || len(list) > 0:
			return err
		case c.any():
			return fmt.Errorf("no dead letter matches this filter: %w", errNothing)
		case c.Discarded:
			fmt.Fprintln(out, "no dead letter is discarded: those that were have been undone, or Kafka has deleted them")
			return nil
		}
		fmt.Fprintln(out, "no dead letter waits for a decision")
		return nil
	})
}

func tableLetters(t io.Writer, list []shownLetter) {
	fmt.Fprintln(t, "ROUTE\tLETTER\tAPPLICATION\tSINCE\tHOLDS\tDECIDED\tREASON")
	for _, l := range list {
		decided := "-"
		switch {
		case len(l.Decisions) > 0:
			decided = l.Decisions[0].Action // the hub carries out the first
		case len(l.Refused) > 0:
			decided = l.Refused[len(l.Refused)-1].Action + " refused"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%t\t%s\t%s\n", l.Route, l.Letter, l.Application, when(l.Since, ""), l.Holds, decided, l.Reason)
	}
}

type deadUndoCmd struct {
	letterFlags
	orderFlags
	Wait   time.Duration `default:"15s" help:"How long a hub may take (${default})."`
	NoWait bool          `help:"Do not wait for the hub."`
}

// Validate wants a time.
func (c *deadUndoCmd) Validate() error {
	if c.Wait <= 0 {
		return errors.New("--wait is no time to wait; --no-wait does not wait at all")
	}
	return nil
}

// Run brings a letter back.
func (c *deadUndoCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		if c.NoWait {
			c.Wait = 0
		}
		again, err := d.Undo(ctx, c.order(), c.Route, c.Letter, c.Wait)
		if err != nil {
			return err
		}
		if c.NoWait {
			fmt.Fprintf(out, "the undo is written; the hub makes the message dead letter %s, or dead show %s tells why it cannot\n", again, c.Letter)
			return nil
		}
		fmt.Fprintf(out, "the discard is undone: the message is dead letter %s now, and holds its application\n"+
			"messages of the application that came after it were not held meanwhile and may have passed: replayed, it comes after them\n", again)
		return nil
	})
}

type deadExportCmd struct {
	kafkaFlags
	filterFlags
	reasonFlags
	Output  string `short:"o" enum:"json,yaml,jsonl" default:"jsonl" placeholder:"FORM" help:"json, yaml or jsonl (${default})."`
	Payload bool   `help:"Print what they carry: personal data. Needs --who and --why, and is on record."`
}

// Validate asks for who and why where personal data are shown.
func (c *deadExportCmd) Validate() error {
	if c.Payload {
		if err := c.needed("--payload"); err != nil {
			return err
		}
	}
	return c.filterFlags.Validate()
}

// Run prints the letters.
func (c *deadExportCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		read := d.Letters
		if c.Payload {
			read = func(ctx context.Context, f control.Filter) ([]topics.Letter, error) {
				return d.Payloads(ctx, c.order(), f)
			}
		}
		letters, err := read(ctx, c.filter())
		if err != nil {
			return err
		}
		list := make([]wholeLetter, len(letters))
		for i, l := range letters {
			if !c.Payload {
				l = control.Masked(l)
			}
			if list[i], err = whole(l); err != nil {
				return err
			}
		}
		if err := (outputFlag{c.Output}).print(stdout, list, nil); err != nil || len(list) > 0 {
			return err
		}
		return fmt.Errorf("no dead letter is like that: %w", errNothing)
	})
}
