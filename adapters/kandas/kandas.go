// Package kandas speaks to АЦС «Кандас», the system of the ministry in which
// the commission and the local executive bodies (МИО) work and decide. It takes
// applications, IINs, deliveries and requests for certificates over a JSON API;
// what comes of them it says later, by events on the topic kandas.events.
//
// Effect contract C1: it honours our message id, sent as X-Message-ID. A repeat
// returns the first answer, so every call may be repeated freely with the same
// id.
//
// The formats of the system are not public. They are in wire.go, alone.
package kandas

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"

	"kandashub/adapters"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// Effect is the effect contract of every operation here.
const Effect = topics.C1

// An Answer is what the system says to a request at once. A refusal is an
// answer too: it will say the same to every repeat.
type Answer struct {
	Accepted bool
	Reason   string // code of a refusal, or "other"; empty if accepted
}

// code is what a reason must look like to be told on: a text could hold
// personal data.
var code = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)

// A Client calls АЦС «Кандас». It is safe for concurrent use.
type Client struct {
	http *adapters.Client
}

// New returns a client that calls through c.
func New(c *adapters.Client) *Client { return &Client{http: c} }

// Register hands over an application for registration (Rules 329, p. 4; Rules
// 20, p. 9). Whether it is registered or its package refused comes as an event.
func (c *Client) Register(ctx context.Context, id string, a payload.Application) (Answer, error) {
	return c.call(ctx, "register", pathApplications, id, application(a))
}

// RecordIINs hands over what was found or generated for all persons of one IIN
// request (Rules 329, p. 10). A request with a person not yet settled is
// Rejected without a call.
func (c *Client) RecordIINs(ctx context.Context, id string, r payload.IINRequest) (Answer, error) {
	if n := r.Unsettled(); n >= 0 {
		return Answer{}, topics.Fail(topics.Rejected, "unsettled", "persons[%d] of the IIN request is not settled", n)
	}
	return c.call(ctx, "record-iins", pathIINs, id, toIINs(r))
}

// RecordDelivery says what became of one notice to one recipient.
func (c *Client) RecordDelivery(ctx context.Context, id string, d payload.Delivery) (Answer, error) {
	return c.call(ctx, "record-delivery", pathDeliveries, id, delivery(d))
}

// RequestCertificate asks for a certificate issued earlier; it comes as an
// event.
func (c *Client) RequestCertificate(ctx context.Context, id string, r payload.CertificateRequest) (Answer, error) {
	return c.call(ctx, "request-certificate", pathCertificateRequests, id, certificateRequest{
		ApplicationID: r.ApplicationID,
		RequestID:     r.RequestID,
		Certificate:   r.Certificate,
		IIN:           r.IIN,
		Reason:        r.Reason,
		FiledAt:       r.FiledAt,
	})
}

func (c *Client) call(ctx context.Context, operation, path, id string, body any) (Answer, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return Answer{}, topics.Fail(topics.Rejected, "request", "%s: the request does not marshal", operation)
	}
	resp, err := c.http.Do(ctx, adapters.Request{
		Operation:   operation,
		Method:      http.MethodPost,
		Path:        path,
		ContentType: "application/json",
		Header:      http.Header{"X-Message-Id": {id}},
		Body:        b,
	})
	if err != nil {
		return Answer{}, err
	}
	var a answer
	if err := resp.JSON(&a); err != nil {
		return Answer{}, err
	}
	switch a.Status {
	case statusAccepted:
		return Answer{Accepted: true}, nil
	case statusRefused:
		if !code.MatchString(a.Reason) {
			a.Reason = "other"
		}
		return Answer{Reason: a.Reason}, nil
	}
	return Answer{}, topics.Fail(topics.Uncertain, "unreadable", "answer: no known status")
}
