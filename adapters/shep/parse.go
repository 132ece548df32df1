package shep

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/beevik/etree"
)

// Limits of one document. The depth and the counts bound what a small document
// can cost: a million nested empty elements take 250 MiB otherwise.
const (
	maxDepth  = 64
	maxAttrs  = 64      // of one element
	maxTokens = 200_000 // start tags, end tags and texts together
)

// Codes of documents that are not read.
const (
	CodeXML     = "BAD_XML" // not well formed, not UTF-8, ends early, goes on after the root
	CodeDoctype = "DOCTYPE" // holds a DOCTYPE or another directive
	CodeLimit   = "LIMIT"   // too deep, too many attributes or tokens
)

// A ParseError says why a document was not read, without a word of its content.
type ParseError struct {
	Code   string // CodeXML, CodeDoctype or CodeLimit
	Reason string
}

func (e *ParseError) Error() string { return e.Reason }

func parseError(code, reason string) error { return &ParseError{code, reason} }

// Parse reads one XML document in UTF-8 and returns its root. Comments and
// processing instructions are dropped, so that no text is cut in two by them.
// It refuses directives (DOCTYPE), more than one root, an attribute twice, and
// what goes beyond 64 levels, 64 attributes in one element or 200,000 tokens;
// the caller bounds the bytes. The error is a *ParseError.
func Parse(doc []byte) (*etree.Element, error) {
	return parse(doc, nil)
}

// parseText reads a document that came as a string inside another one: it is
// UTF-8 whatever its declaration says (.NET writes "utf-16" there).
func parseText(doc string) (*etree.Element, error) {
	return parse([]byte(doc), func(_ string, r io.Reader) (io.Reader, error) { return r, nil })
}

func parse(doc []byte, charset func(string, io.Reader) (io.Reader, error)) (*etree.Element, error) {
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(doc, []byte("\uFEFF"))))
	dec.CharsetReader = charset
	var b builder
	for {
		t, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, parseError(CodeXML, "not well-formed XML in UTF-8")
		}
		if err := b.token(t); err != nil {
			return nil, err
		}
	}
	if b.root == nil || b.top != nil {
		return nil, parseError(CodeXML, "the document ends early")
	}
	return b.root, nil
}

// A builder makes a tree of tokens within the limits.
type builder struct {
	root, top     *etree.Element // top is the innermost open element
	depth, tokens int
}

func (b *builder) token(t xml.Token) error {
	if b.tokens++; b.tokens > maxTokens {
		return parseError(CodeLimit, "too many elements")
	}
	switch t := t.(type) {
	case xml.Directive:
		return parseError(CodeDoctype, "a DOCTYPE is not read")
	case xml.StartElement:
		return b.start(t)
	case xml.EndElement:
		if b.top == nil || b.top.Tag != t.Name.Local || b.top.Space != t.Name.Space {
			return parseError(CodeXML, "an end tag without its start tag")
		}
		b.top = b.top.Parent()
		b.depth--
	case xml.CharData:
		if b.top != nil {
			b.top.CreateText(string(t))
		} else if len(bytes.TrimSpace(t)) > 0 {
			return parseError(CodeXML, "text outside the root element")
		}
	}
	return nil
}

func (b *builder) start(t xml.StartElement) error {
	if b.top == nil && b.root != nil {
		return parseError(CodeXML, "content after the root element")
	}
	if b.depth++; b.depth > maxDepth {
		return parseError(CodeLimit, "elements nested too deeply")
	}
	if len(t.Attr) > maxAttrs {
		return parseError(CodeLimit, "too many attributes")
	}
	e := etree.NewElement(t.Name.Local)
	e.Space = t.Name.Space
	for _, a := range t.Attr {
		for _, have := range e.Attr {
			if have.Key == a.Name.Local && have.Space == a.Name.Space {
				return parseError(CodeXML, "an attribute twice")
			}
		}
		e.Attr = append(e.Attr, etree.Attr{Space: a.Name.Space, Key: a.Name.Local, Value: a.Value})
	}
	if b.top == nil {
		b.root = e
	} else {
		b.top.AddChild(e)
	}
	b.top = e
	return nil
}

// A reader reads the fields of an envelope by local name and keeps the first
// thing that is wrong.
type reader struct{ err error }

func (r *reader) fail(code, reason string) {
	if r.err == nil {
		r.err = parseError(code, reason)
	}
}

// child returns e's child of that name, nil where there is none.
func (r *reader) child(e *etree.Element, name string) *etree.Element {
	if e == nil {
		return nil
	}
	var found *etree.Element
	for c := range e.ChildElementsSeq() {
		if c.Tag != name {
			continue
		}
		if found != nil {
			r.fail(CodeMessage, "element "+name+" stands twice")
		}
		found = c
	}
	return found
}

// text returns the trimmed text of e's child of that name, "" where there is
// none.
func (r *reader) text(e *etree.Element, name string) string {
	c := r.child(e, name)
	if c == nil {
		return ""
	}
	for range c.ChildElementsSeq() {
		r.fail(CodeMessage, "element "+name+" holds elements")
		return ""
	}
	return strings.TrimSpace(c.Text())
}

// need is text where an empty one is an error.
func (r *reader) need(e *etree.Element, name string) string {
	s := r.text(e, name)
	if s == "" {
		r.fail(CodeMessage, "element "+name+" is missing")
	}
	return s
}
