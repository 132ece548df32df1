package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kandashub/topics"
)

// Undo takes a discard back: the message is a dead letter again, whose id is
// returned, and holds its application from then on. What followed it meanwhile
// was not held and has passed. It can be undone as long as the done marker of the
// message lives (the retention of its source and a day), and Undo waits up to
// wait for a hub to do it; where that is zero, it does not wait.
func (c *Commands) Undo(ctx context.Context, o Order, route, id string, wait time.Duration) (again string, err error) {
	err = c.carry(ctx, o, actionUndo, about(route)+"/"+aboutLetter(id), func(ctx context.Context, o Order) (string, error) {
		if err := c.known(route); err != nil {
			return "", err
		}
		log := topics.NewLetterLog(c.Cluster, topics.Route{Name: route})
		l, err := undoable(ctx, log, id)
		if err != nil {
			return "", err
		}
		discard, _ := discardOf(l)
		if again, err = c.Producer.Undo(ctx, l, discard.ID, o.ID, o.Who, o.Why); err != nil {
			return "", err
		}
		if wait == 0 {
			return "letter " + again, nil
		}
		return "letter " + again, reappears(ctx, log, again, o.ID, wait)
	})
	if err != nil {
		again = ""
	}
	return again, err
}

// undoable finds a discarded letter, or refuses.
func undoable(ctx context.Context, log *topics.LetterLog, id string) (topics.Letter, error) {
	if err := log.Read(ctx); err != nil {
		return topics.Letter{}, err
	}
	letters := log.Letters()
	i := slices.IndexFunc(letters, func(l topics.Letter) bool { return l.ID == id })
	if i < 0 {
		return topics.Letter{}, missing("letter_none", "there is no letter %s; hubctl dead list --discarded shows those that were discarded", aboutLetter(id))
	}
	l := letters[i]
	_, discarded := discardOf(l)
	switch {
	case !discarded:
		return l, refuse("undo_not_discarded", "letter %s was not discarded: only a discard can be undone", id)
	case l.Next != "":
		return l, refuse("undo_done", "letter %s was discarded and undone already: it is letter %s now", id, l.Next)
	case l.Lost:
		return l, refuse("undo_lost", "Kafka had deleted letter %s, and its message with it: there is nothing to go back to", id)
	case !l.Holds:
		return l, refuse("undo_untrusted", "letter %s holds what cannot be trusted: it could only be discarded again", id)
	case l.Class == topics.LetterEffectDone:
		return l, refuse("undo_effect", "the effect of letter %s was done, and its reply went with the discard: there is nothing to go back to", id)
	}
	return l, nil
}

// reappears waits for a letter, or for the hub's refusal of the undo.
func reappears(ctx context.Context, log *topics.LetterLog, id, undo string, wait time.Duration) error {
	over := time.NewTimer(wait)
	defer over.Stop()
	every := time.NewTicker(pollResults)
	defer every.Stop()
	for {
		if err := log.Read(ctx); err != nil {
			return err
		}
		if slices.ContainsFunc(log.Letters(), func(l topics.Letter) bool { return l.ID == id }) {
			return nil
		}
		if why := log.Refused(undo); why != "" {
			return refuse("undo_refused", "the discard cannot be undone: %s; the letter stays as it is", why)
		}
		select {
		case <-every.C:
		case <-over.C:
			return fmt.Errorf("the discard has not been undone after %s: no hub runs the route, or Redis is away; it will be once the hub comes to it", wait)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
