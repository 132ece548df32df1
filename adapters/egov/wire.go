package egov

import (
	"fmt"
	"strings"

	"kandashub/adapters/shep"
	"kandashub/topics/payload"
)

// namespace of the root of a notice; ours.
const namespace = "urn:kandashub:egov:notification:v1"

// A notification is what stands in data.
type notification struct {
	status     string // the code of processing_status
	text       payload.Text
	chain      string
	id         string
	processing string
	resolution string
	iin        string

	event    string
	issuedAt string
	number   string // of the registration, decision or certificate
	date     string
	grounds  []string // codes, of a refusal
	hearing  *payload.Hearing
	until    string             // last day of an extension or a certificate
	document *payload.Signature // what the head of МИО has signed
}

// write writes the form. Names and order are those of the education base's
// notice (kz.md 5) up to requesterIin; the rest is ours. Kazakh and Russian are
// always together.
func (n *notification) write(w shep.Writer) {
	w.In("updatedValues", func(w shep.Writer) {
		w.Text("code", "processing_status")
		w.In("values", func(w shep.Writer) {
			w.In("domainItemData", func(w shep.Writer) {
				w.Text("code", n.status)
				w.Text("kkValue", n.text.KK)
				w.Text("ruValue", n.text.RU)
			})
		})
	})
	w.Text("externalRequestChainId", n.chain)
	w.Text("externalRequestId", n.id)
	w.Text("processingStatus", n.processing)
	w.Text("resolutionType", n.resolution)
	w.Set("requesterIin", n.iin)

	w.Text("eventId", n.event)
	w.Text("issuedAt", n.issuedAt)
	w.Set("number", n.number)
	w.Set("date", n.date)
	w.Texts("grounds", "ground", n.grounds)
	if h := n.hearing; h != nil {
		w.In("hearing", func(w shep.Writer) {
			w.Text("at", h.At)
			w.Text("place", h.Place)
		})
	}
	w.Set("until", n.until)
	if d := n.document; d != nil {
		w.In("document", func(w shep.Writer) {
			w.Text("format", d.Format)
			w.Text("value", d.Value)
			w.Set("data", d.Data)
		})
	}
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
		status: strings.ToUpper(strings.ReplaceAll(n.Kind, "-", "_")), text: e.Text,
		chain: chain, id: n.ApplicationID, processing: inProgress, resolution: noResolution,
		event: n.EventID, issuedAt: e.IssuedAt, document: e.Signature,
	}
	switch {
	case e.Registration != nil:
		w.number, w.date = e.Registration.Number, e.Registration.Date
	case e.PackageRefusal != nil:
		w.number, w.date = e.PackageRefusal.Number, e.PackageRefusal.Date
		w.processing, w.resolution = completed, negative
	case e.Recommendation != nil:
		w.date = e.Recommendation.Date
	case e.Hearing != nil:
		w.hearing, w.grounds = e.Hearing, e.Hearing.Grounds
	case e.Decision != nil:
		d := e.Decision
		w.number, w.date, w.until, w.iin, w.grounds = d.Number, d.Date, d.Until, d.IIN, d.Grounds
		w.processing, w.resolution = completed, negative
		if d.Result == "assign" || d.Result == "extend" {
			w.resolution = positive
		}
	case e.Certificate != nil:
		c := e.Certificate
		w.number, w.date, w.until, w.iin = c.Number, c.AssignedOn, c.ValidTo, c.IIN
		w.processing, w.resolution = completed, positive
	default:
		return nil, fmt.Errorf("event of kind %s has no part", n.Kind)
	}
	return w, nil
}
