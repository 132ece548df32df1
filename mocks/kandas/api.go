package kandas

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"kandashub/mocks"
)

const maxBody = 4 << 20

// operations names the operation behind each path, for faults and the ledger.
var operations = map[string]string{
	"applications":         "register",
	"iins":                 "record-iins",
	"deliveries":           "record-delivery",
	"certificate-requests": "request-certificate",
}

// A reply is what the system says to a request, and says again to every repeat
// of its id.
type reply struct {
	request     [sha256.Size]byte // hash of what was asked
	answer      answer
	application string
	detail      string // for the ledger
	also        []mocks.Effect
	then        job // nil if nothing follows
}

// errForm is a request that no repeat will make right: the answer is 422.
var errForm = errors.New("the request does not fit the API")

func formError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errForm, fmt.Sprintf(format, args...))
}

func (s *system) api(token string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/applications", s.serve("register", s.register))
	mux.Handle("POST /api/v1/iins", s.serve("record-iins", s.recordIINs))
	mux.Handle("POST /api/v1/deliveries", s.serve("record-delivery", s.recordDelivery))
	mux.Handle("POST /api/v1/certificate-requests", s.serve("request-certificate", s.requestCertificate))
	faulty := s.faults.Wrap(func(r *http.Request) string { return operations[path.Base(r.URL.Path)] }, mocks.Bearer(token, mux))

	all := http.NewServeMux()
	all.Handle("/api/", faulty)
	all.HandleFunc("PUT /_scripts/{application}", s.putScript)
	all.HandleFunc("GET /_scripts/{application}", s.getScript)
	all.HandleFunc("PUT /_loose", s.setLoose)
	return all
}

// serve answers one operation. handle is called once for each message id, with
// the lock held; a repeat gets what it returned then.
func (s *system) serve(operation string, handle func(*json.Decoder) (reply, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Message-ID")
		if id == "" {
			http.Error(w, "X-Message-ID is missing", http.StatusBadRequest)
			return
		}
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			http.Error(w, "application/json is expected", http.StatusUnsupportedMediaType)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the request cannot be read", http.StatusBadRequest)
			return
		}
		key := operation + " " + id
		s.mu.Lock()
		answered, repeat := s.answered[key]
		if !repeat {
			answered, err = handle(json.NewDecoder(bytes.NewReader(body)))
			answered.request = sha256.Sum256(body)
			if err == nil {
				s.answered[key] = answered
			}
		} else if answered.request != sha256.Sum256(body) {
			answered.also = []mocks.Effect{violation(answered.application, "one message id for two different requests to "+operation)}
		} else {
			answered.also = nil
		}
		s.mu.Unlock()
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		if err := s.settle(operation, id, answered, repeat); err != nil {
			http.Error(w, "the ledger cannot be written", http.StatusInternalServerError)
			return
		}
		mocks.WriteJSON(w, http.StatusOK, answered.answer)
	})
}

// settle records what was done, and starts what follows from it.
func (s *system) settle(operation, id string, r reply, repeat bool) error {
	err := s.record(mocks.Effect{Operation: operation, Application: r.application, ID: id, Detail: r.detail, Repeat: repeat})
	if err != nil {
		return err
	}
	for _, e := range r.also {
		if err := s.record(e); err != nil {
			return err
		}
	}
	if r.then != nil && !repeat {
		s.mu.Lock()
		s.do(r.then)
		s.mu.Unlock()
	}
	return nil
}

// register takes an application. What becomes of it is said by events.
func (s *system) register(d *json.Decoder) (reply, error) {
	var f form
	if err := d.Decode(&f); err != nil {
		return reply{}, formError("not an application")
	}
	if f.ApplicationID == "" || f.Applicant.Ref == "" || !f.Consent.Given {
		return reply{}, formError("application_id, applicant.ref and consent are required")
	}
	if f.Service != "kandas.assign" && f.Service != "kandas.extend" {
		return reply{}, formError("unknown service")
	}
	id := f.ApplicationID
	if s.applications[id] != nil {
		return reply{answer: refused("application_known"), application: id, detail: "refused: filed before under another message id"}, nil
	}
	a := newApplication(f)
	s.applications[id] = a
	return reply{
		answer:      accepted,
		application: id,
		detail:      fmt.Sprintf("%s, %d persons", f.Service, 1+len(f.Family)),
		then:        func(ctx context.Context) { s.process(ctx, a) },
	}, nil
}

// recordIINs takes the answer to an IIN request, for all its persons.
func (s *system) recordIINs(d *json.Decoder) (reply, error) {
	var in iins
	if err := d.Decode(&in); err != nil || in.ApplicationID == "" {
		return reply{}, formError("not an answer to an IIN request")
	}
	a := s.applications[in.ApplicationID]
	if a == nil {
		return s.stranger(in.ApplicationID), nil
	}
	if in.RequestID == "" || in.RequestID != a.iinRequest {
		return reply{answer: refused("unknown_request"), application: in.ApplicationID, detail: "refused: no such IIN request"}, nil
	}
	persons := a.form.persons()
	if len(in.Persons) != len(persons) {
		return reply{}, formError("the answer is not for all persons")
	}
	r := reply{answer: accepted, application: in.ApplicationID}
	counts := map[string]int{}
	for i, p := range in.Persons {
		if p.Ref != persons[i].Ref || (p.IIN != "") != (p.Status == "found" || p.Status == "generated") {
			return reply{}, formError("persons[%d] has a wrong ref, or an IIN that does not go with its status", i)
		}
		counts[p.Status]++
	}
	r.detail = summary(counts)
	if a.results != nil {
		r.also = append(r.also, violation(in.ApplicationID, "a second answer to one IIN request"))
		return r, nil
	}
	for i, p := range in.Persons {
		if p.IIN != "" && s.secondIIN(persons[i], p.IIN) {
			r.also = append(r.also, violation(in.ApplicationID, "person "+p.Ref+" got another IIN before"))
		}
	}
	if a.ended != "" {
		r.detail += ", though the case is closed (" + a.ended + ")"
	}
	a.results = in.Persons
	a.touch()
	return r, nil
}

