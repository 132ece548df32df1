package topics

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"kandashub/observability"
	"kandashub/topics/claims"
	"kandashub/topics/failpoint"
)

// What came of one attempt.
type outcomeKind uint8

const (
	finished  outcomeKind = iota // its offset is done
	published                    // its replies are written, its claim is to be ended
	retry                        // failed, surely without effect: again after a backoff
	waiting                      // not failing, but not to be tried before after has passed
	paused                       // the route is paused: nothing was begun
	held                         // a dead letter that holds its key
	stopped                      // the generation has ended
)

func (k outcomeKind) String() string {
	return [...]string{"finished", "published", "retry", "waiting", "paused", "held", "stopped"}[k]
}

type outcome struct {
	kind   outcomeKind
	before bool          // of finished: it had been finished before, nothing was done now
	after  time.Duration // of retry (0: the backoff decides), waiting and paused
	letter string        // of held: the letter's id
	offset int64         // of held: where the letter lies

	resolves string // the letter whose decision has been carried out
	try      *Try   // of an attempt that came to nothing
}

// later is the error of a step that must not be taken yet.
type later struct{ after time.Duration }

func (e *later) Error() string { return fmt.Sprintf("not before %s have passed", e.after) }

// errStopped means that the generation has ended under a step.
var errStopped = errors.New("the generation has ended")

// tell tells the gate what came of the call, once. A wrong setting pauses the
// route before the call ends, so that a probe does not let others through.
func (l *life) tell(err error) {
	if l.done == nil {
		return
	}
	var f *Failure
	if errors.As(err, &f) && f.Pause != "" {
		l.Gate.Pause(f.Pause, l.Timing.BackoffMost)
	}
	l.done(err)
	l.done = nil
}

// step takes a step at the claim, and again while Redis does not answer: what
// came of a call is known here alone, and without it a person would be asked. It
// ends with ctx.
func (l *life) step(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || errors.Is(err, claims.ErrLost) {
			return err
		}
		if ctx.Err() != nil {
			return errStopped
		}
		wait := backoff(attempt, l.Timing.BackoffLeast, l.Timing.BackoffMost)
		l.redisFailed(err, wait)
		if sleep(ctx, wait) != nil {
			return errStopped
		}
	}
}

// redisFailed pauses the route for a while: without claims there are no calls.
func (l *life) redisFailed(err error, wait time.Duration) {
	l.Gate.Pause(PauseRedis, wait+l.Timing.BackoffLeast)
	l.Metrics.Claim("error")
	l.work.Fail("redis")
	l.Log.Warn("redis does not answer: the route waits", "route", l.Route.Name, "error", err.Error())
}

// claimError turns an error of the claims into what the attempt comes to.
func (l *life) claimError(ctx context.Context, err error) error {
	var wait *later
	switch {
	case errors.As(err, &wait), errors.Is(err, errStopped):
		return err
	case errors.Is(err, claims.ErrLost):
		return &later{0} // another owner has it: ask again what became of it
	case ctx.Err() != nil:
		return errStopped
	}
	l.redisFailed(err, backoff(1, l.Timing.BackoffLeast, l.Timing.BackoffMost))
	return &later{l.Timing.BackoffLeast}
}

// redisAway is what an attempt comes to that could not claim.
func (l *life) redisAway(ctx context.Context, err error) outcome {
	return l.failed(ctx, l.claimError(ctx, err))
}

// giveBack releases the claim and returns err, or errStopped where it could not
// be released. A claim that another owner has is not ours to give back.
func (l *life) giveBack(ctx context.Context, err error) error {
	rerr := l.step(ctx, func() error { return l.Claims.Release(ctx, l.claim) })
	failpoint.Hit(failpoint.Released, l.Route.Name)
	if errors.Is(rerr, errStopped) {
		return rerr
	}
	return err
}

// unmark takes the message's markers away, as this attempt has written them.
func (l *life) unmark(ctx context.Context) error {
	if len(l.marks) == 0 {
		return nil
	}
	return l.step(ctx, func() error { return l.Claims.Unmark(ctx, l.marks, l.msg.ID, l.marked) })
}

// failed decides by class what becomes of a message without an answer.
func (l *life) failed(ctx context.Context, err error) outcome {
	var wait *later
	switch {
	case errors.Is(err, errStopped):
		return outcome{kind: stopped}
	case errors.As(err, &wait):
		out := outcome{kind: waiting, after: wait.after}
		if !l.asked.IsZero() {
			out.try = l.tried(codeClaim)
		}
		return out
	}
	f := FailureOf(err)
	effect := l.Route.Operation.Effect
	switch {
	case f.Class == Unavailable, f.Class == Uncertain && effect.sentAtOnce():
		return l.unavailable(ctx, f)
	case f.Class == Uncertain:
		// The claim goes on saying sent. Whoever takes it over after the lease
		// and settle asks first.
		l.Log.Warn("outcome unclear", append(l.attrs(), "code", f.Code, "error", f.Error())...)
		l.Metrics.Processed("retried")
		l.work.Fail(f.Code)
		return outcome{kind: waiting, after: max(l.Timing.Lease, l.Timing.Call+l.Route.Operation.Settle), try: l.tried(f.label())}
	default:
		return l.dead(ctx, f)
	}
}

