package eds

import (
	"bytes"
	"encoding/json"
	"time"

	"kandashub/topics"
)

// The part of NCANode's REST API, version 3, that is used here (kz.md 4).
const (
	pathXML     = "/xml/verify"
	pathCMS     = "/cms/verify"
	pathExtract = "/cms/extract"
)

// verifyRequest carries XML, or CMS with Data where the content is detached.
type verifyRequest struct {
	XML             string   `json:"xml,omitempty"`
	CMS             string   `json:"cms,omitempty"`
	Data            string   `json:"data,omitempty"`
	RevocationCheck []string `json:"revocationCheck"`
}

// extractRequest asks for the content of a CMS that carries it.
type extractRequest struct {
	CMS string `json:"cms"`
}

type extractAnswer struct {
	Data string `json:"data"` // base64
}

type verifyAnswer struct {
	Valid   *bool    `json:"valid"`
	Signers []signer `json:"signers"`
}

// A signer of an XML document is a certificate. A signer of a CMS holds its
// certificates, under the name that NCANode's classes give them, or under that
// of its published description.
type signer struct {
	certificate
	Certificates []certificate `json:"certificates"`
	Signers      []certificate `json:"signers"`
}

func (s signer) ofCMS() []certificate { return append(s.Certificates, s.Signers...) }

type certificate struct {
	Valid       bool `json:"valid"`
	Revocations []struct {
		Revoked bool `json:"revoked"`
	} `json:"revocations"`
	NotBefore instant  `json:"notBefore"`
	NotAfter  instant  `json:"notAfter"`
	KeyUsage  string   `json:"keyUsage"` // UNKNOWN, AUTH, SIGN
	KeyUser   []string `json:"keyUser"`
}

func (c certificate) revoked() bool {
	for _, r := range c.Revocations {
		if r.Revoked {
			return true
		}
	}
	return false
}

// An instant is a time as Java's Jackson writes it: RFC 3339, with or without
// the colon in its zone, or milliseconds since 1970.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(b []byte) error {
	var ms int64
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	if json.Unmarshal(b, &ms) == nil {
		i.Time = time.UnixMilli(ms)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			i.Time = t
			return nil
		}
	}
	return topics.Fail(topics.Uncertain, "unreadable", "answer: a time is neither RFC 3339 nor a number")
}
