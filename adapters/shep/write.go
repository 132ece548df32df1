package shep

import (
	"bytes"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Data is what a message carries, the whole data element: a tree, named "data"
// and in no namespace (see Encode), or a Document, which needs none.
type Data interface {
	WriteTo(w etree.Writer, s *etree.WriteSettings)
}

// A Document is a data element that is written straight into the envelope: its
// root qualified by the namespace, everything below it in none.
type Document struct {
	Root, Namespace string
	Content         func(w Writer) // writes what the root holds, not nothing
}

// WriteTo writes the data element.
func (d Document) WriteTo(out etree.Writer, _ *etree.WriteSettings) {
	Writer{out}.In("data", func(w Writer) { w.qualified("k", d.Root, d.Namespace, d.Content) })
}

// A Writer writes elements in no namespace, one after another, to the byte as
// writeXML writes a tree of them. Names are ours and stand as they are.
type Writer struct{ out etree.Writer }

// In writes an element around what content writes, which is not nothing.
func (w Writer) In(name string, content func(w Writer)) {
	w.tag("<", name, ">")
	content(w)
	w.tag("</", name, ">")
}

// Text writes an element with text, an empty one where there is none.
func (w Writer) Text(name, text string) {
	if text == "" {
		w.tag("<", name, "/>")
		return
	}
	w.tag("<", name, ">")
	w.escape(text)
	w.tag("</", name, ">")
}

// Set is Text where there is a text.
func (w Writer) Set(name, text string) {
	if text != "" {
		w.Text(name, text)
	}
}

// Texts writes an element with one element for each text, an empty one where
// there is none.
func (w Writer) Texts(name, each string, texts []string) {
	if len(texts) == 0 {
		w.Text(name, "")
		return
	}
	w.In(name, func(w Writer) {
		for _, text := range texts {
			w.Text(each, text)
		}
	})
}

// qualified is In for an element in a namespace.
func (w Writer) qualified(prefix, name, ns string, content func(w Writer)) {
	for _, part := range [...]string{"<", prefix, ":", name, " xmlns:", prefix, `="`, ns, `">`} {
		w.out.WriteString(part) //nolint:errcheck // here and below: into memory
	}
	content(w)
	w.tag("</", prefix, ":")
	w.tag(name, ">", "")
}

func (w Writer) tag(a, b, c string) {
	w.out.WriteString(a) //nolint:errcheck
	w.out.WriteString(b) //nolint:errcheck
	w.out.WriteString(c) //nolint:errcheck
}

// escape writes text so that it reads back as it is, but for characters that
// XML cannot hold: those become U+FFFD.
func (w Writer) escape(text string) {
	last := 0
	for i := 0; i < len(text); {
		c, width, instead := text[i], 1, ""
		switch {
		case c == '&':
			instead = "&amp;"
		case c == '<':
			instead = "&lt;"
		case c == '>':
			instead = "&gt;"
		case c == '\r':
			instead = "&#xD;"
		case c < ' ' && c != '\t' && c != '\n':
			instead = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			if r, width = utf8.DecodeRuneInString(text[i:]); r >= 0xFFFD && r <= 0xFFFF {
				instead = "\uFFFD" // also what is no UTF-8
			}
		}
		if instead != "" {
			w.tag(text[last:i], instead, "")
			last = i + width
		}
		i += width
	}
	w.out.WriteString(text[last:]) //nolint:errcheck
}

// usualSize holds most envelopes without growing.
const usualSize = 2048

// soap writes a SOAP 1.1 envelope around one body element.
func soap(body func(out *bytes.Buffer)) []byte {
	var out bytes.Buffer
	out.Grow(usualSize)
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="` + nsSOAP + `"><soap:Header/><soap:Body>`)
	body(&out)
	out.WriteString("</soap:Body></soap:Envelope>")
	return out.Bytes()
}

// request writes the envelope of a call: wrapper in namespace ns, holding one
// request element.
func request(ns, wrapper string, content func(w Writer)) []byte {
	return soap(func(out *bytes.Buffer) {
		Writer{out}.qualified("t", wrapper, ns, func(w Writer) { w.In("request", content) })
	})
}

// canonical settings escape a carriage return, which would come back as a line
// feed.
func canonical() *etree.WriteSettings {
	return &etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
}

// writeXML writes a document so that it reads back as it is.
func writeXML(doc *etree.Document) []byte {
	doc.WriteSettings = *canonical()
	out, err := doc.WriteToBytes()
	if err != nil {
		panic("shep: writing to memory failed: " + err.Error()) // a bytes.Buffer never fails
	}
	return out
}
