package shep

import (
	"bytes"
	"testing"

	"github.com/beevik/etree"
)

// FuzzWriter holds that a Writer writes to the byte what a tree of the same
// elements and texts is written as.
func FuzzWriter(f *testing.F) {
	f.Add("", "", "x")
	f.Add("a & b <c> \"d\" 'e'", "line\r\n\tline", "\x00\x1f\x7f\u0085\u2028")
	f.Add("\xff\xc3", "\uFFFD\uFFFE\uFFFF\U0001F600", "Әл-Фараби ]]>")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var got bytes.Buffer
		Document{Root: "root", Namespace: "urn:test", Content: func(w Writer) {
			w.Text("a", a)
			w.Set("b", b)
			w.In("c", func(w Writer) { w.Text("c", c) })
			w.Texts("d", "e", []string{a, b})
			w.Texts("f", "e", nil)
		}}.WriteTo(&got, nil)

		data := etree.NewElement("data")
		root := data.CreateElement("k:root")
		root.CreateAttr("xmlns:k", "urn:test")
		add(root, "a", a)
		addSet(root, "b", b)
		add(root.CreateElement("c"), "c", c)
		d := root.CreateElement("d")
		add(d, "e", a)
		add(d, "e", b)
		root.CreateElement("f")
		if want := writeXML(newDocument(data)); !bytes.Equal(got.Bytes(), want) {
			t.Errorf("written %q, want %q", got.Bytes(), want)
		}
		if _, err := Parse(got.Bytes()); err != nil {
			t.Error(err)
		}
	})
}
