package shep

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/beevik/etree"

	"kandashub/adapters"
	"kandashub/topics"
)

// Sender is who we are at the gateway.
type Sender struct{ ID, Password string }

// A Client calls one channel of the gateway for one system. Its methods call
// once; every error is a *topics.Failure. SOAP faults are sorted so: Client
// (1.2: Sender) is Rejected with the code soap_client, Server (Receiver) and
// anything unknown is Uncertain with soap_server, a fault about our credentials
// or about the form of the envelope is Unavailable and pauses the route, since
// a wrong setting must not dead-letter a queue. An answer that cannot be read
// is Uncertain with the code unreadable.
type Client struct {
	http   *adapters.Client
	path   string
	sender Sender
	now    func() time.Time
	header http.Header // of every call; only read
}

// NewClient returns a client of the channel under path, below the URL of c:
// usually /bip-sync-wss-gost/ or /bip-async. A nil now is time.Now.
func NewClient(c *adapters.Client, path string, s Sender, now func() time.Time) *Client {
	if now == nil {
		now = time.Now
	}
	// SOAPAction is empty, and quoted as SOAP 1.1 wants it.
	return &Client{http: c, path: path, sender: s, now: now, header: http.Header{"SOAPAction": {`""`}}}
}

// Usual paths of the gateway's channels (kz.md 1.2, 1.3).
const (
	UsualSync  = "/bip-sync-wss-gost/"
	UsualAsync = "/bip-async"
)

// Connect is NewClient for a system of its own. No connection is made yet.
func Connect(h adapters.Config, path string, s Sender, now func() time.Time) (*Client, error) {
	if s.ID == "" {
		return nil, fmt.Errorf("system %s: a sender id at the gateway is missing", h.System)
	}
	c, err := adapters.NewClient(h)
	if err != nil {
		return nil, err
	}
	return NewClient(c, path, s, now), nil
}

// A SyncRequest is one SendMessage.
type SyncRequest struct {
	MessageID     string // minted by us, the same on a repeat
	CorrelationID string // the business chain; may be empty
	ServiceID     string // of the interaction, from SHEP's register
	Data          Data
}

// A SyncAnswer is what the receiving system answered.
type SyncAnswer struct {
	MessageID string // the receiving system's
	SessionID string // SHEP's, without braces
	// Code is status.code, set by the receiving system: StatusOK or a code of
	// its own. It is not made an error here. Pass it through SafeCode before it
	// goes into an error or a log.
	Code string
	// Data is the data element; nil where the answer has none. A document that
	// came as a string stands in it as an element.
	Data *etree.Element
}

// SendSync sends one message through the sync channel and returns the business
// answer. The operation names the call in metrics.
func (c *Client) SendSync(ctx context.Context, operation string, m SyncRequest) (SyncAnswer, error) {
	body := request(nsSync, OpSendSync, func(w Writer) {
		w.In("requestInfo", func(w Writer) {
			w.Text("messageId", m.MessageID)
			w.Set("correlationId", m.CorrelationID)
			w.Text("serviceId", m.ServiceID)
			w.Text("messageDate", formatTime(c.now()))
			c.writeSender(w)
		})
		w.In("requestData", func(w Writer) { m.Data.WriteTo(w.out, canonical()) })
	})
	response, err := c.call(ctx, operation, OpSendSync, body)
	if err != nil {
		return SyncAnswer{}, err
	}
	var r reader
	head := r.child(response, "responseInfo")
	answer := SyncAnswer{
		MessageID: r.text(head, "messageId"),
		SessionID: plainID(r.text(head, "sessionId")),
		Code:      r.need(r.child(head, "status"), "code"),
		Data:      readData(&r, r.child(response, "responseData")),
	}
	if r.err != nil {
		return SyncAnswer{}, unreadable(r.err)
	}
	return answer, nil
}

// An AsyncRequest is one sendMessage.
type AsyncRequest struct {
	MessageID     string // minted by us, the same on a repeat; callbacks name it
	CorrelationID string // the business chain; may be empty
	ServiceID     string
	MessageType   string // REQUEST or NOTIFICATION
	Data          Data
}

