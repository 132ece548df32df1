// Package payload holds the payloads of all messages as Go types. They are the
// same contract as the JSON Schemas in topics/schemas, and a test holds the two
// together. The xml tags serve the systems behind SHEP, which send the same
// forms as XML.
//
// Message formats of АЦС «Кандас», migration.enbek.kz, ЦС «Миграционная
// полиция» and the State Corporation are not public: these contracts are ours.
package payload

import "encoding/xml"

// Text is shown to people: Kazakh and Russian always together (domain.md 4).
type Text struct {
	KK string `json:"kk" xml:"kk"`
	RU string `json:"ru" xml:"ru"`
}

// Signature is an ЭЦП. For format "xml" Value is the signed XML document with
// its enveloped signature; for "cms" Value is the base64 CMS, and Data the
// base64 content where the signature is detached.
type Signature struct {
	Format string `json:"format" xml:"format"` // xml or cms
	Value  string `json:"value" xml:"value"`
	Data   string `json:"data,omitempty" xml:"data,omitempty"`
}

// Document is an identity or civil-status document.
type Document struct {
	Kind      string `json:"kind" xml:"kind"` // passport, id-card, birth-certificate, stateless-id, other
	Series    string `json:"series,omitempty" xml:"series,omitempty"`
	Number    string `json:"number" xml:"number"`
	IssuedBy  string `json:"issued_by,omitempty" xml:"issued_by,omitempty"`
	IssuedOn  string `json:"issued_on,omitempty" xml:"issued_on,omitempty"`   // YYYY-MM-DD
	ExpiresOn string `json:"expires_on,omitempty" xml:"expires_on,omitempty"` // YYYY-MM-DD
}

// Person is an applicant or a member of the family. A name part that is absent
// means that the person has none. BirthDate is YYYY-MM-DD, or YYYY-MM, or YYYY
// where day and month are unknown. Citizenship is ISO 3166-1 alpha-3; XXA means
// stateless.
type Person struct {
	Ref         string    `json:"ref" xml:"ref"` // unique in the application: p0 is the applicant, p1, p2, ... the family
	Surname     string    `json:"surname,omitempty" xml:"surname,omitempty"`
	Name        string    `json:"name,omitempty" xml:"name,omitempty"`
	Patronymic  string    `json:"patronymic,omitempty" xml:"patronymic,omitempty"`
	BirthDate   string    `json:"birth_date" xml:"birth_date"`
	Sex         string    `json:"sex" xml:"sex"` // male or female
	Citizenship string    `json:"citizenship" xml:"citizenship"`
	Nationality string    `json:"nationality,omitempty" xml:"nationality,omitempty"`
	Kinship     string    `json:"kinship,omitempty" xml:"kinship,omitempty"` // of a family member to the applicant: spouse, son, daughter, father, ...
	IIN         string    `json:"iin,omitempty" xml:"iin,omitempty"`
	Document    *Document `json:"document,omitempty" xml:"document,omitempty"`
}

// Contacts of an applicant.
type Contacts struct {
	Phone string `json:"phone,omitempty" xml:"phone,omitempty"`
	Email string `json:"email,omitempty" xml:"email,omitempty"`
}

// Place is where a person moves to (Rules 329, annex 1).
type Place struct {
	Country    string `json:"country,omitempty" xml:"country,omitempty"`
	Region     string `json:"region" xml:"region"` // oblast or city
	KATO       string `json:"kato,omitempty" xml:"kato,omitempty"`
	District   string `json:"district,omitempty" xml:"district,omitempty"`
	Settlement string `json:"settlement,omitempty" xml:"settlement,omitempty"`
}

// Relative is whom a person joins.
type Relative struct {
	IIN      string   `json:"iin,omitempty" xml:"iin,omitempty"`
	FullName string   `json:"full_name" xml:"full_name"`
	Kinship  string   `json:"kinship" xml:"kinship"`
	IDNumber string   `json:"id_number,omitempty" xml:"id_number,omitempty"`
	Address  string   `json:"address" xml:"address"`
	Contacts Contacts `json:"contacts" xml:"contacts"`
}

