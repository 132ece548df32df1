package samples

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"kandashub/mocks"
)

// A Document is an identity or civil-status document of an application.
type Document struct {
	Kind      string `json:"kind"`
	Series    string `json:"series,omitempty"`
	Number    string `json:"number"`
	IssuedBy  string `json:"issued_by,omitempty"`
	IssuedOn  string `json:"issued_on,omitempty"`
	ExpiresOn string `json:"expires_on,omitempty"`
}

// A Person is an applicant or a member of the family.
type Person struct {
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
	Document    *Document `json:"document,omitempty"`
}

// Contacts of a person or an employer.
type Contacts struct {
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
}

// An Applicant is the person who files.
type Applicant struct {
	Person
	Address  string   `json:"address"`
	Contacts Contacts `json:"contacts"`
}

// A Place is where a person moves to.
type Place struct {
	Country    string `json:"country,omitempty"`
	Region     string `json:"region"`
	KATO       string `json:"kato,omitempty"`
	District   string `json:"district,omitempty"`
	Settlement string `json:"settlement,omitempty"`
}

// A Relative is whom a person joins.
type Relative struct {
	IIN      string   `json:"iin,omitempty"`
	FullName string   `json:"full_name"`
	Kinship  string   `json:"kinship"`
	IDNumber string   `json:"id_number,omitempty"`
	Address  string   `json:"address"`
	Contacts Contacts `json:"contacts"`
}

// An Employer invites a person for work.
type Employer struct {
	Name           string   `json:"name"`
	Representative string   `json:"representative"`
	Address        string   `json:"address"`
	Contacts       Contacts `json:"contacts"`
	Profession     string   `json:"profession"`
	Years          int      `json:"years,omitempty"`
	Education      string   `json:"education,omitempty"`
	WorkDocument   string   `json:"work_document,omitempty"`
}

// A Study is where a person studies.
type Study struct {
	University string `json:"university"`
	Speciality string `json:"speciality"`
	From       string `json:"from"`
	To         string `json:"to"`
}

// A Purpose of the move has the one part that Kind names.
type Purpose struct {
	Kind     string    `json:"kind"`
	Region   *Place    `json:"region,omitempty"`
	Family   *Relative `json:"family,omitempty"`
	Employer *Employer `json:"employer,omitempty"`
	Study    *Study    `json:"study,omitempty"`
}

// An Attachment is a document's file, by reference.
type Attachment struct {
	Kind      string `json:"kind"`
	File      string `json:"file"`
	SHA256    string `json:"sha256"`
	ExpiresOn string `json:"expires_on,omitempty"`
}

// Consent to the processing of personal data.
type Consent struct {
	Given bool   `json:"given"`
	At    string `json:"at"`
}

// A Signature is an ЭЦП of the applicant.
type Signature struct {
	Format string `json:"format"`
	Value  string `json:"value"`
}

// An Application is the form of Rules 329, annex 1, as its sender fills it in.
type Application struct {
	ApplicationID string       `json:"application_id"`
	Service       string       `json:"service"`
	FiledAt       string       `json:"filed_at"`
	Provider      string       `json:"provider"`
	AcceptedBy    string       `json:"accepted_by,omitempty"`
	Applicant     Applicant    `json:"applicant"`
	Family        []Person     `json:"family,omitempty"`
	Purpose       Purpose      `json:"purpose"`
	Consent       Consent      `json:"consent"`
	Attachments   []Attachment `json:"attachments,omitempty"`
	Signature     *Signature   `json:"signature,omitempty"`
	Certificate   string       `json:"certificate,omitempty"`
}

// kazakhstan is the one time zone of the country since 2024.
var kazakhstan = time.FixedZone("+05", 5*60*60)

const day = "2006-01-02"

// providers are the МИО that applications are addressed to.
var providers = []string{
	"Управление занятости и социальных программ Костанайской области",
	"Павлодар облысының жұмыспен қамту басқармасы",
	"Управление занятости и социальных программ Северо-Казахстанской области",
	"Абай облысының жұмыспен қамту басқармасы",
}

// application fills in the form for an applicant with a family, filed at
// channel. The id is the channel, the run and the flow's short name.
func (m *maker) application(channel, slug string, applicant Person, family ...Person) *Application {
	applicant.Ref = "p0"
	for i := range family {
		family[i].Ref = fmt.Sprintf("p%d", i+1)
	}
	filed := m.now.Add(-time.Minute)
	a := &Application{
		ApplicationID: channel + "-" + m.run + "-" + slug,
		Service:       "kandas.assign",
		FiledAt:       filed.Format(time.RFC3339),
		Provider:      pick(m, providers),
		Applicant:     Applicant{Person: applicant, Address: m.address(), Contacts: m.contacts()},
		Family:        family,
		Purpose:       m.purpose(),
		Consent:       Consent{Given: true, At: filed.Add(-time.Minute).Format(time.RFC3339)},
	}
	if channel == "statecorp" {
		a.AcceptedBy = "Үлгі-Ата қаласының № 7 бөлімі"
	}
	for _, kind := range []string{"autobiography", "id-copy", "ethnicity-proof"} {
		a.Attachments = append(a.Attachments, m.attachment(a.ApplicationID, kind))
	}
	a.Signature = &Signature{Format: "xml", Value: mocks.SignXMLAs("applicant", "<application><id>"+a.ApplicationID+"</id></application>")}
	return a
}

func (m *maker) attachment(application, kind string) Attachment {
	file := application + "/" + kind + ".pdf"
	sum := sha256.Sum256([]byte(file))
	at := Attachment{Kind: kind, File: file, SHA256: hex.EncodeToString(sum[:])}
	if kind == "id-copy" {
		at.ExpiresOn = m.now.AddDate(5, 0, 0).Format(day)
	}
	return at
}

// extension turns an application into one to extend the status that
// certificate proves (Rules 329, p. 22).
func (a *Application) extension(certificate string) *Application {
	a.Service, a.Certificate = "kandas.extend", certificate
	return a
}

// purpose goes through the four purposes of the form in turn.
func (m *maker) purpose() Purpose {
	m.purposes++
	switch m.purposes % 4 {
	case 1:
		return Purpose{Kind: "region", Region: &Place{
			Country: "MNG", Region: "Костанайская область", KATO: "390000000", District: "Үлгі ауданы", Settlement: "Жаңа-Үлгі",
		}}
	case 2:
		r := m.person("male", "KAZ")
		return Purpose{Kind: "family", Family: &Relative{
			IIN: m.iin(r), FullName: r.Surname + " " + r.Name + " " + r.Patronymic, Kinship: "brother",
			IDNumber: r.Document.Number, Address: m.address(), Contacts: m.contacts(),
		}}
	case 3:
		r := m.person("female", "KAZ")
		return Purpose{Kind: "employer", Employer: &Employer{
			Name: "ТОО «Үлгі-Ағаш»", Representative: r.Surname + " " + r.Name, Address: m.address(), Contacts: m.contacts(),
			Profession: "ағаш ұстасы", Years: 12, Education: "диплом № " + m.digits(7), WorkDocument: "еңбек кітапшасы № " + m.digits(7),
		}}
	default:
		return Purpose{Kind: "study", Study: &Study{
			University: "Университет имени Үлгі", Speciality: "агрономия",
			From: m.now.AddDate(0, -3, 0).Format(day), To: m.now.AddDate(4, 0, 0).Format(day),
		}}
	}
}
