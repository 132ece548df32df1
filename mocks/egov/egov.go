// Package egov is the mock of egov.kz behind its gateway: applicants file
// applications there, and their cabinets show what the hub tells them.
//
//	POST /bip-async                 the gateway's async channel (mocks/shep)
//	POST /_file                     files an application (JSON), through SHEP
//	GET  /_cabinet/{application}    the notices that a cabinet shows, in order
//	POST /_not-delivered?times=n    the next n notices end NOT_DELIVERED
//	     /_faults, /_ledger         see mocks.Admin
//
// The ledger shows "file", "notify" with the kind of the notice, "callback"
// with the state that the hub has been told, and "refused" for what the hub
// will never accept.
package egov

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"github.com/beevik/etree"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

const namespace = "urn:kandashub:egov:notification:v1"

// A Notice is one entry of a cabinet.
type Notice struct {
	MessageID string `json:"message_id"`
	Kind      string `json:"kind"`
}

type portal struct {
	mu       sync.Mutex
	cabinets map[string][]Notice // by application
}

// New makes the mock. Its files lie in env.Dir.
func New(env mocks.Env) (*mocks.System, error) {
	ledger, err := mocks.OpenLedger(filepath.Join(env.Dir, "egov.jsonl"))
	if err != nil {
		return nil, err
	}
	p := &portal{cabinets: map[string][]Notice{}}
	faults := mocks.NewFaults(env.Seed)
	gateway := shep.NewGateway(shep.Config{System: "egov", Env: env, Ledger: ledger, Faults: faults, Deliver: p.deliver})
	mux := http.NewServeMux()
	mux.Handle("/", gateway.Handler())
	mux.Handle("POST /_file", gateway.File("EGOV_KANDAS_APPLICATION"))
	mux.HandleFunc("GET /_cabinet/{application}", func(w http.ResponseWriter, r *http.Request) {
		mocks.WriteJSON(w, http.StatusOK, p.cabinet(r.PathValue("application")))
	})
	return &mocks.System{
		CallsHub: true,
		Name:     "egov", Ledger: ledger, Faults: faults, Handler: mocks.Admin(ledger, faults, mux), Run: gateway.Run,
	}, nil
}

func (p *portal) cabinet(application string) []Notice {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Notice{}, p.cabinets[application]...)
}

// deliver shows a notice in the cabinet, a second time if it comes a second
// time.
func (p *portal) deliver(q shep.Request) (mocks.Effect, error) {
	e, kind, err := read(q)
	if err != nil {
		return mocks.Effect{}, err
	}
	p.mu.Lock()
	p.cabinets[e.Application] = append(p.cabinets[e.Application], Notice{q.MessageID, kind})
	p.mu.Unlock()
	return e, nil
}

// read holds a notice against the portal's contract.
func read(q shep.Request) (e mocks.Effect, kind string, err error) {
	if q.MessageType != "NOTIFICATION" {
		return e, "", errors.New("messageType is not NOTIFICATION")
	}
	roots := q.Data.ChildElements()
	if len(roots) != 1 || roots[0].Tag != "notification" || roots[0].NamespaceURI() != namespace {
		return e, "", errors.New("data does not hold one notification")
	}
	n := roots[0]
	required := map[string]string{}
	for _, path := range []string{
		"updatedValues/code", "updatedValues/values/domainItemData/code", "updatedValues/values/domainItemData/kkValue",
		"updatedValues/values/domainItemData/ruValue", "externalRequestChainId", "externalRequestId", "processingStatus",
		"resolutionType", "eventId",
	} {
		if required[path] = text(n, path); required[path] == "" {
			return e, "", errors.New(path + " is missing")
		}
	}
	if required["updatedValues/code"] != "processing_status" {
		return e, "", errors.New("updatedValues is not about processing_status")
	}
	if required["externalRequestChainId"] != q.CorrelationID {
		return e, "", errors.New("externalRequestChainId is not the correlationId")
	}
	if !strings.HasPrefix(q.MessageID, required["externalRequestId"]+".") {
		return e, "", errors.New("messageId does not begin with externalRequestId")
	}
	kind = strings.ToLower(strings.ReplaceAll(required["updatedValues/values/domainItemData/code"], "_", "-"))
	var grounds []string
	for _, g := range n.FindElements("./grounds/ground") {
		grounds = append(grounds, g.Text())
	}
	detail, err := mocks.Notice(kind, grounds, text(n, "document/format"), text(n, "document/value"), text(n, "document/data"))
	if err != nil {
		return e, "", err
	}
	return mocks.Effect{
		Operation: "notify", Application: required["externalRequestId"], Event: required["eventId"], Detail: detail,
	}, kind, nil
}

func text(e *etree.Element, path string) string {
	if c := e.FindElement("./" + path); c != nil && c.NamespaceURI() == "" {
		return c.Text()
	}
	return ""
}
