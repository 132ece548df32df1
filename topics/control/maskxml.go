package control

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// Bounds of XML in a payload of which the form is shown. A signed statement has
// some thirty elements.
const (
	maxXMLBytes = 256 << 10
	maxXMLDepth = 24
	maxXMLNodes = 500
)

// hiddenName stands for the name of an element or attribute that is not shown.
const hiddenName = "hidden"

var errXML = errors.New("no XML whose form can be shown")

// maskedXML returns the form of a text that is one XML document, such as the value
// of a signature: its elements and attributes, by name where we know the name, and
// "string" where there is text. ok is false for any other text.
func maskedXML(text string) (form string, ok bool) {
	if !strings.HasPrefix(strings.TrimSpace(text), "<") || len(text) > maxXMLBytes {
		return "", false
	}
	var b strings.Builder
	d := xml.NewDecoder(strings.NewReader(text))
	var path []string
	for nodes := 0; ; nodes++ {
		token, err := d.RawToken()
		switch {
		case errors.Is(err, io.EOF):
			return b.String(), b.Len() > 0 && len(path) == 0
		case err != nil || nodes > maxXMLNodes || len(path) > maxXMLDepth:
			return "", false
		}
		if path, err = writeForm(&b, token, path); err != nil {
			return "", false
		}
	}
}

// writeForm writes the form of one token. path are the elements that are open, by
// their raw names.
func writeForm(b *strings.Builder, token xml.Token, path []string) ([]string, error) {
	switch t := token.(type) {
	case xml.StartElement:
		if len(path) == 0 && b.Len() > 0 {
			return nil, errXML // a second root
		}
		b.WriteString("<" + shownName(t.Name.Local))
		for _, a := range t.Attr {
			if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
				b.WriteString(" " + shownName(a.Name.Local) + `="string"`)
			}
		}
		b.WriteString(">")
		return append(path, t.Name.Space+":"+t.Name.Local), nil
	case xml.EndElement:
		if len(path) == 0 || path[len(path)-1] != t.Name.Space+":"+t.Name.Local {
			return nil, errXML
		}
		b.WriteString("</" + shownName(t.Name.Local) + ">")
		return path[:len(path)-1], nil
	case xml.CharData:
		switch {
		case strings.TrimSpace(string(t)) == "":
		case len(path) == 0:
			return nil, errXML
		default:
			b.WriteString("string")
		}
	case xml.Directive: // a DTD may hold anything
		return nil, errXML
	}
	return path, nil
}

// shownName returns a name as the form shows it. No schema binds XML in a text, so
// a name there may be personal data, too: only those that we know are shown.
func shownName(name string) string {
	if slices.Contains(statementNames(), name) || slices.Contains(signatureNames(), name) {
		return name
	}
	return hiddenName
}

// statementNames are those of a signed document that package eds compares.
func statementNames() []string {
	return []string{"statement", "application_id", "event_type", "number", "date", "result"}
}

// signatureNames are those of XML signatures.
func signatureNames() []string {
	return []string{"Signature", "SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms", "Transform",
		"DigestMethod", "DigestValue", "SignatureValue", "KeyInfo", "X509Data", "X509Certificate", "Algorithm", "URI", "Id"}
}
