package topics

import (
	"context"
	"errors"

	"kandashub/topics/claims"
)

// A series is messages of one lane that one goroutine carries, each after the one
// before it is finished. What is gained: the claim of one is ended in the same step
// that claims the next, which saves a round trip to Redis and the wait for a turn.
type series struct {
	records  []*Record
	tries    *tries // at the first of them so far
	overtime context.Context
	limiter  *limiter

	// more is asked before each message but the first whether it may begin now.
	more func() bool
	// tell is told what each message that was begun has come to, in order. last:
	// no other has been begun.
	tell func(out outcome, last bool)
}

// carry carries a series until one of its messages is not finished, or more says
// no.
func (d *Delivery) carry(ctx context.Context, s *series) {
	t := term{Context: ctx, overtime: s.overtime}
	var before *life
	for i, r := range s.records {
		l := d.begin(t, r)
		l.limiter, l.before = s.limiter, before
		if i == 0 {
			l.tries = s.tries
		}
		if b := before; b != nil {
			l.passed = func() { s.tell(b.out, false) } // not only when this one is through, too
		}
		out := l.attempt()
		if before != nil && before.out.kind != finished {
			s.tell(before.out, true)
			return
		}
		before = nil
		goesOn := (out.kind == finished || out.kind == published) && i+1 < len(s.records) && s.more()
		switch {
		case out.kind != published:
			s.tell(out, !goesOn)
		case goesOn:
			before = l
		default:
			s.tell(l.end(), true)
		}
		if !goesOn {
			return
		}
	}
}

// claimNext claims the message, and ends the claim of the one before it in the same
// step. An error may be that one's: see its outcome.
func (l *life) claimNext(ctx context.Context, r claims.Request) (*claims.Claim, error) {
	b := l.before
	if b == nil || b.ended {
		return l.Claims.Claim(ctx, r)
	}
	c, err := l.Claims.Next(ctx, b.claim, r)
	if err == nil || errors.Is(err, claims.ErrLost) {
		l.settleBefore(b.settle(err))
		return c, err
	}
	// Redis did not answer. What is done must be written down, as long as it takes.
	if !l.endBefore() {
		return nil, err
	}
	return l.Claims.Claim(ctx, r)
}

// endBefore ends the claim of the message before this one, if that is still to be
// done, and says whether that message is finished.
func (l *life) endBefore() bool {
	b := l.before
	if b == nil {
		return true
	}
	if !b.ended {
		l.settleBefore(b.end())
	}
	return b.out.kind == finished
}

// settleBefore notes what the message before this one has come to.
func (l *life) settleBefore(out outcome) {
	l.before.ended, l.before.out = true, out
	if out.kind == finished {
		l.passed()
	}
}
