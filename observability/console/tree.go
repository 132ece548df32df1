package console

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a payload that is shown as a tree; another is shown as text alone. XML
// in its texts is unfolded as far as the bounds allow.
const (
	maxTreeNodes = 2000
	maxTreeDepth = 30
	openDepth    = 3 // levels that are unfolded to begin with
)

// A treeNode is one value of a payload: JSON, and below a text that is XML, its
// elements and attributes.
type treeNode struct {
	Name     string // of the field or element; of an attribute, with @ before it; empty: the root, or in a list
	Text     string // of a value without parts
	List     bool   // a JSON array
	XML      bool   // the parts are those of an XML document
	Open     bool   // unfolded
	Cut      bool   // of the root: some text has stayed text, as its parts are too many or too deep
	Children []*treeNode
}

// A grower makes a tree within the bounds.
type grower struct {
	nodes int
	texts []text
	cut   bool // some XML is beyond the bounds
}

// A text is a node that may hold XML, and how deep it is.
type text struct {
	node  *treeNode
	depth int
}

func (g *grower) add(depth int) error {
	if g.nodes++; g.nodes > maxTreeNodes || depth > maxTreeDepth {
		return fmt.Errorf("more than %d values, or %d levels", maxTreeNodes, maxTreeDepth)
	}
	return nil
}

// treeOf returns a payload as a tree; nil where it is no JSON or beyond the bounds.
func treeOf(payload []byte) *treeNode {
	d := json.NewDecoder(strings.NewReader(string(payload)))
	d.UseNumber()
	g := &grower{}
	root, err := g.value(d, "", 0)
	if err != nil || d.More() {
		return nil
	}
	for _, t := range g.texts { // after the JSON, which comes first where not all fits
		g.unfold(t.node, t.depth)
	}
	if len(root.Children) == 0 {
		return nil
	}
	root.Cut = g.cut
	return root
}

// unfold shows a text that is XML by its parts. Those count towards the bounds of
// the whole payload; of a text that stays text, nothing counts.
func (g *grower) unfold(n *treeNode, depth int) {
	before := g.nodes
	if n.Children = g.document(n.Text, depth+1); len(n.Children) == 0 {
		g.nodes = before
		return
	}
	n.XML, n.Text = true, ""
}

// value reads the next value of a document.
func (g *grower) value(d *json.Decoder, name string, depth int) (*treeNode, error) {
	n := &treeNode{Name: name, Open: depth < openDepth}
	if err := g.add(depth); err != nil {
		return nil, err
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		n.List = t == '['
		return n, g.parts(d, n, depth)
	case string:
		n.Text = t
		g.texts = append(g.texts, text{n, depth})
	case nil:
		n.Text = "null"
	default:
		n.Text = fmt.Sprint(t)
	}
	return n, nil
}

// parts reads what an object or array holds, up to its end.
func (g *grower) parts(d *json.Decoder, n *treeNode, depth int) error {
	for d.More() {
		name := ""
		if !n.List {
			token, err := d.Token()
			if err != nil {
				return err
			}
			name = fmt.Sprint(token)
		}
		child, err := g.value(d, name, depth+1)
		if err != nil {
			return err
		}
		n.Children = append(n.Children, child)
	}
	_, err := d.Token()
	if len(n.Children) == 0 {
		n.Text = map[bool]string{false: "{}", true: "[]"}[n.List]
	}
	return err
}

// document returns the root of a text that is an XML document, else nothing.
func (g *grower) document(text string, depth int) []*treeNode {
	if !strings.HasPrefix(strings.TrimSpace(text), "<") {
		return nil
	}
	top := &treeNode{}
	open := []*treeNode{top}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.RawToken()
		if token == nil {
			if err == nil || len(open) > 1 || d.InputOffset() < int64(len(text)) {
				return nil
			}
			return top.Children
		}
		last := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			g.nodes += len(t.Attr)
			if g.add(depth+len(open)) != nil {
				g.cut = true
				return nil
			}
			e := &treeNode{Name: t.Name.Local, XML: true, Open: len(open) < openDepth}
			for _, a := range t.Attr {
				e.Children = append(e.Children, &treeNode{Name: "@" + a.Name.Local, Text: a.Value})
			}
			last.Children = append(last.Children, e)
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 1 || last.Name != t.Name.Local {
				return nil
			}
			open = open[:len(open)-1]
		case xml.CharData:
			last.Text += strings.TrimSpace(string(t))
		}
	}
}

// Parts says how many parts a node has, as a reader expects it: {3}, [2], <5>.
func (n *treeNode) Parts() string {
	count := strconv.Itoa(len(n.Children))
	switch {
	case n.XML:
		return "<" + count + ">"
	case n.List:
		return "[" + count + "]"
	}
	return "{" + count + "}"
}
