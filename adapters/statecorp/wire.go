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

// A head begins everything that is sent. Texts are in Kazakh and Russian
// together, ready to be shown.
type head struct {
	ApplicationID string       `xml:"application_id"`
	EventID       string       `xml:"event_id"`
	Kind          string       `xml:"kind"` // registered, package-refused, recommended, hearing-set, decided, certificate-issued
	IssuedAt      string       `xml:"issued_at"`
	Text          payload.Text `xml:"text"`
}

func headOf(n payload.Notification) head {
	return head{n.ApplicationID, n.EventID, n.Kind, n.Event.IssuedAt, n.Event.Text}
}

// A notice tells a counter what happened to an application.
type notice struct {
	XMLName xml.Name `xml:"notice"`
	head
	Number    string             `xml:"number,omitempty"` // of the registration, refusal, decision or certificate
	Date      string             `xml:"date,omitempty"`
	Result    string             `xml:"result,omitempty"`   // of a recommendation or decision
	Grounds   []string           `xml:"grounds>ground"`     // codes, of a refusal
	Documents []string           `xml:"documents>document"` // missing or expired, of a refused package
	HearingAt string             `xml:"hearing_at,omitempty"`
	Place     string             `xml:"hearing_place,omitempty"`
	Signature *payload.Signature `xml:"signature,omitempty"`
}

func noticeOf(n payload.Notification) *notice {
	e := n.Event
	w := &notice{head: headOf(n), Signature: e.Signature}
	switch {
	case e.Registration != nil:
		w.Number, w.Date = e.Registration.Number, e.Registration.Date
	case e.PackageRefusal != nil:
		w.Number, w.Date, w.Documents = e.PackageRefusal.Number, e.PackageRefusal.Date, e.PackageRefusal.Documents
	case e.Recommendation != nil:
		w.Number, w.Date, w.Result = e.Recommendation.Protocol, e.Recommendation.Date, e.Recommendation.Result
	case e.Hearing != nil:
		w.Grounds, w.HearingAt, w.Place = e.Hearing.Grounds, e.Hearing.At, e.Hearing.Place
	case e.Decision != nil:
		w.Number, w.Date, w.Result, w.Grounds = e.Decision.Number, e.Decision.Date, e.Decision.Result, e.Decision.Grounds
	case e.Certificate != nil:
		w.Number, w.Date = e.Certificate.Number, e.Certificate.AssignedOn
	}
	return w
}

// An extension is a decision on extension (Rules 329, p. 22): an electronic
// document with the EDS of the head of МИО.
type extension struct {
	XMLName xml.Name `xml:"extension_decision"`
	head
	Result    string             `xml:"result"` // extend or refuse-extension
	Number    string             `xml:"number"`
	Date      string             `xml:"date"`
	Until     string             `xml:"until,omitempty"`
	MIO       string             `xml:"mio"`
	FullName  string             `xml:"full_name"`
	BirthDate string             `xml:"birth_date"`
	IIN       string             `xml:"iin,omitempty"`
	Grounds   []string           `xml:"grounds>ground"`
	Signature *payload.Signature `xml:"signature,omitempty"`
}

func extensionOf(n payload.Notification) *extension {
	d := n.Event.Decision
	return &extension{
		head: headOf(n), Result: d.Result, Number: d.Number, Date: d.Date, Until: d.Until, MIO: d.MIO,
		FullName: d.FullName, BirthDate: d.BirthDate, IIN: d.IIN, Grounds: d.Grounds, Signature: n.Event.Signature,
	}
}

// A certificate answers a request of a counter (Rules 329, annex 5).
type certificate struct {
	XMLName xml.Name `xml:"certificate"`
	head
	RequestID   string             `xml:"request_id"`
	Number      string             `xml:"number"`
	MIO         string             `xml:"mio"`
	FullName    string             `xml:"full_name"`
	Sex         string             `xml:"sex"`
	BirthPlace  string             `xml:"birth_place"`
	BirthDate   string             `xml:"birth_date"`
	Citizenship string             `xml:"citizenship"`
	IIN         string             `xml:"iin,omitempty"`
	ValidFrom   string             `xml:"valid_from"`
	ValidTo     string             `xml:"valid_to"`
	AssignedOn  string             `xml:"assigned_on"`
	Minors      []minor            `xml:"minors>minor"`
	Signature   *payload.Signature `xml:"signature,omitempty"`
}

type minor struct {
	FullName  string `xml:"full_name"`
	BirthDate string `xml:"birth_date"`
	IIN       string `xml:"iin,omitempty"`
}

func certificateOf(n payload.Notification) *certificate {
	c := n.Event.Certificate
	w := &certificate{
		head: headOf(n), RequestID: c.RequestID, Number: c.Number, MIO: c.MIO, FullName: c.FullName, Sex: c.Sex,
		BirthPlace: c.BirthPlace, BirthDate: c.BirthDate, Citizenship: c.Citizenship, IIN: c.IIN,
		ValidFrom: c.ValidFrom, ValidTo: c.ValidTo, AssignedOn: c.AssignedOn, Signature: n.Event.Signature,
	}
	for _, m := range c.Minors {
		w.Minors = append(w.Minors, minor(m))
	}
	return w
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
