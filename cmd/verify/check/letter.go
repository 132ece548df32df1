package check

import (
	"time"
)

const headerKind = "hub_kind"

// A letter is one dead letter, which may lie in its topic several times.
type letter struct {
	id       string
	class    string
	holds    bool
	record   *Record // the first that carries it
	origin   place
	known    bool // whether the letter says where it came from
	message  *carried
	resolved bool

	decision  string // the first that came: the one that is carried out
	decidedAt time.Time

	undoing bool // somebody has asked to take its discard back
	undone  bool // and so it was: another letter of the message has followed
}

// excludes says whether the message of the letter must have no effect: nobody
// knew of one, and nobody had it tried again or left that to a later letter.
func (l *letter) excludes() bool {
	return l.class != classUncertain && l.class != classEffectDone && l.decision != "replay" && !l.undone
}

// The classes of letters.
const (
	classUntrusted  = "untrusted"
	classRejected   = "rejected"
	classUncertain  = "uncertain"
	classEffectDone = "effect_done"
)

// readDead reads letters and what was decided of them.
func (o *route) readDead(r *run) {
	dead := r.Records[o.deadTopic()]
	for i := range dead {
		rec := &dead[i]
		id := rec.Headers["hub_letter"]
		l := o.byID[id]
		switch rec.Headers[headerKind] {
		case "letter":
			o.readLetter(r, rec)
		case "decision":
			switch {
			case l == nil:
			case rec.Headers["hub_decision"] == "undo":
				l.undoing = true
			case l.decision == "":
				l.decision, l.decidedAt = rec.Headers["hub_decision"], rec.Time
			}
		case "resolved":
			if l != nil {
				l.resolved = true
			}
		}
	}
	for _, l := range o.letters {
		if l.holds && !l.resolved {
			o.held[string(l.record.Key)]++
		}
	}
}

func (o *route) readLetter(r *run, rec *Record) {
	l := &letter{
		id: rec.Headers["hub_letter"], class: rec.Headers["hub_class"], holds: rec.Headers["hub_holds"] == "true", record: rec,
	}
	l.origin, l.known = originOf(rec)
	o.copies = append(o.copies, l)
	first := o.byID[l.id]
	if r.bad[l.origin] != nil {
		m := o.badAt[l.origin]
		earliest(&m.buried, rec.Time)
		o.badAt[l.origin] = m
	} else if r.good[l.origin] || l.class != classUntrusted {
		// What is not to be trusted may bear anybody's id, so its place decides.
		c := o.carry(rec)
		earliest(&c.first.buried, rec.Time)
		l.message = c
	}
	if first != nil {
		return
	}
	o.byID[l.id] = l
	o.letters = append(o.letters, l)
	o.byOrigin[l.origin] = append(o.byOrigin[l.origin], l)
	if l.message != nil {
		for _, before := range l.message.letters {
			before.undone = before.undone || before.undoing && before.decision == "discard"
		}
		l.message.letters = append(l.message.letters, l)
	}
}
