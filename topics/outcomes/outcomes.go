// Package outcomes tells where an application is: it keeps what has become of
// every message, and finds it by application or by message.
//
// # The topic
//
// hub.outcomes holds one JSON record ([Outcome], outcome.v1.json) for each
// message and route, with ids and times and nothing of what the message carries.
// It is compacted. A record's key is a digest of its claim's identity (route,
// ce_source, ce_id), and it lies in the partition of its application. Three
// records of one message can stand beside each other: its result, that it was
// parked, and that it was met again (duplicate). What cannot be trusted has no
// identity; its key is its letter's. Beside its last attempt a record tells the ones
// before, the first two and the last six: when, how long the system took, and the
// code of the failure. It also tells for which pauses of its route the message has
// waited, an open breaker among them, as far as its last owner knows.
//
// # What is promised
//
// An outcome must not slow a message, and must not be lost with one. The
// delivery reports it when the message is finished and goes on. The [Writer]
// writes what has been reported every 50 ms, by a Producer of its own. A route
// commits the offset of a message only once its outcome has been written
// ([Writer.Flush]), so after a crash the message is read again, its claim says
// that it is done, and what is reported then is at least "duplicate": the times
// of its call can be lost with a process, that it is finished cannot.
//
// While hub.outcomes cannot be written, messages go on and commits wait, which
// costs no more than reading again after a crash. Messages go before what is said
// of them, though: what is held is bounded, and after ten minutes without a write
// commits go on. What is given up then is counted
// (hub_outcomes_total{result="lost"}).
//
// # Finding
//
// An [Index] follows the topic from where it was and keeps it in an embedded
// store on disk, bounded by age and by count, so that an application is found in
// one search. It holds nothing that the topic does not: without its folder it
// reads the topic again. [Find] needs no index and reads the application's
// partition once. [Index.History] and [FindHistory] also find what a later record has
// taken the place of, until it is compacted or expires: the attempts before a replay.
// What has come to nothing yet has no outcome: package inspect finds it in the routes'
// topics ([WithUnfinished]). [Timeline] puts what was found in order, with what stands
// in the way of what waits [Now], and [Brief] tells it shortly; [Attempts]
// lists the attempts at one message, [Deadlines] says how an application stands to
// its deadline, [Chains] sorts the steps by the message from outside that they follow
// from, and [Waits] says where the application is now.
package outcomes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"kandashub/topics"
)

// Topic is the topic of outcomes, as asyncapi.yaml has it.
const Topic = "hub.outcomes"

// typeOutcome is the type of a record; its last part is the version.
const typeOutcome = "outcome.v1"

// An Outcome is what has become of one message at one route.
type Outcome = topics.Outcome

// digest is the key of an outcome: what stands under the same key is replaced.
type digest [16]byte

// keyOf returns the key of an outcome.
func keyOf(o *Outcome) digest {
	var buf [512]byte
	b := buf[:0]
	add := func(s string) { b = append(append(b, s...), 0) }
	switch {
	case o.ID == "":
		add("letter")
		add(o.Letter)
	default:
		// Neither may take the place of a result: a message can be read, and
		// parked, again after its end.
		if o.Result == topics.ResultDuplicate || o.Result == topics.ResultParked {
			add(o.Result)
		}
		add(o.Route)
		add(o.Source)
		add(o.ID)
	}
	sum := sha256.Sum256(b)
	return digest(sum[:16])
}

func (d digest) appendText(b []byte) []byte { return hex.AppendEncode(b, d[:]) }

// parseDigest reads a record's key.
func parseDigest(key []byte) (d digest, ok bool) {
	n, err := hex.Decode(d[:], key[:min(len(key), 2*len(d))])
	return d, err == nil && n == len(d) && len(key) == 2*len(d)
}

