package topics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kandashub/observability"
	"kandashub/topics/claims"
)

// Timing is how long the steps of a message's life may take.
type Timing struct {
	Call         time.Duration // one call of a system
	Lease        time.Duration // of a claim; longer than Call
	Drain        time.Duration // given to running calls when a partition is handed over
	ParkAfter    time.Duration // of failing while the operation answers others
	BackoffLeast time.Duration
	BackoffMost  time.Duration
}

// Delivery carries the messages of one route through their life.
type Delivery struct {
	Route    Route
	Claims   *claims.Store
	Producer *Producer
	Gate     *Gate
	Timing   Timing

	// Check holds a message against the contract of its topic: "" or the code
	// of what is wrong with it, and the error that says so.
	Check func(topic string, m Message) (code string, err error)

	// Lease bounds the calls made under a context: nothing is sent once until
	// has passed. It is adapters.WithLease.
	Lease func(ctx context.Context, until time.Time) context.Context

	Metrics *observability.Metrics
	Log     *slog.Logger
	Now     func() time.Time
}

// life is one attempt at one message.
type life struct {
	*Delivery
	generation context.Context // ends when the partition is no longer ours
	record     *Record
	msg        Message
	claim      *claims.Claim
	marks      []string
	sent       bool        // the claim says sent: an effect is possible
	kept       bool        // the claim keeps the answer: the effect is done
	done       func(error) // tells the gate what came of it
	wrong      *Failure    // what the contract says is wrong with the message
}

// Deliver carries one record as far as it can go now. This is the life of a
// message; read it first.
//
// ctx is the generation's: once it has ended nothing new is begun, but a call
// that runs is carried to its end under its lease.
func (d *Delivery) Deliver(ctx context.Context, r *Record) (out outcome) {
	l := &life{Delivery: d, generation: ctx, record: r}
	defer l.recoverPanic(ctx, &out)

	// What cannot be trusted touches no claim.
	var err error
	if l.msg, err = Parse(r); err == nil {
		err = l.checkContract()
	}
	if err != nil {
		return l.distrusted(err)
	}

	// No claim while the route is paused or its breaker open.
	done, wait, ok := d.Gate.Admit()
	if !ok {
		return outcome{kind: paused, after: wait}
	}
	l.done = done
	defer func() { l.tell(context.Canceled) }() // unless a call has been told of

	if out, settled := l.take(ctx); settled {
		return out
	}
	ctx, cancel := l.underLease(ctx)
	defer cancel()
	if l.wrong != nil {
		if l.claim.Verdict == claims.Uncertain {
			l.wrong.Class = Undecided // it was called under an earlier contract
		}
		return l.dead(ctx, l.wrong)
	}
	replies, err := l.resolve(ctx)
	if err != nil {
		return l.failed(ctx, err)
	}
	return l.answered(ctx, replies)
}

// underLease returns a context for the steps from the claim on: it outlives the
// generation, but then only as long as the lease.
func (l *life) underLease(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(late, time.Until(l.claim.Lease))
		cancel()
	})
	return late, func() { stop(); cancel() }
}

// checkContract sorts what the contract finds: a wrong source means that the
// message cannot be trusted, anything else that it can never succeed.
func (l *life) checkContract() error {
	topic, _, _ := l.record.origin()
	code, err := l.Check(topic, l.msg)
	switch {
	case err == nil:
	case code == "wrong_source" || code == "subject":
		return &Distrust{Code: code, Err: err}
	default:
		l.wrong = &Failure{Class: Rejected, Code: code, Err: err}
	}
	return nil
}

