package topics

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"kandashub/observability"
)

// The classes of dead letters.
const (
	LetterUntrusted  = "untrusted"   // no message we can act on: holds nothing, can only be discarded
	LetterRejected   = "rejected"    // can never succeed as it is
	LetterUncertain  = "uncertain"   // may have happened: a person decides
	LetterEffectDone = "effect_done" // happened, but its reply cannot be published
)

// newLetterID names a letter of this attempt. The claim keeps it, so it tells
// class and code to whoever meets the claim and writes the letter again.
func newLetterID(class, code string) string {
	return class + "." + code + "." + uuid.NewString()
}

// letterID is the form of letters' ids: of those that distrusted makes, and of the
// others, which tell class and code.
var letterID = regexp.MustCompile(`^((rejected|uncertain|effect_done)\.[A-Za-z0-9_-]{0,60}\.)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsLetterID says whether s has the form of a letter's id, so that it may be kept
// where something that was typed may not.
func IsLetterID(s string) bool { return letterID.MatchString(s) }

// letterAgain returns the letter that a claim names.
func letterAgain(id string) *letter {
	class, rest, _ := strings.Cut(id, ".")
	code, _, _ := strings.Cut(rest, ".")
	return &letter{id: id, class: class, code: code, reason: "an earlier attempt made this message a dead letter", holds: true}
}

// maxReason bounds what a letter says of its cause, in bytes.
const maxReason = 1024

// A letter is a dead letter about to be written: the original record with a
// bounded set of headers that say why. Headers of an earlier letter are
// replaced, never piled up.
type letter struct {
	id     string
	class  string
	code   string
	reason string
	holds  bool // later messages of the key wait until a person decides
	record *Record
}

// fault is the outcome of the letter's message for metrics: rejected where it was
// its sender's fault.
func (l *letter) fault() string {
	if l.code != "panic" && (l.class == LetterRejected || l.class == LetterUntrusted) {
		return "rejected"
	}
	return "dead_lettered"
}

// encode returns the letter as it is written. The original's headers come
// first, byte for byte; ours begin with hub_.
func (l *letter) encode(route string, at time.Time) kafka.Record {
	reason := observability.Mask(l.reason)
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	reason = strings.ToValidUTF8(reason, "") // also where a character was cut
	topic, partition, offset := l.record.origin()
	h := l.record.original()
	for _, kv := range [][2]string{
		{headerKind, kindLetter},
		{"hub_letter", l.id},
		{"hub_class", l.class},
		{"hub_code", l.code},
		{"hub_reason", reason},
		{"hub_route", route},
		{"hub_holds", strconv.FormatBool(l.holds)},
		{"hub_topic", topic},
		{"hub_partition", strconv.Itoa(partition)},
		{"hub_offset", strconv.FormatInt(offset, 10)},
		{headerWritten, l.record.written().Format(time.RFC3339Nano)},
		{"hub_at", at.UTC().Format(time.RFC3339Nano)},
	} {
		h = append(h, kafka.Header{Key: kv[0], Value: []byte(kv[1])})
	}
	return record(l.record.Key, l.record.Value, h)
}

// origin returns where a record was first read: itself, or what a parked record
// or a letter says of it.
func (r *Record) origin() (topic string, partition int, offset int64) {
	topic, ok := r.header("hub_topic")
	if !ok {
		return r.Topic, r.Partition, r.Offset
	}
	p, _ := r.header("hub_partition")
	o, _ := r.header("hub_offset")
	partition, _ = strconv.Atoi(p)
	offset, _ = strconv.ParseInt(o, 10, 64)
	return topic, partition, offset
}

// written returns when Kafka took a record where it was first read, by the
// broker's clock; zero where a record of ours does not say it.
func (r *Record) written() time.Time {
	if _, ours := r.header("hub_topic"); !ours {
		return r.Time.UTC()
	}
	v, _ := r.header(headerWritten)
	t, err := ParseTime(v)
	if err != nil {
		return time.Time{}
	}
	return t
}

// parkedRecord returns r as it is written to a parked topic.
func parkedRecord(r *Record) kafka.Record {
	topic, partition, offset := r.origin()
	h := append(r.original(),
		kafka.Header{Key: headerKind, Value: []byte(kindParked)},
		kafka.Header{Key: "hub_topic", Value: []byte(topic)},
		kafka.Header{Key: "hub_partition", Value: []byte(strconv.Itoa(partition))},
		kafka.Header{Key: "hub_offset", Value: []byte(strconv.FormatInt(offset, 10))},
		kafka.Header{Key: headerWritten, Value: []byte(r.written().Format(time.RFC3339Nano))},
	)
	return record(r.Key, r.Value, h)
}

// controlRecord returns a record of ours about a key: through with the offset
// it covers, or resolved with a letter's id.
func controlRecord(key, kind, header, value string) kafka.Record {
	return record([]byte(key), nil, []kafka.Header{
		{Key: headerKind, Value: []byte(kind)},
		{Key: header, Value: []byte(value)},
	})
}

// bury appends a letter to the route's dead topic. It does not give up while
// ctx lasts: a letter that cannot be written stops its partition, it is never
// dropped.
func (d *Delivery) bury(ctx context.Context, l *letter) (offset int64, err error) {
	for attempt := 1; ; attempt++ {
		offset, err = d.Producer.Append(ctx, d.Route.DeadTopic(), l.record.Partition, l.encode(d.Route.Name, d.Now()))
		if err == nil {
			d.Gate.Resume(PauseDead)
			d.Metrics.DeadLetter(l.code)
			d.Metrics.Processed("dead_lettered")
			d.Metrics.Final(l.fault())
			return offset, nil
		}
		d.Metrics.DeadPublishFailed()
		wait := backoff(attempt, d.Timing.BackoffLeast, d.Timing.BackoffMost)
		d.Gate.Pause(PauseDead, wait)
		d.Log.Error("a dead letter cannot be written", "route", d.Route.Name, "letter", l.id, "error", err.Error())
		if err := sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// LetterCodes are the codes of letters that the hub itself gives, for metrics;
// adapters add theirs, which begin with http_, soap_ or name an outcome.
func LetterCodes() []string {
	return []string{"not_cloudevent", "no_id", "not_json", "subject", "key_subject", "wrong_source", "conflict",
		"unknown_type", "schema", "consent", "iin", "too_large", "unknown_recipient", "refused", "uncertain", "panic", "publish", "reply"}
}