// unavailable gives the claim and the markers back: the call surely did not
// happen.
func (l *life) unavailable(ctx context.Context, f *Failure) outcome {
	if l.claim.Verdict == claims.New {
		if err := l.unmark(ctx); err != nil {
			return l.failed(ctx, l.claimError(ctx, err))
		}
	}
	if err := l.giveBack(ctx, nil); err != nil {
		return l.failed(ctx, err)
	}
	l.Metrics.Processed("retried")
	l.work.Fail(f.Code)
	l.Log.Warn("the system did not answer", append(l.attrs(), "code", f.Code, "error", f.Error())...)
	return outcome{kind: retry, after: f.RetryAfter, try: l.tried(f.label())}
}

// dead makes the message a dead letter: first the claim says so, with the
// letter's id, then the letter is written.
func (l *life) dead(ctx context.Context, f *Failure) outcome {
	class := LetterRejected
	if f.Class == Undecided || f.Class == Uncertain {
		class = LetterUncertain
	}
	if l.kept {
		class = LetterEffectDone
	}
	if class == LetterRejected && l.claim.Verdict == claims.New {
		if err := l.unmark(ctx); err != nil {
			return l.failed(ctx, l.claimError(ctx, err))
		}
	}
	id := newLetterID(class, f.Code)
	if err := l.step(ctx, func() error { return l.Claims.Dead(ctx, l.claim, id) }); err != nil {
		return l.failed(ctx, l.claimError(ctx, err))
	}
	l.Metrics.Rejected(f.Code)
	l.work.Fail(f.Code)
	l.Log.Warn("dead letter", append(l.attrs(), "class", class, "code", f.Code, "letter", id, "error", f.Error())...)
	return l.write(&letter{id: id, class: class, code: f.Code, reason: f.Error(), holds: true})
}

// unpublishable makes a dead letter of a message whose effect is done, but
// whose reply can never be written as it is. Its replay publishes only.
func (l *life) unpublishable(ctx context.Context, topic string, cause error) outcome {
	if l.claim == nil { // a person's answer, and the claim says that all is done: it is kept until Kafka takes it
		l.Log.Error("a person's reply can not be published, trying again", append(l.attrs(), "topic", topic, "error", cause.Error())...)
		return outcome{kind: waiting, after: l.Timing.BackoffMost}
	}
	id := newLetterID(LetterEffectDone, "publish")
	if err := l.step(ctx, func() error { return l.Claims.Dead(ctx, l.claim, id) }); err != nil {
		return l.failed(ctx, l.claimError(ctx, err))
	}
	l.work.Fail("publish")
	l.Log.Error("a reply can not be published", append(l.attrs(), "topic", topic, "letter", id, "error", cause.Error())...)
	return l.write(&letter{id: id, class: LetterEffectDone, code: "publish", reason: "the reply to " + topic + ": " + cause.Error(), holds: true})
}

// distrusted writes a letter that holds nothing. Its id derives from where the
// record lies, so that a second reading makes the same letter.
func (l *life) distrusted(err error) outcome {
	code := "not_cloudevent"
	var d *Distrust
	if errors.As(err, &d) {
		code = d.Code
	}
	topic, partition, offset := l.record.origin()
	id := DeriveID("letter", l.Route.Name, topic, strconv.Itoa(partition), strconv.FormatInt(offset, 10))
	l.Metrics.Rejected(code)
	l.work.Fail(code)
	l.Log.Warn("dead letter", "route", l.Route.Name, "class", LetterUntrusted, "code", code, "letter", id,
		"topic", topic, "partition", partition, "offset", offset, "error", err.Error())
	return l.write(&letter{id: id, class: LetterUntrusted, code: code, reason: err.Error()})
}

// write writes a letter, but only while the partition is ours: the next owner
// meets the claim and writes it.
func (l *life) write(dl *letter) outcome {
	dl.record = l.record
	failpoint.Hit(failpoint.Dying, l.Route.Name)
	l.work.Start(observability.StepSend, l.Route.DeadTopic(), "")
	offset, err := l.bury(l.term, dl)
	l.work.Stop(codeOf(err))
	failpoint.Hit(failpoint.Buried, l.Route.Name)
	if err == nil {
		l.reportLetter(dl)
	}
	switch {
	case err != nil:
		return outcome{kind: stopped}
	case !dl.holds:
		return outcome{kind: finished}
	}
	return outcome{kind: held, letter: dl.id, offset: offset}
}

// recoverPanic turns a panic into a dead letter: of class uncertain if the
// call may have been made. The process lives.
func (l *life) recoverPanic(out *outcome) {
	p := recover()
	if p == nil {
		return
	}
	l.Metrics.Panic("delivery")
	// The panic's value may hold anything, personal data too: only its type and
	// the stack are logged.
	l.Log.Error("panic in one message", "route", l.Route.Name, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	l.tell(context.Canceled)
	f := Fail(Rejected, "panic", "the hub panicked on this message")
	switch {
	case l.claim == nil && !l.endBefore():
		*out = outcome{kind: stopped}
	case l.claim == nil:
		*out = l.distrusted(&Distrust{Code: "panic", Err: f.Err})
	case l.sent:
		*out = l.dead(l.term.overtime, Fail(Undecided, "panic", "the hub panicked after the call was begun"))
	default:
		*out = l.dead(l.term.overtime, f)
	}
}
