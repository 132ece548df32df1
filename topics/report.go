package topics

import (
	"context"
	"strings"
	"time"

	"kandashub/observability"
)

// What has become of a message, as an Outcome says it.
const (
	ResultDelivered    = "delivered"     // answered, and its replies are written
	ResultDuplicate    = "duplicate"     // it had been finished before: dropped
	ResultParked       = "parked"        // it waits behind its application's head
	ResultRejected     = "rejected"      // a dead letter, by the sender's fault
	ResultDeadLettered = "dead_lettered" // a dead letter, by anything else
	ResultAnswered     = "answered"      // a person gave the reply
	ResultDiscarded    = "discarded"     // a person decided that nothing more is to happen
)

// ResultNone is the result of what has come to nothing yet: it is being handled, or
// waits. No such outcome is written; see package inspect.
const ResultNone = ""

// An Outcome is what has become of one message at one route: ids and times, and
// nothing of what the message carries. A later one of the same message takes its
// place: parked, then delivered. Times that are not known are zero.
type Outcome struct {
	Application string `json:"application"` // empty where the message cannot be trusted to name one
	Route       string `json:"route"`
	Topic       string `json:"topic"` // where it was first read, as are the next two
	Partition   int    `json:"partition"`
	Offset      int64  `json:"offset"`
	ID          string `json:"ce_id,omitempty"`     // ce_id; empty where it cannot be trusted, as are the next two
	Type        string `json:"ce_type,omitempty"`   // ce_type; empty where the contract has no such type
	Source      string `json:"ce_source,omitempty"` // ce_source; empty where the contract has no such source
	System      string `json:"system"`
	Operation   string `json:"operation"`
	Result      string `json:"result"`           // one of the Result constants
	Letter      string `json:"letter,omitempty"` // id of its dead letter
	Class       string `json:"class,omitempty"`  // of the letter, as is the next
	Code        string `json:"code,omitempty"`
	Attempts    int    `json:"attempts,omitempty"` // by its last owner, since it was parked if it was

	// Tries are the attempts before the last one, oldest first; of a parked message,
	// those made before it was parked. Of many, the first and the last ones.
	Tries []Try `json:"tries,omitempty"`

	// Pauses of its route for which it waited, in the order in which they began, also
	// with its tries between; of a parked message, those until it was parked. They
	// are those of its last owner's breaker and of nobody else's. Of many, the first
	// and the last ones.
	Pauses []PastPause `json:"pauses,omitempty"`

	Time      time.Time `json:"ce_time,omitzero"`     // ce_time: its writer made it
	Root      time.Time `json:"ce_roottime,omitzero"` // ce_roottime: the first message of its chain was made
	Written   time.Time `json:"written,omitzero"`     // Kafka took it, by the broker's clock
	Parked    time.Time `json:"parked,omitzero"`      // it was set aside, by the broker's clock
	Read      time.Time `json:"read,omitzero"`        // its last attempt began
	CallBegan time.Time `json:"call_began,omitzero"`  // the last call of the system, or the last question about one
	CallEnded time.Time `json:"call_ended,omitzero"`
	Finished  time.Time `json:"finished"` // it came to this result

	Trace string `json:"trace,omitempty"` // trace id of the chain
}

// Outcomes takes what has become of messages; see package outcomes, which writes
// it to hub.outcomes.
type Outcomes interface {
	// Report takes an outcome and does not block.
	Report(o Outcome)

	// Mark returns what Flush waits for: all that has been reported so far.
	Mark() uint64

	// Flush returns nil once what had been reported at a mark is written or given
	// up. A route commits the offsets of finished messages only then.
	Flush(ctx context.Context, mark uint64) error
}

// flushTime bounds how long one commit waits for outcomes. It is short, for it
// also comes before a partition is handed over; what is not committed then, the
// next owner reads again and drops by its claim.
const flushTime = 2 * time.Second

// flushOutcomes waits until the outcomes reported up to a mark are written.
func (d *Delivery) flushOutcomes(mark uint64) error {
	if d.Outcomes == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	return d.Outcomes.Flush(ctx, mark)
}