// take claims the message. settled means that the claim alone decides what
// becomes of it.
func (l *life) take(ctx context.Context) (out outcome, settled bool) {
	var err error
	l.claim, err = l.Claims.Claim(ctx, l.request())
	if err != nil {
		return l.redisAway(ctx, err), true
	}
	l.Gate.Resume(PauseRedis)
	l.Metrics.Claim(l.Route.Name, l.claim.Verdict.String())
	switch l.claim.Verdict {
	case claims.Busy:
		return outcome{kind: waiting, after: l.claim.Wait}, true
	case claims.Done:
		l.Metrics.Processed(l.Route.Name, "duplicate")
		l.Metrics.Final(l.Route.Name, "duplicate")
		return outcome{kind: finished}, true
	case claims.Answered:
		l.kept = true
		return l.publish(ctx, l.claim.Reply), true
	case claims.Dead:
		return l.write(letterAgain(l.claim.Letter)), true
	case claims.Conflict:
		return l.distrusted(distrust("conflict", "a message of this id and source with other content was there before")), true
	default: // New, Uncertain
		l.sent = l.claim.Verdict == claims.Uncertain || l.request().Sent
		return out, false
	}
}

func (l *life) request() claims.Request {
	return claims.Request{
		Route: l.Route.Name, Application: l.msg.Subject, Source: l.msg.Source, ID: l.msg.ID,
		Fingerprint: l.msg.fingerprint(),
		Sent:        l.Route.Operation.Effect.sentAtOnce() && l.wrong == nil,
		Replicated:  l.Route.Operation.Effect == C3,
	}
}

// resolve gets the replies: by asking what became of an earlier attempt, or by
// the call. ctx is under the lease.
func (l *life) resolve(ctx context.Context) ([]Reply, error) {
	op := &l.Route.Operation
	if l.claim.Verdict == claims.Uncertain && !op.Effect.sentAtOnce() {
		if rest := l.Timing.Call + op.Settle - l.claim.SentAge; rest > 0 {
			return nil, l.giveBack(ctx, &later{rest})
		}
		if op.Ask == nil {
			return nil, Fail(Undecided, "uncertain", "an earlier attempt may have reached the system, which cannot be asked")
		}
		replies, arrived, err := l.ask(ctx)
		l.tell(err)
		if err != nil {
			return nil, unanswered(err)
		}
		if arrived {
			return replies, nil
		}
	}
	if op.Stale != nil {
		if replies, stale := op.Stale(l.msg, l.Now()); stale {
			return replies, nil
		}
	}
	if replies, settled, err := l.mark(ctx); settled || err != nil {
		return replies, err
	}
	if l.generation.Err() != nil { // nothing new is begun
		return nil, l.giveBack(ctx, errStopped)
	}
	if !l.sent || l.claim.Verdict == claims.Uncertain && !op.Effect.sentAtOnce() {
		if err := l.Claims.Sent(ctx, l.claim); err != nil {
			if !errors.Is(err, claims.ErrLost) {
				err = l.giveBack(ctx, err) // perhaps noted, but nothing is called
			}
			return nil, l.claimError(ctx, err)
		}
		l.sent = true
	}
	replies, err := l.call(ctx, op.Do)
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
func (l *life) call(ctx context.Context, do func(context.Context, Message) ([]Reply, error)) ([]Reply, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.Timing.Call)
	defer cancel()
	return do(l.Lease(ctx, l.claim.Lease), l.msg)
}

