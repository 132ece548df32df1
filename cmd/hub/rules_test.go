package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"kandashub/adapters/eds"
	"kandashub/adapters/egov"
	"kandashub/adapters/kandas"
	"kandashub/adapters/migration"
	"kandashub/adapters/shep"
	"kandashub/adapters/statecorp"
	"kandashub/topics"
	"kandashub/topics/payload"

	"github.com/google/go-cmp/cmp"
)

const (
	subject = "statecorp-2026-1"
	eventID = "0d9f3c52-6b1a-5d0e-9a58-6b616e646173"
)

var errDown = topics.Fail(topics.Unavailable, "connect", "down")

func messageOf(t *testing.T, eventType string, data any) topics.Message {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return topics.Message{ID: eventID, Type: eventType, Source: "kandas", Subject: subject, Time: time.Now(), Data: b}
}

// checkOutcome compares the replies, or the code and class of the failure.
func checkOutcome(t *testing.T, replies []topics.Reply, err error, want []topics.Reply, class topics.Class, code string) {
	t.Helper()
	if code != "" {
		if err == nil {
			t.Fatalf("no error, want %s (%s)", class, code)
		}
		if f := topics.FailureOf(err); f.Class != class || f.Code != code {
			t.Errorf("error %v, want %s (%s)", err, class, code)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, replies); diff != "" {
		t.Error(diff)
	}
}

// A fakeRegistry notes the call and gives one answer.
type fakeRegistry struct {
	called string
	id     string
	answer kandas.Answer
	err    error
}

func (f *fakeRegistry) say(called, id string) (kandas.Answer, error) {
	f.called, f.id = called, id
	return f.answer, f.err
}

func (f *fakeRegistry) Register(_ context.Context, id string, a payload.Application) (kandas.Answer, error) {
	return f.say("register "+a.ApplicationID, id)
}

func (f *fakeRegistry) RecordIINs(_ context.Context, id string, r payload.IINRequest) (kandas.Answer, error) {
	return f.say("iins "+r.RequestID, id)
}

func (f *fakeRegistry) RecordDelivery(_ context.Context, id string, d payload.Delivery) (kandas.Answer, error) {
	return f.say("delivery "+d.Notice, id)
}

func (f *fakeRegistry) RequestCertificate(_ context.Context, id string, r payload.CertificateRequest) (kandas.Answer, error) {
	return f.say("certificate "+r.RequestID, id)
}

func TestRecordOperations(t *testing.T) {
	for _, c := range []struct {
		name      string
		operation func(registry) topics.Operation
		data      any
		called    string
		id        string
	}{
		{"register", registerOperation, payload.Application{ApplicationID: subject}, "register " + subject, eventID},
		{"record-iins", iinRecordOperation, payload.IINRequest{RequestID: "q"}, "iins q", eventID},
		{"request-certificate", reissueOperation, payload.CertificateRequest{RequestID: "q"}, "certificate q", eventID},
		{"record-delivery", deliveredOperation, payload.Delivery{Notice: "n", State: "delivered"}, "delivery n", topics.DeriveID("delivery", "n", "delivered")},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeRegistry{answer: kandas.Answer{Accepted: true}}
			o := c.operation(fake)
			if o.System != "kandas" || o.Name != c.name || o.Effect != topics.C1 {
				t.Errorf("operation %s %s, %v", o.System, o.Name, o.Effect)
			}
			m := messageOf(t, "x", c.data)
			replies, err := o.Do(t.Context(), m)
			checkOutcome(t, replies, err, nil, "", "")
			if fake.called != c.called || fake.id != c.id {
				t.Errorf("called %q with id %s, want %q with %s", fake.called, fake.id, c.called, c.id)
			}

			fake.answer = kandas.Answer{Reason: "unknown"}
			_, err = o.Do(t.Context(), m)
			checkOutcome(t, nil, err, nil, topics.Rejected, "refused")

			fake.err = errDown
			_, err = o.Do(t.Context(), m)
			checkOutcome(t, nil, err, nil, topics.Unavailable, "connect")

			m.Data = json.RawMessage(`[]`)
			_, err = o.Do(t.Context(), m)
			checkOutcome(t, nil, err, nil, topics.Rejected, "schema")
		})
	}
}