// report tells what has become of the message. l.msg is what the record says of
// itself; a letter that holds nothing says that it cannot be trusted.
func (l *life) report(result string, dl *letter) {
	if l.Outcomes == nil {
		return
	}
	o := l.Delivery.outcome(l.record, result)
	o.Attempts, o.Tries, o.Read = l.tries.count()+1, l.tries.list(), l.read
	o.CallBegan, o.CallEnded = l.called()
	o.Pauses = l.Gate.met(l.waitedSince(), l.read)
	if dl != nil {
		o.Letter, o.Class, o.Code = dl.id, dl.class, dl.code
	}
	if dl == nil || dl.holds {
		l.identify(&o, l.msg)
	}
	l.Outcomes.Report(o)
}

// reportLetter tells that the message is a dead letter now.
func (l *life) reportLetter(dl *letter) {
	result := ResultDeadLettered
	if dl.class == LetterRejected || dl.class == LetterUntrusted {
		result = ResultRejected
	}
	l.report(result, dl)
}

// reportDecision tells that a letter has been decided, other than by a replay,
// whose message comes to an outcome of its own.
func (l *life) reportDecision(what *decision) {
	result := ResultDiscarded
	if what.action == DecideAnswer {
		result = ResultAnswered
	}
	class, _ := l.record.header("hub_class")
	code, _ := l.record.header("hub_code")
	holds, _ := l.record.header("hub_holds")
	l.report(result, &letter{id: what.letter, class: class, code: code, holds: holds == "true"})
}

// reportParked tells that a message of a source waits in the parked topic.
func (d *Delivery) reportParked(r *Record, t *tries) {
	if d.Outcomes == nil {
		return
	}
	o := d.outcome(r, ResultParked)
	o.Attempts, o.Tries, o.Parked = t.count(), t.list(), o.Finished
	o.Pauses = d.Gate.met(r.Time, o.Parked)
	if m, err := parseHead(r); err == nil {
		if m.Trace.IsZero() {
			m.Trace = firstTrace(m)
		}
		d.identify(&o, m)
	}
	d.Outcomes.Report(o)
}

// outcome begins an Outcome with what is known of every record. Of one that
// cannot be trusted the key may be anything, a name perhaps: it is taken for an
// application only where it looks like one.
func (d *Delivery) outcome(r *Record, result string) Outcome {
	o := Outcome{
		Route: d.Route.Name, System: d.Route.Operation.System, Operation: d.Route.Operation.Name,
		Result: result, Written: r.written(), Finished: d.Now().UTC(),
	}
	o.Topic, o.Partition, o.Offset = r.origin()
	if kind, _ := r.header(headerKind); kind == kindParked {
		o.Parked = r.Time.UTC()
	}
	if key := string(r.Key); looksLikeApplication(key) {
		o.Application = key
	}
	return o
}

// identify takes over what a message says of itself.
func (d *Delivery) identify(o *Outcome, m Message) {
	o.Application = observability.MaskID(m.Subject)
	o.ID, o.Time, o.Root, o.Trace = observability.MaskID(m.ID), m.Time, m.RootTime, m.Trace.ID()
	o.Type, o.Source = d.named(m.Type), d.named(m.Source)
}

// named returns a type or a source that the contract has, and nothing for others:
// of a message that breaks it they may be anything, a name perhaps.
func (d *Delivery) named(name string) string {
	if d.Known != nil && !d.Known(name) {
		return ""
	}
	return name
}

// looksLikeApplication says whether s begins with a channel in small letters, as
// egov-2026-17 does, and has no run of digits that may be an IIN.
func looksLikeApplication(s string) bool {
	channel, rest, ok := strings.Cut(s, "-")
	return ok && rest != "" && IsApplicationID(s) && observability.MaskID(s) == s &&
		channel != "" && strings.IndexFunc(channel, func(c rune) bool { return c < 'a' || c > 'z' }) < 0
}
