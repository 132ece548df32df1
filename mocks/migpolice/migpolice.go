// Package migpolice is the mock of ЦС «Миграционная полиция»: it generates IINs
// through SHEP's sync channel and enrols their holders in the world's register.
//
// It is not idempotent: the same request again makes another IIN. That is a
// harm to a person, and both the ledger ("violation") and the register
// (SecondIINs) show it. ГБД ФЛ knows a new IIN only after a lag. It refuses to
// give one to a citizen of Kazakhstan (NOT_FOREIGNER): its task is foreigners.
//
// Effects: "generate", "refuse" and "violation". The fault switches give
// what makes an outcome unclear: reset or hang_after_ms (an IIN was made, and is
// found in the register after the lag), hang_before_ms with reset (none was
// made). Beside the switches of every mock:
//
//	PUT /_lag  {"ms": 300}  how long until the register shows a new IIN
//	GET /_generated/{id}    which IIN was made for a message: {"iin": ...}; 404 if none was
package migpolice

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

const (
	system  = "migpolice"
	path    = "/bip-sync-wss-gost/"
	service = "MIGPOLICE_IIN_GENERATE"

	defaultLag = 300 * time.Millisecond
)

type office struct {
	env    mocks.Env
	ledger *mocks.Ledger

	mu     sync.Mutex // held while an IIN is made
	serial int        // of the last IIN
	lag    time.Duration
	made   map[string]string // IIN by message id
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
	o := &office{env: env, ledger: ledger, serial: int(uint64(env.Seed) % 5000), lag: defaultLag, made: map[string]string{}}
	api := http.NewServeMux()
	api.Handle(path, faults.Wrap(func(*http.Request) string { return "generate" }, shep.ServeSync(service, env.Token, o.generate)))
	api.HandleFunc("PUT /_lag", o.setLag)
	api.HandleFunc("GET /_generated/{id}", o.generatedFor)
	return &mocks.System{Name: system, Ledger: ledger, Faults: faults, Handler: mocks.Admin(ledger, faults, api)}, nil
}

// generate answers one request: with a new IIN each time.
func (o *office) generate(w http.ResponseWriter, q shep.Request) error {
	start := time.Now()
	request, err := readRequest(q.Data)
	if err != nil {
		return err
	}
	if request.ID != q.MessageID {
		return errors.New("requestId is not the envelope's messageId")
	}
	if err := o.answer(w, q, request, start); err != nil {
		shep.Fault(w, "Server", "SendMessage", "SE_PROCESSOR", "the request cannot be carried out")
	}
	return nil
}

func (o *office) answer(w http.ResponseWriter, q shep.Request, request request, start time.Time) error {
	effect := mocks.Effect{System: system, Operation: "refuse", Application: q.CorrelationID, ID: q.MessageID}
	if request.Person.Citizenship == "KAZ" {
		effect.Detail = "NOT_FOREIGNER"
		if err := o.record(effect, start); err != nil {
			return err
		}
		shep.AnswerSync(w, q, uuid.NewString(), "SCSS001", refusal(request, "NOT_FOREIGNER"))
		return nil
	}
	iin, second, err := o.enrol(request)
	if err != nil {
		return err
	}
	effect.Operation, effect.Detail = "generate", "an IIN was made"
	if err := o.record(effect, start); err != nil {
		return err
	}
	if second {
		effect.Operation, effect.Detail = "violation", "a person who has an IIN was given a second one"
		if err := o.record(effect, start); err != nil {
			return err
		}
	}
	shep.AnswerSync(w, q, uuid.NewString(), "SCSS001", generated(request, iin))
	return nil
}

func (o *office) record(e mocks.Effect, start time.Time) error {
	e.LatencyMS = float64(time.Since(start).Microseconds()) / 1000
	return o.ledger.Record(e)
}

// enrol makes an IIN that nobody has and puts its holder into the register.
func (o *office) enrol(q request) (iin string, second bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := q.Person
	for range 10_000 {
		o.serial = (o.serial + 1) % 10_000
		iin, ok := makeIIN(p.wholeBirthDate(), p.Sex, o.serial)
		if !ok || o.env.Register.Has(iin) {
			continue
		}
		o.made[q.ID] = iin
		return iin, o.env.Register.Enrol(p.record(iin), o.lag), nil
	}
	return "", false, fmt.Errorf("no IIN is left for this birth date")
}

// generatedFor tells a person who asks for it which IIN a message has led to.
func (o *office) generatedFor(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	iin, ok := o.made[r.PathValue("id")]
	o.mu.Unlock()
	if !ok {
		http.Error(w, "no IIN was made for this message", http.StatusNotFound)
		return
	}
	mocks.WriteJSON(w, http.StatusOK, map[string]string{"iin": iin})
}

func (o *office) setLag(w http.ResponseWriter, r *http.Request) {
	var lag struct {
		MS int `json:"ms"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&lag); err != nil || lag.MS < 0 {
		http.Error(w, `{"ms": N} is expected`, http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	o.lag = time.Duration(lag.MS) * time.Millisecond
	o.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
