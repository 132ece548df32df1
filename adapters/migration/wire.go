package migration

import "kandashub/topics/payload"

// The API of the portal's personal cabinet. It is ours, since the real one is
// not public: to change it, change this file alone. Field names are set here,
// apart from those of the hub's own messages.
const pathNotices = "/api/v1/cabinet/notices"

// notice is what the cabinet shows: a text in Kazakh and Russian, and the
// details of its kind.
type notice struct {
	Notice        string     `json:"notice"`
	ApplicationID string     `json:"application_id"`
	EventID       string     `json:"event_id"`
	Kind          string     `json:"kind"`
	IssuedAt      string     `json:"issued_at"` // RFC 3339
	Text          text       `json:"text"`
	Signature     *signature `json:"signature,omitempty"`

	Registration   *registration   `json:"registration,omitempty"`
	PackageRefusal *packageRefusal `json:"package_refusal,omitempty"`
	Recommendation *recommendation `json:"recommendation,omitempty"`
	Hearing        *hearing        `json:"hearing,omitempty"`
	Decision       *decision       `json:"decision,omitempty"`
	Certificate    *certificate    `json:"certificate,omitempty"`
}

// shown is the portal's answer.
type shown struct {
	Notice  string `json:"notice"`
	ShownAt string `json:"shown_at"` // RFC 3339
}

type text struct {
	KK string `json:"kk"`
	RU string `json:"ru"`
}

type signature struct {
	Format string `json:"format"`
	Value  string `json:"value"`
	Data   string `json:"data,omitempty"`
}

type registration struct {
	Number string `json:"number"`
	Date   string `json:"date"`
}

type packageRefusal struct {
	Number    string   `json:"number"`
	Recipient string   `json:"recipient"`
	Address   string   `json:"address"`
	Kind      string   `json:"kind"`
	Documents []string `json:"documents"`
	Official  string   `json:"official"`
	Phone     string   `json:"phone"`
	Date      string   `json:"date"`
}

type recommendation struct {
	Result   string `json:"result"`
	Protocol string `json:"protocol"`
	Date     string `json:"date"`
}

type hearing struct {
	Grounds []string `json:"grounds"`
	Place   string   `json:"place"`
	At      string   `json:"at"`
}

type decision struct {
	Result    string   `json:"result"`
	Number    string   `json:"number"`
	Date      string   `json:"date"`
	MIO       string   `json:"mio"`
	FullName  string   `json:"full_name"`
	BirthDate string   `json:"birth_date"`
	Sex       string   `json:"sex"`
	Address   string   `json:"address"`
	IIN       string   `json:"iin,omitempty"`
	Grounds   []string `json:"grounds,omitempty"`
	Until     string   `json:"until,omitempty"`
}

type certificate struct {
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
	Minors      []minor `json:"minors,omitempty"`
}

type minor struct {
	FullName  string `json:"full_name"`
	BirthDate string `json:"birth_date"`
	IIN       string `json:"iin,omitempty"`
}

// toNotice translates a notification. The conversions hold as long as the
// portal is told of the same fields as the hub's messages have.
func toNotice(id string, n payload.Notification) notice {
	e := n.Event
	return notice{
		Notice:         id,
		ApplicationID:  n.ApplicationID,
		EventID:        n.EventID,
		Kind:           n.Kind,
		IssuedAt:       e.IssuedAt,
		Text:           text(e.Text),
		Signature:      (*signature)(e.Signature),
		Registration:   (*registration)(e.Registration),
		PackageRefusal: (*packageRefusal)(e.PackageRefusal),
		Recommendation: (*recommendation)(e.Recommendation),
		Hearing:        (*hearing)(e.Hearing),
		Decision:       (*decision)(e.Decision),
		Certificate:    toCertificate(e.Certificate),
	}
}

func toCertificate(c *payload.Certificate) *certificate {
	if c == nil {
		return nil
	}
	out := &certificate{
		Number: c.Number, MIO: c.MIO, FullName: c.FullName, Sex: c.Sex, BirthPlace: c.BirthPlace, BirthDate: c.BirthDate,
		Citizenship: c.Citizenship, IIN: c.IIN, ValidFrom: c.ValidFrom, ValidTo: c.ValidTo, AssignedOn: c.AssignedOn,
	}
	for _, m := range c.Minors {
		out.Minors = append(out.Minors, minor(m))
	}
	return out
}
