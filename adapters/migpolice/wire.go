package migpolice

import (
	"encoding/xml"

	"kandashub/topics/payload"
)

// namespace of the data element's root; everything below is in none. The whole
// contract of this file is ours: the real one is not public (kz.md 8).
const namespace = "urn:kandashub:migpolice:iin:v1"

// wireRequest asks for one IIN. birthDate is YYYY-MM-DD, YYYY-MM or YYYY; a name
// part that is absent says that the person has none.
type wireRequest struct {
	XMLName   xml.Name   `xml:"generateIin"`
	RequestID string     `xml:"requestId"`
	Person    wirePerson `xml:"person"`
}

type wirePerson struct {
	Surname     string        `xml:"surname,omitempty"`
	Name        string        `xml:"name,omitempty"`
	Patronymic  string        `xml:"patronymic,omitempty"`
	BirthDate   string        `xml:"birthDate"`
	Sex         string        `xml:"sex"` // male or female
	Citizenship string        `xml:"citizenship"`
	Nationality string        `xml:"nationality,omitempty"`
	Document    *wireDocument `xml:"document,omitempty"`
}

type wireDocument struct {
	Kind      string `xml:"kind"`
	Series    string `xml:"series,omitempty"`
	Number    string `xml:"number"`
	IssuedBy  string `xml:"issuedBy,omitempty"`
	IssuedOn  string `xml:"issuedOn,omitempty"`
	ExpiresOn string `xml:"expiresOn,omitempty"`
}

// wireResponse holds the new IIN, or a refusal.
type wireResponse struct {
	XMLName   xml.Name     `xml:"generateIinResponse"`
	RequestID string       `xml:"requestId"`
	IIN       string       `xml:"iin,omitempty"`
	Refusal   *wireRefusal `xml:"refusal,omitempty"`
}

type wireRefusal struct {
	Code string `xml:"code"`
	Text string `xml:"text,omitempty"` // for people; may hold personal data
}

func requestOf(id string, p payload.Person) wireRequest {
	w := wireRequest{RequestID: id, Person: wirePerson{
		Surname: p.Surname, Name: p.Name, Patronymic: p.Patronymic,
		BirthDate: p.BirthDate, Sex: p.Sex, Citizenship: p.Citizenship, Nationality: p.Nationality,
	}}
	if d := p.Document; d != nil {
		w.Person.Document = &wireDocument{
			Kind: d.Kind, Series: d.Series, Number: d.Number,
			IssuedBy: d.IssuedBy, IssuedOn: d.IssuedOn, ExpiresOn: d.ExpiresOn,
		}
	}
	return w
}
