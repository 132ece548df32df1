package gbdfl

import (
	"regexp"
	"strings"
	"time"

	"github.com/beevik/etree"

	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/iin"
)

const (
	nsMessage = "http://message.persistence.interactive.nat"
	nsXSI     = "http://www.w3.org/2001/XMLSchema-instance"

	resultOK = "00000"
)

var kazakhstan = time.FixedZone("+05:00", 5*60*60)

// criteria is one group of search fields in the schema's order. A field that is
// empty is left out: an absent name part says that the person has none.
type criteria []struct{ name, value string }

// requestData builds the data element, a cs:Request whose children are in no
// namespace (kz.md 1.7).
func requestData(id, senderCode string, now time.Time, c criteria) *etree.Element {
	data := etree.NewElement("data")
	data.CreateAttr("xmlns:cs", nsMessage)
	data.CreateAttr("xmlns:xsi", nsXSI)
	data.CreateAttr("xsi:type", "cs:Request")
	data.CreateElement("messageId").SetText(id)
	data.CreateElement("messageDate").SetText(now.In(kazakhstan).Format("2006-01-02T15:04:05.000-07:00"))
	data.CreateElement("senderCode").SetText(senderCode)
	for _, field := range c {
		if v := strings.TrimSpace(field.value); v != "" {
			data.CreateElement(field.name).SetText(v)
		}
	}
	return data
}

// readAnswer reads the answer to the request id.
func readAnswer(id string, data *etree.Element) (Answer, error) {
	response := data
	if data != nil && child(data, "messageResult") == nil {
		response = shep.Content(data) // a document of its own, in a string or inline
	}
	if response == nil || hasDoubles(response) {
		return Answer{}, unreadable("the answer is none of the register's")
	}
	if text(response, "requestId") != id {
		return Answer{}, unreadable("the answer belongs to another request")
	}
	if code := text(child(response, "messageResult"), "code"); code != resultOK {
		if code == "" {
			return Answer{}, unreadable("messageResult has no code")
		}
		return Answer{}, topics.Fail(topics.Rejected, "result", "messageResult %s", resultCode(code))
	}
	var answer Answer
	for _, e := range children(child(response, "persons"), "person") {
		p, err := readPerson(e)
		if err != nil {
			return Answer{}, err
		}
		answer.Persons = append(answer.Persons, p)
	}
	return answer, nil
}

func readPerson(e *etree.Element) (Person, error) {
	p := Person{
		IIN:          text(e, "iin"),
		Surname:      text(e, "surname"),
		Name:         text(e, "name"),
		Patronymic:   text(e, "patronymic"),
		LatinSurname: text(e, "engSurname"),
		LatinName:    text(e, "engFirstName"),
		BirthDate:    day(text(e, "birthDate")),
		DeathDate:    day(text(e, "deathDate")),
		Excluded:     filled(child(e, "excludeStatus")),
	}
	if iin.Check(p.IIN) != nil {
		return Person{}, topics.Fail(topics.Rejected, "bad_iin", "the register returned a person whose IIN is none")
	}
	switch text(e, "removed") {
	case "", "false", "0":
	case "true", "1":
		p.Removed = true
	default:
		return Person{}, unreadable("removed is no boolean")
	}
	if p.BirthDate == "" {
		return Person{}, unreadable("a person without a birth date")
	}
	seen := map[Document]bool{}
	for _, d := range children(child(e, "documents"), "document") {
		doc := Document{
			Type:      text(child(d, "type"), "code"),
			Series:    text(d, "series"),
			Number:    text(d, "number"),
			BeginDate: day(text(d, "beginDate")),
		}
		// One document can come twice (kz.md 2.1).
		if one := (Document{Type: doc.Type, Number: doc.Number, BeginDate: doc.BeginDate}); !seen[one] {
			seen[one] = true
			p.Documents = append(p.Documents, doc)
		}
	}
	if c := child(e, "birthCertificate"); filled(c) && text(c, "number") != "" {
		p.Documents = append(p.Documents, Document{Series: text(c, "series"), Number: text(c, "number"), BeginDate: day(text(c, "beginDate"))})
	}
	return p, nil
}

// lists are the elements whose children repeat.
var lists = map[string]bool{"persons": true, "documents": true, "addresses": true}

// hasDoubles says whether an element stands twice where the schema has it once:
// of two IINs in one person none can be trusted. Signatures are passed over.
func hasDoubles(e *etree.Element) bool {
	seen := map[string]bool{}
	for c := range e.ChildElementsSeq() {
		if c.Tag == "Signature" {
			continue
		}
		if seen[c.Tag] && !lists[e.Tag] || hasDoubles(c) {
			return true
		}
		seen[c.Tag] = true
	}
	return false
}

// child returns e's child of that local name, nil where there is none or no e.
func child(e *etree.Element, name string) *etree.Element {
	if e == nil {
		return nil
	}
	return e.SelectElement(name)
}

func children(e *etree.Element, name string) []*etree.Element {
	if e == nil {
		return nil
	}
	return e.SelectElements(name)
}

// text returns the trimmed text of e's child of that name, or "".
func text(e *etree.Element, name string) string {
	if c := child(e, name); c != nil {
		return strings.TrimSpace(c.Text())
	}
	return ""
}

// filled says whether e says anything: empty optional elements are common.
func filled(e *etree.Element) bool {
	if e == nil {
		return false
	}
	for c := range e.ChildElementsSeq() {
		if filled(c) {
			return true
		}
	}
	return strings.TrimSpace(e.Text()) != ""
}

// day cuts an xs:date or xs:dateTime down to its day, as written.
func day(s string) string {
	if len(s) > len(time.DateOnly) {
		s = s[:len(time.DateOnly)]
	}
	return s
}

var digits = regexp.MustCompile(`^[0-9]{1,6}$`)

// resultCode keeps anything but a short number out of errors.
func resultCode(code string) string {
	if digits.MatchString(code) {
		return code
	}
	return "other"
}

func unreadable(reason string) error {
	return topics.Fail(topics.Uncertain, "unreadable", "%s", reason)
}