// appendJSON appends an outcome as it is written. It is on the path of every
// message, and makes what encoding/json would, without its reflection.
func appendJSON(b []byte, o *Outcome) []byte {
	b = append(b, `{"type":"`+typeOutcome+`"`...)
	text := func(name, value string, always bool) {
		if value == "" && !always {
			return
		}
		b = append(append(append(b, `,"`...), name...), `":`...)
		b, _ = jsontext.AppendQuote(b, value) // bad UTF-8 is replaced
	}
	number := func(name string, n int64) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = strconv.AppendInt(b, n, 10)
	}
	at := func(name string, t time.Time) { b = appendTime(b, name, t) }
	text("application", o.Application, true)
	text("route", o.Route, true)
	text("topic", o.Topic, true)
	number("partition", int64(o.Partition))
	number("offset", o.Offset)
	text("ce_id", o.ID, false)
	text("ce_type", o.Type, false)
	text("ce_source", o.Source, false)
	text("system", o.System, true)
	text("operation", o.Operation, true)
	text("result", o.Result, true)
	text("letter", o.Letter, false)
	text("class", o.Class, false)
	text("code", o.Code, false)
	if o.Attempts > 0 {
		number("attempts", int64(o.Attempts))
	}
	b = appendTries(b, o.Tries)
	b = appendPauses(b, o.Pauses)
	at("ce_time", o.Time)
	at("ce_roottime", o.Root)
	at("written", o.Written)
	at("parked", o.Parked)
	at("read", o.Read)
	at("call_began", o.CallBegan)
	at("call_ended", o.CallEnded)
	at("finished", o.Finished)
	text("trace", o.Trace, false)
	return append(b, '}')
}

// appendTries appends the tries; nothing where there were none.
func appendTries(b []byte, tries []topics.Try) []byte {
	for i := range tries {
		if i == 0 {
			b = append(b, `,"tries":[`...)
		} else {
			b = append(b, ',')
		}
		t := &tries[i]
		b = append(b, `{"code":`...)
		b, _ = jsontext.AppendQuote(b, t.Code)
		b = appendTime(b, "began", t.Began)
		b = appendTime(b, "call_began", t.CallBegan)
		b = appendTime(b, "call_ended", t.CallEnded)
		b = append(b, '}')
		if i == len(tries)-1 {
			b = append(b, ']')
		}
	}
	return b
}

// appendPauses appends the pauses; nothing where there were none.
func appendPauses(b []byte, pauses []topics.PastPause) []byte {
	for i := range pauses {
		if i == 0 {
			b = append(b, `,"pauses":[`...)
		} else {
			b = append(b, ',')
		}
		p := &pauses[i]
		b = append(b, `{"reason":`...)
		b, _ = jsontext.AppendQuote(b, p.Reason)
		b = appendTime(b, "since", p.Since)
		b = appendTime(b, "until", p.Until)
		b = append(b, '}')
		if i == len(pauses)-1 {
			b = append(b, ']')
		}
	}
	return b
}

// appendTime appends a member that is a time, unless it is zero.
func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":"`...)
	return append(t.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}

// decode reads an outcome as it was written.
func decode(written []byte) (o Outcome, err error) {
	record := struct {
		Version string `json:"type"`
		Outcome `json:",inline"`
	}{}
	if err := json.Unmarshal(written, &record); err != nil || record.Version != typeOutcome {
		return Outcome{}, errors.New("no record of version " + typeOutcome)
	}
	return record.Outcome, nil
}

// sortByTime puts outcomes in the order in which their messages were written to
// Kafka; what is known of one message, in the order in which it happened.
func sortByTime(all []Outcome) {
	slices.SortStableFunc(all, func(a, b Outcome) int {
		if n := begun(&a).Compare(begun(&b)); n != 0 {
			return n
		}
		return a.Finished.Compare(b.Finished)
	})
}

// begun returns when a message came to its route, as far as that is known.
func begun(o *Outcome) time.Time {
	for _, t := range []time.Time{o.Written, o.Time, o.Finished} {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}