// Two roads on which one receipt may come must make one call.
func TestDeliveredIDDependsOnNoticeAndStateAlone(t *testing.T) {
	call := func(d payload.Delivery, id string) string {
		fake := &fakeRegistry{answer: kandas.Answer{Accepted: true}}
		m := messageOf(t, payload.TypeStatecorpReceipt, d)
		m.ID = id
		if _, err := deliveredOperation(fake).Do(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		return fake.id
	}
	first := call(payload.Delivery{Notice: "n", State: "delivered", At: "2026-11-22T10:00:00+05:00"}, "a")
	if other := call(payload.Delivery{Notice: "n", State: "delivered"}, "b"); other != first {
		t.Errorf("one receipt by two roads has two ids: %s, %s", first, other)
	}
	if other := call(payload.Delivery{Notice: "n", State: "accepted"}, "a"); other == first {
		t.Error("accepted and delivered have one id")
	}
}

func TestVerify(t *testing.T) {
	signature := &payload.Signature{Format: "xml", Value: "<a/>"}
	says := func(reason string, err error) verifier {
		return func(_ context.Context, s payload.Signature, told eds.Statement) (string, error) {
			if s != *signature || told.ApplicationID != subject {
				t.Errorf("verified %+v of %+v", s, told)
			}
			return reason, err
		}
	}
	silent := func(context.Context, payload.Signature, eds.Statement) (string, error) {
		t.Error("asked about a signature that need not be there, or is not")
		return "", nil
	}
	event := func(s *payload.Signature, recipients ...string) payload.Event {
		return payload.Event{ApplicationID: subject, Recipients: recipients, Signature: s}
	}
	told := func(kind string, e payload.Event, recipients ...string) (replies []topics.Reply) {
		for _, r := range recipients {
			replies = append(replies, topics.Reply{Topic: r + ".notifications", Type: payload.TypeNotification, Data: payload.Notification{
				ApplicationID: subject, Recipient: r, Kind: kind, EventID: eventID, Event: e,
			}})
		}
		return replies
	}
	rejected := func(eventType, reason string) []topics.Reply {
		return []topics.Reply{{Topic: "kandas.rejections", Type: payload.TypeSignatureRejected, Data: payload.Rejection{
			ApplicationID: subject, EventID: eventID, EventType: eventType, Reason: reason,
		}}}
	}
	three := event(signature, "statecorp", "egov", "monitoring")
	bare := event(nil, "egov", "monitoring")
	for _, c := range []struct {
		name      string
		eventType string
		event     any
		verify    verifier
		want      []topics.Reply
		class     topics.Class
		code      string
	}{
		{"package refused", payload.TypePackageRefused, three, says("", nil), told("package-refused", three, "statecorp", "egov", "monitoring"), "", ""},
		{"hearing", payload.TypeHearingSet, three, says("", nil), told("hearing-set", three, "statecorp", "egov", "monitoring"), "", ""},
		{"decision", payload.TypeDecided, three, says("", nil), told("decided", three, "statecorp", "egov", "monitoring"), "", ""},
		{"certificate", payload.TypeCertificateIssued, three, says("", nil), told("certificate-issued", three, "statecorp", "egov", "monitoring"), "", ""},
		{"registered is not signed", payload.TypeRegistered, bare, silent, told("registered", bare, "egov", "monitoring"), "", ""},
		{"recommended is not signed", payload.TypeRecommended, bare, silent, told("recommended", bare, "egov", "monitoring"), "", ""},
		{"a recipient named twice", payload.TypeRegistered, event(nil, "egov", "egov"), silent, told("registered", event(nil, "egov", "egov"), "egov"), "", ""},

		{"package refusal without signature", payload.TypePackageRefused, bare, silent, rejected(payload.TypePackageRefused, "signature_missing"), "", ""},
		{"hearing without signature", payload.TypeHearingSet, bare, silent, rejected(payload.TypeHearingSet, "signature_missing"), "", ""},
		{"decision without signature", payload.TypeDecided, bare, silent, rejected(payload.TypeDecided, "signature_missing"), "", ""},
		{"certificate without signature", payload.TypeCertificateIssued, bare, silent, rejected(payload.TypeCertificateIssued, "signature_missing"), "", ""},
		{"bad signature", payload.TypeDecided, three, says("certificate_revoked", nil), rejected(payload.TypeDecided, "certificate_revoked"), "", ""},

		{"revocation unknown", payload.TypeDecided, three, says("", topics.Fail(topics.Unavailable, "revocation_unknown", "unknown")), nil, topics.Unavailable, "revocation_unknown"},
		{"unknown recipient", payload.TypeDecided, event(signature, "egov", "nobody"), silent, nil, topics.Rejected, "unknown_recipient"},
		{"unknown type", "kz.kandas.x.v1", three, silent, nil, topics.Rejected, "unknown_type"},
		{"not an event", payload.TypeDecided, []int{1}, silent, nil, topics.Rejected, "schema"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := verifyOperation(c.verify, func(r string) bool { return r != "nobody" })
			replies, err := o.Do(t.Context(), messageOf(t, c.eventType, c.event))
			checkOutcome(t, replies, err, c.want, c.class, c.code)
		})
	}
}

