package topics

import (
	"context"
	"errors"
	"time"

	"kandashub/observability"
	"kandashub/topics/claims"
	"kandashub/topics/failpoint"
)

// inPlace resolves the message once its system has a place for it. What waits so
// long that the lease would be too short for a call gives its claim back, and so
// does what waits while the route is paused: nothing is begun then.
func (l *life) inPlace(ctx context.Context) (replies []Reply, err error) {
	switch l.limiter.enter(l.term, l.claim.Lease.Add(-l.Timing.Call)) {
	case tooLate:
		return nil, l.giveBack(ctx, &later{0})
	case ended:
		return nil, l.giveBack(ctx, errStopped)
	}
	defer func() { l.limiter.leave(l.took) }()
	if !l.probes && l.Gate.paused() {
		return nil, l.giveBack(ctx, &later{l.Timing.BackoffLeast})
	}
	return l.resolve(ctx)
}

// resolve gets the replies: by asking what became of an earlier attempt, or by
// the call. ctx is under the lease.
func (l *life) resolve(ctx context.Context) ([]Reply, error) {
	op := &l.Route.Operation
	sentAt, unclear := l.claim.SentAt, l.claim.Verdict == claims.Uncertain && !op.Effect.sentAtOnce()
	if op.Effect == C2 && l.forgotten() {
		sentAt, unclear = l.accepted(), true // settle had passed before a person could accept
	}
	if unclear {
		if rest := l.Timing.Call + op.Settle - l.claim.SentAge; rest > 0 && l.claim.Verdict == claims.Uncertain {
			return nil, l.giveBack(ctx, &later{rest})
		}
		if op.Ask == nil {
			return nil, Fail(Undecided, "uncertain", "an earlier attempt may have reached the system, which cannot be asked")
		}
		replies, arrived, err := l.ask(ctx, sentAt)
		l.tell(err)
		if err != nil {
			return nil, unanswered(err)
		}
		if arrived {
			return replies, nil
		}
	}
	if op.Stale != nil {
		if replies, stale := op.Stale(l.msg, l.Now(), l.accepted()); stale {
			return replies, nil
		}
	}
	begun := time.Now()
	if replies, settled, err := l.mark(ctx); settled || err != nil {
		return replies, err
	}
	failpoint.Hit(failpoint.Marked, l.Route.Name)
	if l.term.Err() != nil { // nothing new is begun
		return nil, l.giveBack(ctx, errStopped)
	}
	if !op.Effect.sentAtOnce() { // else the claim has said sent
		if err := l.Claims.Sent(ctx, l.claim); err != nil {
			if !errors.Is(err, claims.ErrLost) {
				err = l.giveBack(ctx, err) // perhaps noted, but nothing is called
			}
			return nil, l.claimError(ctx, err)
		}
		l.sent = true
	}
	failpoint.Hit(failpoint.Sent, l.Route.Name)
	replies, err := l.call(ctx, begun, op.Do)
	if err == nil {
		failpoint.Hit(failpoint.Responded, l.Route.Name)
	}
	l.tell(err)
	if err == nil && len(l.marks) > 0 && op.Freed(l.msg, replies) {
		if err := l.unmark(ctx); err != nil {
			return nil, err
		}
	}
	return replies, err
}

// unanswered is what a failed question says of the message: a question that
// may have arrived was not answered, and one that is refused leaves open what
// became of the call.
func unanswered(err error) error {
	f := *FailureOf(err)
	switch f.Class {
	case Uncertain:
		f.Class = Unavailable
	case Rejected:
		f.Class = Undecided
	}
	return &f
}

// call runs an operation on a context of its own: the end of a generation or
// of the process is no reason to cut off a call.
//
// Its deadline counts from begun, before anything was noted of it: whoever asks or
// looks at a marker later reckons from what was noted, and a process may stand
// still between that and the first byte.
func (l *life) call(ctx context.Context, begun time.Time, do func(context.Context, Message) ([]Reply, error)) ([]Reply, error) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), begun.Add(l.Timing.Call))
	defer cancel()
	began := time.Now()
	l.asked = l.Now()
	defer func() { l.took = time.Since(began) }()
	if id := l.work.Exemplar(); id != "" {
		ctx = observability.WithExemplar(ctx, id)
	}
	l.work.Start(observability.StepCall, l.Route.Operation.System, l.Route.Operation.Name)
	replies, err := do(l.Lease(ctx, l.claim.Lease), l.msg)
	l.work.Stop(codeOf(err))
	return replies, err
}

func (l *life) ask(ctx context.Context, sentAt time.Time) (replies []Reply, arrived bool, err error) {
	replies, err = l.call(ctx, time.Now(), func(ctx context.Context, m Message) (r []Reply, err error) {
		r, arrived, err = l.Route.Operation.Ask(ctx, m, sentAt)
		return r, err
	})
	return replies, arrived, err
}

// mark writes the person markers of a C3 message. settled means that another
// message's marker decides what is to be written instead of a call.
func (l *life) mark(ctx context.Context) (replies []Reply, settled bool, err error) {
	op := &l.Route.Operation
	if op.Markers == nil {
		return nil, false, nil
	}
	if l.marks, err = op.Markers(l.msg); err != nil {
		return nil, false, err
	}
	if op.Voided != nil {
		for _, v := range op.Voided(l.msg) {
			if err := l.Claims.Unmark(ctx, l.marks, v.MessageID, v.Since); err != nil {
				return nil, false, l.claimError(ctx, err)
			}
		}
	}
	var held *claims.Holder
	if l.marked, held, err = l.Claims.Mark(ctx, l.marks, l.msg.ID); err != nil {
		return nil, false, l.claimError(ctx, l.giveBack(ctx, err))
	}
	if held == nil {
		return nil, false, nil
	}
	if rest := l.Timing.Call + op.Settle - held.Age; rest > 0 {
		// The holder may finish much earlier, so look again soon.
		return nil, false, l.giveBack(ctx, &later{min(rest, l.Timing.BackoffMost)})
	}
	replies, err = op.Taken(l.msg, held.MessageID, held.Since)
	return replies, true, err
}
