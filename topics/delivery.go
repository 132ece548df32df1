package topics

import (
	"context"
	"log/slog"
	"time"

	"kandashub/observability"
	"kandashub/topics/claims"
	"kandashub/topics/failpoint"
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
	// of what is wrong with it, and the error that says so. It finds a payload
	// that is no JSON.
	Check func(topic string, m Message) (code string, err error)

	// Lease bounds the calls made under a context: nothing is sent once until
	// has passed. It is adapters.WithLease.
	Lease func(ctx context.Context, until time.Time) context.Context

	// Outcomes takes what has become of messages. nil: nobody asks.
	Outcomes Outcomes

	// Losses tells of claims that Redis has lost. nil: a loss is not looked for,
	// which is for tests of the rest.
	Losses Losses

	Metrics *observability.RouteMetrics // of the route; may be nil
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
	began      time.Time   // this attempt
	calling    time.Time   // the call of the system began; zero if there was none
	took       time.Duration
	wrong      *Failure // what the contract says is wrong with the message
}

// Deliver carries one record as far as it can go now. This is the life of a
// message; read it first. What it calls is in call.go, what it writes in
// reply.go, and what becomes of it without an answer in outcome.go.
//
// ctx is the generation's: once it has ended nothing new is begun, but a call
// that runs is carried to its end under its lease.
func (d *Delivery) Deliver(ctx context.Context, r *Record) (out outcome) {
	l := &life{Delivery: d, generation: ctx, record: r, began: d.Now()}
	defer func() { out.took = l.took }()
	defer l.recoverPanic(ctx, &out)

	// What cannot be trusted touches no claim.
	var err error
	if l.msg, err = parseHead(r); err == nil {
		l.msg.TraceParent = traced(l.msg)
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

// checkContract sorts what the contract finds: a wrong source, or what is no
// JSON, means that the message cannot be trusted, anything else that it can never
// succeed.
func (l *life) checkContract() error {
	topic, _, _ := l.record.origin()
	code, err := l.Check(topic, l.msg)
	switch {
	case err == nil:
	case code == "wrong_source" || code == "subject":
		return &Distrust{Code: code, Err: err}
	case !isJSON(l.msg.Data):
		return errNotJSON()
	default:
		l.wrong = &Failure{Class: Rejected, Code: code, Err: err}
	}
	return nil
}

// take claims the message. settled means that the claim alone decides what
// becomes of it.
func (l *life) take(ctx context.Context) (out outcome, settled bool) {
	var err error
	request := l.request()
	l.claim, err = l.Claims.Claim(ctx, request)
	if err != nil {
		return l.redisAway(ctx, err), true
	}
	l.Gate.Resume(PauseRedis)
	l.Metrics.Claim(l.claim.Verdict.String())
	if l.claim.Lost && l.Losses != nil {
		if out, settled := l.claimsLost(ctx); settled {
			return out, true
		}
	}
	switch l.claim.Verdict {
	case claims.Busy:
		return outcome{kind: waiting, after: l.claim.Wait}, true
	case claims.Done:
		l.Metrics.Processed("duplicate")
		l.Metrics.Final("duplicate")
		l.report(ResultDuplicate, nil)
		return outcome{kind: finished}, true
	case claims.Answered:
		l.kept = true
		return l.publishKept(ctx, l.claim.Reply), true
	case claims.Dead:
		return l.write(letterAgain(l.claim.Letter)), true
	case claims.Conflict:
		return l.distrusted(distrust("conflict", "a message of this id and source with other content was there before")), true
	default: // New, Uncertain
		failpoint.Hit(failpoint.Claimed, l.Route.Name)
		l.sent = l.claim.Verdict == claims.Uncertain || request.Sent
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

// finished counts and logs a message that has come to its end.
func (l *life) finished() {
	l.Metrics.Processed("delivered")
	l.Metrics.Final("delivered")
	l.Metrics.EndToEnd(l.Now().Sub(l.msg.RootTime))
	l.Log.Info("delivered", l.attrs()...)
	l.report(ResultDelivered, nil)
}

func (l *life) attrs() []any {
	return []any{
		"route", l.Route.Name, "application", l.msg.Subject, "message_id", l.msg.ID, "type", l.msg.Type,
		"trace_id", observability.TraceID(l.msg.TraceParent),
	}
}

// traced returns the trace context of a message. One that came without begins a
// trace that follows from its id, so that all attempts share it.
func traced(m Message) string {
	t, err := observability.ParseTrace(m.TraceParent)
	if err != nil {
		t = observability.TraceFrom(m.Source + " " + m.ID)
	}
	return t.String()
}
