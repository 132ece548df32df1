package kandas

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kandashub/mocks"

	"github.com/google/uuid"
)

// An application is one application as the commission and the МИО see it. Its
// fields are guarded by the system's lock, but for writing.
type application struct {
	form    form
	changed chan struct{} // closed at the next change

	iinRequest  string      // ce_id of the request for IINs
	results     []iinResult // its answer, in the order of the form's persons
	ended       string      // withdrawn or died
	certificate *certificate

	told        map[string][]string // recipients by the ce_id of an event
	notices     map[string]string   // state by recipient and notice
	eventOf     map[string]string   // ce_id of the event that it tells of, by the same
	clock       string              // ce_id of the decision on extension; empty before it
	clockClosed bool

	writing  sync.Mutex // held while a message is made and written, one at a time
	messages int        // made so far
	spoiled  bool       // the scripted bad signature is spent
}

func newApplication(f form) *application {
	return &application{
		form: f, changed: make(chan struct{}),
		told: map[string][]string{}, notices: map[string]string{}, eventOf: map[string]string{},
	}
}

// touch wakes whoever awaits a change.
func (a *application) touch() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// closesClock says that the State Corporation has received the decision on
// extension (Rules 329, p. 22).
func (a *application) closesClock() bool {
	if a.clock == "" || a.clockClosed {
		return false
	}
	for notice, state := range a.notices {
		if strings.HasPrefix(notice, "statecorp ") && state == "delivered" && a.eventOf[notice] == a.clock {
			return true
		}
	}
	return false
}

