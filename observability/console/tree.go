package console

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a payload that is shown as a tree; another is shown as text alone.
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
	Children []*treeNode
}

// A grower makes a tree within the bounds.
type grower struct{ nodes int }

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
	root, err := (&grower{}).value(d, "", 0)
	if err != nil || d.More() || len(root.Children) == 0 {
		return nil
	}
	return root
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
		n.Children = (&grower{nodes: g.nodes}).document(t, depth+1)
		if n.XML = len(n.Children) > 0; n.XML {
			n.Text = ""
		}
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
			if g.add(depth+len(open)) != nil {
				return nil
			}
			e := &treeNode{Name: t.Name.Local, XML: true, Open: len(open) < openDepth}
			for _, a := range t.Attr {
				e.Children = append(e.Children, &treeNode{Name: "@" + a.Name.Local, Text: a.Value})
			}
			g.nodes += len(t.Attr)
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
