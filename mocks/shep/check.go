package shep

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/beevik/etree"
)

// Namespaces of the envelope and of the two channels' wrapper elements.
const (
	NamespaceSOAP  = "http://schemas.xmlsoap.org/soap/envelope/"
	NamespaceSync  = "http://bip.bee.kz/SyncChannel/v10/Types"
	NamespaceAsync = "http://bip.bee.kz/AsyncChannel/v10/Types"
)

// A field is one line of a schema: an element's name, how often it may stand
// there (most < 0: any number), and what it holds.
type field struct {
	name        string
	least, most int
	holds       []field
	open        bool // holds anything, in any namespace
	date        bool
}

func text(name string, least, most int) field { return field{name: name, least: least, most: most} }
func date(name string, least int) field       { return field{name: name, least: least, most: 1, date: true} }
func node(name string, least int, holds ...field) field {
	return field{name: name, least: least, most: 1, holds: holds}
}
func payload(name string, least int) field {
	return field{name: name, least: least, most: 1, open: true}
}

var (
	sender     = func(least int) field { return node("sender", least, text("senderId", 1, 1), text("password", 0, 1)) }
	properties = field{name: "properties", most: -1, holds: []field{text("key", 1, 1), text("value", 1, 1)}}
)

// An operation is one wrapper element, and what its request holds.
type operation struct {
	namespace string
	request   []field
}

// operations are those that the hub may call. sessionId is set by SHEP alone,
// so none has it.
var operations = map[string]operation{
	"SendMessage": {NamespaceSync, []field{
		node("requestInfo", 1,
			text("messageId", 1, 1), text("correlationId", 0, 1), text("serviceId", 1, 1), date("messageDate", 1),
			text("routeId", 0, 1), sender(1), properties),
		node("requestData", 1, payload("data", 0)),
	}},
	"sendMessage": {NamespaceAsync, []field{
		node("messageInfo", 1,
			text("messageId", 0, 1), text("correlationId", 0, 1), text("serviceId", 1, 1), text("messageType", 1, 1),
			text("routeId", 0, 1), date("messageDate", 1), sender(1), properties),
		node("messageData", 1, payload("data", 1)),
	}},
	"getMessageStatus": {NamespaceAsync, []field{
		text("messageId", 1, 1), date("requestDate", 1), sender(1), properties,
	}},
}

// A Request is a message that keeps the schema.
type Request struct {
	Operation     string // SendMessage, sendMessage or getMessageStatus
	MessageID     string
	CorrelationID string
	ServiceID     string
	MessageType   string
	SenderID      string
	Password      string
	Data          *etree.Element // the data element; nil where there is none
}

// Read checks one HTTP request with its body against the schema, and returns
// what it holds. The error says what deviates, without a value.
func Read(r *http.Request, body []byte) (Request, error) {
	if err := checkHTTP(r); err != nil {
		return Request{}, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.ValidateInput = true
	if err := doc.ReadFromBytes(body); err != nil || doc.Root() == nil {
		return Request{}, errors.New("not well-formed XML")
	}
	for _, t := range doc.Child {
		if _, ok := t.(*etree.Directive); ok {
			return Request{}, errors.New("a DOCTYPE in the message")
		}
	}
	wrapper, err := unwrap(doc.Root())
	if err != nil {
		return Request{}, err
	}
	op, ok := operations[wrapper.Tag]
	if !ok {
		return Request{}, errors.New("no such operation")
	}
	if wrapper.NamespaceURI() != op.namespace {
		return Request{}, fmt.Errorf("%s is not in its namespace", wrapper.Tag)
	}
	if err := check(wrapper, node("request", 1, op.request...)); err != nil {
		return Request{}, err
	}
	return read(wrapper), nil
}

func checkHTTP(r *http.Request) error {
	if r.Method != http.MethodPost {
		return errors.New("SOAP is posted")
	}
	action, ok := r.Header[http.CanonicalHeaderKey("SOAPAction")]
	if !ok || len(action) != 1 || action[0] != `""` {
		return errors.New("SOAPAction is not the empty string in quotes")
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "text/xml" || !strings.EqualFold(params["charset"], "utf-8") {
		return errors.New("Content-Type is not text/xml; charset=utf-8")
	}
	return nil
}

// unwrap takes the envelope off.
func unwrap(env *etree.Element) (*etree.Element, error) {
	if env.Tag != "Envelope" || env.NamespaceURI() != NamespaceSOAP {
		return nil, errors.New("not a SOAP 1.1 envelope")
	}
	parts := env.ChildElements()
	if len(parts) > 0 && parts[0].Tag == "Header" && parts[0].NamespaceURI() == NamespaceSOAP {
		parts = parts[1:]
	}
	if len(parts) != 1 || parts[0].Tag != "Body" || parts[0].NamespaceURI() != NamespaceSOAP {
		return nil, errors.New("an envelope holds a Header, if any, and a Body")
	}
	inner := parts[0].ChildElements()
	if len(inner) != 1 {
		return nil, errors.New("the Body holds one element")
	}
	return inner[0], nil
}

var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+05:00$`)

// check holds e's children against the schema's lines, in their order.
func check(e *etree.Element, lines ...field) error {
	children := e.ChildElements()
	for _, line := range lines {
		n := 0
		for len(children) > 0 && children[0].Tag == line.name && (line.most < 0 || n < line.most) {
			c := children[0]
			if c.NamespaceURI() != "" {
				return fmt.Errorf("%s is in a namespace", c.Tag)
			}
			if err := checkContent(c, line); err != nil {
				return err
			}
			children = children[1:]
			n++
		}
		if n < line.least {
			return fmt.Errorf("%s is missing in %s, or not in its place", line.name, e.Tag)
		}
	}
	if len(children) > 0 {
		return fmt.Errorf("%s in %s is unknown, too many, or not in its place", children[0].Tag, e.Tag)
	}
	return nil
}

func checkContent(e *etree.Element, line field) error {
	switch {
	case line.open:
		return nil
	case line.holds != nil:
		return check(e, line.holds...)
	case len(e.ChildElements()) > 0:
		return fmt.Errorf("%s holds elements", e.Tag)
	case strings.TrimSpace(e.Text()) == "":
		return fmt.Errorf("%s is empty", e.Tag)
	case line.date && !dateTime.MatchString(e.Text()):
		return fmt.Errorf("%s is no time with +05:00", e.Tag)
	}
	return nil
}

// read takes the values out of a wrapper that has been checked.
func read(wrapper *etree.Element) Request {
	request := wrapper.SelectElement("request")
	info := request
	for _, name := range []string{"requestInfo", "messageInfo"} {
		if e := request.SelectElement(name); e != nil {
			info = e
		}
	}
	value := func(e *etree.Element, name string) string {
		if c := e.SelectElement(name); c != nil {
			return strings.TrimSpace(c.Text())
		}
		return ""
	}
	from := info.SelectElement("sender")
	return Request{
		Operation:     wrapper.Tag,
		MessageID:     value(info, "messageId"),
		CorrelationID: value(info, "correlationId"),
		ServiceID:     value(info, "serviceId"),
		MessageType:   value(info, "messageType"),
		SenderID:      value(from, "senderId"),
		Password:      value(from, "password"),
		Data:          request.FindElement("./*/data"),
	}
}