// stranger answers for an application that was never registered here.
func (s *system) stranger(application string) reply {
	if s.loose {
		return reply{answer: accepted, application: application, detail: "of an unknown application"}
	}
	return reply{answer: refused("unknown_application"), application: application, detail: "refused: unknown application"}
}

func (s *system) setLoose(w http.ResponseWriter, r *http.Request) {
	var in struct {
		On bool `json:"on"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in); err != nil {
		http.Error(w, `{"on": true} is expected`, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.loose = in.On
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func summary(counts map[string]int) string {
	var parts []string
	for _, status := range []string{"found", "generated", "ambiguous", "stopped"} {
		if n := counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	return strings.Join(parts, ", ")
}

func violation(application, what string) mocks.Effect {
	return mocks.Effect{Operation: "violation", Application: application, Detail: what}
}

// secondIIN notes that p has this IIN, and says whether p had another one: in
// this application or in any other.
func (s *system) secondIIN(p person, iin string) bool {
	key := personKey(p)
	if known, ok := s.iinOf[key]; ok {
		return known != iin
	}
	s.iinOf[key] = iin
	return false
}

// personKey is equal for one person in two applications: the document, or who
// has none the names with birth date and citizenship.
func personKey(p person) string {
	if d := p.Document; d != nil && d.Number != "" {
		return strings.ToLower(strings.Join([]string{"document", p.Citizenship, d.Kind, d.Series + d.Number}, "|"))
	}
	return strings.ToLower(strings.Join([]string{"names", p.Surname, p.Name, p.Patronymic, p.BirthDate, p.Citizenship}, "|"))
}

// recordDelivery takes what became of one notice. A notice that is delivered
// stays so. Which event a notice tells of is said once, with its acceptance,
// before or after the rest.
func (s *system) recordDelivery(d *json.Decoder) (reply, error) {
	var in delivery
	if err := d.Decode(&in); err != nil || in.ApplicationID == "" || in.Recipient == "" {
		return reply{}, formError("not a delivery")
	}
	if !strings.HasPrefix(in.Notice, in.ApplicationID+".") {
		return reply{}, formError("notice does not begin with its application")
	}
	if in.State == "" || !oneOf(in.State, "accepted", "delivered", "not-delivered") {
		return reply{}, formError("unknown state of a delivery")
	}
	a := s.applications[in.ApplicationID]
	if a == nil {
		return s.stranger(in.ApplicationID), nil
	}
	r := reply{answer: accepted, application: in.ApplicationID, detail: in.Recipient + " " + in.State}
	key := in.Recipient + " " + in.Notice
	if in.EventID != "" {
		if !slices.Contains(a.told[in.EventID], in.Recipient) {
			r.also = append(r.also, violation(in.ApplicationID, in.Recipient+" was told of an event that is not for it"))
		}
		a.eventOf[key] = in.EventID
	}
	if before := a.notices[key]; before != "" && before != "accepted" && in.State == "accepted" {
		r.detail += ", stays " + before
	} else {
		a.notices[key] = in.State
	}
	if a.closesClock() {
		a.clockClosed = true
		r.also = append(r.also, mocks.Effect{
			Operation: "clock-closed", Application: in.ApplicationID, ID: in.Notice,
			Detail: "the State Corporation has the decision on extension",
		})
	}
	return r, nil
}

// requestCertificate takes a request for a certificate issued earlier; it is
// issued again as an event.
func (s *system) requestCertificate(d *json.Decoder) (reply, error) {
	var in certificateRequest
	if err := d.Decode(&in); err != nil || in.ApplicationID == "" || in.RequestID == "" {
		return reply{}, formError("not a request for a certificate")
	}
	a := s.certified(in)
	if a == nil {
		return reply{answer: refused("unknown_certificate"), application: in.ApplicationID, detail: "refused: no such certificate"}, nil
	}
	return reply{
		answer:      accepted,
		application: in.ApplicationID,
		detail:      "reason: " + in.Reason,
		then:        func(ctx context.Context) { s.certifyAgain(ctx, a, in.RequestID) },
	}, nil
}

// certified finds the application whose certificate is asked for: by its own
// id, or by the certificate's number or the holder's IIN.
func (s *system) certified(in certificateRequest) *application {
	if a := s.applications[in.ApplicationID]; a != nil && a.certificate != nil {
		return a
	}
	for _, a := range s.applications {
		if c := a.certificate; c != nil && (in.Certificate == c.Number || in.IIN != "" && in.IIN == c.IIN) {
			return a
		}
	}
	return nil
}
