package samples

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"kandashub/mocks"
)

// A Script tells the mock of kandas how the commission and the МИО act on one
// application. Its zero value is the usual way: assign, with a certificate.
type Script struct {
	IIN                 *bool    `json:"iin,omitempty"`
	Recommendation      string   `json:"recommendation,omitempty"` // assign or refuse
	Grounds             []string `json:"grounds,omitempty"`
	Hearing             bool     `json:"hearing,omitempty"`
	Decision            string   `json:"decision,omitempty"` // assign, refuse, extend, refuse-extension
	BadSignature        bool     `json:"bad_signature,omitempty"`
	OtherContent        bool     `json:"other_content,omitempty"`
	RevocationUnknownMS int      `json:"revocation_unknown_ms,omitempty"`
	Certificate         *bool    `json:"certificate,omitempty"`
	Missions            bool     `json:"missions,omitempty"`
	Officer             string   `json:"officer,omitempty"` // settle or wait
	Withdraw            string   `json:"withdraw,omitempty"`
}

// Kinds of events that kandas issues, in their usual order.
const (
	registered  = "registered"
	refused     = "package-refused"
	recommended = "recommended"
	hearing     = "hearing-set"
	decided     = "decided"
	certificate = "certificate-issued"
)

// Kinds are all of them.
var Kinds = []string{registered, refused, recommended, hearing, decided, certificate}

var usual = []string{registered, recommended, decided, certificate}

// Flows returns all stories of one run. Application ids hold run, which is
// short (at most 10 Latin letters and digits) and new for each run against the
// same servers. The same run and seed give the same people.
func Flows(run string, seed int64) []Flow {
	m := newMaker(run, seed)
	var flows []Flow
	for _, group := range []func(*maker) []Flow{unclear, filing, iins, people, decisions} {
		flows = append(flows, group(m)...)
	}
	return flows
}

// channelOf returns the system where an application was filed.
func channelOf(a *Application) string {
	channel, _, _ := strings.Cut(a.ApplicationID, "-")
	return channel
}

// begins expects that an application reaches kandas.
func (f *Flow) begins(a *Application) {
	f.expect(channelOf(a), "file", "", 1, a)
	f.expect("kandas", "register", "", 1, a)
}

// asksIINs expects one request for IINs with one result, and how many were
// generated for it.
func (f *Flow) asksIINs(generated int, a *Application) {
	f.expect("kandas", "iin-requested", "", 1, a)
	f.expect("kandas", "record-iins", "", 1, a)
	f.expect("migpolice", "generate", "", generated, a)
}

// tells expects that kandas issues these events, and that the channel of filing
// is told of each. A kind that comes twice is issued and told twice.
func (f *Flow) tells(a *Application, kinds ...string) {
	f.issues(a, kinds...)
	f.told(channelOf(a), a, kinds...)
}

// issues expects that kandas issues these events.
func (f *Flow) issues(a *Application, kinds ...string) {
	for _, kind := range unique(kinds) {
		f.expect("kandas", kind, "", count(kinds, kind), a)
	}
}

// told expects one notice for each of the kinds at a recipient, and that kandas
// is told what became of them: that it was accepted, and from the systems behind
// the gateway that it was delivered.
func (f *Flow) told(recipient string, a *Application, kinds ...string) {
	for _, kind := range unique(kinds) {
		f.expect(recipient, notice(recipient), kind, count(kinds, kind), a)
	}
	f.expect("kandas", "record-delivery", recipient+" accepted", len(kinds), a)
	if recipient != "migration" {
		f.expect("kandas", "record-delivery", recipient+" delivered", len(kinds), a)
	}
}

// notice is the operation by which a system tells the applicant.
func notice(recipient string) string {
	if recipient == "migration" {
		return "show"
	}
	return "notify"
}

