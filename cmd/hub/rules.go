package main

import (
	"context"
	"slices"
	"time"

	"kandashub/adapters/eds"
	"kandashub/adapters/kandas"
	"kandashub/adapters/migration"
	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// The rules of all routes but those for IINs (iin.go): which operation of which
// system a message calls, and what is written after the answer (design.md 2).
//
//	<channel>.applications ─> register            kandas.events ─> verify ─> <recipient>.notifications
//	iin.results ────────────> iin-record                            └─ bad ─> kandas.rejections
//	statecorp.certificate-requests ─> reissue     <system>.notifications ─> notify-<system> ─> <system>.accepted
//	                                              <system>.accepted, <system>.receipts ─> delivered

// A registry is АЦС «Кандас», as the routes call it.
type registry interface {
	Register(ctx context.Context, id string, a payload.Application) (kandas.Answer, error)
	RecordIINs(ctx context.Context, id string, r payload.IINRequest) (kandas.Answer, error)
	RecordDelivery(ctx context.Context, id string, d payload.Delivery) (kandas.Answer, error)
	RequestCertificate(ctx context.Context, id string, r payload.CertificateRequest) (kandas.Answer, error)
}

// registerOperation registers an application. What comes of it, kandas says by
// an event.
func registerOperation(r registry) topics.Operation {
	return recordOperation("register", r.Register, messageID)
}

// iinRecordOperation hands the IINs of all persons to kandas, once.
func iinRecordOperation(r registry) topics.Operation {
	return recordOperation("record-iins", r.RecordIINs, messageID)
}

// reissueOperation asks kandas for a certificate; it comes as an event.
func reissueOperation(r registry) topics.Operation {
	return recordOperation("request-certificate", r.RequestCertificate, messageID)
}

// deliveredOperation tells kandas what became of a notice. The id follows from
// notice and state: a receipt that comes by two roads is one.
func deliveredOperation(r registry) topics.Operation {
	return recordOperation("record-delivery", r.RecordDelivery, func(_ topics.Message, d payload.Delivery) string {
		return deliveryID(d.Notice, d.State)
	})
}

// messageID is the id of a call that repeats its message's id.
func messageID[T any](m topics.Message, _ T) string { return m.ID }

func deliveryID(notice, state string) string { return topics.DeriveID("delivery", notice, state) }

// recordOperation calls an operation of kandas that is followed by no reply. A
// refusal is final, and there is nobody else to hear of it: a person has to.
func recordOperation[T any](
	name string,
	call func(ctx context.Context, id string, v T) (kandas.Answer, error),
	id func(topics.Message, T) string,
) topics.Operation {
	return topics.Operation{
		System: "kandas",
		Name:   name,
		Effect: kandas.Effect,
		Do: func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
			v, err := decode[T](m)
			if err != nil {
				return nil, err
			}
			answer, err := call(ctx, id(m, v), v)
			if err != nil {
				return nil, err
			}
			if !answer.Accepted {
				return nil, topics.Fail(topics.Rejected, "refused", "kandas refused to %s: %s", name, answer.Reason)
			}
			return nil, nil
		},
	}
}

func decode[T any](m topics.Message) (v T, err error) {
	if err := m.Decode(&v); err != nil {
		return v, topics.Fail(topics.Rejected, "schema", "%w", err)
	}
	return v, nil
}

// A verifier says why an ЭЦП is bad, or over something else than what is told;
// empty if it is good. Whether it is revoked may be unknown: that is an error of
// class Unavailable, and the message waits.
type verifier func(ctx context.Context, s payload.Signature, told eds.Statement) (reason string, err error)

// eventKinds names the events of kandas to their recipients, and says which
// must be signed by the head of МИО (domain.md 3.3).
var eventKinds = map[string]struct {
	kind   string
	signed bool
}{
	payload.TypeRegistered:        {"registered", false},
	payload.TypePackageRefused:    {"package-refused", true},
	payload.TypeRecommended:       {"recommended", false},
	payload.TypeHearingSet:        {"hearing-set", true},
	payload.TypeDecided:           {"decided", true},
	payload.TypeCertificateIssued: {"certificate-issued", true},
}

// verifyOperation verifies the signature of an event of kandas, where it must
// have one, and has its recipients told; a bad one goes back to kandas, and
// nobody is told. known says whether a recipient has a topic for notifications.
func verifyOperation(verify verifier, known func(recipient string) bool) topics.Operation {
	return topics.Operation{
		System: "eds",
		Name:   "verify",
		Effect: eds.Effect,
		Do: func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
			e, err := decode[payload.Event](m)
			if err != nil {
				return nil, err
			}
			k, ok := eventKinds[m.Type]
			if !ok {
				return nil, topics.Fail(topics.Rejected, "unknown_type", "event of the unknown type %s", m.Type)
			}
			if i := slices.IndexFunc(e.Recipients, func(r string) bool { return !known(r) }); i >= 0 {
				return nil, topics.Fail(topics.Rejected, "unknown_recipient", "recipients[%d] has no topic", i)
			}
			if !k.signed {
				return notifications(m, k.kind, e), nil
			}
			if e.Signature == nil {
				return rejection(m, eds.SignatureMissing), nil
			}
			switch reason, err := verify(ctx, *e.Signature, statementOf(m, e)); {
			case err != nil:
				return nil, err
			case reason != "":
				return rejection(m, reason), nil
			}
			return notifications(m, k.kind, e), nil
		},
	}
}

