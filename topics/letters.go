package topics

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/observability"
)

// A Letter is a dead letter, for people.
type Letter struct {
	ID, Class, Code, Reason string
	Holds                   bool // later messages of the application wait for the decision
	Lost                    bool // Kafka has deleted what this one stands in for, message and all: it can only be discarded
	Route                   Route
	Record                  *Record // as it lies in the dead topic

	Decisions []Decision        // in the order in which they were written, without those that were refused
	Refused   []RefusedDecision // that the hub could not carry out, in the order in which it said so
	Resolved  bool              // one of the decisions has been carried out
	Result    string            // what that came to, one of the Result constants; empty where it is not known

	// Next is the next letter of the same message: it was replayed, and died
	// again, or its discard was undone. Empty if there is none.
	Next string
}

// A Decision is what a person wrote down of a letter.
type Decision struct {
	ID, Action, Who, Why string
	At                   time.Time
}

// A RefusedDecision is one that the hub could not carry out. It has changed nothing.
type RefusedDecision struct {
	Decision
	Reason string
}

// HasMessage says whether the letter has a message that can be acted on; else it can
// only be discarded.
func (l Letter) HasMessage() bool { return l.Holds && !l.Lost }

// Message returns source and id of the message that the letter holds; both are
// empty where it has none.
func (l Letter) Message() (source, id string) {
	source, _ = l.Record.header("ce_source")
	id, _ = l.Record.header("ce_id")
	return source, id
}

// Trace returns the trace id of the letter's message, also of one that came
// without; empty where the letter has no message, or comes from an index without its
// headers.
func (l Letter) Trace() string {
	source, id := l.Message()
	if !l.Holds || id == "" {
		return ""
	}
	parent, _ := l.Record.header("traceparent")
	t, err := observability.ParseTrace(parent)
	if err != nil {
		t = firstTrace(Message{Source: source, ID: id})
	}
	return t.ID()
}

// Application returns the letter's application as a person may see it. The key of
// a letter that holds nothing may be anything, a name perhaps: "[key]" stands for
// it.
func (l Letter) Application() string {
	if l.Holds {
		return observability.MaskID(string(l.Record.Key))
	}
	return "[key]"
}

// Header returns a header of the letter, and whether it is there.
func (l Letter) Header(name string) (string, bool) { return l.Record.header(name) }

// ReadLetters returns the unresolved dead letters of a route.
func ReadLetters(ctx context.Context, c *Cluster, route Route) ([]Letter, error) {
	log := NewLetterLog(c, route)
	if err := log.begin(ctx, true); err != nil {
		return nil, err
	}
	if err := log.Read(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(log.Letters(), func(l Letter) bool { return l.Resolved }), nil
}

// ReadLetterAt returns the one letter that lies at an offset of a route's dead
// topic, without its decisions; an error if there is none.
func ReadLetterAt(ctx context.Context, c *Cluster, route Route, partition int, offset int64) (Letter, error) {
	r, err := c.readAt(ctx, route.DeadTopic(), partition, offset)
	if err != nil {
		return Letter{}, err
	}
	if kind, _ := r.header(headerKind); kind != kindLetter {
		return Letter{}, fmt.Errorf("reading %s/%d: no letter at offset %d", route.DeadTopic(), partition, offset)
	}
	id, _ := r.header("hub_letter")
	return letterOf(route, id, r), nil
}

// letterOf reads a letter as it lies in the dead topic.
func letterOf(route Route, id string, r *Record) Letter {
	l := Letter{ID: id, Route: route, Record: r}
	l.Class, _ = r.header("hub_class")
	l.Code, _ = r.header("hub_code")
	l.Reason, _ = r.header("hub_reason")
	holds, _ := r.header("hub_holds")
	l.Holds = holds == "true"
	l.Lost = r.isLost()
	return l
}

// Decide writes what a person decided of a letter: a record beside it, which the
// hub that owns the partition carries out. id names the decision, so that a
// repeat of the command is the same one; who and why are kept with it.
func (p *Producer) Decide(ctx context.Context, l Letter, action, id, who, why string, replies ...GivenReply) error {
	var value []byte
	if action == DecideAnswer {
		var err error
		if value, err = json.Marshal(replies); err != nil {
			return fmt.Errorf("the answer cannot be encoded: %w", err)
		}
	}
	return p.decide(ctx, l, action, id, who, why, value)
}

// decide writes a decision beside its letter.
func (p *Producer) decide(ctx context.Context, l Letter, action, id, who, why string, value []byte, more ...kafka.Header) error {
	var headers []kafka.Header
	for _, kv := range [][2]string{{headerKind, kindDecision}, {"hub_letter", l.ID}, {headerDecision, action},
		{headerDecisionID, id}, {"hub_who", who}, {"hub_why", why}} {
		headers = append(headers, kafka.Header{Key: kv[0], Value: []byte(kv[1])})
	}
	_, err := p.Append(ctx, l.Route.DeadTopic(), l.Record.Partition, record(l.Record.Key, value, append(headers, more...)))
	return err
}
