// Package statecorp speaks to the State Corporation «Правительство для
// граждан» through SHEP: notices for applicants who filed at a counter,
// decisions on extension, and certificates that a counter asked for go out by
// the async channel; applications, receipts and requests for certificates come
// in by either channel.
//
// Effect contract C2: the gateway delivers a repeated messageId again, but can
// be asked what became of it. The messageId is the notice id (topics.NoticeID),
// so a callback, which names nothing else, leads back to its application.
//
// The State Corporation's own formats are not public. Those here are ours, all
// in wire.go: one service and one root element for each of the three things
// that it is told, and three root elements that it may send,
//
//	<application xmlns="urn:kandashub:application:v1">                   payload.Application
//	<certificate_request xmlns="urn:kandashub:certificate-request:v1">   payload.CertificateRequest
//	<receipt xmlns="urn:kandashub:receipt:v1">                           notice, state, at
package statecorp

import (
	"cmp"
	"context"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// System is the system's name in topics, metrics and settings.
const System = "statecorp"

// The topics that are written on behalf of the State Corporation.
const (
	TopicApplications        = "statecorp.applications"
	TopicReceipts            = "statecorp.receipts"
	TopicCertificateRequests = "statecorp.certificate-requests"
)

// Services are the serviceIds of the three things that the State Corporation is
// told. Empty ones have defaults.
type Services struct {
	Notice      string // KANDAS_NOTIFICATION: what happened to an application
	Extension   string // KANDAS_EXTENSION_DECISION: Rules 329, p. 22
	Certificate string // KANDAS_CERTIFICATE: the answer to a request
}

// Config of an adapter.
type Config struct {
	HTTP     adapters.Config // the gateway
	Path     string          // of the async channel; /bip-async if empty
	Sender   shep.Sender     // who we are at the gateway
	Services Services
	Now      func() time.Time // time.Now if nil
}

// An Adapter speaks to the State Corporation. It is safe for concurrent use.
type Adapter struct {
	client   *shep.Client
	services Services
}

// New checks cfg and returns an adapter.
func New(cfg Config) (*Adapter, error) {
	cfg.HTTP.System = cmp.Or(cfg.HTTP.System, System)
	client, err := shep.Connect(cfg.HTTP, cmp.Or(cfg.Path, shep.UsualAsync), cfg.Sender, cfg.Now)
	if err != nil {
		return nil, err
	}
	return &Adapter{client: client, services: Services{
		Notice:      cmp.Or(cfg.Services.Notice, "KANDAS_NOTIFICATION"),
		Extension:   cmp.Or(cfg.Services.Extension, "KANDAS_EXTENSION_DECISION"),
		Certificate: cmp.Or(cfg.Services.Certificate, "KANDAS_CERTIFICATE"),
	}}, nil
}

// Notify tells the State Corporation of one event, through the service that the
// event belongs to: a decision on extension, a certificate that a counter asked
// for, or a notice of anything else. notice is the messageId; correlation is
// the application id if empty.
func (a *Adapter) Notify(ctx context.Context, notice, correlation string, n payload.Notification) (shep.Ack, error) {
	if correlation == "" {
		correlation = n.ApplicationID
	}
	send := func(operation, service, root, namespace string, write func(shep.Writer, *payload.Notification)) (shep.Ack, error) {
		return a.client.SendAsync(ctx, operation, shep.AsyncRequest{
			MessageID:     notice,
			CorrelationID: correlation,
			ServiceID:     service,
			MessageType:   shep.TypeNotification,
			Data:          shep.Document{Root: root, Namespace: namespace, Content: func(w shep.Writer) { write(w, &n) }},
		})
	}
	switch e := n.Event; {
	case e.Decision != nil && (e.Decision.Result == "extend" || e.Decision.Result == "refuse-extension"):
		return send("deliver-extension", a.services.Extension, "extension_decision", nsExtension, writeExtension)
	case e.Certificate != nil && e.Certificate.RequestID != "":
		return send("answer-certificate", a.services.Certificate, "certificate", nsCertificate, writeCertificate)
	default:
		return send("notify", a.services.Notice, "notice", nsNotice, writeNotice)
	}
}

// Ask says what became of a notice after an unclear outcome; see
// shep.Client.Arrived.
func (a *Adapter) Ask(ctx context.Context, notice string, sent time.Time) (state string, arrived bool, err error) {
	return a.client.Arrived(ctx, notice)
}

// Incoming turns what the State Corporation sent to the hub into the message to
// write and its topic. ok is false where there is nothing to write. An error is
// a *topics.Failure of class Rejected: the message can never be accepted.
func (a *Adapter) Incoming(in shep.Incoming) (topic string, m topics.Message, ok bool, err error) {
	if in.IsCallback() {
		m, ok, err = in.Receipt(System, payload.TypeStatecorpReceipt)
		return TopicReceipts, m, ok, err
	}
	root := shep.Content(in.Data)
	if root == nil {
		return "", topics.Message{}, false, topics.Fail(topics.Rejected, "schema", "data does not hold one element")
	}
	switch root.Tag {
	case "application":
		m, err = in.Application(System, payload.TypeStatecorpSubmitted)
		topic = TopicApplications
	case "certificate_request":
		m, err = certificateRequest(in, root)
		topic = TopicCertificateRequests
	case "receipt":
		m, err = ownReceipt(in, root)
		topic = TopicReceipts
	default:
		err = topics.Fail(topics.Rejected, "schema", "data holds none of the documents that are taken")
	}
	return topic, m, err == nil, err
}
