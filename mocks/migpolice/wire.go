package migpolice

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

const namespace = "urn:kandashub:migpolice:iin:v1"

type request struct {
	ID     string `xml:"requestId"`
	Person person `xml:"person"`
}

type person struct {
	Surname     string `xml:"surname"`
	Name        string `xml:"name"`
	Patronymic  string `xml:"patronymic"`
	BirthDate   string `xml:"birthDate"`
	Sex         string `xml:"sex"`
	Citizenship string `xml:"citizenship"`
	Document    *struct {
		Kind      string `xml:"kind"`
		Series    string `xml:"series"`
		Number    string `xml:"number"`
		IssuedOn  string `xml:"issuedOn"`
		ExpiresOn string `xml:"expiresOn"`
	} `xml:"document"`
}

// schema names each element's children in their order.
var schema = map[string][]string{
	"generateIin": {"requestId", "person"},
	"person":      {"surname", "name", "patronymic", "birthDate", "sex", "citizenship", "nationality", "document"},
	"document":    {"kind", "series", "number", "issuedBy", "issuedOn", "expiresOn"},
}

var (
	birthDate = regexp.MustCompile(`^(18|19|20)\d\d(-\d\d(-\d\d)?)?$`)
	country   = regexp.MustCompile(`^[A-Z]{3}$`)
)

// readRequest checks the data element against the contract and reads it. Its
// errors name elements, never values.
func readRequest(data *etree.Element) (request, error) {
	if data == nil || len(data.ChildElements()) != 1 {
		return request{}, errors.New("data does not hold one element")
	}
	root := data.ChildElements()[0]
	if root.Tag != "generateIin" || root.NamespaceURI() != namespace {
		return request{}, errors.New("data holds no generateIin")
	}
	if err := check(root); err != nil {
		return request{}, err
	}
	doc, err := etree.NewDocumentWithRoot(root.Copy()).WriteToBytes()
	if err != nil {
		return request{}, errors.New("data cannot be written")
	}
	var q request
	if err := xml.Unmarshal(doc, &q); err != nil {
		return request{}, errors.New("data cannot be read")
	}
	p := q.Person
	switch {
	case q.ID == "":
		return request{}, errors.New("requestId is missing")
	case p.Surname+p.Name == "":
		return request{}, errors.New("neither surname nor name")
	case !birthDate.MatchString(p.BirthDate):
		return request{}, errors.New("birthDate is missing or no date")
	case p.Sex != "male" && p.Sex != "female":
		return request{}, errors.New("sex is missing or unknown")
	case !country.MatchString(p.Citizenship):
		return request{}, errors.New("citizenship is missing or no country")
	case p.Document != nil && (p.Document.Kind == "" || p.Document.Number == ""):
		return request{}, errors.New("document without kind or number")
	}
	return q, nil
}

// check holds e's children, all in no namespace, against the schema's order.
func check(e *etree.Element) error {
	names := schema[e.Tag]
	for _, c := range e.ChildElements() {
		at := slices.Index(names, c.Tag)
		if at < 0 || c.NamespaceURI() != "" {
			return fmt.Errorf("%s in %s is unknown, twice, not in its place, or in a namespace", c.Tag, e.Tag)
		}
		names = names[at+1:]
		if schema[c.Tag] == nil && (len(c.ChildElements()) > 0 || strings.TrimSpace(c.Text()) == "") {
			return fmt.Errorf("%s is empty or holds elements", c.Tag)
		}
		if err := check(c); err != nil {
			return err
		}
	}
	return nil
}

// wholeBirthDate is the birth date with 01 for what is unknown of it.
func (p person) wholeBirthDate() string {
	return p.BirthDate + "-01-01"[:len("2006-01-02")-len(p.BirthDate)]
}

// record is the person as the register holds it.
func (p person) record(iin string) mocks.Person {
	out := mocks.Person{
		IIN: iin, Surname: p.Surname, Name: p.Name, Patronymic: p.Patronymic,
		BirthDate: p.wholeBirthDate(), Sex: p.Sex, Citizenship: p.Citizenship,
	}
	if d := p.Document; d != nil {
		out.Documents = []mocks.Document{{Kind: d.Kind, Series: d.Series, Number: d.Number, BeginDate: d.IssuedOn, EndDate: d.ExpiresOn}}
	}
	return out
}

func generated(q request, iin string) string {
	return fmt.Sprintf(`<k:generateIinResponse xmlns:k="%s"><requestId>%s</requestId><iin>%s</iin></k:generateIinResponse>`,
		namespace, shep.Escape(q.ID), iin)
}

func refusal(q request, code string) string {
	return fmt.Sprintf(`<k:generateIinResponse xmlns:k="%s"><requestId>%s</requestId>`+
		`<refusal><code>%s</code><text>ИИН не формируется</text></refusal></k:generateIinResponse>`,
		namespace, shep.Escape(q.ID), code)
}
