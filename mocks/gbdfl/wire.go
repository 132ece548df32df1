package gbdfl

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/beevik/etree"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

const (
	namespaceMessage = "http://message.persistence.interactive.nat"
	namespaceXSI     = "http://www.w3.org/2001/XMLSchema-instance"
)

// A request is what a search asks for; exactly one of iin, birthDate and
// document is set.
type request struct {
	messageID, senderCode           string
	iin                             string
	surname, name, patronymic, born string
	document                        string
}

var (
	latin36  = regexp.MustCompile(`^[\x21-\x7e]{1,36}$`)
	dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+05:00$`)
	date     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	twelve   = regexp.MustCompile(`^\d{12}$`)
)

// order is the schema's order of elements.
var order = []string{"messageId", "messageDate", "senderCode", "iin", "surname", "name", "patronymic", "birthDate", "documentNumber"}

// readRequest checks a data element against the schema and reads it. Its errors
// name elements, never values.
func readRequest(data *etree.Element) (request, error) {
	if data == nil {
		return request{}, errors.New("no data")
	}
	if err := checkType(data); err != nil {
		return request{}, err
	}
	values := map[string]string{}
	next := 0
	for _, e := range data.ChildElements() {
		if e.NamespaceURI() != "" {
			return request{}, fmt.Errorf("%s is in a namespace", e.Tag)
		}
		for next < len(order) && order[next] != e.Tag {
			next++
		}
		if next == len(order) {
			return request{}, fmt.Errorf("%s is unknown, twice, or not in its place", e.Tag)
		}
		next++
		if values[e.Tag] = e.Text(); values[e.Tag] == "" || strings.TrimSpace(e.Text()) != e.Text() || len(e.ChildElements()) > 0 {
			return request{}, fmt.Errorf("%s is empty, padded, or holds elements", e.Tag)
		}
	}
	q := request{
		messageID: values["messageId"], senderCode: values["senderCode"], iin: values["iin"],
		surname: values["surname"], name: values["name"], patronymic: values["patronymic"],
		born: values["birthDate"], document: values["documentNumber"],
	}
	if !dateTime.MatchString(values["messageDate"]) {
		return request{}, errors.New("messageDate is no time with +05:00")
	}
	return q, q.check()
}

// checkType demands xsi:type="cs:Request" with its prefix bound.
func checkType(data *etree.Element) error {
	for _, a := range data.Attr {
		if a.Key != "type" || a.NamespaceURI() != namespaceXSI {
			continue
		}
		prefix, local, _ := strings.Cut(a.Value, ":")
		if local == "Request" && data.SelectAttrValue("xmlns:"+prefix, "") == namespaceMessage {
			return nil
		}
	}
	return errors.New("data is not of type Request")
}

// check holds the request against the rules of one criterion group.
func (q request) check() error {
	byName := q.surname+q.name+q.patronymic+q.born != ""
	groups := 0
	for _, set := range []bool{q.iin != "", byName, q.document != ""} {
		if set {
			groups++
		}
	}
	switch {
	case !latin36.MatchString(q.messageID):
		return errors.New("messageId is not 1 to 36 Latin characters")
	case q.senderCode == "":
		return errors.New("senderCode is missing")
	case groups != 1:
		return errors.New("not exactly one group of criteria")
	case q.iin != "" && !twelve.MatchString(q.iin):
		return errors.New("iin is not twelve digits")
	case byName && !date.MatchString(q.born):
		return errors.New("birthDate is missing or no date")
	case byName && q.surname+q.name == "":
		return errors.New("neither surname nor name")
	}
	return nil
}

// search asks the register, and says by what.
func (q request) search(r *mocks.Register) (by string, persons []mocks.Person) {
	switch {
	case q.iin != "":
		return "iin", r.FindByIIN(q.iin)
	case q.document != "":
		return "document", r.FindByDocument(q.document)
	}
	return "name", r.FindByName(q.surname, q.name, q.patronymic, q.born)
}

// A writer writes unqualified elements.
type writer struct{ strings.Builder }

// set writes an element where it has a text.
func (w *writer) set(name, text string) {
	if text != "" {
		fmt.Fprintf(w, "<%s>%s</%s>", name, shep.Escape(text), name)
	}
}

// dict writes a dictionary value. Texts for people are in both languages.
func (w *writer) dict(name, code, ru, kz string) {
	fmt.Fprintf(w, "<%s><code>%s</code><nameRu>%s</nameRu><nameKz>%s</nameKz></%s>",
		name, shep.Escape(code), shep.Escape(ru), shep.Escape(kz), name)
}

// writeResponse writes the content of the answer's data element.
func writeResponse(id string, q request, persons []mocks.Person) string {
	var w writer
	w.set("messageId", id)
	w.set("messageDate", shep.Now())
	w.set("requestId", q.messageID)
	w.dict("sender", "GBDFL", "ГБД ФЛ", "ЖТ МДҚ")
	w.dict("receiver", q.senderCode, "Отправитель", "Жіберуші")
	w.dict("messageResult", "00000", "ОК", "ОК")
	if len(persons) > 0 {
		w.WriteString("<persons>")
		for _, p := range persons {
			w.person(p)
		}
		w.WriteString("</persons>")
	}
	return w.String()
}

// countries are the ISO numeric codes of the citizenships that the register's
// dictionary knows here; a stateless person's code is the mock's own.
var countries = map[string]string{
	"KAZ": "398", "MNG": "496", "CHN": "156", "UZB": "860", "TUR": "792", "IRN": "364", "RUS": "643", "XXA": "000",
}

// documentTypes are the register's codes; those that are not public are ours.
var documentTypes = map[string]string{
	"passport": "015", "id-card": "002", "stateless-id": "031", "other": "099",
}

func (w *writer) person(p mocks.Person) {
	w.WriteString("<person>")
	w.set("iin", p.IIN)
	w.set("surname", p.Surname)
	w.set("name", p.Name)
	w.set("patronymic", p.Patronymic)
	w.set("engFirstName", p.LatinName)
	w.set("engSurname", p.LatinSurname)
	w.set("birthDate", p.BirthDate)
	w.set("deathDate", p.DeathDate)
	if p.Sex == "female" {
		w.dict("gender", "2", "Женский", "Әйел")
	} else {
		w.dict("gender", "1", "Мужской", "Ер")
	}
	w.dict("nationality", "005", "Казах", "Қазақ")
	w.dict("citizenship", countries[p.Citizenship], p.Citizenship, p.Citizenship)
	if p.DeathDate != "" {
		w.dict("lifeStatus", "1", "Умер", "Қайтыс болды")
	} else {
		w.dict("lifeStatus", "0", "Нормальный", "Қалыпты")
	}
	for _, d := range p.Documents {
		if d.Kind == "birth-certificate" {
			w.WriteString("<birthCertificate>")
			w.set("number", d.Series+d.Number)
			w.set("beginDate", d.BeginDate)
			w.WriteString("</birthCertificate>")
			break
		}
	}
	w.WriteString("<birthPlace>")
	w.dict("country", countries[p.Citizenship], p.Citizenship, p.Citizenship)
	w.WriteString("</birthPlace>")
	if p.Excluded {
		w.WriteString("<excludeStatus>")
		w.dict("excludeReason", "01", "Исключён", "Шығарылды")
		w.WriteString("</excludeStatus>")
	}
	w.documents(p)
	if p.Removed {
		w.set("removed", "true")
	}
	w.WriteString("</person>")
}

// documents writes the documents, the first one twice: real answers repeat them.
func (w *writer) documents(p mocks.Person) {
	open := false
	for _, d := range p.Documents {
		if d.Kind == "birth-certificate" {
			continue
		}
		if !open {
			open = true
			w.WriteString("<documents>")
			w.document(p, d)
		}
		w.document(p, d)
	}
	if open {
		w.WriteString("</documents>")
	}
}

func (w *writer) document(p mocks.Person, d mocks.Document) {
	w.WriteString("<document>")
	w.dict("type", documentTypes[d.Kind], d.Kind, d.Kind)
	w.set("number", d.Number)
	w.set("series", d.Series)
	w.set("beginDate", d.BeginDate)
	w.set("endDate", d.EndDate)
	w.dict("issueOrganization", "003", "Иностранный орган", "Шетел органы")
	if d.Invalid {
		w.dict("status", "07", "Недействителен", "Жарамсыз")
	} else {
		w.dict("status", "00", "Действителен", "Жарамды")
	}
	w.set("surname", p.Surname)
	w.set("name", p.Name)
	w.set("patronymic", p.Patronymic)
	w.set("birthDate", p.BirthDate)
	w.WriteString("</document>")
}
