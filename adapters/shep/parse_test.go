package shep

import (
	"errors"
	"strings"
	"testing"
)

func nested(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }

func TestParseRefuses(t *testing.T) {
	attrs := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" a" + strings.Repeat("x", i) + `=""`)
		}
		return "<a" + b.String() + "/>"
	}
	for name, c := range map[string]struct{ doc, code string }{
		"nothing":            {"", CodeXML},
		"only a declaration": {`<?xml version="1.0"?>`, CodeXML},
		"ends early":         {"<a><b></b>", CodeXML},
		"wrong end tag":      {"<a></b>", CodeXML},
		"other prefix at end": {
			`<p:a xmlns:p="u" xmlns:q="u"></q:a>`, CodeXML},
		"text before":         {"x<a/>", CodeXML},
		"text after":          {"<a/>x", CodeXML},
		"second root":         {"<a/><b/>", CodeXML},
		"attribute twice":     {`<a b="1" b="2"/>`, CodeXML},
		"unknown entity":      {"<a>&nbsp;</a>", CodeXML},
		"not UTF-8":           {"<a>\xff</a>", CodeXML},
		"other encoding":      {`<?xml version="1.0" encoding="windows-1251"?><a/>`, CodeXML},
		"control character":   {"<a>\x01</a>", CodeXML},
		"doctype":             {"<!DOCTYPE a><a/>", CodeDoctype},
		"entities":            {`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, CodeDoctype},
		"doctype after":       {"<a/><!DOCTYPE a>", CodeDoctype},
		"too deep":            {nested(maxDepth + 1), CodeLimit},
		"too many attributes": {attrs(maxAttrs + 1), CodeLimit},
		"too many tokens":     {"<a>" + strings.Repeat("<b/>", maxTokens/2) + "</a>", CodeLimit},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.doc))
			var pe *ParseError
			if !errors.As(err, &pe) || pe.Code != c.code {
				t.Errorf("got %v, want code %s", err, c.code)
			}
		})
	}
	for name, doc := range map[string]string{
		"deepest":         nested(maxDepth),
		"most attributes": attrs(maxAttrs),
		"byte order mark": "\uFEFF<a/>",
		"declared UTF-8":  `<?xml version="1.0" encoding="UTF-8"?><a/>`,
		"around the root": "<!-- x --><?pi?> <a/> <!-- y -->",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(doc)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCommentsDoNotCutText(t *testing.T) {
	root, err := Parse([]byte("<a>12<!-- x -->34<?pi?><![CDATA[56]]></a>"))
	if err != nil {
		t.Fatal(err)
	}
	if got := root.Text(); got != "123456" {
		t.Errorf("text is %q", got)
	}
}

// FuzzOpen holds that no document makes the reader panic or go beyond its
// limits, and that what it reads as an envelope has one element in its body.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(soap12Answer))
	f.Add([]byte(nested(70)))
	f.Add([]byte(`<e:Envelope xmlns:e="x"><e:Body><e:Fault><faultcode>e:Client</faultcode></e:Fault></e:Body></e:Envelope>`))
	f.Add([]byte(`<Envelope><Body><sendMessage><request><messageInfo/><messageData><data>&lt;a/&gt;</data></messageData></request></sendMessage></Body></Envelope>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		inner, err := open(doc)
		if err != nil {
			if inner != nil {
				t.Fatal("an element beside an error")
			}
			var pe *ParseError
			if !errors.As(err, &pe) || !strings.Contains(" "+CodeXML+" "+CodeDoctype+" "+CodeLimit+" "+CodeMessage+" ", " "+pe.Code+" ") {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if _, err := Parse(writeXML(newDocument(inner))); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		readFault(inner)
		var r reader
		for _, read := range asyncChannel.read {
			read(&r, r.child(inner, "request"))
		}
	})
}
