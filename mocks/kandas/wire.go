package kandas

import "encoding/xml"

// What the API takes. Of the form of Rules 329, annex 1, only what the
// commission and the МИО look at is read.

type document struct {
	Kind      string `json:"kind"`
	Series    string `json:"series,omitempty"`
	Number    string `json:"number"`
	IssuedBy  string `json:"issued_by,omitempty"`
	IssuedOn  string `json:"issued_on,omitempty"`
	ExpiresOn string `json:"expires_on,omitempty"`
}

type person struct {
	Ref         string    `json:"ref"`
	Surname     string    `json:"surname,omitempty"`
	Name        string    `json:"name,omitempty"`
	Patronymic  string    `json:"patronymic,omitempty"`
	BirthDate   string    `json:"birth_date"`
	Sex         string    `json:"sex"`
	Citizenship string    `json:"citizenship"`
	Nationality string    `json:"nationality,omitempty"`
	Kinship     string    `json:"kinship,omitempty"`
	IIN         string    `json:"iin,omitempty"`
	Document    *document `json:"document,omitempty"`
}

type form struct {
	ApplicationID string `json:"application_id"`
	Service       string `json:"service"`
	Provider      string `json:"provider"`
	Applicant     struct {
		person
		Address string `json:"address"`
	} `json:"applicant"`
	Family      []person `json:"family"`
	Attachments []struct {
		Kind      string `json:"kind"`
		ExpiresOn string `json:"expires_on"`
	} `json:"attachments"`
	Consent struct {
		Given bool `json:"given"`
	} `json:"consent"`
}

// persons are the applicant and the family.
func (f form) persons() []person { return append([]person{f.Applicant.person}, f.Family...) }

type iinResult struct {
	Ref     string `json:"ref"`
	Status  string `json:"status"`
	IIN     string `json:"iin"`
	Reason  string `json:"reason"`
	Matches int    `json:"matches"`
}

type iins struct {
	ApplicationID string      `json:"application_id"`
	RequestID     string      `json:"request_id"`
	Persons       []iinResult `json:"persons"`
}

type delivery struct {
	ApplicationID string `json:"application_id"`
	Notice        string `json:"notice"`
	Recipient     string `json:"recipient"`
	State         string `json:"state"`
	EventID       string `json:"event_id"`
	At            string `json:"at"`
	Reason        string `json:"reason"`
}

type certificateRequest struct {
	ApplicationID string `json:"application_id"`
	RequestID     string `json:"request_id"`
	Certificate   string `json:"certificate"`
	IIN           string `json:"iin"`
	Reason        string `json:"reason"`
	FiledAt       string `json:"filed_at"`
}

type answer struct {
	Status string `json:"status"` // accepted or refused
	Reason string `json:"reason,omitempty"`
}

var accepted = answer{Status: "accepted"}

func refused(reason string) answer { return answer{Status: "refused", Reason: reason} }

// What is written to the topics.

type iinRequest struct {
	ApplicationID string   `json:"application_id"`
	RequestID     string   `json:"request_id"`
	Persons       []person `json:"persons"`
}

type text struct {
	KK string `json:"kk"`
	RU string `json:"ru"`
}

type signature struct {
	Format string `json:"format"`
	Value  string `json:"value"`
}

type event struct {
	ApplicationID string     `json:"application_id"`
	Recipients    []string   `json:"recipients"`
	IssuedAt      string     `json:"issued_at"`
	Text          text       `json:"text"`
	Signature     *signature `json:"signature,omitempty"`

	Registration   *registration   `json:"registration,omitempty"`
	PackageRefusal *packageRefusal `json:"package_refusal,omitempty"`
	Recommendation *recommendation `json:"recommendation,omitempty"`
	Hearing        *hearing        `json:"hearing,omitempty"`
	Decision       *decision       `json:"decision,omitempty"`
	Certificate    *certificate    `json:"certificate,omitempty"`
}

// The parts of an event. Those that are signed are signed as XML too.

type registration struct {
	Number string `json:"number"`
	Date   string `json:"date"`
}

type packageRefusal struct {
	XMLName   xml.Name `json:"-" xml:"package_refusal"`
	Number    string   `json:"number" xml:"number"`
	Recipient string   `json:"recipient" xml:"recipient"`
	Address   string   `json:"address" xml:"address"`
	Kind      string   `json:"kind" xml:"kind"`
	Documents []string `json:"documents" xml:"documents>document"`
	Official  string   `json:"official" xml:"official"`
	Phone     string   `json:"phone" xml:"phone"`
	Date      string   `json:"date" xml:"date"`
}

