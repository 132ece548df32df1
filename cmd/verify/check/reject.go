package check

import "bytes"

// A reject is a send that must come to exactly one letter and to no effect.
type reject struct {
	send   *Send
	places []place
}

func (x *reject) asMessage() *message {
	return &message{identity: identity{x.send.Source, x.send.ID}, send: x.send, standing: poison}
}

// findBad finds where poison and conflicts lie. A place that was not told is
// found by the id; a conflict's by content that differs from the first of that
// id.
func (r *run) findBad() {
	unplaced := map[identity]*reject{}
	for i := range r.Sends {
		s := &r.Sends[i]
		if s.Kind != Poison && s.Kind != Conflict || s.Outcome == Failed {
			continue
		}
		x := &reject{send: s}
		r.rejects = append(r.rejects, x)
		if s.Offset >= 0 {
			x.places = []place{{s.Topic, s.Partition, s.Offset}}
			r.bad[x.places[0]] = s
		} else if s.ID != "" {
			unplaced[identity{s.Source, s.ID}] = x
		}
	}
	first := map[identity]*Record{}
	for _, topic := range r.topicsSent() {
		for i := range r.Records[topic] {
			rec := &r.Records[topic][i]
			id, at := identityOf(rec), place{rec.Topic, rec.Partition, rec.Offset}
			if r.bad[at] != nil {
				continue
			}
			x := unplaced[id]
			if x != nil && x.send.Topic == topic && x.differs(first[id], rec) {
				x.places = append(x.places, at)
				r.bad[at] = x.send
				continue
			}
			if first[id] == nil {
				first[id] = rec
			}
			r.good[at] = r.sent[id] != nil
		}
	}
}

// differs says whether a record is the reject rather than the good message of
// its id, whose first record is given.
func (x *reject) differs(first, rec *Record) bool {
	return x.send.Kind == Poison || first != nil && !bytes.Equal(first.Value, rec.Value)
}

// checkRejects holds rejects against I1 and I5: one letter each, of a class that
// says so, or still behind one.
func (v *verdict) checkRejects(r *run) {
	for _, x := range r.rejects {
		for _, o := range r.readers[x.send.Topic] {
			v.checkReject(o, x)
		}
	}
}

func (v *verdict) checkReject(o *route, x *reject) {
	total, waits := 0, false
	for _, at := range x.places {
		n := 0
		for _, l := range o.byOrigin[at] {
			n++
			if l.class != classUntrusted && l.class != classRejected {
				v.add("I5", "wrong class", "route %s: letter %s of %s at %s is of class %s", o.Name, l.id, x.send.Kind, at, l.class)
			}
		}
		if n > 1 {
			v.add("I5", "dead letter double", "route %s: %d letters of %s at %s", o.Name, n, x.send.Kind, at)
		}
		total += n
		waits = waits || o.badOpen[at]
	}
	switch {
	case total > 0 || x.send.Outcome == Unknown && len(x.places) == 0:
	case waits && o.held[x.send.Application] > 0:
		v.Waiting++
	case waits:
		v.add("I1", "undecided", "route %s: %s %s is unfinished, and no letter explains it", o.Name, x.send.Kind, x.send.ID)
	default:
		v.add("I1", "lost", "route %s: %s %s came to no letter", o.Name, x.send.Kind, x.send.ID)
	}
}
