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