// statementOf is what the signed document of an event must say.
func statementOf(m topics.Message, e payload.Event) eds.Statement {
	s := eds.Statement{ApplicationID: m.Subject, EventType: m.Type}
	switch {
	case e.PackageRefusal != nil:
		s.Number, s.Date, s.Result = e.PackageRefusal.Number, e.PackageRefusal.Date, e.PackageRefusal.Kind
	case e.Hearing != nil:
		s.Date = e.Hearing.At
	case e.Decision != nil:
		s.Number, s.Date, s.Result = e.Decision.Number, e.Decision.Date, e.Decision.Result
	case e.Certificate != nil:
		s.Number, s.Date = e.Certificate.Number, e.Certificate.AssignedOn
	}
	return s
}

// notifications are one for each recipient, in the order given.
func notifications(m topics.Message, kind string, e payload.Event) []topics.Reply {
	var replies []topics.Reply
	for i, recipient := range e.Recipients {
		if slices.Contains(e.Recipients[:i], recipient) {
			continue
		}
		replies = append(replies, topics.Reply{
			Topic: recipient + ".notifications",
			Type:  payload.TypeNotification,
			Data: payload.Notification{
				ApplicationID: m.Subject,
				Recipient:     recipient,
				Kind:          kind,
				EventID:       m.ID,
				Event:         e,
			},
		})
	}
	return replies
}

func rejection(m topics.Message, reason string) []topics.Reply {
	return []topics.Reply{{
		Topic: "kandas.rejections",
		Type:  payload.TypeSignatureRejected,
		Data: payload.Rejection{
			ApplicationID: m.Subject,
			EventID:       m.ID,
			EventType:     m.Type,
			Reason:        reason,
		},
	}}
}

// A cabinet is the personal cabinet on migration.enbek.kz.
type cabinet interface {
	Show(ctx context.Context, notice string, n payload.Notification) (migration.Shown, error)
}

// showOperation shows a notice in the personal cabinet.
func showOperation(c cabinet) topics.Operation {
	return topics.Operation{
		System: "migration",
		Name:   "show",
		Effect: migration.Effect,
		Do: func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
			n, err := decode[payload.Notification](m)
			if err != nil {
				return nil, err
			}
			notice := topics.NoticeID(m.Subject, m.ID)
			if _, err := c.Show(ctx, notice, n); err != nil {
				return nil, err
			}
			return []topics.Reply{accepted("migration", m, n)}, nil
		},
	}
}

// A gateway is a system that is told through SHEP's async channel.
type gateway interface {
	Notify(ctx context.Context, notice, correlation string, n payload.Notification) (shep.Ack, error)
	Ask(ctx context.Context, notice string, sent time.Time) (state string, arrived bool, err error)
}

// notifyOperation tells a system behind the gateway. The effect is that the
// gateway takes the notice over; what becomes of it there comes as a receipt.
func notifyOperation(system string, g gateway, settle time.Duration) topics.Operation {
	return topics.Operation{
		System: system,
		Name:   "notify",
		Effect: topics.C2,
		Settle: settle,
		Do: func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
			n, err := decode[payload.Notification](m)
			if err != nil {
				return nil, err
			}
			if _, err := g.Notify(ctx, topics.NoticeID(m.Subject, m.ID), m.Subject, n); err != nil {
				return nil, err
			}
			return []topics.Reply{accepted(system, m, n)}, nil
		},
		Ask: func(ctx context.Context, m topics.Message, sent time.Time) ([]topics.Reply, bool, error) {
			n, err := decode[payload.Notification](m)
			if err != nil {
				return nil, false, err
			}
			state, arrived, err := g.Ask(ctx, topics.NoticeID(m.Subject, m.ID), sent)
			if err != nil || !arrived {
				return nil, false, err
			}
			return asked(system, m, n, state), true, nil
		},
	}
}

// asked is what is written where the gateway has been asked what became of the
// notice m: that it was accepted, and, where it says so, how it ended, just as
// the system's own receipt says it. A notice that was not delivered is never
// sent again by the hub: kandas hears of it.
func asked(system string, m topics.Message, n payload.Notification, state string) []topics.Reply {
	replies := []topics.Reply{accepted(system, m, n)}
	switch shep.State(state) {
	case shep.Delivered:
		return append(replies, delivery(system, m, payload.DeliveryDelivered))
	case shep.NotDelivered, shep.DeliveryStopped:
		return append(replies, delivery(system, m, payload.DeliveryNotDelivered))
	}
	return replies
}

// accepted says that the system has taken over the notice that m carries, and
// of which event it tells.
func accepted(system string, m topics.Message, n payload.Notification) topics.Reply {
	r := delivery(system, m, payload.DeliveryAccepted)
	d := r.Data.(payload.Delivery)
	d.EventID = n.EventID
	r.Data = d
	return r
}

// delivery says what became of the notice that m carries. Its id and payload
// follow from notice and state alone, as those of the system's own receipt do.
func delivery(system string, m topics.Message, state string) topics.Reply {
	notice := topics.NoticeID(m.Subject, m.ID)
	return topics.Reply{
		Topic: system + ".accepted",
		Type:  payload.TypeDeliveryRecorded,
		ID:    deliveryID(notice, state),
		Data: payload.Delivery{
			ApplicationID: m.Subject,
			Notice:        notice,
			Recipient:     system,
			State:         state,
		},
	}
}
