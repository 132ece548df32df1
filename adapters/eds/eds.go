// Package eds verifies digital signatures (ЭЦП) through NCANode, the REST
// server in front of the state's cryptography (kz.md 4).
//
// A signature is good, bad for one of six reasons, or not known: where nobody
// can say whether a certificate is revoked, the outcome is Unavailable with the
// code revocation_unknown, so that the message waits and is asked again. That
// is no refusal (domain.md 3.3).
//
// A good signature must be one over the very thing that is told. What is signed,
// as XML or as the content of a CMS, is a document whose root holds, before
// anything else, what the event beside it says; the form is ours:
//
//	<s:statement xmlns:s="urn:kandashub:statement:v1">
//	  <application_id>egov-2026-1</application_id>
//	  <event_type>kz.kandas.application.decided.v1</event_type>
//	  <number>17</number> <date>2026-11-22</date> <result>assign</result>
//	  ... the paper itself, and of XML the ds:Signature over all of it
//	</s:statement>
//
// Effect contract: read only. NCANode takes no message id.
//
// How NCANode behaves, and what follows:
//   - A signature that does not fit is a good answer with valid=false; so is a
//     document without any signature, with no signers.
//   - A CMS without signers, or whose signer's certificate is not inside, is
//     valid=true, though nothing was verified. Here it is bad.
//   - An XML document that does not parse is a 500, which would be repeated for
//     ever. So it is parsed here first; one with a DOCTYPE is never passed on.
//   - A CMS that cannot be read, or whose digest differs, is a 400: a bad
//     signature.
//   - Validity is that of now, not of the moment of signing.
package eds

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"kandashub/adapters"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// Effect is the effect contract of the operation here.
const Effect = topics.ReadOnly

// Why a signature is bad: the reasons of payload.Rejection.
const (
	SignatureMissing   = "signature_missing"
	SignatureInvalid   = "signature_invalid"
	CertificateRevoked = "certificate_revoked"
	CertificateExpired = "certificate_expired"
	NotSigningKey      = "not_signing_key" // for logging in, or of someone without the right to sign for the authority
	ContentDiffers     = "content_differs" // a good signature over something else than the event says
)

// A Client calls one NCANode. It is safe for concurrent use.
type Client struct {
	http *adapters.Client
	now  func() time.Time
}

// New returns a client that calls through c.
func New(c *adapters.Client) *Client { return &Client{http: c, now: time.Now} }

// Verify returns why the signature of a head of МИО is bad; an empty reason
// means that it is good, and over a document that states what is told.
func (c *Client) Verify(ctx context.Context, s payload.Signature, told Statement) (reason string, err error) {
	if reason, err := c.verify(ctx, s); reason != "" || err != nil {
		return reason, err
	}
	signed, err := c.content(ctx, s)
	if err != nil {
		return "", err
	}
	if !told.saidIn(signed) {
		return ContentDiffers, nil
	}
	return "", nil
}

// verify asks NCANode about the signature alone.
func (c *Client) verify(ctx context.Context, s payload.Signature) (reason string, err error) {
	q := verifyRequest{RevocationCheck: []string{"OCSP"}}
	path := pathXML
	switch {
	case s.Value == "":
		return SignatureMissing, nil
	case s.Format == "xml":
		if !wellFormed(s.Value) {
			return SignatureInvalid, nil
		}
		q.XML = s.Value
	case s.Format == "cms":
		if !isBase64(s.Value) || !isBase64(s.Data) {
			return SignatureInvalid, nil
		}
		path, q.CMS, q.Data = pathCMS, s.Value, s.Data
	default:
		return "", topics.Fail(topics.Rejected, "schema", "signature.format is neither xml nor cms")
	}
	body, err := json.Marshal(q)
	if err != nil {
		return "", topics.Fail(topics.Rejected, "internal", "the request does not marshal")
	}
	resp, err := c.http.Do(ctx, adapters.Request{Operation: "verify", Path: path, ContentType: "application/json", Body: body})
	if path == pathCMS && resp.Status == http.StatusBadRequest {
		return SignatureInvalid, nil
	}
	if err != nil {
		return "", err
	}
	var a verifyAnswer
	if err := resp.JSON(&a); err != nil {
		return "", err
	}
	if a.Valid == nil {
		return "", topics.Fail(topics.Uncertain, "unreadable", "answer: valid is missing")
	}
	return c.judge(a, path == pathCMS)
}

// judge reads an answer. What is certain to be bad comes before what is not
// known: it would not get better by waiting.
func (c *Client) judge(a verifyAnswer, cms bool) (reason string, err error) {
	var certificates []certificate
	for _, s := range a.Signers {
		if !cms {
			certificates = append(certificates, s.certificate)
			continue
		}
		if len(s.ofCMS()) == 0 {
			return SignatureInvalid, nil
		}
		certificates = append(certificates, s.ofCMS()...)
	}
	now := c.now()
	some := func(is func(certificate) bool) bool { return slices.ContainsFunc(certificates, is) }
	switch {
	case len(certificates) == 0:
		return SignatureMissing, nil
	case some(certificate.revoked):
		return CertificateRevoked, nil
	case some(func(x certificate) bool {
		return !x.NotAfter.IsZero() && now.After(x.NotAfter.Time) || now.Before(x.NotBefore.Time)
	}):
		return CertificateExpired, nil
	case !some(maySign):
		return NotSigningKey, nil
	case some(func(x certificate) bool { return !x.Valid }):
		return "", topics.Fail(topics.Unavailable, "revocation_unknown", "nobody can say whether a certificate is revoked")
	case !*a.Valid:
		return SignatureInvalid, nil
	}
	return "", nil
}

// maySign says whether a certificate is a signing key of someone who signs for
// an organisation: its head, or who acts for the head.
func maySign(x certificate) bool {
	return x.KeyUsage == "SIGN" && (slices.Contains(x.KeyUser, "CEO") || slices.Contains(x.KeyUser, "CAN_SIGN"))
}

// wellFormed says whether NCANode's parser will take the document.
func wellFormed(doc string) bool {
	d := xml.NewDecoder(strings.NewReader(doc))
	elements := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elements
		}
		if err != nil {
			return false
		}
		switch token.(type) {
		case xml.Directive: // a DOCTYPE: an entity could read NCANode's files
			return false
		case xml.StartElement:
			elements = true
		}
	}
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil
}
