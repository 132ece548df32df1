package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/control"
	"kandashub/topics/iin"
	"kandashub/topics/payload"
)

type deadAnswerCmd struct {
	letterFlags
	orderFlags
	outputFlag
	waitFlags
	IIN           string `xor:"answer" help:"The IIN that was generated (letters of iin-lookup)."`
	NoneGenerated bool   `xor:"answer" help:"No IIN was generated: the search begins afresh (letters of iin-lookup)."`
	Replies       string `xor:"answer" type:"existingfile" help:"File with the replies: a JSON array of {topic, type, data}."`
}

// Validate wants one answer: kong would show each of the three as required.
func (c *deadAnswerCmd) Validate() error {
	if c.IIN == "" && !c.NoneGenerated && c.Replies == "" {
		return errors.New("say what the answer is: --iin, --none-generated or --replies")
	}
	return c.waitFlags.Validate()
}

func (c *deadAnswerCmd) Run(ctx context.Context, s surroundings) error {
	return c.operateOn(ctx, func(ctx context.Context, d *desk) error {
		replies := func(l topics.Letter) ([]topics.GivenReply, error) {
			given, err := c.replies(l)
			if err != nil {
				return nil, err
			}
			return given, keeps(d.agreed, l, given)
		}
		return c.one(ctx, s, d, c.outputFlag, decision{topics.DecideAnswer, c.Route, c.Letter, c.order(), c.Timeout},
			func(ctx context.Context, o control.Order) error { return d.Answer(ctx, o, c.Route, c.Letter, replies) })
	})
}

// keeps holds an answer against the contract before it is written down: the hub
// refuses one that breaks it, but only later, which dead show tells.
func keeps(agreed *contract.Contract, l topics.Letter, given []topics.GivenReply) error {
	for i, g := range given {
		m := topics.Message{Type: g.Type, Source: topics.SourceHub, Subject: string(l.Record.Key), Data: g.Data}
		if err := agreed.Check(g.Topic, m); err != nil {
			return fmt.Errorf("reply %d: %w", i+1, err)
		}
	}
	return nil
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
		r.Voided = append(r.Voided, *r.Generation)
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