// What must be signed follows from the event, and nothing of it is left out.
func TestStatement(t *testing.T) {
	for eventType, c := range map[string]struct {
		event payload.Event
		want  eds.Statement
	}{
		payload.TypePackageRefused: {
			payload.Event{PackageRefusal: &payload.PackageRefusal{Number: "1", Date: "2026-11-22", Kind: "expired"}},
			eds.Statement{Number: "1", Date: "2026-11-22", Result: "expired"},
		},
		payload.TypeHearingSet: {
			payload.Event{Hearing: &payload.Hearing{At: "2026-11-24T15:00:00+05:00"}},
			eds.Statement{Date: "2026-11-24T15:00:00+05:00"},
		},
		payload.TypeDecided: {
			payload.Event{Decision: &payload.Decision{Number: "2", Date: "2026-11-22", Result: "refuse"}},
			eds.Statement{Number: "2", Date: "2026-11-22", Result: "refuse"},
		},
		payload.TypeCertificateIssued: {
			payload.Event{Certificate: &payload.Certificate{Number: "3", AssignedOn: "2026-11-22"}},
			eds.Statement{Number: "3", Date: "2026-11-22"},
		},
	} {
		c.want.ApplicationID, c.want.EventType = subject, eventType
		if diff := cmp.Diff(c.want, statementOf(topics.Message{Subject: subject, Type: eventType}, c.event)); diff != "" {
			t.Errorf("%s: %s", eventType, diff)
		}
	}
}

// recorded is what a rule for notices writes: for each state one delivery, and
// with acceptance the event.
func recorded(system string, states ...string) (replies []topics.Reply) {
	notice := subject + ".0d9f3c526b1a5d0e"
	for _, state := range states {
		d := payload.Delivery{ApplicationID: subject, Notice: notice, Recipient: system, State: state}
		if state == "accepted" {
			d.EventID = "event"
		}
		replies = append(replies, topics.Reply{
			Topic: system + ".accepted",
			Type:  payload.TypeDeliveryRecorded,
			ID:    topics.DeriveID("delivery", notice, state),
			Data:  d,
		})
	}
	return replies
}

// What the hub writes after it has asked, and what the system's own receipt
// says, must be one message.
func TestAskedSaysWhatTheReceiptSays(t *testing.T) {
	m := messageOf(t, payload.TypeNotification, payload.Notification{EventID: "event"})
	for state, call := range map[shep.State]shep.State{
		shep.Delivered: shep.Delivered, shep.NotDelivered: shep.NotDelivered, shep.DeliveryStopped: shep.NotDelivered,
	} {
		in := shep.Incoming{Operation: shep.OpStateChanged, MessageID: topics.NoticeID(m.Subject, m.ID), State: call, Time: time.Now()}
		receipt, ok, err := in.Receipt("egov", payload.TypeEgovReceipt)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		replies := asked("egov", m, payload.Notification{EventID: "event"}, string(state))
		said, err := json.Marshal(replies[1].Data)
		if err != nil {
			t.Fatal(err)
		}
		if replies[1].ID != receipt.ID || string(said) != string(receipt.Data) {
			t.Errorf("%s: %s %s, but the receipt is %s %s", state, replies[1].ID, said, receipt.ID, receipt.Data)
		}
	}
}

type fakeCabinet struct {
	notice string
	err    error
}

