package topics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"

	"kandashub/topics/claims"
	"kandashub/topics/failpoint"
)

// What a person may decide of a dead letter.
const (
	DecideReplay  = "replay"  // carry the message out (again); an uncertain one is asked about first
	DecideAnswer  = "answer"  // write the given replies instead of calling the system
	DecideDiscard = "discard" // nothing more is to happen
	DecideUndo    = "undo"    // take a discard back: see undo.go
)

// Headers of a decision, beside hub_letter.
const (
	headerDecision   = "hub_decision"
	headerDecisionID = "hub_decision_id"
	headerResult     = "hub_result" // of what has been carried out: one of the Result constants
)

// A GivenReply is one reply of a person's answer.
type GivenReply struct {
	Topic string          `json:"topic"`
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
}

// decision is a decision about to be carried out, at the head of its lane.
type decision struct {
	record *Record
	letter string
	action string
	id     string
	lies   int64 // where the letter lies in the dead topic
}

// decided takes a decision that has arrived. One for a letter that is resolved
// or unknown is finished: another decision was first. An undo is about such a
// letter, and says itself where it lies.
func (p *partition) decided(r *Record) {
	d := &decision{record: r}
	d.letter, _ = r.header("hub_letter")
	d.action, _ = r.header(headerDecision)
	d.id, _ = r.header(headerDecisionID)
	key, lies, ok := p.letterOf(d)
	if !ok {
		p.settle(p.dead, r.Offset)
		return
	}
	d.lies = lies
	l := p.lane(key)
	l.decisions = append(l.decisions, d)
	p.schedule(l)
}

// letterOf returns the key of a decision's letter, and where it lies.
func (p *partition) letterOf(d *decision) (key string, lies int64, ok bool) {
	if d.action == DecideUndo {
		lies, ok = d.record.letterLies()
		return string(d.record.Key), lies, ok
	}
	known := p.index.letters[d.letter]
	if known == nil || known.resolved || len(known.offsets) == 0 {
		return "", 0, false
	}
	return known.key, known.offsets[0], true
}

// carryOut carries out a decision and writes down that its letter is resolved.
func (p *partition) carryOut(ctx context.Context, d *decision, tries *tries) outcome {
	letter, err := p.cluster.readAt(ctx, p.dead.topic, p.number, d.lies)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return outcome{kind: stopped}
	case d.action == DecideUndo && errors.Is(err, errGone):
		return p.refuse(d, undoGone) // else it would wait, and its application with it, for ever
	case errors.Is(err, errGone):
		p.post(p.replaceLost) // and go on with the stand-in
		return outcome{kind: waiting, after: p.delivery.Timing.BackoffLeast}
	default:
		p.delivery.Log.Warn("a dead letter cannot be read", "route", p.delivery.Route.Name, "letter", d.letter, "error", err.Error())
		return outcome{kind: waiting, after: p.delivery.Timing.BackoffLeast}
	}
	t := term{ctx, p.overtime, d.record.Time}
	if d.action == DecideUndo {
		out, refused := p.delivery.undo(t, letter, d)
		if refused != "" {
			return p.refuse(d, refused)
		}
		return out
	}
	out, refused := p.delivery.Decide(t, letter, d, p.limiter, tries)
	if refused != "" {
		return p.refuse(d, refused)
	}
	if out.kind != finished && out.kind != held {
		return out
	}
	failpoint.Hit(failpoint.Resolving, p.delivery.Route.Name)
	note := controlRecord(string(letter.Key), kindResolved, "hub_letter", d.letter)
	note.Headers = append(note.Headers, kafka.Header{Key: headerResult, Value: []byte(resultOf(d.action, out))})
	if _, err := p.append(p.dead.topic, note); err != nil {
		return outcome{kind: stopped}
	}
	failpoint.Hit(failpoint.Resolved, p.delivery.Route.Name)
	p.delivery.Metrics.Resolved(resolution(d.action))
	out.resolves = d.letter
	return out
}

// resultOf is what a decision that has been carried out came to. After a crash
// before that was written down, what this hub had delivered is a duplicate, too.
func resultOf(action string, out outcome) string {
	switch {
	case out.before:
		return ResultDuplicate
	case action == DecideAnswer:
		return ResultAnswered
	case action == DecideDiscard:
		return ResultDiscarded
	case out.kind == held:
		return ResultDeadLettered
	}
	return ResultDelivered
}

// resolution is the metric label of an action.
func resolution(action string) string {
	return map[string]string{DecideReplay: "replayed", DecideAnswer: "answered", DecideDiscard: "discarded"}[action]
}

// Why a decision is refused. A record beside the letter says so to whoever looks at
// it; who has asked for an undo or carries out a plan waits for that. hubctl holds an
// answer against the contract before it writes it, but may know another one.
const (
	letterUnread = "the letter cannot be read"
	letterLost   = "Kafka has deleted the letter, and its message with it: it can only be discarded"
	answerUnread = "the given replies cannot be read"
	answerBroken = "the given replies break their contract"
)