type recommendation struct {
	Result   string `json:"result"`
	Protocol string `json:"protocol"`
	Date     string `json:"date"`
}

type hearing struct {
	XMLName xml.Name `json:"-" xml:"hearing"`
	Grounds []string `json:"grounds" xml:"grounds>ground"`
	Place   string   `json:"place" xml:"place"`
	At      string   `json:"at" xml:"at"`
}

type decision struct {
	XMLName   xml.Name `json:"-" xml:"decision"`
	Result    string   `json:"result" xml:"result"`
	Number    string   `json:"number" xml:"number"`
	Date      string   `json:"date" xml:"date"`
	MIO       string   `json:"mio" xml:"mio"`
	FullName  string   `json:"full_name" xml:"full_name"`
	BirthDate string   `json:"birth_date" xml:"birth_date"`
	Sex       string   `json:"sex" xml:"sex"`
	Address   string   `json:"address" xml:"address"`
	IIN       string   `json:"iin,omitempty" xml:"iin,omitempty"`
	Grounds   []string `json:"grounds,omitempty" xml:"grounds>ground,omitempty"`
	Until     string   `json:"until,omitempty" xml:"until,omitempty"`
}

type minor struct {
	FullName  string `json:"full_name" xml:"full_name"`
	BirthDate string `json:"birth_date" xml:"birth_date"`
	IIN       string `json:"iin,omitempty" xml:"iin,omitempty"`
}

type certificate struct {
	XMLName     xml.Name `json:"-" xml:"certificate"`
	Number      string   `json:"number" xml:"number"`
	MIO         string   `json:"mio" xml:"mio"`
	FullName    string   `json:"full_name" xml:"full_name"`
	Sex         string   `json:"sex" xml:"sex"`
	BirthPlace  string   `json:"birth_place" xml:"birth_place"`
	BirthDate   string   `json:"birth_date" xml:"birth_date"`
	Citizenship string   `json:"citizenship" xml:"citizenship"`
	IIN         string   `json:"iin,omitempty" xml:"iin,omitempty"`
	ValidFrom   string   `json:"valid_from" xml:"valid_from"`
	ValidTo     string   `json:"valid_to" xml:"valid_to"`
	AssignedOn  string   `json:"assigned_on" xml:"assigned_on"`
	Minors      []minor  `json:"minors,omitempty" xml:"minors>minor,omitempty"`
	RequestID   string   `json:"request_id,omitempty" xml:"request_id,omitempty"`
}

// signed returns the part of e that the head of МИО signs; nil if there is none.
func (e event) signed() any {
	switch {
	case e.PackageRefusal != nil:
		return e.PackageRefusal
	case e.Hearing != nil:
		return e.Hearing
	case e.Decision != nil:
		return e.Decision
	case e.Certificate != nil:
		return e.Certificate
	}
	return nil
}

// A statement is the document that is signed: what the event says, in the fixed
// elements that the hub compares, and then the paper itself.
type statement struct {
	XMLName       xml.Name `xml:"s:statement"`
	Namespace     string   `xml:"xmlns:s,attr"`
	ApplicationID string   `xml:"application_id"`
	EventType     string   `xml:"event_type"`
	Number        string   `xml:"number,omitempty"`
	Date          string   `xml:"date,omitempty"`
	Result        string   `xml:"result,omitempty"`
	Paper         any
}

// statement returns what the head of МИО signs of e.
func (e event) statement(eventType string) statement {
	d := statement{
		Namespace: "urn:kandashub:statement:v1", ApplicationID: e.ApplicationID, EventType: eventType, Paper: e.signed(),
	}
	switch {
	case e.PackageRefusal != nil:
		d.Number, d.Date, d.Result = e.PackageRefusal.Number, e.PackageRefusal.Date, e.PackageRefusal.Kind
	case e.Hearing != nil:
		d.Date = e.Hearing.At
	case e.Decision != nil:
		d.Number, d.Date, d.Result = e.Decision.Number, e.Decision.Date, e.Decision.Result
	case e.Certificate != nil:
		d.Number, d.Date = e.Certificate.Number, e.Certificate.AssignedOn
	}
	return d
}

// grounds are those of a refusal, final or preliminary.
func (e event) grounds() []string {
	switch {
	case e.Hearing != nil:
		return e.Hearing.Grounds
	case e.Decision != nil:
		return e.Decision.Grounds
	}
	return nil
}

// rejection is what the hub says of an event whose signature is bad.
type rejection struct {
	ApplicationID string `json:"application_id"`
	EventID       string `json:"event_id"`
	Reason        string `json:"reason"`
}
