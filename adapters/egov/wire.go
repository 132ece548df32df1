package egov

import (
	"encoding/xml"
	"fmt"
	"strings"

	"kandashub/topics/payload"
)

// namespace of the root of a notice; ours.
const namespace = "urn:kandashub:egov:notification:v1"

// A notification is what stands in data. Names and order are those of the
// education base's notice (kz.md 5) up to requesterIin; the rest is ours.
type notification struct {
	XMLName                xml.Name `xml:"notification"`
	UpdatedValues          updated  `xml:"updatedValues"`
	ExternalRequestChainID string   `xml:"externalRequestChainId"`
	ExternalRequestID      string   `xml:"externalRequestId"`
	ProcessingStatus       string   `xml:"processingStatus"`
	ResolutionType         string   `xml:"resolutionType"`
	RequesterIIN           string   `xml:"requesterIin,omitempty"`

	EventID  string    `xml:"eventId"`
	IssuedAt string    `xml:"issuedAt"`
	Number   string    `xml:"number,omitempty"` // of the registration, decision or certificate
	Date     string    `xml:"date,omitempty"`
	Grounds  []string  `xml:"grounds>ground"` // codes, of a refusal
	Hearing  *hearing  `xml:"hearing,omitempty"`
	Until    string    `xml:"until,omitempty"` // last day of an extension or a certificate
	Document *document `xml:"document,omitempty"`
}

type updated struct {
	Code string `xml:"code"` // processing_status
	Item item   `xml:"values>domainItemData"`
}

// An item is a status with its texts; Kazakh and Russian always together.
type item struct {
	Code string `xml:"code"`
	KK   string `xml:"kkValue"`
	RU   string `xml:"ruValue"`
}

type hearing struct {
	At    string `xml:"at"`
	Place string `xml:"place"`
}

// A document is what the head of МИО has signed.
type document struct {
	Format string `xml:"format"`
	Value  string `xml:"value"`
	Data   string `xml:"data,omitempty"`
}

// Values of processingStatus and resolutionType. IN_PROGRESS and NO_RESOLUTION
// are seen on the wire (kz.md 5), the others are ours.
const (
	inProgress = "IN_PROGRESS"
	completed  = "COMPLETED"

	noResolution = "NO_RESOLUTION"
	positive     = "POSITIVE"
	negative     = "NEGATIVE"
)

// notificationOf writes a notification in the portal's terms. The status code
// is the notification's kind: package-refused is PACKAGE_REFUSED.
func notificationOf(chain string, n payload.Notification) (*notification, error) {
	e := n.Event
	w := &notification{
		UpdatedValues: updated{Code: "processing_status", Item: item{
			Code: strings.ToUpper(strings.ReplaceAll(n.Kind, "-", "_")), KK: e.Text.KK, RU: e.Text.RU,
		}},
		ExternalRequestChainID: chain,
		ExternalRequestID:      n.ApplicationID,
		ProcessingStatus:       inProgress,
		ResolutionType:         noResolution,
		EventID:                n.EventID,
		IssuedAt:               e.IssuedAt,
	}
	if s := e.Signature; s != nil {
		w.Document = &document{Format: s.Format, Value: s.Value, Data: s.Data}
	}
	switch {
	case e.Registration != nil:
		w.Number, w.Date = e.Registration.Number, e.Registration.Date
	case e.PackageRefusal != nil:
		w.Number, w.Date = e.PackageRefusal.Number, e.PackageRefusal.Date
		w.ProcessingStatus, w.ResolutionType = completed, negative
	case e.Recommendation != nil:
		w.Date = e.Recommendation.Date
	case e.Hearing != nil:
		w.Hearing, w.Grounds = &hearing{At: e.Hearing.At, Place: e.Hearing.Place}, e.Hearing.Grounds
	case e.Decision != nil:
		d := e.Decision
		w.Number, w.Date, w.Until, w.RequesterIIN, w.Grounds = d.Number, d.Date, d.Until, d.IIN, d.Grounds
		w.ProcessingStatus, w.ResolutionType = completed, negative
		if d.Result == "assign" || d.Result == "extend" {
			w.ResolutionType = positive
		}
	case e.Certificate != nil:
		c := e.Certificate
		w.Number, w.Date, w.Until, w.RequesterIIN = c.Number, c.AssignedOn, c.ValidTo, c.IIN
		w.ProcessingStatus, w.ResolutionType = completed, positive
	default:
		return nil, fmt.Errorf("event of kind %s has no part", n.Kind)
	}
	return w, nil
}