// Types of an async message (kz.md 1.3).
const (
	TypeRequest      = "REQUEST"
	TypeNotification = "NOTIFICATION"
)

// An Ack says that the gateway has taken a message over. It is not the
// recipient's answer.
type Ack struct {
	MessageID string
	SessionID string    // without braces; often absent
	At        time.Time // of the gateway's clock; zero where it says none
}

// SendAsync hands one message to the gateway through the async channel.
func (c *Client) SendAsync(ctx context.Context, operation string, m AsyncRequest) (Ack, error) {
	read, err := c.ask(ctx, operation, OpSend, c.asyncEnvelope(m), "messageId", "sessionId", "responseDate")
	if err != nil {
		return Ack{}, err
	}
	ack := Ack{MessageID: read[0], SessionID: plainID(read[1])}
	ack.At, _ = parseTime(read[2])
	return ack, nil
}

func (c *Client) asyncEnvelope(m AsyncRequest) []byte {
	return request(nsAsync, OpSend, func(w Writer) {
		w.In("messageInfo", func(w Writer) {
			w.Text("messageId", m.MessageID)
			w.Set("correlationId", m.CorrelationID)
			w.Text("serviceId", m.ServiceID)
			w.Text("messageType", m.MessageType)
			w.Text("messageDate", formatTime(c.now()))
			c.writeSender(w)
		})
		w.In("messageData", func(w Writer) { m.Data.WriteTo(w.out, canonical()) })
	})
}

// A State is what became of an async message.
type State string

// The states of the schema, and UnknownID, which is Status's answer where the
// gateway says that it has no message of that id.
const (
	OnDelivery      State = "ON_DELIVERY"
	Delivered       State = "DELIVERED"
	NotDelivered    State = "NOT_DELIVERED"
	DeliveryStopped State = "DELIVERY_STOPPED"
	UnknownID       State = "unknown id"
)

// CodeUnknownID is the errorCode of a getMessageStatus fault that says
// definitely: no message of that id ever arrived. Public sources name no code
// for it, so this one is ours (kz.md 1.2: "Gateway-level fault code list: not
// found"). Any other fault is no answer.
const CodeUnknownID = "MESSAGE_NOT_FOUND"

// Status asks what became of an async message of ours (getMessageStatus). A
// definite "unknown id" is the state UnknownID, not an error. Asking changes
// nothing.
func (c *Client) Status(ctx context.Context, messageID string) (State, error) {
	body := request(nsAsync, OpStatus, func(w Writer) {
		w.Text("messageId", messageID)
		w.Text("requestDate", formatTime(c.now()))
		c.writeSender(w)
	})
	read, err := c.ask(ctx, "message-status", OpStatus, body, "messageState")
	if err != nil {
		var f *Fault
		if errors.As(err, &f) && f.Side == "Client" && f.Code == CodeUnknownID {
			return UnknownID, nil
		}
		return "", err
	}
	switch state := State(read[0]); state {
	case OnDelivery, Delivered, NotDelivered, DeliveryStopped:
		return state, nil
	}
	return "", topics.Fail(topics.Uncertain, "unreadable", "messageState is none of the schema's")
}

// Arrived asks what became of a message after an unclear outcome, in the form
// in which topics.Operation asks: any state found means that it arrived, the
// state UnknownID that it definitely never did. Everything else is no answer,
// an error of class Unavailable.
func (c *Client) Arrived(ctx context.Context, messageID string) (state string, arrived bool, err error) {
	s, err := c.Status(ctx, messageID)
	if err != nil {
		f := *topics.FailureOf(err)
		f.Class = topics.Unavailable
		return "", false, &f
	}
	return string(s), s != UnknownID, nil
}

func (c *Client) writeSender(w Writer) {
	w.In("sender", func(w Writer) {
		w.Text("senderId", c.sender.ID)
		w.Set("password", c.sender.Password)
	})
}
