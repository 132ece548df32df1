package observability

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// A Work is one piece of work at a message, with its steps: one attempt of a
// route, or the intake taking it over. It notes names and times, and nothing
// else; only at its end are spans made of it, for only then is it known whether
// it has failed and is to be kept although its trace is not.
//
// A Work belongs to one goroutine. A nil *Work notes nothing.
type Work struct {
	tracer *Tracer
	span   Trace // this piece of work; which span of its trace is said at the end
	parent Trace // what it follows from; zero: nothing
	began  time.Time

	verb, topic, route, application, failure string

	steps []step
	first [6]step // where the steps are, mostly
}

// A StepKind is what a step does.
type StepKind int

// The kinds of step. The names of a step are the topic, of Claim what is done at
// the claim, and of Call the system and its operation.
const (
	StepSend StepKind = iota
	StepClaim
	StepCall
)

// step is one step of a Work, with the id of its span if that is known before.
type step struct {
	kind         StepKind
	name, more   string
	span         Trace
	began, ended time.Duration // since the work began; ended is 0 until then
	failure      string
}

// Begin begins a piece of work at a message of a topic: verb is process or
// receive. route may be empty.
func (t *Tracer) Begin(verb, topic, route string) *Work {
	if t == nil {
		return nil
	}
	w := t.works.Get().(*Work)
	*w = Work{tracer: t, verb: verb, topic: topic, route: route, began: time.Now()}
	w.steps = w.first[:0]
	return w
}

// Follow makes the work follow from a span.
func (w *Work) Follow(parent Trace) {
	if w != nil {
		w.parent, w.span = parent, w.tracer.Mark(parent)
	}
}

// Root makes the work a first span of a trace: it follows from nothing.
func (w *Work) Root(t Trace) {
	if w != nil {
		w.parent, w.span = Trace{}, w.tracer.Mark(t)
	}
}

// Next returns the trace context of a message that the work is about to send; t
// where tracing is off.
func (w *Work) Next(t Trace) Trace {
	if w == nil {
		return t
	}
	return w.span.Child()
}

// About names the application. Its id must have been checked: it is shown.
func (w *Work) About(application string) {
	if w != nil {
		w.application = application
	}
}

// Start begins a step; [Work.Stop] ends it.
func (w *Work) Start(kind StepKind, name, more string) {
	if w != nil {
		w.steps = append(w.steps, step{kind: kind, name: name, more: more, began: time.Since(w.began)})
	}
}

// Send begins the step that writes a message to a topic. The message's trace
// context names the step: whoever reads the message follows from that.
func (w *Work) Send(topic string, t Trace) {
	if w == nil {
		return
	}
	w.Start(StepSend, topic, "")
	if t.id == w.span.id {
		w.steps[len(w.steps)-1].span = t
	}
}

// Stop ends the step begun last. failure is a code, empty if all is well.
func (w *Work) Stop(failure string) {
	if w == nil || len(w.steps) == 0 {
		return
	}
	s := &w.steps[len(w.steps)-1]
	s.ended, s.failure = time.Since(w.began), failure
}

// Fail says that the work has failed, by a code: it is kept.
func (w *Work) Fail(code string) {
	if w != nil {
		w.failure = code
	}
}

// Exemplar is the id of the work's trace, if that is kept; else empty.
func (w *Work) Exemplar() string {
	if w == nil || !w.span.sampled {
		return ""
	}
	return w.span.ID()
}

// End ends the work, with what came of it, and makes spans if it is kept. The
// work must not be used again.
func (w *Work) End(outcome string) {
	if w == nil {
		return
	}
	if w.span.IsZero() {
		w.span = w.tracer.Mark(NewTrace()) // it could not be told whose it is
	}
	if w.span.sampled || w.failure != "" {
		w.export(outcome, time.Now())
	}
	w.tracer.works.Put(w)
}

func (w *Work) export(outcome string, ended time.Time) {
	w.span = w.span.Child()
	attrs := append(messaging(w.verb, w.topic), attribute.String("hub.outcome", outcome))
	for key, value := range map[string]string{"hub.route": w.route, "hub.application": scrubID(w.application, func(string) {})} {
		if value != "" {
			attrs = append(attrs, attribute.String(key, value))
		}
	}
	kind := trace.SpanKindConsumer
	if w.verb == "receive" {
		kind = trace.SpanKindServer
	}
	whole := w.tracer.start(w.parent, w.span, w.verb+" "+w.topic, kind, w.began, attrs)
	for _, s := range w.steps {
		w.exportStep(s, ended)
	}
	finish(whole, w.failure, ended)
}

func (w *Work) exportStep(s step, ended time.Time) {
	if s.span.IsZero() {
		s.span = w.span.Child()
	}
	if s.ended == 0 {
		s.ended, s.failure = ended.Sub(w.began), "unfinished" // a panic has passed by
	}
	began := w.began.Add(s.began)
	var span trace.Span
	switch s.kind {
	case StepSend:
		span = w.tracer.start(w.span, s.span, "send "+s.name, trace.SpanKindProducer, began, messaging("send", s.name))
	case StepClaim:
		span = w.tracer.start(w.span, s.span, s.name, trace.SpanKindClient, began, []attribute.KeyValue{
			attribute.String("db.system.name", "redis"), attribute.String("db.operation.name", s.name)})
	default:
		span = w.tracer.start(w.span, s.span, strings.TrimSpace(s.name+" "+s.more), trace.SpanKindClient, began, []attribute.KeyValue{
			attribute.String("hub.system", s.name), attribute.String("hub.operation", s.more)})
	}
	finish(span, s.failure, w.began.Add(s.ended))
}

// messaging are the attributes of OpenTelemetry's conventions for messages. The
// key and the id of a message are not among them.
func messaging(operation, topic string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.type", operation),
		attribute.String("messaging.destination.name", topic),
	}
}

// start makes a span with the ids that it has had all the time.
func (t *Tracer) start(parent, self Trace, name string, kind trace.SpanKind, began time.Time, attrs []attribute.KeyValue) trace.Span {
	ctx := context.WithValue(context.Background(), idsKey{}, self)
	if !parent.IsZero() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: parent.id, SpanID: parent.span, TraceFlags: trace.FlagsSampled, Remote: true}))
	}
	_, span := t.spans.Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(began), trace.WithAttributes(attrs...))
	return span
}

func finish(span trace.Span, failure string, ended time.Time) {
	if failure != "" {
		span.SetStatus(codes.Error, failure)
		span.SetAttributes(attribute.String("error.type", failure))
	}
	span.End(trace.WithTimestamp(ended))
}
