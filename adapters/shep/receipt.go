package shep

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"kandashub/topics"
	"kandashub/topics/payload"
)

var noticeHex = regexp.MustCompile(`^[0-9a-f]{16}$`)

// Application returns the application id in a notice id (topics.NoticeID). ok
// is false for an id that the hub cannot have made.
func Application(notice string) (id string, ok bool) {
	dot := strings.LastIndexByte(notice, '.')
	if dot <= 0 || dot > topics.MaxApplicationID || !noticeHex.MatchString(notice[dot+1:]) {
		return "", false
	}
	return notice[:dot], true
}

// IsCallback says whether in is about a message of ours.
func (in Incoming) IsCallback() bool {
	return in.Operation == OpDelivery || in.Operation == OpStateChanged
}

// Receipt turns a callback into what is written on the recipient's receipts:
// delivered, or not delivered, which the hub never repeats. While it is on
// delivery there is nothing to write, and ok is false. eventType is that of the
// recipient's receipts. An id that is not a notice of ours is Rejected.
func (in Incoming) Receipt(recipient, eventType string) (m topics.Message, ok bool, err error) {
	state := payload.DeliveryDelivered
	switch in.State {
	case OnDelivery:
		return topics.Message{}, false, nil
	case NotDelivered, DeliveryStopped:
		state = payload.DeliveryNotDelivered
	}
	m, err = Delivery(recipient, eventType, in.MessageID, state, in.Time)
	return m, err == nil, err
}

// Delivery is the message that says what became of a notice at the recipient.
// Its id and payload follow from notice and state alone, so that what is told
// by two roads or twice is one message: the time is only its ce_time, and the
// reason stays at the gateway.
func Delivery(recipient, eventType, notice, state string, at time.Time) (topics.Message, error) {
	application, ok := Application(notice)
	if !ok {
		return topics.Message{}, topics.Fail(topics.Rejected, "unknown_notice", "the id names no notice of ours")
	}
	return Event(recipient, eventType, topics.DeriveID("delivery", notice, state), application, at, payload.Delivery{
		ApplicationID: application,
		Notice:        notice,
		Recipient:     recipient,
		State:         state,
	})
}

// Event is a first message written on behalf of system.
func Event(system, eventType, id, application string, at time.Time, data any) (topics.Message, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return topics.Message{}, topics.Fail(topics.Rejected, "schema", "payload of %s: %w", eventType, err)
	}
	return topics.Message{
		ID: id, Type: eventType, Source: system, Subject: application,
		Time: at, Data: body,
	}, nil
}

// Application reads in as an application filed at system: data holds
// payload.Application as XML. The message's id is the messageId and its time
// the messageDate.
func (in Incoming) Application(system, eventType string) (topics.Message, error) {
	root := Content(in.Data)
	if root == nil || root.Tag != "application" {
		return topics.Message{}, topics.Fail(topics.Rejected, "schema", "data does not hold one application")
	}
	var a payload.Application
	if err := Decode(root, &a); err != nil {
		return topics.Message{}, topics.Fail(topics.Rejected, "schema", "application: %w", err)
	}
	return Event(system, eventType, in.MessageID, a.ApplicationID, in.Time, a)
}
