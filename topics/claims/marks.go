package claims

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Holder is the message that holds a person marker.
type Holder struct {
	MessageID string
	Since     time.Time     // on Redis' clock
	Age       time.Duration // on Redis' clock
}

// Mark writes the markers of a person for a message, so that no other message
// generates an IIN for that person at the same time (domain.md 3.2). All of them
// are written or none, in one atomic step; they never expire. held is nil where they
// are this message's now, also if they were already: their time is then that of this
// call, on Redis' clock, and returned as since. Else it returns whose one of them is;
// of several holders, the youngest.
//
// The names come from the caller and hold no personal data: an HMAC under a key
// that is never rotated.
func (s *Store) Mark(ctx context.Context, markers []string, messageID string) (since time.Time, held *Holder, err error) {
	if len(markers) == 0 || messageID == "" {
		return since, nil, errors.New("claims: mark: no marker or no message id")
	}
	st := &step{name: "mark", keys: markerKeys(markers), args: []any{messageID}}
	reply, err := s.do(ctx, "mark", func() (any, error) { return s.send(ctx, st, true) })
	if err != nil {
		return since, nil, fmt.Errorf("claims: mark: %w", err)
	}
	parts, _ := reply.([]any)
	texts := make([]string, len(parts))
	for i := range parts {
		texts[i], _ = parts[i].(string)
	}
	if len(texts) == 1 {
		at, err := millis(texts[0])
		if err != nil {
			return since, nil, fmt.Errorf("claims: mark: %w", err)
		}
		return time.UnixMilli(at.Milliseconds()), nil, nil
	}
	if held, err = holder(texts); err != nil {
		return since, nil, fmt.Errorf("claims: mark: %w", err)
	}
	return since, held, nil
}

// holder reads what mark says of another holder: its message, since when, and how
// long that is ago.
func holder(texts []string) (*Holder, error) {
	if len(texts) != 3 {
		return nil, fmt.Errorf("a reply of %d parts", len(texts))
	}
	since, err := millis(texts[1])
	if err != nil {
		return nil, err
	}
	age, err := millis(texts[2])
	if err != nil {
		return nil, err
	}
	return &Holder{MessageID: texts[0], Since: time.UnixMilli(since.Milliseconds()), Age: age}, nil
}

// Unmark removes those of the markers that this message holds and has not written
// again since a time on Redis' clock: its call surely did not happen, the system
// refused, or a person has decided. What was found out of the message is only true of
// what it had begun by then: another owner may have taken it over, and call.
func (s *Store) Unmark(ctx context.Context, markers []string, messageID string, since time.Time) error {
	if len(markers) == 0 {
		return nil
	}
	st := &step{name: "unmark", keys: markerKeys(markers), args: []any{messageID, since.UnixMilli()}}
	return s.owned(ctx, st, false)
}
