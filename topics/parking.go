package topics

import (
	"slices"
	"strconv"

	"github.com/segmentio/kafka-go"

	"kandashub/topics/failpoint"
)

// parkHolders parks the keys that hold back a full window, if they are only
// waiting and the route is not paused. A key's head may be of another source.
func (p *partition) parkHolders() {
	for _, s := range p.sources {
		if !p.full(s) || p.delivery.Gate.paused() {
			continue
		}
		offset, _, _ := s.tracker.lowest()
		for _, l := range p.lanes {
			if l.timer != nil && slices.ContainsFunc(l.queue, func(e *entry) bool { return e.stream == s && e.offset == offset }) {
				p.park(l)
				break
			}
		}
	}
}

// park moves what a lane holds in memory to the parked topic, in order. Its
// offsets are then done, and it comes back from there.
func (p *partition) park(l *lane) {
	if len(l.queue) == 0 {
		return
	}
	l.toPark = append(l.toPark, l.queue...)
	p.index.of(l.key).appending += len(l.queue)
	l.queue = nil
	p.appendNext(l)
}

// appendNext appends what waits to be parked, one append at a time for a key:
// its order in the parked topic is the order of its messages.
func (p *partition) appendNext(l *lane) {
	if l.appending || len(l.toPark) == 0 {
		return
	}
	var records []kafka.Record
	for size := 0; len(records) < min(len(l.toPark), maxBatchRecords); {
		r := parkedRecord(l.toPark[len(records)].record)
		if size += recordBytes(r); size > maxBatchBytes && len(records) > 0 {
			break
		}
		records = append(records, r)
	}
	batch := l.toPark[:len(records):len(records)]
	l.toPark = l.toPark[len(records):]
	l.appending = true
	go p.guard(func() {
		base, err := p.append(p.delivery.Route.ParkedTopic(), records...)
		failpoint.Hit(failpoint.Parked, p.delivery.Route.Name)
		if err == nil {
			p.post(func() { p.appended(l, batch, base) })
		}
	})
}

// append writes records of ours to number p of a topic and gives up only when
// the generation ends.
func (p *partition) append(topic string, records ...kafka.Record) (int64, error) {
	for attempt := 1; ; attempt++ {
		base, err := p.write(p.ctx, topic, p.number, records...)
		if err == nil {
			p.delivery.Gate.Resume(PauseKafka)
			return base, nil
		}
		wait := backoff(attempt, p.delivery.Timing.BackoffLeast, p.delivery.Timing.BackoffMost)
		p.delivery.Gate.Pause(PauseKafka, wait)
		if err := sleep(p.ctx, wait); err != nil {
			return 0, err
		}
		p.delivery.Log.Warn("a record of ours cannot be written, trying again", "route", p.delivery.Route.Name, "topic", topic, "error", err.Error())
	}
}

// appended takes over what has been parked: the source's offsets are done, the
// entries wait under their offsets in the parked topic.
func (p *partition) appended(l *lane, batch []*entry, base int64) {
	l.appending = false
	k := p.index.of(l.key)
	for i, e := range batch {
		offset := base + int64(i)
		if offset >= p.parked.tracker.read || p.parked.tracker.has(offset) {
			p.index.add(l.key, offset)
		}
		k.appending--
		p.hold(-e.record.size())
		p.settle(e.stream, e.offset)
		p.delivery.Metrics.Processed(p.delivery.Route.Name, "parked")
	}
	p.appendNext(l)
	p.index.tidy(l.key)
	p.openStreams()
	p.parkHolders() // what was parked may have hidden the next holder
	p.schedule(l)
}

// sayThrough writes down that a key's parked entries up to an offset are
// finished, so that the next owner passes over them although an older entry of
// another key is not. It must not ask the claims instead: their done markers
// end, and a parked topic has no end. One note of a key is written at a time;
// what is finished meanwhile goes into the next.
func (p *partition) sayThrough(l *lane) {
	if l.noting || l.through < 0 {
		return
	}
	r := controlRecord(l.key, kindThrough, "hub_offset", strconv.FormatInt(l.through, 10))
	l.through, l.noting = -1, true
	go p.guard(func() {
		if _, err := p.append(p.delivery.Route.ParkedTopic(), r); err != nil {
			return // the generation has ended
		}
		failpoint.Hit(failpoint.Through, p.delivery.Route.Name)
		p.post(func() {
			l.noting = false
			p.sayThrough(l)
			p.schedule(l)
		})
	})
}

// passThrough takes such a note.
func (p *partition) passThrough(key string, r *Record) {
	v, _ := r.header("hub_offset")
	through, err := strconv.ParseInt(v, 10, 64)
	k := p.index.keys[key]
	if err != nil || k == nil {
		return
	}
	for len(k.parked) > 0 && k.parked[0] <= through {
		offset := k.parked[0]
		k.parked = k.parked[1:]
		p.settle(p.parked, offset)
	}
	p.index.tidy(key)
}
