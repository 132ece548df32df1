// Package eds is the mock of NCANode, the server that verifies digital
// signatures. It really verifies the signatures of mocks.SignXMLAs and
// mocks.SignCMSAs, and answers in NCANode's shapes and with its statuses.
//
//	POST /xml/verify       {"xml", "revocationCheck"}
//	POST /cms/verify       {"cms", "data", "revocationCheck"}
//	POST /cms/extract      {"cms"}: the content that it carries
//	GET  /actuator/health
//	PUT  /_ocsp            {"down": true}: nobody knows of revocations, until {"down": false}
//	     /_faults, /_ledger, see mocks.Admin
//
// The name of a signature's certificate says what is answered of it
// (mocks.SignerHead and the others); with mocks.RevocationUnknown its state is
// unknown until a time. The ledger shows "verify" with the result.
package eds

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"kandashub/mocks"
)

const name = "eds"

type ncanode struct {
	ledger *mocks.Ledger
	down   atomic.Bool
}

// New makes the mock. Its ledger lies in env.Dir.
func New(env mocks.Env) (*mocks.System, error) {
	ledger, err := mocks.OpenLedger(filepath.Join(env.Dir, name+".jsonl"))
	if err != nil {
		return nil, err
	}
	n := &ncanode{ledger: ledger}
	api := http.NewServeMux()
	api.HandleFunc("POST /xml/verify", n.verifyXML)
	api.HandleFunc("POST /cms/verify", n.verifyCMS)
	api.HandleFunc("POST /cms/extract", n.extract)
	faults := mocks.NewFaults(env.Seed)
	mux := http.NewServeMux()
	mux.Handle("/", faults.Wrap(func(r *http.Request) string { return path.Base(r.URL.Path) }, mocks.Bearer(env.Token, api)))
	mux.HandleFunc("GET /actuator/health", func(w http.ResponseWriter, _ *http.Request) {
		mocks.WriteJSON(w, http.StatusOK, map[string]string{"status": "UP"})
	})
	mux.HandleFunc("PUT /_ocsp", n.switchOCSP)
	return &mocks.System{Name: name, Ledger: ledger, Faults: faults, Handler: mocks.Admin(ledger, faults, mux)}, nil
}

type request struct {
	XML             string   `json:"xml"`
	CMS             string   `json:"cms"`
	Data            string   `json:"data"`
	RevocationCheck []string `json:"revocationCheck"`
}

type answer struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	Valid   bool   `json:"valid"`
	Signers []any  `json:"signers"`
}

// cmsSigner is a signer of a CMS: unlike one of an XML document it holds its
// certificates.
type cmsSigner struct {
	Certificates []certificate `json:"certificates"`
}

func (n *ncanode) verifyXML(w http.ResponseWriter, r *http.Request) {
	q, ok := read(w, r, func(q request) string { return q.XML })
	if !ok {
		return
	}
	if !parses(q.XML) {
		fail(w, http.StatusInternalServerError, "Cannot read XML")
		return
	}
	fits, present := mocks.VerifyXML(q.XML)
	a := answer{Status: http.StatusOK, Message: "OK", Signers: []any{}}
	if present {
		c := n.certificateOf(mocks.XMLSigner(q.XML), q.RevocationCheck)
		a.Valid, a.Signers = fits && c.Valid, []any{c}
	}
	n.answer(w, a, fits, present)
}

func (n *ncanode) verifyCMS(w http.ResponseWriter, r *http.Request) {
	q, ok := read(w, r, func(q request) string { return q.CMS })
	if !ok {
		return
	}
	data, err := base64.StdEncoding.DecodeString(q.Data)
	if err != nil {
		fail(w, http.StatusBadRequest, "Illegal base64 character")
		return
	}
	fits, present := mocks.VerifyCMS(q.CMS, data)
	if !present {
		fail(w, http.StatusBadRequest, "Malformed content.")
		return
	}
	c := n.certificateOf(mocks.CMSSigner(q.CMS), q.RevocationCheck)
	n.answer(w, answer{
		Status: http.StatusOK, Message: "OK", Valid: fits && c.Valid, Signers: []any{cmsSigner{[]certificate{c}}},
	}, fits, present)
}

// extract changes nothing and looks at no signature, so the ledger has no line
// of it.
func (n *ncanode) extract(w http.ResponseWriter, r *http.Request) {
	q, ok := read(w, r, func(q request) string { return q.CMS })
	if !ok {
		return
	}
	content := mocks.CMSContent(q.CMS)
	if content == nil {
		fail(w, http.StatusBadRequest, "Malformed content.")
		return
	}
	mocks.WriteJSON(w, http.StatusOK, map[string]any{
		"status": http.StatusOK, "message": "OK", "data": base64.StdEncoding.EncodeToString(content),
	})
}

