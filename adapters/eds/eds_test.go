package eds_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/eds"
	"kandashub/mocks"
	mock "kandashub/mocks/eds"
	"kandashub/topics"
	"kandashub/topics/payload"
)

func newClient(t *testing.T, h http.Handler) *eds.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := adapters.NewClient(adapters.Config{System: "eds", URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return eds.New(c)
}

func newMock(t *testing.T) *mocks.System {
	t.Helper()
	s, err := mock.New(mocks.Env{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Ledger.Close() })
	return s
}

func unavailable(err error, code string) bool {
	var f *topics.Failure
	return errors.As(err, &f) && f.Class == topics.Unavailable && f.Code == code
}

func TestVerify(t *testing.T) {
	c := newClient(t, newMock(t).Handler)
	doc := document()
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	x := func(v string) payload.Signature { return payload.Signature{Format: "xml", Value: v} }
	cms := func(v, data string) payload.Signature {
		return payload.Signature{Format: "cms", Value: v, Data: data}
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, tc := range map[string]struct {
		signature payload.Signature
		want      string
	}{
		"good":                   {x(mocks.SignXML(doc)), ""},
		"good CMS":               {cms(mocks.SignCMS([]byte(doc)), ""), ""},
		"CMS with its content":   {cms(mocks.SignCMS([]byte(doc)), b64(doc)), ""},
		"CMS, another content":   {cms(mocks.SignCMS([]byte(doc)), b64(document("17", "18"))), eds.SignatureInvalid},
		"changed afterwards":     {x(strings.Replace(mocks.SignXML(doc), ">17<", ">18<", 1)), eds.SignatureInvalid},
		"revoked":                {x(mocks.SignXMLAs(mocks.SignerRevoked, doc)), eds.CertificateRevoked},
		"revoked CMS":            {cms(mocks.SignCMSAs(mocks.SignerRevoked, []byte(doc)), ""), eds.CertificateRevoked},
		"expired":                {x(mocks.SignXMLAs(mocks.SignerExpired, doc)), eds.CertificateExpired},
		"key for logging in":     {x(mocks.SignXMLAs(mocks.SignerAuth, doc)), eds.NotSigningKey},
		"not signed":             {x(doc), eds.SignatureMissing},
		"nothing":                {x(""), eds.SignatureMissing},
		"not XML":                {x("<decision>"), eds.SignatureInvalid},
		"text":                   {x("signed!"), eds.SignatureInvalid},
		"DOCTYPE":                {x(`<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + mocks.SignXML(doc)), eds.SignatureInvalid},
		"not base64":             {cms("§", ""), eds.SignatureInvalid},
		"not a CMS":              {cms(b64("hello"), ""), eds.SignatureInvalid},
		"revocation known again": {x(mocks.SignXMLAs(mocks.RevocationUnknown(mocks.SignerHead, earlier), doc)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			reason, err := c.Verify(t.Context(), tc.signature, told)
			if err != nil || reason != tc.want {
				t.Errorf("reason %q, error %v, want %q", reason, err, tc.want)
			}
		})
	}

	unknown := x(mocks.SignXMLAs(mocks.RevocationUnknown(mocks.SignerHead, later), doc))
	if reason, err := c.Verify(t.Context(), unknown, told); !unavailable(err, "revocation_unknown") {
		t.Errorf("revocation unknown: reason %q, error %v", reason, err)
	}
	if _, err := c.Verify(t.Context(), payload.Signature{Format: "pdf", Value: "x"}, told); topics.FailureOf(err).Class != topics.Rejected {
		t.Errorf("unknown format: %v", err)
	}
}

// A responder that is away makes every certificate's state unknown, and no
// signature bad.
func TestResponderAway(t *testing.T) {
	s := newMock(t)
	c := newClient(t, s.Handler)
	signed := payload.Signature{Format: "xml", Value: mocks.SignXML(document())}
	switchOCSP := func(body string) {
		t.Helper()
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_ocsp", strings.NewReader(body)))
		if w.Code != http.StatusNoContent {
			t.Fatalf("switch answers %d", w.Code)
		}
	}
	switchOCSP(`{"down":true}`)
	if reason, err := c.Verify(t.Context(), signed, told); !unavailable(err, "revocation_unknown") {
		t.Errorf("reason %q, error %v", reason, err)
	}
	switchOCSP(`{"down":false}`)
	if reason, err := c.Verify(context.Background(), signed, told); err != nil || reason != "" {
		t.Errorf("reason %q, error %v after the responder came back", reason, err)
	}
}

// Answers of a real NCANode that the mock does not give.
func TestAnswers(t *testing.T) {
	certificate := func(replace ...string) string { return strings.NewReplacer(replace...).Replace(certificate) }
	xml := payload.Signature{Format: "xml", Value: mocks.SignXML(document())}
	cms := payload.Signature{Format: "cms", Value: mocks.SignCMS([]byte(document()))}
	for name, tc := range map[string]struct {
		signature payload.Signature
		answer    string
		want      string
		code      string
	}{
		"CMS by the published description": {cms, `{"valid":true,"signers":[{"signers":[` + certificate() + `]}]}`, "", ""},
		"CMS without signers is not valid": {cms, `{"valid":true,"signers":[]}`, eds.SignatureMissing, ""},
		"CMS without certificate":          {cms, `{"valid":true,"signers":[{"certificates":[]}]}`, eds.SignatureInvalid, ""},
		"acting for the head":              {xml, `{"valid":true,"signers":[` + certificate("CEO", "CAN_SIGN") + `]}`, "", ""},
		"an employee":                      {xml, `{"valid":true,"signers":[` + certificate("CEO", "EMPLOYEE") + `]}`, eds.NotSigningKey, ""},
		"usage unknown":                    {xml, `{"valid":true,"signers":[` + certificate("SIGN", "UNKNOWN") + `]}`, eds.NotSigningKey, ""},
		"not valid yet":                    {xml, `{"valid":false,"signers":[` + certificate("2020-", "2998-") + `]}`, eds.CertificateExpired, ""},
		"zone without colon":               {xml, `{"valid":true,"signers":[` + certificate("+00:00", "+0500") + `]}`, "", ""},
		"times as numbers":                 {xml, `{"valid":true,"signers":[` + certificate(`"2020-01-01T00:00:00.000+00:00"`, "1577836800000") + `]}`, "", ""},
		"OCSP timed out": {xml, `{"valid":false,"signers":[` + certificate(`"valid":true`, `"valid":false`, `"OK"`, `"connect timed out"`) + `]}`,
			"", "revocation_unknown"},
		"an error without valid": {xml, `{"status":200,"message":"OK"}`, "", "unreadable"},
		"a time that is none":    {xml, `{"valid":true,"signers":[` + certificate("2020-", "soon-") + `]}`, "", "unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/cms/extract" {
					io.WriteString(w, `{"status":200,"message":"OK","data":"`+base64.StdEncoding.EncodeToString([]byte(document()))+`"}`) //nolint:errcheck
					return
				}
				io.WriteString(w, tc.answer) //nolint:errcheck
			}))
			reason, err := c.Verify(t.Context(), tc.signature, told)
			code := ""
			if err != nil {
				code = topics.FailureOf(err).Code
			}
			if reason != tc.want || code != tc.code {
				t.Errorf("reason %q, error %v, want %q and code %q", reason, err, tc.want, tc.code)
			}
		})
	}
}
