// Package migration is the mock of the portal migration.enbek.kz: people file
// applications on it, and see in their personal cabinet what becomes of them.
//
//	POST /api/v1/cabinet/notices   shows a notice; honours X-Message-ID (contract C1)
//	POST /_file                    someone files an application (JSON); 202
//	GET  /_cabinet/{application}   the notices that a cabinet shows, in their order
//	     /_faults, /_ledger        see mocks.Admin
//
// Applications go to the hub's HTTP intake as CloudEvents, each until the hub
// has accepted it, and those of one application one after the other; filing.go.
// The ledger shows "file", "show" with the notice's kind, and "refused" where
// the hub has said that it will never accept an application.
package migration

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kandashub/mocks"
)

const name = "migration"

// details names the part of a notice that each kind must have.
var details = map[string]string{
	"registered":         "registration",
	"package-refused":    "package_refusal",
	"recommended":        "recommendation",
	"hearing-set":        "hearing",
	"decided":            "decision",
	"certificate-issued": "certificate",
}

type portal struct {
	ledger *mocks.Ledger
	outbox *outbox

	mu       sync.Mutex
	answers  map[string]shown    // by X-Message-ID
	cabinets map[string][]string // kinds of notices by application
	filed    map[string]bool     // applications
}

type shown struct {
	Notice  string `json:"notice"`
	ShownAt string `json:"shown_at"`
	event   string // that it tells of
}

// New makes the mock. Its ledger lies in env.Dir; what it shows there has been
// shown, also before a restart.
func New(env mocks.Env) (*mocks.System, error) {
	ledger, err := mocks.OpenLedger(filepath.Join(env.Dir, name+".jsonl"))
	if err != nil {
		return nil, err
	}
	p := &portal{ledger: ledger, answers: map[string]shown{}, cabinets: map[string][]string{}, filed: map[string]bool{}}
	p.outbox = newOutbox(env, ledger)
	for _, e := range ledger.Effects() {
		switch {
		case e.Repeat:
		case e.Operation == "show":
			kind, _, _ := strings.Cut(e.Detail, ",")
			p.answers[e.ID] = shown{e.ID, e.At.Format(time.RFC3339Nano), e.Event}
			p.cabinets[e.Application] = append(p.cabinets[e.Application], kind)
		case e.Operation == "file":
			p.filed[e.Application] = true
		}
	}
	faults := mocks.NewFaults(env.Seed)
	api := http.NewServeMux()
	api.HandleFunc("POST /api/v1/cabinet/notices", p.show)
	mux := http.NewServeMux()
	mux.Handle("/", faults.Wrap(func(*http.Request) string { return "show" }, mocks.Bearer(env.Token, api)))
	mux.HandleFunc("POST /_file", p.file)
	mux.HandleFunc("GET /_cabinet/{application}", p.cabinet)
	return &mocks.System{
		CallsHub: true,
		Name:     name, Ledger: ledger, Faults: faults, Handler: mocks.Admin(ledger, faults, mux), Run: p.outbox.run,
	}, nil
}

// show puts a notice into the cabinet, once for each message id.
func (p *portal) show(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	id := r.Header.Get("X-Message-ID")
	if id == "" {
		http.Error(w, "X-Message-ID is missing", http.StatusBadRequest)
		return
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		http.Error(w, "application/json is expected", http.StatusUnsupportedMediaType)
		return
	}
	told, problem := read(r, id)
	if problem != "" {
		http.Error(w, problem, http.StatusUnprocessableEntity)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock() // one at a time: a cabinet's order is the ledger's
	a, repeat := p.answers[id]
	if !repeat {
		a = shown{Notice: id, ShownAt: began.Format(time.RFC3339Nano), event: told.event}
	}
	err := p.ledger.Record(mocks.Effect{
		At: began, System: name, Operation: "show", Application: told.application, ID: id, Event: told.event,
		Detail: told.detail, Repeat: repeat, LatencyMS: float64(time.Since(began).Microseconds()) / 1000,
	})
	if err == nil && repeat && a.event != told.event {
		err = p.ledger.Record(mocks.Effect{
			System: name, Operation: "violation", Application: told.application, ID: id, Event: told.event,
			Detail: "one message id for two notices",
		})
	}
	if err != nil {
		http.Error(w, "the ledger cannot be written", http.StatusInternalServerError)
		return
	}
	if !repeat {
		p.answers[id] = a
		p.cabinets[told.application] = append(p.cabinets[told.application], told.kind)
	}
	mocks.WriteJSON(w, http.StatusOK, a)
}

// notice is what a notice says, as far as the portal looks at it.
type notice struct{ application, event, kind, detail string }

// read holds a notice against the portal's API.
func read(r *http.Request, id string) (told notice, problem string) {
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
		return told, "not a JSON object"
	}
	var n struct {
		Notice        string            `json:"notice"`
		ApplicationID string            `json:"application_id"`
		EventID       string            `json:"event_id"`
		Kind          string            `json:"kind"`
		IssuedAt      time.Time         `json:"issued_at"`
		Text          map[string]string `json:"text"`
		Signature     struct{ Format, Value, Data string }
		Hearing       struct{ Grounds []string }
		Decision      struct{ Grounds []string }
	}
	whole, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(whole, &n)
	}
	known := []string{"notice", "application_id", "event_id", "kind", "issued_at", "text", "signature", details[n.Kind]}
	switch {
	case err != nil:
		return told, "a field is of another type than expected"
	case n.Notice != id || n.ApplicationID == "" || n.EventID == "" || n.IssuedAt.IsZero():
		return told, "notice, application_id, event_id and issued_at are required, and notice is X-Message-ID"
	case !strings.HasPrefix(n.Notice, n.ApplicationID+"."):
		return told, "notice does not begin with its application"
	case n.Text["kk"] == "" || n.Text["ru"] == "":
		return told, "text.kk and text.ru are required"
	case details[n.Kind] == "" || len(fields[details[n.Kind]]) == 0:
		return told, "kind is unknown, or its details are missing"
	}
	for f := range fields {
		if !slices.Contains(known, f) {
			return told, "there is a field that the kind does not have"
		}
	}
	s := n.Signature
	detail, err := mocks.Notice(n.Kind, append(n.Hearing.Grounds, n.Decision.Grounds...), s.Format, s.Value, s.Data)
	if err != nil {
		return told, err.Error()
	}
	return notice{n.ApplicationID, n.EventID, n.Kind, detail}, ""
}

func (p *portal) cabinet(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mocks.WriteJSON(w, http.StatusOK, append([]string{}, p.cabinets[r.PathValue("application")]...))
}
