package shep

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"kandashub/topics/payload"
)

func newDocument(e *etree.Element) *etree.Document { return etree.NewDocumentWithRoot(e.Copy()) }

func parseElement(t *testing.T, doc string) *etree.Element {
	t.Helper()
	e, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEncodeDecodeAgree(t *testing.T) {
	want := payload.Application{
		ApplicationID: "egov-1", Service: "kandas.assign", FiledAt: "2026-04-06T10:00:00+05:00", Provider: "МИО",
		Applicant: payload.Applicant{
			Person: payload.Person{
				Ref: "p0", Surname: "О'Қасым-ұлы", BirthDate: "1896-02-29", Sex: "male", Citizenship: "MNG",
				Document: &payload.Document{Kind: "passport", Number: "E 01 & <2>"},
			},
			Address: "line one\r\nline two", Contacts: payload.Contacts{Phone: "+7 701 000 00 00"},
		},
		Family:  []payload.Person{{Ref: "p1", Name: "Гүл", BirthDate: "1899", Sex: "female", Citizenship: "XXA"}, {Ref: "p2", Name: "Ән", BirthDate: "1899-05", Sex: "male", Citizenship: "MNG"}},
		Purpose: payload.Purpose{Kind: "employer", Employer: &payload.Employer{Name: "X", Years: 0, Profession: "miller"}},
		Consent: payload.Consent{Given: true, At: "2026-04-06T10:00:00+05:00"},
	}
	data, err := Encode("urn:test", want)
	if err != nil {
		t.Fatal(err)
	}
	root := Content(data)
	if root.NamespaceURI() != "urn:test" {
		t.Errorf("root is in %q", root.NamespaceURI())
	}
	for _, c := range root.FindElements(".//*") {
		if c.NamespaceURI() != "" {
			t.Errorf("%s is in namespace %q", c.Tag, c.NamespaceURI())
		}
	}
	var got payload.Application
	if err := Decode(Content(parseElement(t, string(writeXML(newDocument(data))))), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecode(t *testing.T) {
	const secret = "Нұрланов"
	for name, c := range map[string]struct{ doc, want string }{
		"another order and prefixes":  {`<x:r xmlns:x="u"><x:reason>lost</x:reason><application_id xmlns="v">a</application_id></x:r>`, ""},
		"empty optionals":             {`<r><application_id>a</application_id><iin/><certificate> </certificate><reason>lost</reason></r>`, ""},
		"attributes":                  {`<r a="1"><application_id b="2">a</application_id><reason>lost</reason></r>`, ""},
		"an unknown element":          {`<r><application_id>a</application_id><extra>` + secret + `</extra></r>`, "in /certificate_request is unknown"},
		"an element twice":            {`<r><application_id>a</application_id><application_id>` + secret + `</application_id></r>`, "/application_id"},
		"elements instead of text":    {`<r><application_id><a>` + secret + `</a></application_id></r>`, "in /certificate_request is unknown"},
		"nothing":                     {`<r><application_id/></r>`, "empty"},
		"a name made to carry values": {`<r><application_id>a</application_id><x990101100010>1</x990101100010></r>`, "in /certificate_request is unknown"},
		"a person's name as a name":   {`<r><application_id>a</application_id><Nurlanov>1</Nurlanov></r>`, "in /certificate_request is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strings.NewReplacer("<r", "<certificate_request", "</r>", "</certificate_request>",
				"<x:r", "<x:certificate_request", "</x:r>", "</x:certificate_request>",
				"<reason", "<reason").Replace(c.doc)
			doc = strings.ReplaceAll(doc, "certificate_requesteason", "reason")
			var q payload.CertificateRequest
			err := Decode(parseElement(t, doc), &q)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && (q.ApplicationID != "a" || q.Reason != "lost"):
				t.Errorf("read %+v", q)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want something about %q", err, c.want)
			case err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "990101") || strings.Contains(err.Error(), "Nurlanov")):
				t.Errorf("the error holds a value: %v", err)
			}
		})
	}
}

func TestDataStyles(t *testing.T) {
	for name, doc := range map[string]string{
		"inline":  `<h><data xmlns:cs="u" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="cs:Request"><form><name>Ән</name></form></data></h>`,
		"CDATA":   `<h><data xmlns:xsi="x" xsi:type="xs:string"><![CDATA[<?xml version="1.0" encoding="utf-16"?><form><name>Ән</name></form>]]></data></h>`,
		"escaped": `<h><data xmlns="http://www.w3.org/2001/XMLSchema-instance" type="xsd:string">&lt;?xml version="1.0"?&gt;&lt;form&gt;&lt;name&gt;Ән&lt;/name&gt;&lt;/form&gt;</data></h>`,
	} {
		t.Run(name, func(t *testing.T) {
			var r reader
			form := Content(readData(&r, parseElement(t, doc)))
			if r.err != nil || form == nil || form.Tag != "form" || form.SelectElement("name").Text() != "Ән" {
				t.Errorf("read %v, error %v", form, r.err)
			}
		})
	}
	t.Run("plain text stays", func(t *testing.T) {
		var r reader
		if d := readData(&r, parseElement(t, `<h><data>hello</data></h>`)); r.err != nil || d.Text() != "hello" {
			t.Errorf("read %v, error %v", d, r.err)
		}
	})
	for name, doc := range map[string]string{
		"a broken document":       `<h><data>&lt;a&gt;</data></h>`,
		"a DOCTYPE in the string": `<h><data>&lt;!DOCTYPE a&gt;&lt;a/&gt;</data></h>`,
		"a bomb of depth in it":   `<h><data><![CDATA[` + nested(maxDepth+1) + `]]></data></h>`,
		"data twice":              `<h><data/><data/></h>`,
	} {
		t.Run(name, func(t *testing.T) {
			var r reader
			readData(&r, parseElement(t, doc))
			if r.err == nil {
				t.Error("accepted")
			}
		})
	}
}
