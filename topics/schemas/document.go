package schemas

import (
	"bytes"
	"io"
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxDepth bounds nesting; our deepest payload has eight levels.
	MaxDepth = 32
	// maxMembers bounds the members of one object; ours have 20 at most.
	maxMembers = 64
)

// A Document is a payload as a list of its values, in the order in which they
// are written, whose texts lie in the payload itself: made without a map or a
// copy for each of them. It may be used again, and not by two goroutines at once.
type Document struct {
	text    string
	buffer  bytes.Buffer
	decoder *jsontext.Decoder
	nodes   []node
}

// node is one value.
type node struct {
	kind jsontext.Kind // n f t " 0 { [
	name string        // of a member
	text string        // of a text, without its quotes and escapes, or of a number
	end  int           // the node behind it and all that it holds
	size int           // how many members or items it has
}

// Root is the number of the payload itself.
const Root = 0

// Parse reads a payload, and says whether it is JSON as we want it: UTF-8,
// nothing behind it, no name twice in one object, bounded depth.
func (d *Document) Parse(data []byte) bool {
	d.text = string(data)
	d.buffer = *bytes.NewBuffer(data)
	if d.decoder == nil {
		d.decoder = new(jsontext.Decoder)
	}
	d.decoder.Reset(&d.buffer, jsontext.AllowDuplicateNames(true)) // add looks for them
	d.nodes = d.nodes[:0]
	if !d.add("") {
		return false
	}
	_, err := d.decoder.ReadToken()
	return err == io.EOF
}

// add reads one value.
func (d *Document) add(name string) bool {
	at := len(d.nodes)
	d.nodes = append(d.nodes, node{kind: d.decoder.PeekKind(), name: name})
	switch d.nodes[at].kind {
	case '{', '[':
		if !d.addAll(at) {
			return false
		}
	default:
		raw, err := d.decoder.ReadValue()
		if err != nil {
			return false
		}
		d.nodes[at].text = d.textOf(raw)
	}
	d.nodes[at].end = len(d.nodes)
	return true
}

// addAll reads what an object or array holds.
func (d *Document) addAll(at int) bool {
	if _, err := d.decoder.ReadToken(); err != nil || d.decoder.StackDepth() > MaxDepth {
		return false
	}
	end := d.nodes[at].kind + 2 // } or ]
	for d.decoder.PeekKind() != end {
		name := ""
		if end == '}' {
			raw, err := d.decoder.ReadValue()
			if err != nil {
				return false
			}
			name = d.textOf(raw)
			if _, twice := d.Member(at, name); twice || d.nodes[at].size == maxMembers {
				return false
			}
		}
		if !d.add(name) {
			return false
		}
		d.nodes[at].size++
	}
	_, err := d.decoder.ReadToken()
	return err == nil
}

// textOf is the text of what the decoder has just read, or the number.
func (d *Document) textOf(raw jsontext.Value) string {
	end := int(d.decoder.InputOffset())
	text := d.text[end-len(raw) : end]
	switch {
	case text[0] != '"':
		return text
	case strings.IndexByte(text, '\\') < 0:
		return text[1 : len(text)-1]
	}
	plain, _ := jsontext.AppendUnquote(nil, raw) // it has been read already
	return string(plain)
}

// Member returns the number of an object's member.
func (d *Document) Member(of int, name string) (at int, ok bool) {
	if d.nodes[of].kind != '{' {
		return 0, false
	}
	at = of + 1
	for range d.nodes[of].size {
		if d.nodes[at].name == name {
			return at, true
		}
		at = d.nodes[at].end
	}
	return 0, false
}

// Items are the numbers of an array's items, or of an object's members.
func (d *Document) Items(of int) iter.Seq[int] {
	return func(yield func(int) bool) {
		at := of + 1
		for range d.nodes[of].size {
			if !yield(at) {
				return
			}
			at = d.nodes[at].end
		}
	}
}

// Text returns a value that is a text; ok is false if it is none.
func (d *Document) Text(at int) (text string, ok bool) {
	return d.nodes[at].text, d.nodes[at].kind == '"'
}
