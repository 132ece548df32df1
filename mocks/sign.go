package mocks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The fake certificates of the world. A signature names the one that made it,
// and mocks/eds answers for it as NCANode would for a real one.
const (
	SignerHead    = "head-of-mio"         // the head of МИО: a valid signing key
	SignerRevoked = "head-of-mio-revoked" // the same with a certificate revoked since
	SignerExpired = "head-of-mio-expired" // the same with a certificate that has ended
	SignerAuth    = "head-of-mio-auth"    // a key for logging in, not for signing
)

// signKey makes fake signatures tamper-evident. It is public: the world's
// signatures protect nothing.
const signKey = "kandashub mock signing key, worth nothing"

// unknownUntil parts a signer's name from the time until which nobody can say
// whether its certificate is revoked.
const unknownUntil = ";revocation-unknown-until="

// RevocationUnknown returns the name of signer's certificate while its OCSP
// responder is away: until then nobody can say whether it is revoked.
func RevocationUnknown(signer string, until time.Time) string {
	return signer + unknownUntil + until.UTC().Format(time.RFC3339Nano)
}

// RevocationKnown parts a signer's name from the time at which the state of its
// certificate is known; zero if it always was.
func RevocationKnown(name string) (signer string, at time.Time) {
	signer, until, _ := strings.Cut(name, unknownUntil)
	at, err := time.Parse(time.RFC3339Nano, until)
	if err != nil {
		return signer, time.Time{}
	}
	return signer, at
}

const dsNamespace = "http://www.w3.org/2000/09/xmldsig#"

var (
	// NCANode looks for the literal prefix ds: (kz.md 4), and so does the fake.
	dsSignature = regexp.MustCompile(`(?s)<ds:Signature[ >].*</ds:Signature>`)
	dsKeyName   = regexp.MustCompile(`<ds:KeyName>([^<]*)</ds:KeyName>`)
	dsValue     = regexp.MustCompile(`<ds:SignatureValue>([^<]*)</ds:SignatureValue>`)
)

// SignXML returns doc, an XML document, with an enveloped ds:Signature of the
// head of МИО.
func SignXML(doc string) string { return SignXMLAs(SignerHead, doc) }

// SignXMLAs returns doc with an enveloped ds:Signature as the last child of its
// root. SignatureValue is the base64 HMAC-SHA-256 of the signer's name, a zero
// byte and the document without its signature, so that any change breaks it. A
// document without a closing tag is returned as it is.
func SignXMLAs(signer, doc string) string {
	end := strings.LastIndex(doc, "</")
	if end < 0 {
		return doc
	}
	return doc[:end] + `<ds:Signature xmlns:ds="` + dsNamespace + `"><ds:KeyInfo><ds:KeyName>` + signer +
		`</ds:KeyName></ds:KeyInfo><ds:SignatureValue>` + mac(signer, []byte(doc)) +
		`</ds:SignatureValue></ds:Signature>` + doc[end:]
}

// VerifyXML says whether doc holds a ds:Signature at all, and whether it fits.
func VerifyXML(doc string) (ok, present bool) {
	sig := dsSignature.FindString(doc)
	if sig == "" {
		return false, false
	}
	value := dsValue.FindStringSubmatch(sig)
	if value == nil {
		return false, true
	}
	bare := strings.Replace(doc, sig, "", 1)
	return hmac.Equal([]byte(value[1]), []byte(mac(XMLSigner(doc), []byte(bare)))), true
}

// XMLSigner returns the name of the certificate in doc's signature; empty if
// there is none.
func XMLSigner(doc string) string {
	if m := dsKeyName.FindStringSubmatch(dsSignature.FindString(doc)); m != nil {
		return m[1]
	}
	return ""
}

// fakeCMS is what stands for CMS SignedData: base64 of this as JSON. Without
// Data the signature is detached.
type fakeCMS struct {
	Signer string `json:"signer"`
	Data   []byte `json:"data,omitempty"`
	MAC    string `json:"mac"`
}

// SignCMS returns data with the signature of the head of МИО, as base64.
func SignCMS(data []byte) string { return SignCMSAs(SignerHead, data) }

// SignCMSAs returns data signed by signer as base64, with data inside.
func SignCMSAs(signer string, data []byte) string {
	b, err := json.Marshal(fakeCMS{Signer: signer, Data: data, MAC: mac(signer, data)})
	if err != nil {
		panic(err) // strings and bytes always marshal
	}
	return base64.StdEncoding.EncodeToString(b)
}

// VerifyCMS says whether cms is a CMS at all, and whether its signature fits
// data, or where there is none the content that it carries.
func VerifyCMS(cms string, data []byte) (ok, present bool) {
	c, present := parseCMS(cms)
	if !present {
		return false, false
	}
	if len(data) == 0 {
		data = c.Data
	}
	return hmac.Equal([]byte(c.MAC), []byte(mac(c.Signer, data))), true
}

// CMSContent returns the content that cms carries; nil if there is none.
func CMSContent(cms string) []byte {
	c, _ := parseCMS(cms)
	return c.Data
}

// Notice describes for a ledger what a recipient was told: the kind of the
// event, and the codes of a refusal's grounds. A notice whose kind must carry the
// signature of the head of МИО and does not is an error.
func Notice(kind string, grounds []string, format, value, data string) (detail string, err error) {
	if slices.Contains(signedKinds, kind) && !SignedByHead(format, value, data) {
		return "", errors.New("the signature of the head of МИО is missing, or does not fit")
	}
	if len(grounds) > 0 {
		return kind + ", grounds (" + strings.Join(grounds, ", ") + ")", nil
	}
	return kind, nil
}

// signedKinds are the events that the head of МИО signs (domain.md 3.3).
var signedKinds = []string{"package-refused", "hearing-set", "decided", "certificate-issued"}

// SignedByHead says whether a signature, as it is sent to a recipient, is a
// fitting one of the head of МИО. A recipient that is shown another has been
// told what nobody decided.
func SignedByHead(format, value, data string) bool {
	var fits bool
	var signer string
	switch format {
	case "xml":
		fits, _ = VerifyXML(value)
		signer = XMLSigner(value)
	case "cms":
		content, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return false
		}
		fits, _ = VerifyCMS(value, content)
		signer = CMSSigner(value)
	}
	signer, _ = RevocationKnown(signer)
	return fits && signer == SignerHead
}

// CMSSigner returns the name of the certificate in cms; empty if there is none.
func CMSSigner(cms string) string {
	c, _ := parseCMS(cms)
	return c.Signer
}

func parseCMS(cms string) (c fakeCMS, ok bool) {
	b, err := base64.StdEncoding.DecodeString(cms)
	if err != nil {
		return c, false
	}
	if err := json.Unmarshal(b, &c); err != nil || c.MAC == "" {
		return fakeCMS{}, false
	}
	return c, true
}

func mac(signer string, data []byte) string {
	h := hmac.New(sha256.New, []byte(signKey))
	h.Write([]byte(signer + "\x00"))
	h.Write(data)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
