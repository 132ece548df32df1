// Package load makes the messages that the bench sends: notifications, as the
// hub itself writes them, each of which becomes one call of a system. Their ids
// name the run and the message, and travel with the call, so that the target
// knows what has come, how often, and in which order.
package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/topics"
	"kandashub/topics/payload"
)

// A Plan says what to send.
type Plan struct {
	Run          uint32  // tells the ids of one run from another's
	System       string  // that is told: migration or egov
	Records      int     // in all, duplicates among them
	Duplicates   float64 // share of the records that repeat an earlier one
	Applications int     // that the messages are about
	Body         int     // bytes of a payload, about; a small one has what it must
	InTurn       bool    // the applications take turns; else any may be next
}

// Topic is where the messages of a plan go.
func (p Plan) Topic() string { return p.System + ".notifications" }

// Unique is how many different messages there are: so many effects are due.
func (p Plan) Unique() int { return p.Records - repeats(p.Records, p.Duplicates) }

// repeats is how many of the first n records repeat an earlier one.
func repeats(n int, share float64) int { return int(float64(n) * share) }

// reach is how far back a duplicate lies at most, in messages.
const reach = 1000

// All yields the records in their order, each with the number of its
// message: 0, 1, 2, ... and now and then an earlier one again.
func (p Plan) All() iter.Seq2[int, *kgo.Record] {
	return func(yield func(int, *kgo.Record) bool) {
		f := p.form()
		next := 0
		for n := range p.Records {
			number := next
			if next > 0 && repeats(n+1, p.Duplicates) > repeats(n, p.Duplicates) {
				number = next - 1 - int(mix(uint64(n))%uint64(min(next, reach)))
			} else {
				next++
			}
			if !yield(number, f.record(number)) {
				return
			}
		}
	}
}

// mix spreads numbers evenly (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// application is the number of the application that a message is about.
func (p Plan) application(message int) int {
	if p.InTurn {
		return message % p.Applications
	}
	return int(mix(uint64(message)) % uint64(p.Applications))
}

// A form is the payload with gaps.
type form struct {
	plan   Plan
	at     []byte // of all messages: when the run was planned
	pieces [][]byte
}

// Gaps of a form, in the order in which a message has them.
const (
	gapApplication = "@application@"
	gapEvent       = "@event@"
	gapNumber      = "@number@"
)

func (p Plan) form() *form {
	f := &form{plan: p, at: []byte(time.Now().UTC().Format(time.RFC3339Nano))}
	n := payload.Notification{
		ApplicationID: gapApplication, Recipient: p.System, Kind: "registered", EventID: gapEvent,
		Event: payload.Event{
			ApplicationID: gapApplication, Recipients: []string{p.System}, IssuedAt: "2026-11-21T09:00:00+05:00",
			Text:         payload.Text{KK: "Өтініш тіркелді", RU: "Заявление зарегистрировано"},
			Registration: &payload.Registration{Number: gapNumber, Date: "2026-11-21"},
		},
	}
	// What is missing to the wanted size is signed content: the one field that
	// may be as large as any message.
	const around = len(`"signature":{"format":"cms","value":""},`)
	if missing := p.Body - len(encode(n)) - around; missing > 0 {
		n.Event.Signature = &payload.Signature{Format: "cms", Value: strings.Repeat("c2lnbmVk", missing/8+1)[:missing]}
	}
	rest := encode(n)
	for _, gap := range []string{gapApplication, gapEvent, gapApplication, gapNumber} {
		piece, after, ok := bytes.Cut(rest, []byte(gap))
		if !ok {
			panic("load: the payload lacks " + gap) // a mistake of ours, found by every test
		}
		f.pieces = append(f.pieces, piece)
		rest = after
	}
	f.pieces = append(f.pieces, rest)
	return f
}

func encode(n payload.Notification) []byte {
	b, err := json.Marshal(n)
	if err != nil {
		panic(err) // payload types always marshal
	}
	return b
}

// record is one message as a CloudEvent in Kafka's binary mode.
func (f *form) record(message int) *kgo.Record {
	key := f.plan.System + "-" + strconv.Itoa(f.plan.application(message))
	id := ID(f.plan.Run, message)
	value := make([]byte, 0, f.plan.Body+256)
	for i, fill := range []string{key, "e" + id, key, strconv.Itoa(message)} {
		value = append(append(value, f.pieces[i]...), fill...)
	}
	value = append(value, f.pieces[len(f.pieces)-1]...)
	return &kgo.Record{
		Topic: f.plan.Topic(), Key: []byte(key), Value: value,
		Headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(id)},
			{Key: "ce_type", Value: []byte(payload.TypeNotification)}, {Key: "ce_source", Value: []byte(topics.SourceHub)},
			{Key: "ce_subject", Value: []byte(key)}, {Key: "ce_time", Value: f.at},
			{Key: "content-type", Value: []byte("application/json")},
		},
	}
}

// ID is the ce_id of a message. Its first 16 digits, which is what a notice id
// keeps of it (topics.NoticeID), are the run and the message's number.
func ID(run uint32, message int) string {
	return fmt.Sprintf("%08x-%04x-%04x-8000-000000000000", run, uint32(message)>>16, uint32(message)&0xffff)
}

// Notice reads a notice id: of which run and message it is, and about which
// application.
func Notice(notice []byte) (run uint32, message, application int, ok bool) {
	dot := bytes.LastIndexByte(notice, '.')
	if dot < 0 || len(notice) != dot+1+16 {
		return 0, 0, 0, false
	}
	both, err := strconv.ParseUint(string(notice[dot+1:]), 16, 64)
	if err != nil {
		return 0, 0, 0, false
	}
	application, err = strconv.Atoi(string(notice[bytes.LastIndexByte(notice[:dot], '-')+1 : dot]))
	return uint32(both >> 32), int(uint32(both)), application, err == nil
}
