package shep

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Namespaces (kz.md 1.1, 1.3). Only the wrapper element is qualified.
const (
	nsSOAP  = "http://schemas.xmlsoap.org/soap/envelope/"
	nsSync  = "http://bip.bee.kz/SyncChannel/v10/Types"
	nsAsync = "http://bip.bee.kz/AsyncChannel/v10/Types"
)

// Operations, by the name of their wrapper element.
const (
	OpSendSync     = "SendMessage"
	OpSend         = "sendMessage"
	OpStatus       = "getMessageStatus"
	OpDelivery     = "sendDeliveryNotification"
	OpStateChanged = "changeMassageStatusNotification"
)

// StatusOK is the status code of a message that was processed. Other codes are
// the receiving system's own (kz.md 1.2).
const StatusOK = "SCSS001"

// The zone of Kazakhstan: every time is written with +05:00.
var zone = time.FixedZone("+05:00", 5*60*60)

const timeLayout = "2006-01-02T15:04:05.000-07:00"

func formatTime(t time.Time) string { return t.In(zone).Format(timeLayout) }

// parseTime reads an xs:dateTime; one without an offset is Kazakhstan's.
func parseTime(s string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05", s, zone)
	return t, err == nil
}

// add appends an unqualified element with text to e.
func add(e *etree.Element, name, text string) {
	e.CreateElement(name).SetText(text)
}

// addSet is add where there is a text.
func addSet(e *etree.Element, name, text string) {
	if text != "" {
		add(e, name, text)
	}
}

// envelope writes an envelope around an answer: wrapper in namespace ns,
// holding inner.
func envelope(ns, wrapper string, inner *etree.Element) []byte {
	w := etree.NewElement("t:" + wrapper)
	w.CreateAttr("xmlns:t", ns)
	w.AddChild(inner)
	return soap(func(out *bytes.Buffer) { w.WriteTo(out, canonical()) })
}

// open reads an envelope and returns the one element of its body.
func open(doc []byte) (*etree.Element, error) {
	root, err := Parse(doc)
	if err != nil {
		return nil, err
	}
	if root.Tag != "Envelope" {
		return nil, parseError(CodeMessage, "not a SOAP envelope")
	}
	var r reader
	body := r.child(root, "Body")
	if r.err != nil {
		return nil, r.err
	}
	if body == nil {
		return nil, parseError(CodeMessage, "element Body is missing")
	}
	var inner *etree.Element
	for c := range body.ChildElementsSeq() {
		if inner != nil {
			return nil, parseError(CodeMessage, "more than one element in Body")
		}
		inner = c
	}
	if inner == nil {
		return nil, parseError(CodeMessage, "an empty Body")
	}
	return inner, nil
}

// A Fault is a SOAP fault as read, the cause of a Failure. Its texts are not
// kept: they may repeat the message.
type Fault struct {
	Side string // the local name of its code: Client, Server, FailedCheck, ...
	Code string // errorCode of its ErrorInfo, or ""
}

func (f *Fault) Error() string {
	if f.Code == "" {
		return "SOAP fault " + f.Side
	}
	return "SOAP fault " + f.Side + " " + SafeCode(f.Code)
}

// sides are the fault codes of SOAP 1.1, SOAP 1.2 and WS-Security (SOAP Message
// Security 1.0, 12).
var sides = []string{
	"Client", "Server", "Sender", "Receiver", "VersionMismatch", "MustUnderstand", "DataEncodingUnknown",
	"FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken",
	"SecurityTokenUnavailable", "UnsupportedSecurityToken", "UnsupportedAlgorithm",
}

// readFault reads a SOAP 1.1 or 1.2 fault.
func readFault(e *etree.Element) *Fault {
	var r reader
	side := r.text(e, "faultcode")
	if side == "" {
		side = r.text(r.child(e, "Code"), "Value")
	}
	if _, local, ok := strings.Cut(side, ":"); ok {
		side = local
	}
	side, _, _ = strings.Cut(side, ".") // SOAP 1.1 allows Client.Something
	if !slices.Contains(sides, side) {
		side = "other"
	}
	f := &Fault{Side: side}
	detail := r.child(e, "detail")
	if detail == nil {
		detail = r.child(e, "Detail")
	}
	if detail != nil {
		for info := range detail.ChildElementsSeq() {
			f.Code = r.text(info, "errorCode")
			break
		}
	}
	return f
}

var safeCode = regexp.MustCompile(`^[A-Z]{2,16}([_-][A-Z0-9]{1,16}){0,3}[0-9]{0,4}$`)

// SafeCode returns an error or status code of a system as it may stand in an
// error or a log: unchanged where it looks like a code (SCSS001,
// SE_PROCESSOR, ERROR), else "other". A system may put anything there, a
// person's name or a document's number too.
func SafeCode(code string) string {
	switch {
	case code == "OK", code == "SUCCESS", code == "ERROR", code == "FAILURE",
		safeCode.MatchString(code) && strings.ContainsAny(code, "_0123456789"):
		return code
	}
	return "other"
}

var guid = regexp.MustCompile(`^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$`)

// plainID drops the braces of a {guid}: SHEP writes them, many senders do not
// (kz.md 1.1), and both mean one id.
func plainID(id string) string {
	if guid.MatchString(id) {
		return id[1 : len(id)-1]
	}
	return id
}
