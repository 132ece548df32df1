package shep

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Encode writes v, a struct with xml tags, as the content of a new data
// element: its root qualified by namespace, everything below in none, as the
// gateway's own schemas are written.
func Encode(namespace string, v any) (*etree.Element, error) {
	doc, err := xml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode data: %w", err)
	}
	root, err := Parse(doc)
	if err != nil {
		return nil, fmt.Errorf("encode data: %w", err)
	}
	root.Space = "k"
	root.CreateAttr("xmlns:k", namespace)
	data := etree.NewElement("data")
	data.AddChild(root)
	return data, nil
}

// Content returns the one element in data, nil where there is none or more
// than one.
func Content(data *etree.Element) *etree.Element {
	if data == nil {
		return nil
	}
	var found *etree.Element
	for c := range data.ChildElementsSeq() {
		if found != nil {
			return nil
		}
		found = c
	}
	return found
}

// Decode reads e into v, a pointer to a struct with xml tags, by local names.
// Empty elements count as absent. Whatever v has no place for, an unknown
// element, a second one where v has one, or text beside elements, is an error: nothing that a sender
// wrote is lost silently. The error names elements, never values.
func Decode(e *etree.Element, v any) error {
	if mixed(e) {
		return errors.New("an element holds text beside its elements")
	}
	plain := strip(e)
	if plain == nil {
		return fmt.Errorf("element %s is empty", e.Tag)
	}
	if err := xml.Unmarshal(writeXML(etree.NewDocumentWithRoot(plain)), v); err != nil {
		// The decoder's own text may quote a value.
		return fmt.Errorf("element %s does not hold what its schema says", e.Tag)
	}
	back, err := xml.Marshal(v)
	if err != nil {
		return fmt.Errorf("element %s: %w", e.Tag, err)
	}
	understood, err := Parse(back)
	if err != nil {
		return fmt.Errorf("element %s: %w", e.Tag, err)
	}
	have := map[string]int{}
	count(understood, "", have)
	want := map[string]int{}
	count(plain, "", want)
	for path, n := range want {
		if n > have[path] {
			return unknown(path, have)
		}
	}
	return nil
}

// unknown names an element that does not belong where it stands, or, where the
// name itself is the sender's invention, the known one around it: an invented
// name may be a person's.
func unknown(path string, leaves map[string]int) error {
	if leaves[path] > 0 {
		return fmt.Errorf("element %s stands too often", path)
	}
	around := func() bool {
		for leaf := range leaves {
			if strings.HasPrefix(leaf, path+"/") {
				return true
			}
		}
		return false
	}
	for path != "" && !around() {
		path = path[:strings.LastIndex(path, "/")]
	}
	return fmt.Errorf("an element in %s is unknown or empty", cmp.Or(path, "the data"))
}

// mixed says whether an element holds both elements and text, at any depth.
func mixed(e *etree.Element) bool {
	children := e.ChildElements()
	if slices.ContainsFunc(children, mixed) {
		return true
	}
	return len(children) > 0 && slices.ContainsFunc(e.Child, func(t etree.Token) bool {
		text, ok := t.(*etree.CharData)
		return ok && strings.TrimSpace(text.Data) != ""
	})
}

// strip copies e without namespaces, attributes and empty elements; nil where
// nothing is left.
func strip(e *etree.Element) *etree.Element {
	out := etree.NewElement(e.Tag)
	leaf := true
	for c := range e.ChildElementsSeq() {
		leaf = false
		if s := strip(c); s != nil {
			out.AddChild(s)
		}
	}
	if !leaf {
		if len(out.Child) == 0 {
			return nil
		}
		return out
	}
	text := strings.TrimSpace(e.Text())
	if text == "" {
		return nil
	}
	out.SetText(text)
	return out
}

// count counts the leaves below e by their path. A zero counts as absent: a
// struct does not write it where it is optional.
func count(e *etree.Element, path string, into map[string]int) {
	path += "/" + e.Tag
	leaf := true
	for c := range e.ChildElementsSeq() {
		leaf = false
		count(c, path, into)
	}
	if leaf && e.Text() != "0" {
		into[path]++
	}
}

// readData returns the data element below holder (requestData, messageData,
// responseData), nil where there is none. Where data holds a document as a
// string, by CDATA or escaped (kz.md 1.2), the document's root takes the
// string's place, so that all styles look alike.
func readData(r *reader, holder *etree.Element) *etree.Element {
	data := r.child(holder, "data")
	if data == nil {
		return nil
	}
	for range data.ChildElementsSeq() {
		return data
	}
	text := strings.TrimSpace(data.Text())
	if !strings.HasPrefix(text, "<") && !strings.HasPrefix(text, "\uFEFF<") {
		return data
	}
	inner, err := parseText(text)
	if err != nil {
		if r.err == nil {
			r.err = err
		}
		return nil
	}
	data.Child = nil
	data.AddChild(inner)
	return data
}