// refuse ends a decision that cannot be carried out: the letter stays as it is.
func (p *partition) refuse(d *decision, why string) outcome {
	r := controlRecord(string(d.record.Key), kindRefused, "hub_letter", d.letter)
	for _, name := range []string{headerDecisionID, headerDecision, "hub_who", "hub_why"} {
		value, _ := d.record.header(name)
		r.Headers = append(r.Headers, kafka.Header{Key: name, Value: []byte(value)})
	}
	r.Headers = append(r.Headers, kafka.Header{Key: "hub_reason", Value: []byte(why)})
	if _, err := p.append(p.dead.topic, r); err != nil {
		return outcome{kind: stopped}
	}
	p.delivery.Log.Warn("decision", "route", p.delivery.Route.Name, "letter", d.letter, "command", d.action, "result", "refused: "+why)
	return outcome{kind: finished}
}

// refused forgets a decision that an earlier owner has refused. The letter is still
// there, so both are read again.
func (p *partition) refused(r *Record) {
	id, _ := r.header(headerDecisionID)
	l := p.lanes[string(r.Key)]
	if l == nil {
		return
	}
	l.decisions = slices.DeleteFunc(l.decisions, func(d *decision) bool {
		if d.id != id || l.busy && d == l.decisions[0] {
			return false
		}
		p.settle(p.dead, d.record.Offset)
		return true
	})
}

// Decide carries out what a person decided of a letter. refused says why it cannot
// be done; nothing has changed then.
func (d *Delivery) Decide(t term, letter *Record, what *decision, places *limiter, tries *tries) (out outcome, refused string) {
	l := d.begin(t, letter)
	holds, _ := letter.header("hub_holds")
	if holds != "true" {
		l.reportDecision(what)
		l.logDecision(what, "carried out")
		return outcome{kind: finished}, "" // not to be trusted: it can only be discarded
	}
	var err error
	if l.msg, err = Parse(letter); err != nil {
		switch {
		case what.action == DecideDiscard:
		case letter.isLost():
			return outcome{}, letterLost
		default:
			return outcome{}, letterUnread
		}
		l.logDecision(what, "carried out, though the letter cannot be read")
		return outcome{kind: finished}, ""
	}
	request := l.request()
	request.DecisionID = what.id
	var given []reply
	if what.action == DecideAnswer { // before the claim says that all is done
		l.trace()
		if given, refused, err = l.given(t, request, what); err != nil {
			return l.redisAway(t, err), ""
		}
		if refused != "" {
			return outcome{}, refused
		}
	}
	class, _ := letter.header("hub_class")
	acted, err := d.Claims.Decide(t, request, what.letter, claimDecision(what.action, class))
	if err != nil {
		return l.redisAway(t, err), ""
	}
	failpoint.Hit(failpoint.Decided, d.Route.Name)
	switch {
	case what.action == DecideReplay:
		// Whether or not it acted: an earlier hub may have died after its claim,
		// and the claim says what is left to do.
		return d.Deliver(t, letter, places, tries), ""
	case acted && what.action == DecideAnswer:
		if out := l.writeReplies(t, given); out.kind != finished {
			return out, ""
		}
	}
	if acted {
		l.reportDecision(what)
	}
	l.logDecision(what, "carried out")
	return outcome{kind: finished, before: !acted}, ""
}

// claimDecision is what an action does to the claim.
func claimDecision(action, class string) claims.Decision {
	switch {
	case action == DecideDiscard:
		return claims.Discard
	case action != DecideReplay:
		return claims.Finish
	case class == LetterUncertain:
		return claims.ReplayAsk
	default:
		return claims.Replay
	}
}

// given makes a person's replies. Their ids derive from the letter, so that a
// repeat after a crash makes the same.
//
// They are held against the contract, unless the claim says that they have been
// accepted: another hub did that, which knew an earlier one. It has ended the claim,
// so that no other answer can be given, and they are written as they were accepted.
func (l *life) given(ctx context.Context, request claims.Request, what *decision) (made []reply, refused string, err error) {
	var given []GivenReply
	if json.Unmarshal(what.record.Value, &given) != nil {
		return nil, answerUnread, nil
	}
	replies := make([]Reply, len(given))
	for i, g := range given {
		replies[i] = Reply{Topic: g.Topic, Type: g.Type, Data: g.Data, ID: DeriveID(what.letter, fmt.Sprint(i))}
	}
	if made, err = l.makeReplies(replies); err != nil {
		return nil, answerUnread, nil
	}
	if l.checkReplies(made) == nil {
		return made, "", nil
	}
	accepted, err := l.Claims.Decided(ctx, request, what.letter, claims.Finish)
	if err != nil || accepted {
		return made, "", err
	}
	return nil, answerBroken, nil
}

func (l *life) logDecision(what *decision, result string) {
	l.Log.Info("decision", append(l.attrs(), "letter", what.letter, "command", what.action, "result", result)...)
}
