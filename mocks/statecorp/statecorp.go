// Package statecorp is the mock of the State Corporation behind its gateway:
// its counters take applications, hear what the hub tells them, confirm
// decisions on extension by a receipt of their own, and ask for certificates.
//
//	POST /bip-async                 the gateway's async channel (mocks/shep)
//	POST /_file                     takes an application (JSON) at a counter
//	POST /_request-certificate      {"application_id", "reason", "iin", "certificate"}
//	                                asks for a certificate; the last two are optional
//	POST /_not-delivered?times=n    the next n messages end NOT_DELIVERED
//	     /_faults, /_ledger         see mocks.Admin
//
// The ledger shows "file", "notify" with the kind of what was told, "receipt"
// for a decision on extension, "request-certificate", "callback" with the state
// that the hub has been told, and "refused" for what the hub will never accept.
package statecorp

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

// A service is what a serviceId carries.
type service struct {
	root, namespace string
	required        []string
}

var head = []string{"application_id", "event_id", "kind", "issued_at", "text/kk", "text/ru"}

var services = map[string]service{
	"KANDAS_NOTIFICATION": {"notice", "urn:kandashub:statecorp:notice:v1", head},
	"KANDAS_EXTENSION_DECISION": {"extension_decision", "urn:kandashub:statecorp:extension-decision:v1",
		append([]string{"result", "number", "date", "mio", "full_name", "signature/value"}, head...)},
	"KANDAS_CERTIFICATE": {"certificate", "urn:kandashub:statecorp:certificate:v1",
		append([]string{"request_id", "number", "full_name", "valid_from", "valid_to", "signature/value"}, head...)},
}

type corporation struct {
	ledger  *mocks.Ledger
	gateway *shep.Gateway
	logf    func(string, ...any)

	mu       sync.Mutex
	requests map[string]int // certificate requests by application
}

// New makes the mock. Its files lie in env.Dir.
func New(env mocks.Env) (*mocks.System, error) {
	ledger, err := mocks.OpenLedger(filepath.Join(env.Dir, "statecorp.jsonl"))
	if err != nil {
		return nil, err
	}
	c := &corporation{ledger: ledger, logf: env.Logf, requests: map[string]int{}}
	if c.logf == nil {
		c.logf = func(string, ...any) {}
	}
	faults := mocks.NewFaults(env.Seed)
	c.gateway = shep.NewGateway(shep.Config{System: "statecorp", Env: env, Ledger: ledger, Faults: faults, Deliver: c.deliver})
	mux := http.NewServeMux()
	mux.Handle("/", c.gateway.Handler())
	mux.Handle("POST /_file", c.gateway.File("STATECORP_KANDAS_APPLICATION"))
	mux.HandleFunc("POST /_request-certificate", c.requestCertificate)
	return &mocks.System{
		CallsHub: true,
		Name:     "statecorp", Ledger: ledger, Faults: faults, Handler: mocks.Admin(ledger, faults, mux), Run: c.gateway.Run,
	}, nil
}

// deliver hands a message to a counter. A decision on extension is confirmed by
// a receipt, each time it comes.
func (c *corporation) deliver(q shep.Request) (mocks.Effect, error) {
	e, err := read(q)
	if err != nil {
		return mocks.Effect{}, err
	}
	if q.ServiceID == "KANDAS_EXTENSION_DECISION" {
		c.confirm(e.Application, q.MessageID)
	}
	return e, nil
}

// read holds a message against the contract of its service.
func read(q shep.Request) (mocks.Effect, error) {
	s, ok := services[q.ServiceID]
	if !ok {
		return mocks.Effect{}, errors.New("serviceId is unknown")
	}
	roots := q.Data.ChildElements()
	if len(roots) != 1 || roots[0].Tag != s.root || roots[0].NamespaceURI() != s.namespace {
		return mocks.Effect{}, errors.New("data does not hold one " + s.root)
	}
	text := func(path string) string {
		if e := roots[0].FindElement("./" + path); e != nil && e.NamespaceURI() == "" {
			return e.Text()
		}
		return ""
	}
	for _, path := range s.required {
		if text(path) == "" {
			return mocks.Effect{}, errors.New(path + " is missing")
		}
	}
	if !strings.HasPrefix(q.MessageID, text("application_id")+".") {
		return mocks.Effect{}, errors.New("messageId does not begin with application_id")
	}
	var grounds []string
	for _, g := range roots[0].FindElements("./grounds/ground") {
		grounds = append(grounds, g.Text())
	}
	detail, err := mocks.Notice(text("kind"), grounds, text("signature/format"), text("signature/value"), text("signature/data"))
	if err != nil {
		return mocks.Effect{}, err
	}
	return mocks.Effect{Operation: "notify", Application: text("application_id"), Event: text("event_id"), Detail: detail}, nil
}

// confirm sends the receipt that closes the clock of an extension.
func (c *corporation) confirm(application, notice string) {
	now := shep.Now()
	id := c.gateway.MintID("receipt/"+notice, c.gateway.Sent(notice))
	c.record(mocks.Effect{Operation: "receipt", Application: application, ID: notice, Detail: "decision on extension received"})
	c.gateway.Send(shep.Outgoing{
		Application: application,
		MessageID:   id,
		ServiceID:   "STATECORP_KANDAS_RECEIPT",
		MessageType: "NOTIFICATION",
		Data: `<r:receipt xmlns:r="urn:kandashub:receipt:v1"><notice>` + shep.Escape(notice) + `</notice>` +
			`<state>delivered</state><at>` + now + `</at></r:receipt>`,
	})
}

func (c *corporation) requestCertificate(w http.ResponseWriter, r *http.Request) {
	var q struct {
		ApplicationID string `json:"application_id"`
		Reason        string `json:"reason"`
		IIN           string `json:"iin"`
		Certificate   string `json:"certificate"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil || q.ApplicationID == "" || q.Reason == "" {
		http.Error(w, "application_id and reason are expected", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	n := c.requests[q.ApplicationID]
	c.requests[q.ApplicationID]++
	c.mu.Unlock()
	id := c.gateway.MintID("certificate/"+q.ApplicationID, n)
	form, err := json.Marshal(map[string]string{
		"application_id": q.ApplicationID, "request_id": id, "certificate": q.Certificate, "iin": q.IIN,
		"reason": q.Reason, "filed_at": time.Now().In(time.FixedZone("", 5*60*60)).Format(time.RFC3339),
	})
	if err != nil {
		http.Error(w, "the request cannot be written", http.StatusInternalServerError)
		return
	}
	data, err := shep.XML("certificate_request", "urn:kandashub:certificate-request:v1", form)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.record(mocks.Effect{Operation: "request-certificate", Application: q.ApplicationID, ID: id, Detail: q.Reason})
	c.gateway.Send(shep.Outgoing{
		Application: q.ApplicationID, MessageID: id, ServiceID: "STATECORP_KANDAS_CERTIFICATE", MessageType: "REQUEST",
		Data: data, Sync: n%2 == 1,
	})
	mocks.WriteJSON(w, http.StatusAccepted, map[string]string{"message_id": id})
}

func (c *corporation) record(e mocks.Effect) {
	e.System = "statecorp"
	if err := c.ledger.Record(e); err != nil {
		c.logf("statecorp: ledger: %v", err)
	}
}
