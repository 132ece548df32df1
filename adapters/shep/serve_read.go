package shep

import (
	"time"

	"github.com/beevik/etree"

	"kandashub/topics"
)

// syncChannel serves SendMessage.
var syncChannel = channel{
	ns:    nsSync,
	first: OpSendSync,
	read: map[string]func(*reader, *etree.Element) Incoming{
		OpSendSync: func(r *reader, request *etree.Element) Incoming {
			return readMessage(r, r.child(request, "requestInfo"), r.child(request, "requestData"))
		},
	},
	answer: func(in Incoming, now time.Time) *etree.Element {
		response := etree.NewElement("response")
		info := response.CreateElement("responseInfo")
		// The response's id is the receiving system's; a repeat gets the same.
		add(info, "messageId", topics.DeriveID("shep.response", in.System, in.MessageID))
		addSet(info, "correlationId", in.CorrelationID)
		add(info, "responseDate", formatTime(now))
		status := info.CreateElement("status")
		add(status, "code", StatusOK)
		add(status, "message", "Message has been processed successfully")
		response.CreateElement("responseData")
		return response
	},
}

// asyncChannel serves sendMessage and the two callbacks. getMessageStatus and
// getMessages are the gateway's, not ours.
var asyncChannel = channel{
	ns:    nsAsync,
	first: OpSend,
	read: map[string]func(*reader, *etree.Element) Incoming{
		OpSend: func(r *reader, request *etree.Element) Incoming {
			info := r.child(request, "messageInfo")
			in := readMessage(r, info, r.child(request, "messageData"))
			in.MessageType = r.text(info, "messageType")
			return in
		},
		OpDelivery: func(r *reader, request *etree.Element) Incoming {
			n, in := readCallback(r, request)
			in.ServiceID = r.text(n, "serviceId")
			switch r.need(r.child(n, "deliveryStatus"), "receiveStatus") {
			case "MESSAGE_ACCEPTED":
				in.State = Delivered
			case "MESSAGE_NOT_ACCTEPTED", "MESSAGE_NOT_ACCEPTED": // the schema's typo, and a sender without it
				in.State = NotDelivered
			default:
				r.fail(CodeMessage, "receiveStatus is none of the schema's")
			}
			return in
		},
		OpStateChanged: func(r *reader, request *etree.Element) Incoming {
			n, in := readCallback(r, request)
			in.State = State(r.need(n, "messageState"))
			switch in.State {
			case OnDelivery, Delivered, NotDelivered, DeliveryStopped:
			default:
				r.fail(CodeMessage, "messageState is none of the schema's")
			}
			return in
		},
	},
	answer: func(in Incoming, now time.Time) *etree.Element {
		response := etree.NewElement("response")
		switch in.Operation {
		case OpSend:
			add(response, "messageId", in.MessageID)
			addSet(response, "correlationId", in.CorrelationID)
		case OpDelivery:
			add(response, "notificationId", topics.DeriveID("shep.response", in.System, in.MessageID, string(in.State)))
		}
		add(response, "responseDate", formatTime(now))
		return response
	},
}

// maxID is the longest messageId served, in characters.
const maxID = 100

func readMessage(r *reader, info, holder *etree.Element) Incoming {
	in := Incoming{
		MessageID:     readID(r, info),
		CorrelationID: r.text(info, "correlationId"),
		ServiceID:     r.need(info, "serviceId"),
		Data:          readData(r, holder),
	}
	date := r.need(info, "messageDate")
	t, ok := parseTime(date)
	if !ok {
		r.fail(CodeMessage, "messageDate is no xs:dateTime")
	}
	in.Time = t
	return in
}

// readCallback reads what both callbacks share. A callback without a readable
// date counts as sent now: what it says matters more.
func readCallback(r *reader, request *etree.Element) (notification *etree.Element, in Incoming) {
	n := r.child(request, "notification")
	in.MessageID = readID(r, n)
	in.Time, _ = parseTime(r.text(n, "notificationDate"))
	return n, in
}

// readID reads the messageId. It becomes a message's id for ever, so it is
// required although the async schema has it optional, and held to what an id
// may be: up to 100 visible ASCII characters.
func readID(r *reader, e *etree.Element) string {
	id := plainID(r.need(e, "messageId"))
	if len(id) > maxID {
		r.fail(CodeMessage, "messageId is too long")
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' {
			r.fail(CodeMessage, "messageId is not of visible ASCII characters")
		}
	}
	return id
}
