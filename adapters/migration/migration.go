// Package migration shows what becomes of an application in the applicant's
// personal cabinet on the portal migration.enbek.kz: its registration or the
// refusal of its package, the commission's recommendation, a hearing, the
// decision, the certificate (domain.md 3.1, 3.3). Texts are in Kazakh and
// Russian together.
//
// Effect contract C1: the portal honours our message id, sent as X-Message-ID.
// A repeat shows nothing twice and returns the first answer.
//
// The formats of the portal are not public. They are in wire.go, alone.
package migration

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"kandashub/adapters"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// Effect is the effect contract of the operation here.
const Effect = topics.C1

// Shown says when the cabinet first showed a notice, by the portal's clock.
type Shown struct {
	At time.Time
}

// A Client calls the portal. It is safe for concurrent use.
type Client struct {
	http *adapters.Client
}

// New returns a client that calls through c.
func New(c *adapters.Client) *Client { return &Client{http: c} }

// Show shows one event in the personal cabinet; id is the notice's
// (topics.NoticeID). A notification whose kind and details do not go together,
// or that lacks one of its two languages, is Rejected without a call.
func (c *Client) Show(ctx context.Context, id string, n payload.Notification) (Shown, error) {
	if err := check(n); err != nil {
		return Shown{}, err
	}
	body, err := json.Marshal(toNotice(id, n))
	if err != nil {
		return Shown{}, topics.Fail(topics.Rejected, "internal", "the notice does not marshal")
	}
	resp, err := c.http.Do(ctx, adapters.Request{
		Operation:   "show",
		Path:        pathNotices,
		ContentType: "application/json",
		Header:      http.Header{"X-Message-Id": {id}},
		Body:        body,
	})
	if err != nil {
		return Shown{}, err
	}
	var a shown
	if err := resp.JSON(&a); err != nil {
		return Shown{}, err
	}
	if a.Notice != id {
		return Shown{}, topics.Fail(topics.Uncertain, "unreadable", "answer: notice is not the one that was sent")
	}
	at, err := time.Parse(time.RFC3339, a.ShownAt)
	if err != nil {
		return Shown{}, topics.Fail(topics.Uncertain, "unreadable", "answer: shown_at is not a time")
	}
	return Shown{At: at}, nil
}

// check holds a notification's kind and details together.
func check(n payload.Notification) error {
	e := n.Event
	details := map[string]bool{
		"registered":         e.Registration != nil,
		"package-refused":    e.PackageRefusal != nil,
		"recommended":        e.Recommendation != nil,
		"hearing-set":        e.Hearing != nil,
		"decided":            e.Decision != nil,
		"certificate-issued": e.Certificate != nil,
	}
	there, known := details[n.Kind]
	switch {
	case !known:
		return topics.Fail(topics.Rejected, "schema", "notification is of no known kind")
	case !there:
		return topics.Fail(topics.Rejected, "schema", "notification has no details of its kind, %s", n.Kind)
	case e.Text.KK == "" || e.Text.RU == "":
		return topics.Fail(topics.Rejected, "schema", "event.text lacks Kazakh or Russian")
	}
	return nil
}
