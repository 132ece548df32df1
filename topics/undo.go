package topics

import (
	"context"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"kandashub/topics/failpoint"
)

// A discard can be taken back. It has ended the claim as done and let the
// followers go on, so an undo is a decision of its own: it acts only while the
// claim still is as that discard has left it, in one atomic step, and then makes
// the message a dead letter again, under a new id. From then on the letter holds
// its application and is decided like any other.
//
// One that cannot be carried out says so in a record beside it, for who asked and
// for the audit, and changes nothing.
//
// What has followed meanwhile has passed: a message that is replayed after an
// undo comes after its followers. And what has ended stays so: with the done
// marker the time in which a discard can be undone is over, and a letter whose
// effect was done has lost its reply.

// Headers of an undo, beside those of a decision.
const (
	headerUndoes = "hub_undoes"        // the id of the discard's decision
	headerLies   = "hub_letter_offset" // where the letter lies in the dead topic
)

// Why an undo is refused. The texts are told to people.
const (
	undoGone  = "the letter is not in its topic any more"
	undoOther = "no letter that holds its application lies where it says"
	undoLate  = "the claim is not as the discard has left it: its done marker has ended, or the discard is not what was carried out"
)

// Undo writes that a letter's discard is to be taken back: a record beside the
// letter, which the hub that owns the partition carries out. discard names the
// decision that is undone, id this one. It returns the id that the letter has
// once that has been done.
func (p *Producer) Undo(ctx context.Context, l Letter, discard, id, who, why string) (again string, err error) {
	err = p.decide(ctx, l, DecideUndo, id, who, why, nil,
		kafka.Header{Key: headerUndoes, Value: []byte(discard)},
		kafka.Header{Key: headerLies, Value: strconv.AppendInt(nil, l.Record.Offset, 10)})
	return undoneLetterID(l.Class, l.Code, id), err
}

// undoneLetterID derives from the undo, so that one that is carried out again
// after a crash makes the same letter.
func undoneLetterID(class, code, undo string) string {
	return class + "." + code + "." + DeriveID("undo", undo)
}

// undone says whether an undo has been carried out: the letter that it makes is
// there, whatever has become of that one since.
func (p *partition) undone(d *decision) bool {
	if d.action != DecideUndo {
		return false
	}
	parts := strings.SplitN(d.letter, ".", 3)
	return len(parts) == 3 && p.index.letters[undoneLetterID(parts[0], parts[1], d.id)] != nil
}

// letterLies is where an undo says that its letter lies.
func (r *Record) letterLies() (offset int64, ok bool) {
	v, _ := r.header(headerLies)
	offset, err := strconv.ParseInt(v, 10, 64)
	return offset, err == nil
}

// undo carries out an undo: first the claim says dead again, then the letter is
// written. refused says why it cannot be done.
func (d *Delivery) undo(t term, lies *Record, what *decision) (out outcome, refused string) {
	l := d.begin(t, lies)
	id, _ := lies.header("hub_letter")
	holds, _ := lies.header("hub_holds")
	var err error
	if id == what.letter && holds == "true" {
		l.msg, err = Parse(lies)
	}
	if err != nil || l.msg.ID == "" {
		return outcome{}, undoOther
	}
	dl := &letter{holds: true}
	dl.class, _ = lies.header("hub_class")
	dl.code, _ = lies.header("hub_code")
	dl.reason, _ = lies.header("hub_reason")
	dl.id = undoneLetterID(dl.class, dl.code, what.id)

	request := l.request()
	request.DecisionID, _ = what.record.header(headerUndoes)
	acted, err := d.Claims.Undo(t, request, what.letter, dl.id)
	switch {
	case err != nil:
		return l.redisAway(t, err), ""
	case !acted:
		return outcome{}, undoLate
	}
	failpoint.Hit(failpoint.Decided, d.Route.Name)
	l.logDecision(what, "undone")
	return l.write(dl), ""
}