// answer writes the ledger and then the answer. NCANode is not told of
// applications or ids, and so neither is its ledger.
func (n *ncanode) answer(w http.ResponseWriter, a answer, fits, present bool) {
	detail := "certificate not valid, or its state unknown"
	switch {
	case a.Valid:
		detail = "valid"
	case !present:
		detail = "no signature"
	case !fits:
		detail = "signature does not fit"
	}
	if err := n.ledger.Record(mocks.Effect{System: name, Operation: "verify", Detail: detail}); err != nil {
		fail(w, http.StatusInternalServerError, "ledger cannot be written")
		return
	}
	mocks.WriteJSON(w, http.StatusOK, a)
}

func (n *ncanode) switchOCSP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Down *bool `json:"down"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Down == nil {
		fail(w, http.StatusBadRequest, "down is expected")
		return
	}
	n.down.Store(*q.Down)
	w.WriteHeader(http.StatusNoContent)
}

type certificate struct {
	Valid        bool         `json:"valid"`
	Revocations  []revocation `json:"revocations,omitempty"`
	NotBefore    string       `json:"notBefore"`
	NotAfter     string       `json:"notAfter"`
	KeyUsage     string       `json:"keyUsage"`
	KeyUser      []string     `json:"keyUser"`
	SerialNumber string       `json:"serialNumber"`
	SignAlg      string       `json:"signAlg"`
	Subject      subject      `json:"subject"`
	Issuer       subject      `json:"issuer"`
}

type revocation struct {
	Revoked        bool   `json:"revoked"`
	By             string `json:"by"`
	RevocationTime string `json:"revocationTime,omitempty"`
	Reason         string `json:"reason,omitempty"`
}

type subject struct {
	CommonName   string `json:"commonName"`
	Organization string `json:"organization,omitempty"`
	Country      string `json:"country"`
}

// java is how NCANode writes times.
const java = "2006-01-02T15:04:05.000-07:00"

// certificateOf says what NCANode would of the certificate with this name.
func (n *ncanode) certificateOf(full string, checks []string) certificate {
	signer, known := mocks.RevocationKnown(full)
	now := time.Now().UTC()
	notAfter := now.AddDate(1, 0, 0)
	c := certificate{
		KeyUsage: "SIGN", KeyUser: []string{"ORGANIZATION", "CEO"}, SerialNumber: "1f", SignAlg: "ECGOST3410-2015-512",
		Subject: subject{CommonName: "ҮЛГІҰЛЫ ҮЛГІ", Organization: "ҮЛГІ МИО", Country: "KZ"},
		Issuer:  subject{CommonName: "ҮЛГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ", Country: "KZ"},
	}
	active := slices.Contains([]string{mocks.SignerHead, mocks.SignerRevoked, mocks.SignerExpired, mocks.SignerAuth}, signer)
	switch signer {
	case mocks.SignerExpired:
		notAfter = now.AddDate(0, 0, -1)
	case mocks.SignerAuth:
		c.KeyUsage = "AUTH"
	}
	c.NotBefore, c.NotAfter = notAfter.AddDate(-2, 0, 0).Format(java), notAfter.Format(java)
	revoked := false
	if slices.Contains(checks, "OCSP") {
		var rev revocation
		switch {
		case n.down.Load() || now.Before(known):
			active, rev = false, revocation{Reason: "connect timed out"}
		case signer == mocks.SignerRevoked:
			revoked, rev = true, revocation{Revoked: true, RevocationTime: now.AddDate(0, 0, -1).Format(java), Reason: "OK"}
		case !active:
			rev = revocation{Reason: "Unknown status"}
		default:
			rev = revocation{Reason: "OK"}
		}
		rev.By = "OCSP"
		c.Revocations = []revocation{rev}
	}
	c.Valid = active && !revoked && now.Before(notAfter)
	return c
}

// read reads a request and refuses one without its document.
func read(w http.ResponseWriter, r *http.Request, document func(request) string) (q request, ok bool) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		fail(w, http.StatusUnsupportedMediaType, "Content-Type is not supported")
		return q, false
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || document(q) == "" {
		fail(w, http.StatusBadRequest, "Bad request")
		return q, false
	}
	return q, true
}

func parses(doc string) bool {
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		if _, err := d.Token(); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

func fail(w http.ResponseWriter, status int, message string) {
	mocks.WriteJSON(w, status, map[string]any{"status": status, "message": message})
}