func (l *life) ask(ctx context.Context) (replies []Reply, arrived bool, err error) {
	replies, err = l.call(ctx, func(ctx context.Context, m Message) (r []Reply, err error) {
		r, arrived, err = l.Route.Operation.Ask(ctx, m, l.claim.SentAt)
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
		for _, id := range op.Voided(l.msg) {
			if err := l.Claims.Unmark(ctx, l.marks, id); err != nil {
				return nil, false, l.claimError(ctx, err)
			}
		}
	}
	held, err := l.Claims.Mark(ctx, l.marks, l.msg.ID)
	if err != nil {
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

// answered keeps the reply where the contract asks for it, publishes it, and
// ends the claim.
func (l *life) answered(ctx context.Context, replies []Reply) outcome {
	out, err := l.encodeReplies(replies)
	if err != nil {
		return l.dead(ctx, &Failure{Class: Undecided, Code: "reply", Err: err})
	}
	if len(replies) > 0 && l.Route.Operation.Effect.keepsReply() {
		if err := l.step(ctx, func() error { return l.Claims.Answered(ctx, l.claim, out) }); err != nil {
			return l.failed(ctx, l.claimError(ctx, err))
		}
		l.kept = true
	}
	return l.publish(ctx, out)
}

// reply is a kept reply: a message and the topic it goes to.
type reply struct {
	Topic   string
	Message Message
}

func (l *life) encodeReplies(replies []Reply) ([]byte, error) {
	now := l.Now().UTC()
	out := make([]reply, 0, len(replies))
	for i, r := range replies {
		data, err := json.Marshal(r.Data)
		if err != nil {
			return nil, fmt.Errorf("reply %d to %s cannot be encoded", i, r.Topic)
		}
		id := r.ID
		if id == "" {
			id = DeriveID(l.msg.ID, l.Route.Name, fmt.Sprint(i))
		}
		m := Message{
			ID: id, Type: r.Type, Source: SourceHub, Subject: l.msg.Subject, Time: now, RootTime: l.msg.RootTime,
			TraceParent: l.msg.TraceParent, Data: data,
		}
		if code, err := l.Check(r.Topic, m); err != nil {
			return nil, fmt.Errorf("reply %d to %s breaks its contract (%s): %w", i, r.Topic, code, err)
		}
		out = append(out, reply{r.Topic, m})
	}
	return json.Marshal(out)
}

// publish writes the replies and ends the claim.
func (l *life) publish(ctx context.Context, kept []byte) outcome {
	if out := l.writeReplies(ctx, kept); out.kind != finished {
		return out
	}
	if err := l.step(ctx, func() error { return l.Claims.Done(ctx, l.claim) }); err != nil {
		return l.failed(ctx, l.claimError(ctx, err))
	}
	l.finished()
	return outcome{kind: finished}
}

// writeReplies publishes kept replies. It does not give up while ctx lasts,
// unless a reply can never be written.
func (l *life) writeReplies(ctx context.Context, kept []byte) outcome {
	var replies []reply
	if err := json.Unmarshal(kept, &replies); err != nil {
		return l.unpublishable(ctx, "unknown", errors.New("the kept reply cannot be read"))
	}
	for _, r := range replies {
		for attempt := 1; ; attempt++ {
			err := l.Producer.Publish(ctx, r.Topic, r.Message)
			if err == nil {
				l.Gate.Resume(PauseKafka)
				break
			}
			if permanent(err) {
				return l.unpublishable(ctx, r.Topic, err)
			}
			wait := backoff(attempt, l.Timing.BackoffLeast, l.Timing.BackoffMost)
			l.Gate.Pause(PauseKafka, wait)
			if sleep(ctx, wait) != nil {
				return outcome{kind: stopped}
			}
		}
	}
	return outcome{kind: finished}
}

// finished counts and logs a message that has come to its end.
func (l *life) finished() {
	l.Metrics.Processed(l.Route.Name, "delivered")
	l.Metrics.Final(l.Route.Name, "delivered")
	l.Metrics.EndToEnd(l.Route.Name, l.Now().Sub(l.msg.RootTime))
	l.Log.Info("delivered", l.attrs()...)
}

func (l *life) attrs() []any {
	return []any{
		"route", l.Route.Name, "application", l.msg.Subject, "message_id", l.msg.ID, "type", l.msg.Type,
		"trace_id", traceID(l.msg.TraceParent),
	}
}

// traceID returns the trace id of a traceparent header, or nothing.
func traceID(traceparent string) string {
	t, err := observability.ParseTrace(traceparent)
	if err != nil {
		return ""
	}
	return t.ID()
}
