package mocks

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestSignXML(t *testing.T) {
	doc := `<decision><number>1</number></decision>`
	signed := SignXML(doc)
	for _, c := range []struct {
		name        string
		doc         string
		ok, present bool
	}{
		{"signed", signed, true, true},
		{"by another certificate", SignXMLAs(SignerRevoked, doc), true, true},
		{"unsigned", doc, false, false},
		{"content changed", strings.Replace(signed, ">1<", ">2<", 1), false, true},
		{"signer changed", strings.Replace(signed, SignerHead, SignerAuth, 1), false, true},
		{"value missing", strings.NewReplacer("SignatureValue", "Nothing").Replace(signed), false, true},
		{"text, not XML", SignXML("nothing"), false, false},
	} {
		if ok, present := VerifyXML(c.doc); ok != c.ok || present != c.present {
			t.Errorf("%s: ok %v, present %v, want %v, %v", c.name, ok, present, c.ok, c.present)
		}
	}
	if got := XMLSigner(signed); got != SignerHead {
		t.Errorf("signer %q, want %q", got, SignerHead)
	}
	if got := XMLSigner(doc); got != "" {
		t.Errorf("signer of an unsigned document: %q", got)
	}
}

func TestSignCMS(t *testing.T) {
	signed := SignCMS([]byte("decision"))
	detached := base64.StdEncoding.EncodeToString([]byte(`{"signer":"head-of-mio","mac":"` + mac(SignerHead, []byte("decision")) + `"}`))
	for _, c := range []struct {
		name        string
		cms         string
		data        string
		ok, present bool
	}{
		{"attached", signed, "", true, true},
		{"detached", detached, "decision", true, true},
		{"detached, other content", detached, "another", false, true},
		{"attached, but another content is told", signed, "another", false, true},
		{"not base64", "%", "", false, false},
		{"not a CMS", base64.StdEncoding.EncodeToString([]byte("{}")), "", false, false},
	} {
		if ok, present := VerifyCMS(c.cms, []byte(c.data)); ok != c.ok || present != c.present {
			t.Errorf("%s: ok %v, present %v, want %v, %v", c.name, ok, present, c.ok, c.present)
		}
	}
	if got := CMSSigner(SignCMSAs(SignerExpired, nil)); got != SignerExpired {
		t.Errorf("signer %q, want %q", got, SignerExpired)
	}
}

func TestRevocationUnknown(t *testing.T) {
	until := time.Date(2026, 11, 22, 10, 0, 0, 5e6, time.UTC)
	signed := SignXMLAs(RevocationUnknown(SignerHead, until), "<a></a>")
	if ok, _ := VerifyXML(signed); !ok {
		t.Error("the signature does not fit")
	}
	if signer, at := RevocationKnown(XMLSigner(signed)); signer != SignerHead || !at.Equal(until) {
		t.Errorf("signer %q, known at %v", signer, at)
	}
	if signer, at := RevocationKnown(SignerAuth); signer != SignerAuth || !at.IsZero() {
		t.Errorf("signer %q, known at %v", signer, at)
	}
}

func TestSignedByHead(t *testing.T) {
	const doc = "<decision><number>1</number></decision>"
	b64 := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct {
		format, value, data string
		want                bool
	}{
		"XML":                        {"xml", SignXML(doc), "", true},
		"CMS":                        {"cms", SignCMS([]byte(doc)), "", true},
		"CMS with its content":       {"cms", SignCMS([]byte(doc)), b64([]byte(doc)), true},
		"CMS with another content":   {"cms", SignCMS([]byte(doc)), b64([]byte("<x/>")), false},
		"revocation unknown":         {"xml", SignXMLAs(RevocationUnknown(SignerHead, time.Now()), doc), "", true},
		"changed afterwards":         {"xml", strings.Replace(SignXML(doc), ">1<", ">2<", 1), "", false},
		"of someone else":            {"xml", SignXMLAs("applicant", doc), "", false},
		"none":                       {"xml", doc, "", false},
		"no format":                  {"", SignXML(doc), "", false},
		"content that is not base64": {"cms", SignCMS([]byte(doc)), "%", false},
	} {
		if got := SignedByHead(c.format, c.value, c.data); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
