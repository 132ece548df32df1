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
// are written or none, in one atomic step; they never expire. It returns nil
// where they are this message's now, also if they were already: their time is
// then that of this call. Else it returns whose one of them is; of several
// holders, the youngest.
//
// The names come from the caller and hold no personal data: an HMAC under a key
// that is never rotated.
func (s *Store) Mark(ctx context.Context, markers []string, messageID string) (*Holder, error) {
	if len(markers) == 0 || messageID == "" {
		return nil, errors.New("claims: mark: no marker or no message id")
	}
	st := &step{name: "mark", keys: markerKeys(markers), args: []any{messageID}}
	reply, err := s.do(ctx, "mark", func() (any, error) { return s.send(ctx, st, true) })
	if err != nil {
		return nil, fmt.Errorf("claims: mark: %w", err)
	}
	parts, ok := reply.([]any)
	if ok && len(parts) == 0 {
		return nil, nil
	}
	var texts [3]string
	for i := range min(len(parts), len(texts)) {
		texts[i], _ = parts[i].(string)
	}
	since, err := millis(texts[1])
	if err != nil {
		return nil, fmt.Errorf("claims: mark: %w", err)
	}
	age, err := millis(texts[2])
	if err != nil {
		return nil, fmt.Errorf("claims: mark: %w", err)
	}
	return &Holder{MessageID: texts[0], Since: time.UnixMilli(since.Milliseconds()), Age: age}, nil
}

// Unmark removes those of the markers that this message holds: its call surely
// did not happen, the system refused, or a person has decided.
func (s *Store) Unmark(ctx context.Context, markers []string, messageID string) error {
	if len(markers) == 0 {
		return nil
	}
	st := &step{name: "unmark", keys: markerKeys(markers), args: []any{messageID}}
	return s.owned(ctx, st, false)
}
