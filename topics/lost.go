package topics

import (
	"slices"

	"github.com/segmentio/kafka-go"
)

// Letters have no end in Kafka. Where an admin, or a retention that was set wrong,
// has deleted one that nobody has decided, its message is gone with it. The claim
// still says dead, so that no machine carries the message out, and what follows it
// still waits; but nobody can see what it waits for, nor decide of it.
//
// So the owner of the partition writes a stand-in: a letter of the same id that
// holds the application as the lost one did, without its message. There is nothing
// to replay or to answer, so it can only be discarded. That leaves the claim as it
// is, for what names it is gone, too: the message is never carried out.

// headerLost marks a stand-in.
const headerLost = "hub_lost"

// lostReason is what a stand-in tells the person on duty.
const lostReason = "Kafka has deleted this letter before it was decided, and its message with it. Find out which message it was (hubctl trace) " +
	"and whether it was carried out (the class says what is known), then discard it: runbook HubDLQUnresolvedOld"

// standIn returns what stands in for a letter, as it is to be written.
func (p *partition) standIn(id string, lost *indexedLetter) kafka.Record {
	l := &letter{id: id, class: LetterUntrusted}
	if lost.holds {
		l = letterAgain(id) // the id tells class and code
	}
	l.reason = lostReason
	l.record = &Record{Topic: p.dead.topic, Partition: p.number, Offset: lost.offsets[0], Time: lost.since, Key: []byte(lost.key)}
	r := l.encode(p.delivery.Route.Name, p.delivery.Now())
	r.Headers = append(r.Headers, kafka.Header{Key: headerLost, Value: []byte("true")})
	return r
}

// replaceLost writes stand-ins for the letters that Kafka no longer has, once each.
func (p *partition) replaceLost() {
	first := p.dead.first.Load()
	for id, l := range p.index.letters {
		if l.resolved || l.replacing || len(l.offsets) == 0 || slices.Max(l.offsets) >= first {
			continue
		}
		l.replacing = true
		p.delivery.Log.Error("Kafka has deleted a dead letter that nobody has decided: another stands in for it, which can only be discarded",
			"route", p.delivery.Route.Name, "letter", id, "partition", p.number, "offset", l.offsets[0])
		r := p.standIn(id, l)
		go p.guard(func() { _, _ = p.append(p.dead.topic, r) }) // fails only where the generation has ended
	}
}

// replaced takes over a stand-in that has arrived: what it stands for is never read
// again.
func (p *partition) replaced(id string, offset int64) {
	l := p.index.letters[id]
	for _, lost := range l.offsets {
		if lost != offset {
			p.settle(p.dead, lost)
		}
	}
	l.offsets, l.replacing = []int64{offset}, false
}

// isLost says whether a record is a stand-in.
func (r *Record) isLost() bool {
	v, _ := r.header(headerLost)
	return v == "true"
}
