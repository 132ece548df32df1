package control

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kandashub/topics"
)

// letter finds one unresolved letter of a route, or refuses.
func (c *Commands) letter(ctx context.Context, route, id string) (topics.Letter, error) {
	letters, err := c.Letters(ctx, Filter{Routes: []string{route}})
	if err != nil {
		return topics.Letter{}, err
	}
	for _, l := range letters {
		if l.ID == id {
			return l, nil
		}
	}
	return topics.Letter{}, missing("letter_unresolved", "route %s has no unresolved letter %s; hubctl dead list shows those there are", route, aboutLetter(id))
}

// A Place is where a letter lies in its dead topic. Whoever keeps an index of
// letters knows it; without it, all letters of a route are read to find one.
type Place struct {
	Partition int
	Offset    int64
}

// letterAt is letter where the caller may know the place of one that is not
// resolved; its decisions are not read then.
func (c *Commands) letterAt(ctx context.Context, route, id string, at *Place) (topics.Letter, error) {
	if at == nil {
		return c.letter(ctx, route, id)
	}
	if err := c.known(route); err != nil {
		return topics.Letter{}, err
	}
	l, err := topics.ReadLetterAt(ctx, c.Cluster, topics.Route{Name: route}, at.Partition, at.Offset)
	if err == nil && l.ID != id {
		err = missing("letter_other", "another letter than %s lies there", aboutLetter(id))
	}
	return l, err
}

// Show returns one unresolved letter without what it carries. at may be nil.
func (c *Commands) Show(ctx context.Context, route, id string, at *Place) (topics.Letter, error) {
	l, err := c.letterAt(ctx, route, id, at)
	if err != nil {
		return l, err
	}
	return Masked(l), nil
}

// Masked returns a letter with the form of what it carries in its place.
func Masked(l topics.Letter) topics.Letter {
	record := *l.Record
	record.Value = masked(record.Value)
	l.Record = &record
	return l
}

// ShowPayload returns one unresolved letter with what it carries: personal data.
// That somebody looked is on record. at may be nil.
func (c *Commands) ShowPayload(ctx context.Context, o Order, route, id string, at *Place) (l topics.Letter, err error) {
	err = c.carry(ctx, o, actionShowPayload, about(route)+"/"+aboutLetter(id), func(ctx context.Context, _ Order) (string, error) {
		l, err = c.letterAt(ctx, route, id, at)
		return "", err
	})
	if err != nil {
		return topics.Letter{}, err
	}
	return l, nil
}

// Payloads returns the letters that the filter chooses with what they carry. That
// somebody looked, at which and how many, is on record.
func (c *Commands) Payloads(ctx context.Context, o Order, f Filter) (letters []topics.Letter, err error) {
	object, err := json.Marshal(f.named())
	if err != nil {
		return nil, err
	}
	err = c.carry(ctx, o, actionExport, string(object), func(ctx context.Context, _ Order) (string, error) {
		letters, err = c.Letters(ctx, f)
		return fmt.Sprintf("%d letters", len(letters)), err
	})
	return letters, err
}

// Replay carries a letter's message out again; an uncertain one is asked about
// first.
func (c *Commands) Replay(ctx context.Context, o Order, route, id string) error {
	return c.decide(ctx, o, topics.DecideReplay, route, id, nil)
}

// Discard decides that nothing more is to happen.
func (c *Commands) Discard(ctx context.Context, o Order, route, id string) error {
	return c.decide(ctx, o, topics.DecideDiscard, route, id, nil)
}

// Answer gives the replies that the system did not give. replies makes them from
// the letter.
func (c *Commands) Answer(ctx context.Context, o Order, route, id string, replies func(topics.Letter) ([]topics.GivenReply, error)) error {
	return c.decide(ctx, o, topics.DecideAnswer, route, id, replies)
}

// decide writes a decision beside its letter. Of several that race, the hub
// carries out the first, so a second one is refused where the first is seen; the
// same request may come again.
func (c *Commands) decide(ctx context.Context, o Order, action, route, id string, replies func(topics.Letter) ([]topics.GivenReply, error)) error {
	return c.carry(ctx, o, action+" letter", about(route)+"/"+aboutLetter(id), func(ctx context.Context, o Order) (string, error) {
		l, err := c.letter(ctx, route, id)
		if err != nil {
			return "", err
		}
		switch {
		case decidable(l, action):
		case l.Lost:
			return "", refuse("letter_lost", "Kafka has deleted letter %s, and its message with it: it can only be discarded", l.ID)
		default:
			return "", refuse("letter_untrusted", "letter %s holds what cannot be trusted: it can only be discarded", l.ID)
		}
		if len(l.Decisions) > 0 && l.Decisions[0].ID != o.ID {
			first := l.Decisions[0]
			return "", refuse("letter_decided", "letter %s has been decided already: %s, by %s at %s; that takes effect as soon as the hub comes to it", l.ID, first.Action, first.Who, first.At.UTC().Format(time.RFC3339))
		}
		var given []topics.GivenReply
		if replies != nil {
			if given, err = replies(l); err != nil {
				return "", refuse("answer", "%s", err)
			}
		}
		return "", c.Producer.Decide(ctx, l, action, o.ID, o.Who, o.Why, given...)
	})
}

// decidable says whether an action can be decided of a letter at all.
func decidable(l topics.Letter, action string) bool {
	return l.HasMessage() || action == topics.DecideDiscard
}
