package statecorp

import (
	"encoding/xml"
	"time"

	"github.com/beevik/etree"

	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// Namespaces of the roots that are sent; ours.
const (
	nsNotice      = "urn:kandashub:statecorp:notice:v1"
	nsExtension   = "urn:kandashub:statecorp:extension-decision:v1"
	nsCertificate = "urn:kandashub:statecorp:certificate:v1"
)

// writeHead begins everything that is sent. Texts are in Kazakh and Russian
// together, ready to be shown.
func writeHead(w shep.Writer, n *payload.Notification) {
	w.Text("application_id", n.ApplicationID)
	w.Text("event_id", n.EventID)
	w.Text("kind", n.Kind) // registered, package-refused, recommended, hearing-set, decided, certificate-issued
	w.Text("issued_at", n.Event.IssuedAt)
	w.In("text", func(w shep.Writer) {
		w.Text("kk", n.Event.Text.KK)
		w.Text("ru", n.Event.Text.RU)
	})
}

// writeSignature ends everything that is signed.
func writeSignature(w shep.Writer, s *payload.Signature) {
	if s == nil {
		return
	}
	w.In("signature", func(w shep.Writer) {
		w.Text("format", s.Format)
		w.Text("value", s.Value)
		w.Set("data", s.Data)
	})
}

// A notice tells a counter what happened to an application.
type notice struct {
	number    string // of the registration, refusal, decision or certificate
	date      string
	result    string   // of a recommendation or decision
	grounds   []string // codes, of a refusal
	documents []string // missing or expired, of a refused package
	hearingAt string
	place     string
}

func noticeOf(e *payload.Event) notice {
	switch {
	case e.Registration != nil:
		return notice{number: e.Registration.Number, date: e.Registration.Date}
	case e.PackageRefusal != nil:
		return notice{number: e.PackageRefusal.Number, date: e.PackageRefusal.Date, documents: e.PackageRefusal.Documents}
	case e.Recommendation != nil:
		return notice{number: e.Recommendation.Protocol, date: e.Recommendation.Date, result: e.Recommendation.Result}
	case e.Hearing != nil:
		return notice{grounds: e.Hearing.Grounds, hearingAt: e.Hearing.At, place: e.Hearing.Place}
	case e.Decision != nil:
		return notice{number: e.Decision.Number, date: e.Decision.Date, result: e.Decision.Result, grounds: e.Decision.Grounds}
	case e.Certificate != nil:
		return notice{number: e.Certificate.Number, date: e.Certificate.AssignedOn}
	}
	return notice{}
}

func writeNotice(w shep.Writer, n *payload.Notification) {
	v := noticeOf(&n.Event)
	writeHead(w, n)
	w.Set("number", v.number)
	w.Set("date", v.date)
	w.Set("result", v.result)
	w.Texts("grounds", "ground", v.grounds)
	w.Texts("documents", "document", v.documents)
	w.Set("hearing_at", v.hearingAt)
	w.Set("hearing_place", v.place)
	writeSignature(w, n.Event.Signature)
}

// writeExtension writes a decision on extension (Rules 329, p. 22): an
// electronic document with the EDS of the head of МИО.
func writeExtension(w shep.Writer, n *payload.Notification) {
	d := n.Event.Decision
	writeHead(w, n)
	w.Text("result", d.Result) // extend or refuse-extension
	w.Text("number", d.Number)
	w.Text("date", d.Date)
	w.Set("until", d.Until)
	w.Text("mio", d.MIO)
	w.Text("full_name", d.FullName)
	w.Text("birth_date", d.BirthDate)
	w.Set("iin", d.IIN)
	w.Texts("grounds", "ground", d.Grounds)
	writeSignature(w, n.Event.Signature)
}

// writeCertificate answers a request of a counter (Rules 329, annex 5).
func writeCertificate(w shep.Writer, n *payload.Notification) {
	c := n.Event.Certificate
	writeHead(w, n)
	w.Text("request_id", c.RequestID)
	w.Text("number", c.Number)
	w.Text("mio", c.MIO)
	w.Text("full_name", c.FullName)
	w.Text("sex", c.Sex)
	w.Text("birth_place", c.BirthPlace)
	w.Text("birth_date", c.BirthDate)
	w.Text("citizenship", c.Citizenship)
	w.Set("iin", c.IIN)
	w.Text("valid_from", c.ValidFrom)
	w.Text("valid_to", c.ValidTo)
	w.Text("assigned_on", c.AssignedOn)
	if len(c.Minors) == 0 {
		w.Text("minors", "")
	} else {
		w.In("minors", func(w shep.Writer) { writeMinors(w, c.Minors) })
	}
	writeSignature(w, n.Event.Signature)
}

func writeMinors(w shep.Writer, minors []payload.Minor) {
	for _, m := range minors {
		w.In("minor", func(w shep.Writer) {
			w.Text("full_name", m.FullName)
			w.Text("birth_date", m.BirthDate)
			w.Set("iin", m.IIN)
		})
	}
}

// certificateRequest reads a counter's request for a certificate issued
// earlier.
func certificateRequest(in shep.Incoming, root *etree.Element) (topics.Message, error) {
	var q payload.CertificateRequest
	if err := shep.Decode(root, &q); err != nil {
		return topics.Message{}, topics.Fail(topics.Rejected, "schema", "certificate request: %w", err)
	}
	return shep.Event(System, payload.TypeCertRequested, in.MessageID, q.ApplicationID, in.Time, q)
}

// A receipt is the State Corporation's own word that an applicant has, or has
// not, received a notice. That of a decision on extension closes its clock.
type receipt struct {
	XMLName xml.Name `xml:"receipt"`
	Notice  string   `xml:"notice"` // messageId of the notice
	State   string   `xml:"state"`  // delivered or not-delivered
	At      string   `xml:"at"`     // RFC 3339
}

// ownReceipt reads a receipt. It and the gateway's callback for the same notice
// are one message.
func ownReceipt(in shep.Incoming, root *etree.Element) (topics.Message, error) {
	var r receipt
	if err := shep.Decode(root, &r); err != nil {
		return topics.Message{}, topics.Fail(topics.Rejected, "schema", "receipt: %w", err)
	}
	if r.State != payload.DeliveryDelivered && r.State != payload.DeliveryNotDelivered {
		return topics.Message{}, topics.Fail(topics.Rejected, "schema", "receipt: state is neither delivered nor not-delivered")
	}
	at, err := time.Parse(time.RFC3339, r.At)
	if err != nil {
		return topics.Message{}, topics.Fail(topics.Rejected, "schema", "receipt: at is no time")
	}
	return shep.Delivery(System, payload.TypeStatecorpReceipt, r.Notice, r.State, at)
}
