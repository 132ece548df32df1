package console

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sketch tells a tree in lines.
func sketch(n *treeNode, indent string) (lines []string) {
	if n == nil {
		return []string{"no tree"}
	}
	if len(n.Children) == 0 {
		return []string{indent + n.Name + "=" + n.Text}
	}
	lines = []string{indent + n.Name + n.Parts()}
	if n.Text != "" {
		lines[0] += "=" + n.Text
	}
	for _, c := range n.Children {
		lines = append(lines, sketch(c, indent+" ")...)
	}
	return lines
}

func TestTreeOfAPayload(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	for payload, want := range map[string][]string{
		`{"b":"x","a":[1,true,null,{}],"n":1.50}`:                         {"{3}", " b=x", " a[4]", "  =1", "  =true", "  =null", "  ={}", " n=1.50"},
		`{"signature":{"format":"xml","value":"<s:a u='1'>t<b/></s:a>"}}`: {"{1}", " signature{2}", "  format=xml", "  value<1>", "   a<2>=t", "    @u=1", "    b="},
		`{"value":"<a>"}`:     {"{1}", " value=<a>"},
		`{"value":"<a></b>"}`: {"{1}", " value=<a></b>"},
		`{"value":"< 5"}`:     {"{1}", " value=< 5"},
		`"a text"`:            {"no tree"},
		`"<a>x</a>"`:          {"<1>", " a=x"},
		`{"a":1} x`:           {"no tree"},
		`no JSON`:             {"no tree"},
		deep:                  {"no tree"},
		`[` + strings.Repeat("1,", maxTreeNodes) + `1]`:                   {"no tree"},
		`{"value":"<a>` + strings.Repeat("<b/>", maxTreeNodes) + `</a>"}`: {"{1}", " value=<a>" + strings.Repeat("<b/>", maxTreeNodes) + "</a>"},
	} {
		if diff := cmp.Diff(want, sketch(treeOf([]byte(payload)), "")); diff != "" {
			t.Errorf("%.60s: %s", payload, diff)
		}
	}
}

// size counts the nodes of a tree, and those of them that are unfolded XML texts.
func size(n *treeNode) (nodes, unfolded int) {
	nodes = 1
	for _, c := range n.Children {
		if c.XML && !n.XML {
			unfolded++
		}
		below, more := size(c)
		nodes, unfolded = nodes+below, unfolded+more
	}
	return nodes, unfolded
}

// The bound is that of the whole payload, however many texts of it are XML.
func TestTreeOfManyTexts(t *testing.T) {
	short, long := `"<r>`+strings.Repeat("<a x='1'/>", 20)+`</r>"`, `"<r `+strings.Repeat("x='1' ", maxTreeNodes)+`/>"`
	list := func(text string, n int) []byte { return []byte("[" + strings.Repeat(text+",", n-1) + text + "]") }
	for _, c := range []struct {
		payload  []byte
		unfolded int
		cut      bool
	}{
		{list(short, 40), 40, false},
		{list(short, 130), (maxTreeNodes - 131) / 41, true},
		{list(long, 1), 0, true},
	} {
		root := treeOf(c.payload)
		if root == nil {
			t.Fatalf("%.40s: no tree", c.payload)
		}
		if nodes, unfolded := size(root); nodes > maxTreeNodes || unfolded != c.unfolded || root.Cut != c.cut {
			t.Errorf("%.40s: %d nodes, %d texts unfolded, cut %v; want %d, %v", c.payload, nodes, unfolded, root.Cut, c.unfolded, c.cut)
		}
	}
}