func unique(kinds []string) []string {
	kinds = slices.Clone(kinds)
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func count(kinds []string, kind string) (n int) {
	for _, k := range kinds {
		if k == kind {
			n++
		}
	}
	return n
}

// simple is the story of one application that goes the usual way.
func simple(name, about string, a *Application, generated int) Flow {
	f := Flow{Name: name, About: about}
	f.file(channelOf(a), a)
	f.begins(a)
	f.asksIINs(generated, a)
	f.tells(a, usual...)
	return f
}

// filing: the three channels, and packages that are refused.
func filing(m *maker) []Flow {
	var flows []Flow
	for _, c := range []struct{ channel, about string }{
		{"migration", "filed on the portal, from registration to certificate"},
		{"egov", "filed on egov.kz through the gateway"},
		{"statecorp", "filed at a counter of the State Corporation"},
	} {
		p := m.person("male", "MNG")
		f := simple("filed-"+c.channel, c.about, m.application(c.channel, "filed", p), 0)
		f.Persons = append(f.Persons, m.registered(p))
		flows = append(flows, f)
	}

	incomplete := m.application("egov", "incomplete", m.person("female", "CHN"))
	incomplete.Attachments = incomplete.Attachments[:1]
	flows = append(flows, m.refusal("package-incomplete", "documents are missing: the package is refused", incomplete))

	expired := m.application("statecorp", "expired", m.person("male", "MNG"))
	filed := m.now.AddDate(0, 0, -3)
	expired.FiledAt = filed.Format("2006-01-02T15:04:05Z07:00")
	expired.Consent.At = expired.FiledAt
	expired.Applicant.Document.ExpiresOn = m.now.AddDate(0, 0, -1).Format(day)
	flows = append(flows, m.refusal("document-expires", "a document expires between filing and registration", expired))
	return flows
}

func (m *maker) refusal(name, about string, a *Application) Flow {
	f := Flow{Name: name, About: about}
	f.file(channelOf(a), a)
	f.begins(a)
	f.tells(a, refused)
	f.expect("kandas", "iin-requested", "", 0, a)
	f.expect("kandas", registered, "", 0, a)
	return f
}

// iins: who has an IIN, who gets one, and who never gets a second one.
func iins(m *maker) []Flow {
	stated := m.person("female", "UZB")
	inRegister := m.registered(stated)
	stated.IIN = inRegister.IIN
	found := simple("iin-stated", "the application states an IIN, and the register agrees", m.application("migration", "iin-stated", stated), 0)
	found.Persons = []mocks.Person{inRegister}

	noDocument := m.person("male", "TUR")
	noDocument.Document = nil
	byName := simple("iin-by-name", "found by names and birth date alone", m.application("egov", "iin-by-name", noDocument), 0)
	byName.Persons = []mocks.Person{m.registered(noDocument)}

	generated := simple("iin-generated", "nobody knows the person: one IIN is generated",
		m.application("migration", "iin-generated", m.person("female", "MNG")), 1)

	return []Flow{found, byName, generated, m.severalMatches(), m.documentDiffers(), m.removed(), m.sameMoment(), m.twoChannels(), m.bothParents()}
}

// officer is the story of an application that waits for an officer of МИО after
// the register's answer.
func officer(name, about string, a *Application, persons ...mocks.Person) Flow {
	f := Flow{Name: name, About: about, Persons: persons}
	f.script(a, Script{Officer: "wait"})
	f.file(channelOf(a), a)
	f.begins(a)
	f.asksIINs(0, a)
	f.expect("kandas", "officer-needed", "", 1, a)
	f.tells(a, registered)
	f.expect("kandas", decided, "", 0, a)
	return f
}

func (m *maker) severalMatches() Flow {
	p := m.person("male", "MNG")
	p.Document = nil
	one, two := p, p
	one.Document, two.Document = m.passport("MNG"), m.passport("MNG")
	return officer("iin-several", "two namesakes born on one day: an officer decides",
		m.application("statecorp", "iin-several", p), m.registered(one), m.registered(two))
}

func (m *maker) documentDiffers() Flow {
	p := m.person("female", "CHN")
	namesake := p
	namesake.Document = m.passport("CHN")
	return officer("iin-namesake", "names fit, the passport does not: an officer decides",
		m.application("egov", "iin-namesake", p), m.registered(namesake))
}

func (m *maker) removed() Flow {
	p := m.person("male", "IRN")
	r := m.registered(p)
	r.DeathDate = "1950-01-01"
	return officer("iin-dead", "the register says that the person has died: an officer decides",
		m.application("migration", "iin-dead", p), r)
}

// together is the story of two applications that name one person at the same
// moment: one IIN is generated, and both get it.
func together(name, about string, a, b *Application) Flow {
	f := Flow{Name: name, About: about}
	for _, one := range []*Application{a, b} {
		f.file(channelOf(one), one)
		f.begins(one)
		f.expect("kandas", "iin-requested", "", 1, one)
		f.expect("kandas", "record-iins", "", 1, one)
		f.tells(one, usual...)
	}
	f.expectAmong("migpolice", "generate", 1, a, b)
	return f
}

func (m *maker) sameMoment() Flow {
	p := m.person("male", "MNG")
	return together("iin-same-moment", "two applications name one new person at the same moment: one IIN",
		m.application("migration", "same-moment-a", p), m.application("migration", "same-moment-b", p))
}

func (m *maker) twoChannels() Flow {
	p := m.person("female", "MNG")
	return together("counter-and-portal", "filed at a counter while the same person files on the portal",
		m.application("statecorp", "two-channels", p), m.application("migration", "two-channels", p))
}

func (m *maker) bothParents() Flow {
	base := m.base()
	father, mother := m.relative(base, "male", "MNG"), m.relative(base, "female", "MNG")
	child := m.relative(base, "female", "MNG")
	child.Kinship, child.Document.Kind = "daughter", "birth-certificate"
	f := together("both-parents", "both parents file for one child: one IIN",
		m.application("migration", "father", father, child), m.application("egov", "mother", mother, child))
	f.Persons = []mocks.Person{m.registered(father), m.registered(mother)}
	return f
}

// unclear: a generation whose outcome nobody knows. Nothing is repeated by
// machine: the register is asked, and where it knows nothing, a person.
func unclear(m *maker) []Flow {
	a := m.application("migration", "unclear-found", m.person("male", "MNG"))
	found := Flow{Name: "iin-unclear-found", About: "the answer to a generation is lost, the register knows the new IIN"}
	found.fault("migpolice", mocks.Fault{Operation: "generate", Times: 1, Reset: true})
	found.file("migration", a)
	found.begins(a)
	found.asksIINs(1, a)
	found.tells(a, usual...)

	b := m.application("migration", "unclear-lost", m.person("female", "MNG"))
	lost := Flow{Name: "iin-unclear-lost", About: "a generation is lost on its way: a person finds out that there was none, and it begins afresh"}
	lost.fault("migpolice", mocks.Fault{Operation: "generate", Times: 1, HangBeforeMS: 100, Reset: true})
	lost.file("migration", b)
	lost.begins(b)
	lost.asksIINs(1, b)
	lost.tells(b, usual...)
	lost.expect(Hub, "iin-lookup", "uncertain", 1, b)
	return []Flow{m.unseen(), found, lost}
}

// unseen: the answer is lost, and the register is slower than anybody waits. It
// is so for this one IIN only.
func (m *maker) unseen() Flow {
	a := m.application("egov", "unclear-unseen", m.person("male", "CHN"))
	f := Flow{Name: "iin-unclear-unseen", About: "the answer to a generation is lost, the register does not show the new IIN: a person asks which it is"}
	lag := func(d time.Duration, after *Expected) {
		f.Steps = append(f.Steps, Step{
			System: "migpolice", Method: http.MethodPut, Path: "/_lag", Body: map[string]int64{"ms": d.Milliseconds()}, After: after,
		})
	}
	lag(time.Hour, nil)
	f.fault("migpolice", mocks.Fault{Operation: "generate", Times: 1, Reset: true})
	f.file("egov", a)
	lag(300*time.Millisecond, &Expected{System: "migpolice", Operation: "generate", Applications: []string{a.ApplicationID}, Count: 1})
	f.begins(a)
	f.asksIINs(1, a)
	f.tells(a, usual...)
	f.expect(Hub, "iin-lookup", "uncertain", 1, a)
	return f
}
