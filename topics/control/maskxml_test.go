package control

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestFormOfXML(t *testing.T) {
	for text, want := range map[string]string{
		`<?xml version="1.0"?><!-- Ivanov --><s:statement xmlns:s="urn:Ivanov"><application_id>egov-1</application_id>` +
			`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Reference URI="#Ivanov"/></ds:Signature></s:statement>`: `<statement><application_id>string</application_id><Signature><Reference URI="string"></Reference></Signature></statement>`,
		` <result>x<date/>y</result> `:                `<result>string<date></date>string</result>`,
		`<petrov_ivan/>`:                              `<hidden></hidden>`,
		`<date ivan="1" Id="2"><ivan/></date>`:        `<date hidden="string" Id="string"><hidden></hidden></date>`,
		`<Ivanov Petrov="1"><![CDATA[<x>]]></Ivanov>`: `<hidden hidden="string">string</hidden>`,
		`plain`:      "",
		`<a>`:        "",
		`<a></b>`:    "",
		`<a/><b/>`:   "",
		`<a/>Ivanov`: "",
		`<!DOCTYPE a [<!ENTITY i "x">]><a>&i;</a>`: "",
		`<a>&Ivanov;</a>`:                          "",
		`<?xml version="1.0"?> `:                   "",
		`< Ivanov`:                                 "",
		strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100): "",
		"<a>" + strings.Repeat("<b/>", 1000) + "</a>":            "",
		"<a>" + strings.Repeat("x", maxXMLBytes) + "</a>":        "",
	} {
		got, ok := maskedXML(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%.60q is %q, %v, want %q", text, got, ok, want)
		}
	}
}

// FuzzFormOfXML: whatever a sender writes, its form says nothing but names that we
// know.
func FuzzFormOfXML(f *testing.F) {
	f.Add(`<statement a="990101200017">990101200017</statement>`)
	f.Add(`<a:date xmlns:a="u"><![CDATA[1]]></a:date>`)
	f.Add(`<petrov_ivan Id="1"/>`)
	known := slices.Concat([]string{"string", hiddenName}, statementNames(), signatureNames())
	f.Fuzz(func(t *testing.T, text string) {
		payload, err := json.Marshal(map[string]string{"value": text})
		if err != nil {
			t.Fatal(err)
		}
		var form struct{ Value string }
		if err := json.Unmarshal(masked(payload), &form); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if form.Value == "string" {
			return
		}
		for _, word := range strings.FieldsFunc(form.Value, func(r rune) bool { return strings.ContainsRune(`</>=" `, r) }) {
			if !slices.Contains(known, word) {
				t.Errorf("%q shows as %q", text, form.Value)
			}
		}
		if again, ok := maskedXML(form.Value); !ok || again != form.Value {
			t.Errorf("the form of %q is %q, whose form is %q", text, form.Value, fmt.Sprint(again))
		}
	})
}
