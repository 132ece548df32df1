// Package egov tells an applicant's cabinet on egov.kz what became of an
// application, and takes what is filed there. Both ways lead through SHEP: its
// async channel out, either channel in.
//
// Effect contract C2: the gateway delivers a repeated messageId again, but can
// be asked what became of it. The messageId is the notice id (topics.NoticeID),
// so a callback, which names nothing else, leads back to its application.
//
// The form of a notice follows the one public analogue, what the education base
// sends to the portal (kz.md 5); the status codes in it are ours (wire.go). The
// form of an application is ours: payload.Application as XML,
//
//	<application xmlns="urn:kandashub:application:v1">
//
// as the content of data, its children by the names of the xml tags.
package egov

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
const System = "egov"

// The topics that are written on behalf of egov.kz.
const (
	TopicApplications = "egov.applications"
	TopicReceipts     = "egov.receipts"
)

// Config of an adapter.
type Config struct {
	HTTP    adapters.Config  // the gateway
	Path    string           // of the async channel; /bip-async if empty
	Sender  shep.Sender      // who we are at the gateway
	Service string           // serviceId of a notice; KANDAS_STATUS_NOTIFICATION if empty
	Now     func() time.Time // time.Now if nil
}

// An Adapter speaks to egov.kz. It is safe for concurrent use.
type Adapter struct {
	client  *shep.Client
	service string
}

// New checks cfg and returns an adapter.
func New(cfg Config) (*Adapter, error) {
	cfg.HTTP.System = cmp.Or(cfg.HTTP.System, System)
	client, err := shep.Connect(cfg.HTTP, cmp.Or(cfg.Path, shep.UsualAsync), cfg.Sender, cfg.Now)
	if err != nil {
		return nil, err
	}
	return &Adapter{client: client, service: cmp.Or(cfg.Service, "KANDAS_STATUS_NOTIFICATION")}, nil
}

// Notify hands one notice to the applicant's cabinet. notice is the messageId;
// correlation is the portal's chain id, the application id if empty.
func (a *Adapter) Notify(ctx context.Context, notice, correlation string, n payload.Notification) (shep.Ack, error) {
	if correlation == "" {
		correlation = n.ApplicationID
	}
	w, err := notificationOf(correlation, n)
	if err != nil {
		return shep.Ack{}, topics.Fail(topics.Rejected, "schema", "notice: %w", err)
	}
	return a.client.SendAsync(ctx, "notify", shep.AsyncRequest{
		MessageID:     notice,
		CorrelationID: correlation,
		ServiceID:     a.service,
		MessageType:   shep.TypeNotification,
		Data:          shep.Document{Root: "notification", Namespace: namespace, Content: w.write},
	})
}

// Ask says what became of a notice after an unclear outcome; see
// shep.Client.Arrived.
func (a *Adapter) Ask(ctx context.Context, notice string, sent time.Time) (state string, arrived bool, err error) {
	return a.client.Arrived(ctx, notice)
}

// Incoming turns what egov.kz sent to the hub into the message to write and its
// topic. ok is false where there is nothing to write. An error is a
// *topics.Failure of class Rejected: the message can never be accepted.
func (a *Adapter) Incoming(in shep.Incoming) (topic string, m topics.Message, ok bool, err error) {
	if in.IsCallback() {
		m, ok, err = in.Receipt(System, payload.TypeEgovReceipt)
		return TopicReceipts, m, ok, err
	}
	m, err = in.Application(System, payload.TypeEgovSubmitted)
	return TopicApplications, m, err == nil, err
}