// Employer invites a person for work.
type Employer struct {
	Name           string   `json:"name" xml:"name"`
	Representative string   `json:"representative" xml:"representative"`
	Address        string   `json:"address" xml:"address"`
	Contacts       Contacts `json:"contacts" xml:"contacts"`
	Profession     string   `json:"profession" xml:"profession"`
	Years          int      `json:"years,omitempty" xml:"years,omitempty"` // of work
	Education      string   `json:"education,omitempty" xml:"education,omitempty"`
	WorkDocument   string   `json:"work_document,omitempty" xml:"work_document,omitempty"`
}

// Study is where a person studies.
type Study struct {
	University string `json:"university" xml:"university"`
	Speciality string `json:"speciality" xml:"speciality"`
	From       string `json:"from" xml:"from"` // YYYY-MM-DD
	To         string `json:"to" xml:"to"`     // YYYY-MM-DD
}

// Purpose of the move: Kind and exactly the one part that it names.
type Purpose struct {
	Kind     string    `json:"kind" xml:"kind"` // region, family, employer, study
	Region   *Place    `json:"region,omitempty" xml:"region,omitempty"`
	Family   *Relative `json:"family,omitempty" xml:"family,omitempty"`
	Employer *Employer `json:"employer,omitempty" xml:"employer,omitempty"`
	Study    *Study    `json:"study,omitempty" xml:"study,omitempty"`
}

// Attachment is a document's file; the file itself does not travel.
type Attachment struct {
	Kind      string `json:"kind" xml:"kind"` // autobiography, id-copy, ethnicity-proof, ...
	File      string `json:"file" xml:"file"` // reference in the sender's store
	SHA256    string `json:"sha256" xml:"sha256"`
	ExpiresOn string `json:"expires_on,omitempty" xml:"expires_on,omitempty"`
}

// Consent to the processing of personal data. An application without it is
// refused.
type Consent struct {
	Given bool   `json:"given" xml:"given"`
	At    string `json:"at" xml:"at"` // RFC 3339
}

// Applicant is the person who files, with address and contacts.
type Applicant struct {
	Person
	Address  string   `json:"address" xml:"address"`
	Contacts Contacts `json:"contacts" xml:"contacts"`
}

// Application is filed on migration.enbek.kz, egov.kz or at a counter of the
// State Corporation (Rules 329, annex 1).
type Application struct {
	XMLName       struct{}     `json:"-" xml:"application"`
	ApplicationID string       `json:"application_id" xml:"application_id"`
	Service       string       `json:"service" xml:"service"` // kandas.assign or kandas.extend
	FiledAt       string       `json:"filed_at" xml:"filed_at"`
	Provider      string       `json:"provider" xml:"provider"` // the МИО, branch or mission it is addressed to
	AcceptedBy    string       `json:"accepted_by,omitempty" xml:"accepted_by,omitempty"`
	Applicant     Applicant    `json:"applicant" xml:"applicant"`
	Family        []Person     `json:"family,omitempty" xml:"family>person,omitempty"`
	Purpose       Purpose      `json:"purpose" xml:"purpose"`
	Consent       Consent      `json:"consent" xml:"consent"`
	Attachments   []Attachment `json:"attachments,omitempty" xml:"attachments>attachment,omitempty"`
	Signature     *Signature   `json:"signature,omitempty" xml:"signature,omitempty"`
	// Certificate is the number of the certificate to extend.
	Certificate string `json:"certificate,omitempty" xml:"certificate,omitempty"`
}

// CertificateRequest asks for a certificate issued earlier (domain.md 3.3).
type CertificateRequest struct {
	XMLName       xml.Name `json:"-" xml:"certificate_request"`
	ApplicationID string   `json:"application_id" xml:"application_id"`
	RequestID     string   `json:"request_id" xml:"request_id"`
	Certificate   string   `json:"certificate,omitempty" xml:"certificate,omitempty"` // its number, where known
	IIN           string   `json:"iin,omitempty" xml:"iin,omitempty"`
	Reason        string   `json:"reason" xml:"reason"` // lost, damaged, data-changed
	FiledAt       string   `json:"filed_at" xml:"filed_at"`
}
