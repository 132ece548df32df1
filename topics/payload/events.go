package payload

// Event is what kandas says about an application, in its order, on
// kandas.events. Recipients names the systems to be told. Exactly one of the
// parts below the line is set, as ce_type says.
type Event struct {
	ApplicationID string     `json:"application_id"`
	Recipients    []string   `json:"recipients"`
	IssuedAt      string     `json:"issued_at"` // RFC 3339
	Text          Text       `json:"text"`
	Signature     *Signature `json:"signature,omitempty"` // of the head of МИО; required for refusals, hearings, decisions and certificates

	Registration   *Registration   `json:"registration,omitempty"`
	PackageRefusal *PackageRefusal `json:"package_refusal,omitempty"`
	Recommendation *Recommendation `json:"recommendation,omitempty"`
	Hearing        *Hearing        `json:"hearing,omitempty"`
	Decision       *Decision       `json:"decision,omitempty"`
	Certificate    *Certificate    `json:"certificate,omitempty"`
}

// Registration of an application.
type Registration struct {
	Number string `json:"number"`
	Date   string `json:"date"`
}

// PackageRefusal is a refusal to accept an incomplete or expired package
// (Rules 329, annex 8).
type PackageRefusal struct {
	Number    string   `json:"number"`
	Recipient string   `json:"recipient"`
	Address   string   `json:"address"`
	Kind      string   `json:"kind"` // incomplete or expired
	Documents []string `json:"documents"`
	Official  string   `json:"official"`
	Phone     string   `json:"phone"`
	Date      string   `json:"date"`
}

// Recommendation of the commission.
type Recommendation struct {
	Result   string `json:"result"` // assign or refuse
	Protocol string `json:"protocol"`
	Date     string `json:"date"`
}

// Hearing is a preliminary refusal with the hearing's time and place.
type Hearing struct {
	Grounds []string `json:"grounds"` // 1 to 5, 19-1
	Place   string   `json:"place"`
	At      string   `json:"at"` // RFC 3339
}

// Decision of МИО (Rules 329, annex 4).
type Decision struct {
	Result    string   `json:"result"` // assign, refuse, extend, refuse-extension
	Number    string   `json:"number"`
	Date      string   `json:"date"`
	MIO       string   `json:"mio"`
	FullName  string   `json:"full_name"`
	BirthDate string   `json:"birth_date"`
	Sex       string   `json:"sex"`
	Address   string   `json:"address"`
	IIN       string   `json:"iin,omitempty"`
	Grounds   []string `json:"grounds,omitempty"` // of a refusal
	Until     string   `json:"until,omitempty"`   // of an extension, YYYY-MM-DD
}

// Minor is a child on a certificate.
type Minor struct {
	FullName  string `json:"full_name"`
	BirthDate string `json:"birth_date"`
	IIN       string `json:"iin,omitempty"`
}

// Certificate of a kandas (Rules 329, annex 5).
type Certificate struct {
	Number      string  `json:"number"`
	MIO         string  `json:"mio"`
	FullName    string  `json:"full_name"`
	Sex         string  `json:"sex"`
	BirthPlace  string  `json:"birth_place"`
	BirthDate   string  `json:"birth_date"`
	Citizenship string  `json:"citizenship"`
	IIN         string  `json:"iin,omitempty"`
	ValidFrom   string  `json:"valid_from"`
	ValidTo     string  `json:"valid_to"`
	AssignedOn  string  `json:"assigned_on"`
	Minors      []Minor `json:"minors,omitempty"`
	RequestID   string  `json:"request_id,omitempty"` // of the request it answers, where it is issued again
}

// Notification tells one recipient of one event, on <recipient>.notifications.
// Kind is the last part of the event's name: registered, package-refused,
// recommended, hearing-set, decided, certificate-issued.
type Notification struct {
	ApplicationID string `json:"application_id"`
	Recipient     string `json:"recipient"`
	Kind          string `json:"kind"`
	EventID       string `json:"event_id"` // ce_id of the event
	Event         Event  `json:"event"`
}

// Rejection tells kandas that an event's signature is bad: nobody was told.
type Rejection struct {
	ApplicationID string `json:"application_id"`
	EventID       string `json:"event_id"`
	EventType     string `json:"event_type"`
	Reason        string `json:"reason"` // signature_invalid, certificate_revoked, certificate_expired, signature_missing, not_signing_key, content_differs
}

// States of a delivery. A notice never goes back from delivered to accepted.
const (
	DeliveryAccepted     = "accepted"
	DeliveryDelivered    = "delivered"
	DeliveryNotDelivered = "not-delivered"
)

// Delivery says what became of one notice to one recipient: on
// <system>.accepted (written by the hub) and <system>.receipts (written by or
// for the system).
type Delivery struct {
	ApplicationID string `json:"application_id"`
	Notice        string `json:"notice"`    // topics.NoticeID of the notification
	Recipient     string `json:"recipient"` // the system that was told
	State         string `json:"state"`
	// EventID is the ce_id of the event of kandas that the notice tells of. Of
	// all that is said of a notice only accepted has it: it ties the others,
	// which name the notice alone, to their event.
	EventID string `json:"event_id,omitempty"`
	At      string `json:"at,omitempty"`     // of the system's own clock, RFC 3339
	Reason  string `json:"reason,omitempty"` // of not-delivered
}