// await waits until holds, asked with the lock held; false if ctx ended before.
func (s *system) await(ctx context.Context, a *application, holds func() bool) bool {
	for {
		s.mu.Lock()
		ok, changed := holds(), a.changed
		s.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// process is the life of an application. A step that returns false ends it.
func (s *system) process(ctx context.Context, a *application) {
	for _, step := range []func(context.Context, *application) bool{
		s.checkPackage,
		s.askIINs,
		s.recommend,
		s.hear,
		s.decide,
		s.certify,
	} {
		if !sleep(ctx, pace) || !step(ctx, a) {
			return
		}
	}
}

// checkPackage registers the application, or refuses an incomplete or expired
// package (Rules 329, annexes 2 and 8). An extension needs no documents.
func (s *system) checkPackage(ctx context.Context, a *application) bool {
	kind, documents := fault(a.form, s.now())
	if kind != "" {
		s.issue(ctx, a, "package-refused", s.packageRefusal(a, kind, documents))
		return false
	}
	return s.issue(ctx, a, "registered", s.registration(a))
}

// askIINs asks for the IINs of the applicant and the family in one request
// (Rules 329, p. 10), and waits for them.
func (s *system) askIINs(ctx context.Context, a *application) bool {
	if asked := s.script(a.form.ApplicationID).IIN; asked != nil && !*asked {
		return true
	}
	if !s.requestIINs(ctx, a) {
		return false
	}
	if end := s.script(a.form.ApplicationID).Withdraw; end != "" {
		s.mu.Lock()
		a.ended = end
		s.mu.Unlock()
		s.effect(a, "closed", "", end+" while the IINs were being checked")
		return false
	}
	if !s.await(ctx, a, func() bool { return a.results != nil }) {
		return false
	}
	if !slices.ContainsFunc(a.results, func(r iinResult) bool { return r.IIN == "" }) {
		return true
	}
	s.effect(a, "officer-needed", a.iinRequest, "the register's answer is not clear")
	return s.await(ctx, a, func() bool { return s.scripts[a.form.ApplicationID].Officer == "settle" })
}

func (s *system) recommend(ctx context.Context, a *application) bool {
	result := s.script(a.form.ApplicationID).Recommendation
	if result == "" && a.extends() {
		return true // МИО decides without the commission
	}
	return s.issue(ctx, a, "recommended", s.recommendation(a, or(result, "assign")))
}

func (s *system) hear(ctx context.Context, a *application) bool {
	if !s.script(a.form.ApplicationID).Hearing {
		return true
	}
	return s.issue(ctx, a, "hearing-set", s.hearing(a))
}

func (s *system) decide(ctx context.Context, a *application) bool {
	return s.issue(ctx, a, "decided", s.decision(a, s.result(a)))
}

// result is the decision that the script names, or else the one that follows.
func (s *system) result(a *application) string {
	sc := s.script(a.form.ApplicationID)
	switch {
	case sc.Decision != "":
		return sc.Decision
	case a.extends():
		return "extend"
	default:
		return or(sc.Recommendation, "assign")
	}
}

func (s *system) certify(ctx context.Context, a *application) bool {
	wanted := s.result(a) == "assign"
	if c := s.script(a.form.ApplicationID).Certificate; c != nil {
		wanted = *c
	}
	if !wanted {
		return true
	}
	e := s.certificateOf(a)
	s.mu.Lock()
	a.certificate = e.Certificate
	s.mu.Unlock()
	return s.issue(ctx, a, "certificate-issued", e)
}

// certifyAgain issues a certificate once more for the State Corporation, which
// asked for it.
func (s *system) certifyAgain(ctx context.Context, a *application, request string) {
	s.mu.Lock()
	c := *a.certificate
	s.mu.Unlock()
	c.RequestID = request
	e := s.event(a, textCertificate)
	e.Certificate = &c
	e.Recipients = []string{"statecorp", "monitoring"}
	s.issue(ctx, a, "certificate-issued", e)
}

func (s *system) requestIINs(ctx context.Context, a *application) bool {
	a.writing.Lock()
	defer a.writing.Unlock()
	id := a.nextID()
	persons := a.form.persons()
	s.mu.Lock()
	a.iinRequest = id
	s.mu.Unlock()
	s.effect(a, "iin-requested", id, fmt.Sprintf("for %d persons", len(persons)))
	return s.write(ctx, message{
		Topic: topicIINRequests, Key: a.form.ApplicationID, ID: id, Type: "kz.kandas.iin.requested.v1", Time: s.now(),
		Payload: encode(iinRequest{ApplicationID: a.form.ApplicationID, RequestID: id, Persons: persons}),
	})
}

// namespace is that of this system's message ids.
var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:kandashub:mock:kandas"))

// nextID makes the ce_id of the application's next message: unique, and the
// same in every run with the same application. The caller holds a.writing.
func (a *application) nextID() string {
	a.messages++
	return uuid.NewSHA1(namespace, fmt.Appendf(nil, "%s %d", a.form.ApplicationID, a.messages)).String()
}

// extends says whether this is an extension and not an assignment.
func (a *application) extends() bool { return a.form.Service == "kandas.extend" }

// write writes one message, and as many copies too many as the faults say.
func (s *system) write(ctx context.Context, m message) bool {
	delay, more := s.faults.Callback("event")
	if delay > 0 && !sleep(ctx, delay) {
		return false
	}
	for range 1 + more {
		if s.contour.write(ctx, m) != nil {
			return false
		}
	}
	return true
}

// effect records what the system did of its own accord.
func (s *system) effect(a *application, operation, id, detail string) {
	err := s.record(mocks.Effect{Operation: operation, Application: a.form.ApplicationID, ID: id, Detail: detail})
	if err != nil {
		s.contour.logf("kandas: %v", err)
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// fault says what is wrong with a package of documents: incomplete or expired,
// and which documents; empty if nothing is (Rules 329, annex 2, p. 10).
func fault(f form, now time.Time) (kind string, documents []string) {
	today := now.Format(time.DateOnly)
	if f.Service == "kandas.assign" {
		for _, needed := range []string{"autobiography", "id-copy", "ethnicity-proof"} {
			has := false
			for _, at := range f.Attachments {
				has = has || at.Kind == needed
			}
			if !has {
				documents = append(documents, needed)
			}
		}
		if len(documents) > 0 {
			return "incomplete", documents
		}
	}
	for _, at := range f.Attachments {
		if at.ExpiresOn != "" && at.ExpiresOn < today {
			documents = append(documents, at.Kind)
		}
	}
	for _, p := range f.persons() {
		if p.Document != nil && p.Document.ExpiresOn != "" && p.Document.ExpiresOn < today {
			documents = append(documents, p.Document.Kind)
		}
	}
	if len(documents) > 0 {
		return "expired", documents
	}
	return "", nil
}
