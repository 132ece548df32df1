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
	l.queue[0].tries = l.tries.of(l.queue[0])
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
		r.Headers = append(r.Headers, p.signature())
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
			p.index.add(l.key, offset, p.owner)
		}
		k.appending--
		p.hold(-e.record.size())
		p.delivery.reportParked(e.record, e.tries)
		p.settle(e.stream, e.offset)
		p.delivery.Metrics.Processed("parked")
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
	r.Headers = append(r.Headers, kafka.Header{Key: headerEnd, Value: strconv.AppendInt(nil, p.parkedEnd, 10)}, p.signature())
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
	for _, offset := range p.index.pass(key, readNote(r)) {
		p.settle(p.parked, offset)
	}
}

// A note says that a key's parked entries up to an offset are finished: those
// that lay there when its writer took the partition over, and those that the
// writer appended itself. A hub that does not know yet that it has lost the
// partition may never have read what the next owner appends.
type note struct {
	through, end int64
	writer       uint64
}

// readNote reads a note; one that can not be read covers nothing.
func readNote(r *Record) note {
	number := func(header string) int64 {
		v, _ := r.header(header)
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	return note{through: number("hub_offset"), end: number(headerEnd), writer: r.writer()}
}

func (n note) covers(e parkedEntry) bool {
	return e.offset <= n.through && (e.offset < n.end || n.writer != 0 && e.writer == n.writer)
}

// signature names this owner of the partition on what it parks.
func (p *partition) signature() kafka.Header {
	return kafka.Header{Key: headerOwner, Value: strconv.AppendUint(nil, p.owner, 36)}
}

// writer says which owner wrote a record of the parked topic; 0 if none is named.
func (r *Record) writer() uint64 {
	v, _ := r.header(headerOwner)
	n, err := strconv.ParseUint(v, 36, 64)
	if err != nil {
		return 0
	}
	return n
}

// late returns the stream from which this owner reads the message of a parked
// entry itself, if another owner wrote the entry after this one took over. Such
// an entry must not overtake: what stands before its message in the source may
// not be finished, nor the letter be read that holds the key. It must not be
// passed over either, before its message is finished: for the next owner it
// would be gone, while a later one of the key is there.
func (p *partition) late(r *Record) (source *stream, origin int64) {
	if r.Offset < p.parkedEnd || r.writer() == p.owner {
		return nil, 0
	}
	topic, number, origin := r.origin()
	i := slices.IndexFunc(p.sources, func(s *stream) bool { return number == p.number && s.topic == topic && origin >= s.start })
	if i < 0 {
		return nil, 0
	}
	return p.sources[i], origin
}
