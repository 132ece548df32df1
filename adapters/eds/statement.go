package eds

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/beevik/etree"

	"kandashub/adapters"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// nsStatement is the namespace of the root of every signed document.
const nsStatement = "urn:kandashub:statement:v1"

// A Statement is what a signed document must say. The event beside it says the
// same: a good signature over one decision must not vouch for another.
type Statement struct {
	ApplicationID string
	EventType     string // ce_type
	Number        string // of the event's part, where it has one
	Date          string // of the part; of a hearing its time
	Result        string // of a decision; of a refused package its kind
}

// fields are the elements of the document that are compared.
func (s Statement) fields() map[string]string {
	return map[string]string{
		"application_id": s.ApplicationID,
		"event_type":     s.EventType,
		"number":         s.Number,
		"date":           s.Date,
		"result":         s.Result,
	}
}

// saidIn says whether document states s. Each element stands at most once,
// directly below the root, in no namespace, and holds nothing but text: a
// comment would part what is read from what was signed. What s has empty may be
// absent. A signature over a part of the document proves nothing here.
func (s Statement) saidIn(document []byte) bool {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(document); err != nil || doc.Root() == nil {
		return false
	}
	root := doc.Root()
	if root.Tag != "statement" || root.NamespaceURI() != nsStatement {
		return false
	}
	for _, reference := range root.FindElements(".//SignedInfo/Reference") {
		if reference.SelectAttrValue("URI", "") != "" {
			return false
		}
	}
	wanted, said := s.fields(), map[string]string{}
	for _, e := range root.ChildElements() {
		if _, compared := wanted[e.Tag]; !compared {
			continue
		}
		if _, twice := said[e.Tag]; twice || e.NamespaceURI() != "" || !plain(e) {
			return false
		}
		said[e.Tag] = strings.TrimSpace(e.Text())
	}
	for name, want := range wanted {
		if said[name] != want {
			return false
		}
	}
	return true
}

// plain says whether e holds nothing but text.
func plain(e *etree.Element) bool {
	for _, token := range e.Child {
		if _, ok := token.(*etree.CharData); !ok {
			return false
		}
	}
	return true
}

// content returns the document that the good signature s is about; nil if
// there is none. Only of a CMS that carries its content NCANode has to be asked.
func (c *Client) content(ctx context.Context, s payload.Signature) ([]byte, error) {
	switch {
	case s.Format == "xml":
		return []byte(s.Value), nil
	case s.Data != "":
		return decode(s.Data), nil
	}
	body, err := json.Marshal(extractRequest{CMS: s.Value})
	if err != nil {
		return nil, topics.Fail(topics.Rejected, "internal", "the request does not marshal")
	}
	resp, err := c.http.Do(ctx, adapters.Request{Operation: "extract", Path: pathExtract, ContentType: "application/json", Body: body})
	if resp.Status == http.StatusBadRequest { // without content
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var a extractAnswer
	if err := resp.JSON(&a); err != nil {
		return nil, err
	}
	return decode(a.Data), nil
}

// decode returns nil for what is no base64.
func decode(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}
