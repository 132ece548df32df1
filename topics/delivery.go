package topics

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
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
	Deadline     time.Duration // from a chain's first message to the effect, for metrics alone; 0: none
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

	// Known says whether a type or a source is one of the contract's: of a message
	// that breaks it, others are told neither to Outcomes nor to the log. nil: all
	// are, which is for tests of the rest.
	Known func(name string) bool

	// Losses tells of claims that Redis has lost. nil: a loss is not looked for,
	// which is for tests of the rest.
	Losses Losses

	Metrics *observability.RouteMetrics // of the route; may be nil
	Tracer  *observability.Tracer       // nil: tracing is off
	Log     *slog.Logger
	Now     func() time.Time
}

// A term is the time in which a partition is ours. It ends with the generation, and
// then nothing new is begun. What has been begun is carried to its end in overtime,
// which lasts a lease longer.
type term struct {
	context.Context
	overtime context.Context
	decided  time.Time // of a decision that is carried out: when it was written
}

func newTerm(ctx context.Context, lease time.Duration) term {
	overtime, over := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(lease, over) })
	return term{Context: ctx, overtime: overtime}
}

// life is one attempt at one message.
type life struct {
	*Delivery
	term    term
	record  *Record
	tries   *tries // at it before this one
	msg     Message
	claim   *claims.Claim
	marks   []string
	marked  time.Time           // the marks were written, on Redis' clock
	sent    bool                // the claim says sent: an effect is possible
	kept    bool                // the claim keeps the answer: the effect is done
	done    func(error)         // tells the gate what came of it
	limiter *limiter            // of the calls
	probes  bool                // it was admitted although the route is paused
	began   time.Time           // this attempt
	read    time.Time           // the same, by the clock that is told to others
	asked   time.Time           // the call of the system began, by that clock; zero if there was none
	took    time.Duration       // of the call
	work    *observability.Work // for its trace; nil where tracing is off
	wrong   *Failure            // what the contract says is wrong with the message

	// before is the message before this one in a series, if its claim is still to
	// be ended. It then is ended, and out is what it came to.
	before *life
	ended  bool
	out    outcome
	passed func() // told once before is finished; nil where there is none
}

// Deliver carries one record as far as it can go now. This is the life of a
// message; read it first. What it calls is in call.go, what it writes in
// reply.go, and what becomes of it without an answer in outcome.go. Messages that
// stand one behind the other in a lane are carried by series.go.
//
// Once the term has ended nothing new is begun, but a call that runs is carried to
// its end under its lease. tries are those at the record so far.
func (d *Delivery) Deliver(t term, r *Record, limiter *limiter, tries *tries) outcome {
	l := d.begin(t, r)
	l.limiter, l.tries = limiter, tries
	if out := l.attempt(); out.kind != published {
		return out
	}
	return l.end()
}

func (d *Delivery) begin(t term, r *Record) *life {
	return &life{Delivery: d, term: t, record: r, began: time.Now(), read: d.Now(), work: d.Tracer.Begin("process", r.Topic, d.Route.Name)}
}

// attempt is all of it but the end of the claim, which may go together with the
// next one.
func (l *life) attempt() (out outcome) {
	defer func() {
		if out.kind != published {
			l.measure(out.kind)
		}
	}()
	defer l.recoverPanic(&out)

	// What cannot be trusted touches no claim.
	var err error
	if l.msg, err = parseHead(l.record); err == nil {
		l.trace()
		err = l.checkContract()
	}
	if err != nil {
		if !l.endBefore() {
			return outcome{kind: stopped}
		}
		return l.distrusted(err)
	}

	l.work.About(l.msg.Subject)

	// No claim while the route is paused or its breaker open.
	done, wait, ok := l.Gate.Admit()
	if !ok {
		l.endBefore()
		return outcome{kind: paused, after: wait}
	}
	l.done = done
	l.probes = l.Gate.paused()
	defer func() { l.tell(context.Canceled) }() // unless a call has been told of

	if out, settled := l.take(l.term); settled {
		return out
	}
	if l.wrong != nil {
		if l.claim.Verdict == claims.Uncertain {
			l.wrong.Class = Undecided // it was called under an earlier contract
		}
		return l.dead(l.term.overtime, l.wrong)
	}
	replies, err := l.inPlace(l.term.overtime)
	if err != nil {
		return l.failed(l.term.overtime, err)
	}
	return l.answered(l.term.overtime, replies)
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
	l.work.Start(observability.StepClaim, "claim", "")
	l.claim, err = l.claimNext(ctx, request)
	l.work.Stop(codeOf(err))
	if err != nil {
		if l.before != nil && l.before.out.kind != finished {
			return outcome{kind: stopped}, true
		}
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
		return outcome{kind: finished, before: true}, true
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
//
// A panic here must not make a letter of what is done, nor end the route.
func (l *life) finished() {
	defer func() {
		if p := recover(); p != nil {
			l.Metrics.Panic("delivery")
			l.Log.Error("panic after a message was finished", "route", l.Route.Name, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		}
	}()
	l.Metrics.Processed("delivered")
	l.Metrics.Final("delivered")
	l.Metrics.EndToEnd(l.Now().Sub(l.msg.RootTime), l.Timing.Deadline, l.work.Exemplar())
	l.Log.Info("delivered", l.attrs()...)
	l.report(ResultDelivered, nil)
}

// measure records the hub's own time for an attempt that has come to something,
// and ends its trace.
func (l *life) measure(kind outcomeKind) {
	if kind != paused && kind != stopped {
		l.Metrics.Process(time.Since(l.began)-l.took, kind == finished, l.work.Exemplar())
	}
	l.work.End(kind.String())
}

func (l *life) attrs() []any {
	return []any{
		"route", l.Route.Name, "application", l.msg.Subject, "message_id", l.msg.ID, "type", l.named(l.msg.Type),
		"trace_id", l.msg.Trace.ID(),
	}
}

// trace sees to it that the message has a trace context. One that came without
// begins a trace that follows from its id, so that all attempts share it.
func (l *life) trace() {
	if l.msg.Trace.IsZero() {
		l.msg.Trace = firstTrace(l.msg)
		l.work.Root(l.msg.Trace)
	} else {
		l.work.Follow(l.msg.Trace)
	}
	l.msg.Trace = l.Tracer.Mark(l.msg.Trace)
}

// firstTrace is the trace of a message that came without one.
func firstTrace(m Message) observability.Trace { return observability.TraceFrom(m.Source + " " + m.ID) }