func (f *fakeCabinet) Show(_ context.Context, notice string, _ payload.Notification) (migration.Shown, error) {
	f.notice = notice
	return migration.Shown{}, f.err
}

func TestShow(t *testing.T) {
	fake := &fakeCabinet{}
	o := showOperation(fake)
	m := messageOf(t, payload.TypeNotification, payload.Notification{ApplicationID: subject, EventID: "event"})
	replies, err := o.Do(t.Context(), m)
	checkOutcome(t, replies, err, recorded("migration", "accepted"), "", "")
	if want := topics.NoticeID(subject, eventID); fake.notice != want {
		t.Errorf("notice %s, want %s", fake.notice, want)
	}
	fake.err = errDown
	_, err = o.Do(t.Context(), m)
	checkOutcome(t, nil, err, nil, topics.Unavailable, "connect")
	m.Data = json.RawMessage(`{`)
	_, err = o.Do(t.Context(), m)
	checkOutcome(t, nil, err, nil, topics.Rejected, "schema")
}

type fakeGateway struct {
	notice, correlation string
	state               string
	arrived             bool
	err                 error
}

func (f *fakeGateway) Notify(_ context.Context, notice, correlation string, _ payload.Notification) (shep.Ack, error) {
	f.notice, f.correlation = notice, correlation
	return shep.Ack{}, f.err
}

func (f *fakeGateway) Ask(_ context.Context, notice string, _ time.Time) (string, bool, error) {
	f.notice = notice
	return f.state, f.arrived, f.err
}

func TestNotify(t *testing.T) {
	fake := &fakeGateway{}
	o := notifyOperation("egov", fake, time.Minute)
	if o.System != "egov" || o.Effect != topics.C2 || o.Settle != time.Minute {
		t.Errorf("operation of %s, %v, settle %v", o.System, o.Effect, o.Settle)
	}
	m := messageOf(t, payload.TypeNotification, payload.Notification{ApplicationID: subject, EventID: "event"})
	replies, err := o.Do(t.Context(), m)
	checkOutcome(t, replies, err, recorded("egov", "accepted"), "", "")
	if fake.notice != topics.NoticeID(subject, eventID) || fake.correlation != subject {
		t.Errorf("notice %s, correlation %s", fake.notice, fake.correlation)
	}
	fake.err = topics.Fail(topics.Uncertain, "timeout", "no answer")
	_, err = o.Do(t.Context(), m)
	checkOutcome(t, nil, err, nil, topics.Uncertain, "timeout")
	m.Data = json.RawMessage(`{`)
	_, err = o.Do(t.Context(), m)
	checkOutcome(t, nil, err, nil, topics.Rejected, "schema")
}

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name    string
		state   shep.State
		arrived bool
		err     error
		want    []topics.Reply
		code    string
	}{
		{"on its way", shep.OnDelivery, true, nil, recorded("statecorp", "accepted"), ""},
		{"delivered", shep.Delivered, true, nil, recorded("statecorp", "accepted", "delivered"), ""},
		{"not delivered", shep.NotDelivered, true, nil, recorded("statecorp", "accepted", "not-delivered"), ""},
		{"stopped", shep.DeliveryStopped, true, nil, recorded("statecorp", "accepted", "not-delivered"), ""},
		{"never arrived", shep.UnknownID, false, nil, nil, ""},
		{"no answer", "", false, errDown, nil, "connect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeGateway{state: string(c.state), arrived: c.arrived, err: c.err}
			o := notifyOperation("statecorp", fake, time.Minute)
			replies, arrived, err := o.Ask(t.Context(), messageOf(t, payload.TypeNotification, payload.Notification{EventID: "event"}), time.Now())
			checkOutcome(t, replies, err, c.want, topics.Unavailable, c.code)
			if arrived != c.arrived {
				t.Errorf("arrived %v, want %v", arrived, c.arrived)
			}
			if fake.notice != topics.NoticeID(subject, eventID) {
				t.Errorf("asked for %s", fake.notice)
			}
		})
	}
}

// The adapters fit the rules as they are.
var (
	_ registry = (*kandas.Client)(nil)
	_ verifier = (*eds.Client)(nil).Verify
	_ cabinet  = (*migration.Client)(nil)
	_ gateway  = (*egov.Adapter)(nil)
	_ gateway  = (*statecorp.Adapter)(nil)
)
