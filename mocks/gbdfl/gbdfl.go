// Package gbdfl is the mock of ГБД ФЛ, the register of persons: it answers
// GBDFL_UniversalServiceSync through SHEP's sync channel from the world's
// register, and reads only. It takes nothing that deviates from the public
// message format (kz.md 2.1): such a request is a Client fault.
//
// Each answer is an effect "find" in the ledger; its detail says by what was
// searched and how many persons were found.
//
// Beside the switches of every mock:
//
//	PUT /_persons  adds persons to the register: a JSON array of mocks.Person
package gbdfl

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

const (
	system  = "gbdfl"
	path    = "/bip-sync-wss-gost/"
	service = "GBDFL_UniversalServiceSync"
)

type register struct {
	env    mocks.Env
	ledger *mocks.Ledger
}

// New returns the mock. It needs env.Register.
func New(env mocks.Env) (*mocks.System, error) {
	if env.Register == nil {
		return nil, fmt.Errorf("mock %s: it has no register", system)
	}
	ledger, err := mocks.OpenLedger(filepath.Join(env.Dir, "ledger.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("mock %s: %w", system, err)
	}
	faults := mocks.NewFaults(env.Seed)
	g := &register{env: env, ledger: ledger}
	api := http.NewServeMux()
	api.Handle(path, faults.Wrap(func(*http.Request) string { return "find" }, shep.ServeSync(service, env.Token, g.find)))
	api.HandleFunc("PUT /_persons", g.addPersons)
	return &mocks.System{Name: system, Ledger: ledger, Faults: faults, Handler: mocks.Admin(ledger, faults, api)}, nil
}

// find answers one search.
func (g *register) find(w http.ResponseWriter, q shep.Request) error {
	start := time.Now()
	request, err := readRequest(q.Data)
	if err != nil {
		return err
	}
	if request.messageID != q.MessageID {
		return errors.New("the messageId of data is not the envelope's")
	}
	by, persons := request.search(g.env.Register)
	if err := g.ledger.Record(mocks.Effect{
		System: system, Operation: "find", Application: q.CorrelationID, ID: q.MessageID,
		Detail:    fmt.Sprintf("by %s: %d found", by, len(persons)),
		LatencyMS: float64(time.Since(start).Microseconds()) / 1000,
	}); err != nil {
		shep.Fault(w, "Server", "SendMessage", "SE_LEDGER", "the ledger cannot be written")
		return nil
	}
	id := uuid.NewString()
	shep.AnswerSync(w, q, id, "SCSS001", writeResponse(id, request, persons))
	return nil
}

func (g *register) addPersons(w http.ResponseWriter, r *http.Request) {
	var persons []mocks.Person
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&persons); err != nil {
		http.Error(w, "a JSON array of persons is expected: "+err.Error(), http.StatusBadRequest)
		return
	}
	g.env.Register.Add(persons...)
	w.WriteHeader(http.StatusNoContent)
}
