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

	"github.com/google/uuid"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/iin"
	"kandashub/topics/payload"
)

// deadCmd reads the routes' dead letters and writes down what a person decides
// of one. The hub that owns the letter's partition carries it out.
type deadCmd struct {
	List    deadListCmd    `cmd:"" help:"List the dead letters that nobody has decided."`
	Replay  deadReplayCmd  `cmd:"" help:"Carry a message out again; an uncertain one is asked about first."`
	Answer  deadAnswerCmd  `cmd:"" help:"Give the answer that the system did not give."`
	Discard deadDiscardCmd `cmd:"" help:"Decide that nothing more is to happen."`
}

// letterFlags name a letter, and who decides of it and why.
type letterFlags struct {
	kafkaFlags
	Letter string `arg:"" help:"The letter's id, as dead list prints it."`
	Route  string `required:"" help:"The route whose letter it is."`
	Who    string `required:"" help:"Who decides; kept with the decision."`
	Why    string `required:"" help:"Why; kept with the decision. No personal data."`
}

type deadListCmd struct {
	kafkaFlags
	Route []string `help:"Routes to look at; all if none is given."`
}

// Run prints one line for each letter. Payloads are not shown: they hold
// personal data.
func (c *deadListCmd) Run(ctx context.Context, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	names := c.Route
	if len(names) == 0 {
		all, err := contract.Load()
		if err != nil {
			return err
		}
		for _, t := range all.Topics() {
			if route, ok := strings.CutSuffix(t.Name, ".dead"); ok {
				names = append(names, route)
			}
		}
	}
	cluster := c.cluster()
	defer cluster.Close()
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROUTE\tLETTER\tAPPLICATION\tSINCE\tHOLDS\tREASON")
	n := 0
	for _, name := range names {
		letters, err := topics.ReadLetters(ctx, cluster, topics.Route{Name: name})
		if err != nil {
			return fmt.Errorf("route %s: %w", name, err)
		}
		for _, l := range letters {
			n++
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%t\t%s\n", name, l.ID, l.Record.Key, l.Record.Time.UTC().Format(time.RFC3339), l.Holds, l.Reason)
		}
	}
	if n == 0 {
		fmt.Fprintln(stdout, "no dead letter waits for a decision")
		return nil
	}
	return table.Flush()
}

type deadReplayCmd struct{ letterFlags }

func (c *deadReplayCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.decide(ctx, stdout, topics.DecideReplay, nil)
}

type deadDiscardCmd struct{ letterFlags }

func (c *deadDiscardCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.decide(ctx, stdout, topics.DecideDiscard, nil)
}

type deadAnswerCmd struct {
	letterFlags
	IIN           string `xor:"answer" required:"" help:"The IIN that was generated (letters of iin-lookup)."`
	NoneGenerated bool   `xor:"answer" required:"" help:"No IIN was generated: the search begins afresh (letters of iin-lookup)."`
	Replies       string `xor:"answer" required:"" type:"existingfile" help:"File with the replies: a JSON array of {topic, type, data}."`
}

func (c *deadAnswerCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.decide(ctx, stdout, topics.DecideAnswer, c.replies)
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

// decide finds the letter and writes the decision beside it.
func (f *letterFlags) decide(ctx context.Context, stdout io.Writer, action string, replies func(topics.Letter) ([]topics.GivenReply, error)) error {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	cluster := f.cluster()
	defer cluster.Close()
	letters, err := topics.ReadLetters(ctx, cluster, topics.Route{Name: f.Route})
	if err != nil {
		return err
	}
	for _, l := range letters {
		if l.ID != f.Letter {
			continue
		}
		if !l.Holds && action != topics.DecideDiscard {
			return fmt.Errorf("letter %s holds what cannot be trusted: it can only be discarded", l.ID)
		}
		var given []topics.GivenReply
		if replies != nil {
			if given, err = replies(l); err != nil {
				return err
			}
		}
		producer := topics.NewProducer(cluster, f.Timeout, nil)
		if err := producer.Decide(ctx, l, action, uuid.NewString(), f.Who, f.Why, given...); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s of letter %s is written; the hub carries it out\n", action, l.ID)
		return nil
	}
	return fmt.Errorf("route %s has no unresolved letter %s; hubctl dead list shows those there are", f.Route, f.Letter)
}
