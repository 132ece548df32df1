package kandas

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"time"

	"kandashub/mocks"
)

// eventTypes are the ce_types by the kind of event.
var eventTypes = map[string]string{
	"registered":         "kz.kandas.application.registered.v1",
	"package-refused":    "kz.kandas.application.package-refused.v1",
	"recommended":        "kz.kandas.application.recommended.v1",
	"hearing-set":        "kz.kandas.application.hearing-set.v1",
	"decided":            "kz.kandas.application.decided.v1",
	"certificate-issued": "kz.kandas.certificate.issued.v1",
}

// maxSignatures is how often one event is signed before an officer has a look.
const maxSignatures = 3

// An issue is a signed event that was issued, kept in case its signature comes
// back.
type issue struct {
	a          *application
	kind       string
	event      event
	signatures int
	rejected   bool
	settled    bool // issued again, or left to an officer
}

// issue records an event and writes it. If its signature is scripted to be bad
// it waits until the event has come back and is issued anew. It returns false
// when ctx ends.
func (s *system) issue(ctx context.Context, a *application, kind string, e event) bool {
	id, spoiled, ok := s.issueOnce(ctx, &issue{a: a, kind: kind, event: e})
	if !ok || !spoiled {
		return ok
	}
	return s.await(ctx, a, func() bool { return s.issued[id].settled })
}

// issueOnce signs the event where its kind is signed, and writes it under a new
// ce_id.
func (s *system) issueOnce(ctx context.Context, i *issue) (id string, spoiled, ok bool) {
	a := i.a
	a.writing.Lock()
	defer a.writing.Unlock()
	id = a.nextID()
	s.mu.Lock()
	e, sc := i.event, s.scripts[a.form.ApplicationID]
	if e.Recipients == nil {
		e.Recipients = recipients(a, i.kind, sc)
	}
	e.IssuedAt = s.now().Format(time.RFC3339)
	if part := e.signed(); part != nil {
		spoiled = (sc.BadSignature || sc.OtherContent) && !a.spoiled
		e.Signature = s.sign(a, e.statement(eventTypes[i.kind]), sc)
		a.spoiled = true
		s.issued[id] = i
		i.signatures++
	}
	a.told[id] = e.Recipients
	if i.kind == "decided" && a.extends() {
		a.clock = id
	}
	s.mu.Unlock()
	s.recordEvent(a, i.kind, id, e)
	ok = s.write(ctx, message{
		Topic: topicEvents, Key: a.form.ApplicationID, ID: id, Type: eventTypes[i.kind], Time: s.now(), Payload: encode(e),
	})
	return id, spoiled, ok
}

// recordEvent records an event, with its grounds and whom it goes to.
func (s *system) recordEvent(a *application, kind, id string, e event) {
	detail := "to " + strings.Join(e.Recipients, ", ")
	if grounds := e.grounds(); len(grounds) > 0 {
		detail = "grounds (" + strings.Join(grounds, ", ") + "), " + detail
	}
	err := s.record(mocks.Effect{Operation: kind, Application: a.form.ApplicationID, ID: id, Event: id, Detail: detail})
	if err != nil {
		s.contour.logf("kandas: %v", err)
	}
}

// recipients are the systems to be told of an event: the channel of filing
// first, the State Corporation of a decision on extension (Rules 329, p. 22),
// e-mail and SMS of a preliminary refusal, and the monitoring of every step.
func recipients(a *application, kind string, sc Script) []string {
	var to []string
	add := func(system string, yes bool) {
		if yes && !slices.Contains(to, system) {
			to = append(to, system)
		}
	}
	channel, _, _ := strings.Cut(a.form.ApplicationID, "-")
	add(channel, slices.Contains([]string{"migration", "egov", "statecorp"}, channel))
	add("statecorp", kind == "decided" && a.extends())
	add("notify", kind == "hearing-set")
	add("missions", sc.Missions)
	add("monitoring", true)
	return to
}

// sign signs a document as the head of МИО: every third one as CMS, the others as
// XML. The script may have the application's first one spoiled: the document
// says something else than the event, or changes after it was signed. The caller
// holds the lock.
func (s *system) sign(a *application, d statement, sc Script) *signature {
	signer := mocks.SignerHead
	if sc.RevocationUnknownMS > 0 && !a.spoiled {
		signer = mocks.RevocationUnknown(signer, s.now().Add(time.Duration(sc.RevocationUnknownMS)*time.Millisecond))
	}
	if sc.OtherContent && !a.spoiled {
		d.Number += "-1"
	}
	doc, err := xml.Marshal(d)
	if err != nil {
		panic(err) // the types of wire.go always marshal
	}
	if sc.BadSignature && !a.spoiled {
		return &signature{Format: "xml", Value: strings.Replace(mocks.SignXMLAs(signer, string(doc)), "</", " </", 1)}
	}
	if s.signatures++; s.signatures%3 == 0 {
		return &signature{Format: "cms", Value: mocks.SignCMSAs(signer, doc)}
	}
	return &signature{Format: "xml", Value: mocks.SignXMLAs(signer, string(doc))}
}

// rejected takes the hub's word that an event's signature is bad, and has the
// event signed properly and issued anew under a new ce_id.
func (s *system) rejected(id string, value []byte) {
	var r rejection
	if json.Unmarshal(value, &r) != nil {
		return
	}
	s.mu.Lock()
	i, a := s.issued[r.EventID], s.applications[r.ApplicationID]
	repeat := i != nil && i.rejected
	if i != nil && !repeat {
		i.rejected = true
		i.a.told[r.EventID] = nil // nobody was told
	}
	s.mu.Unlock()
	switch {
	case a == nil: // of an earlier world on the same servers
		return
	case i == nil || i.a != a:
		s.effect(a, "violation", id, "an event is rejected that was never issued with a signature")
		return
	}
	err := s.record(mocks.Effect{
		Operation: "rejection-received", Application: r.ApplicationID, ID: id, Event: r.EventID, Detail: r.Reason, Repeat: repeat,
	})
	if err != nil || repeat {
		return
	}
	s.mu.Lock()
	s.do(func(ctx context.Context) { s.issueAgain(ctx, i) })
	s.mu.Unlock()
}

func (s *system) issueAgain(ctx context.Context, i *issue) {
	if i.signatures >= maxSignatures {
		s.effect(i.a, "officer-needed", "", "the signature was rejected again and again")
	} else if _, _, ok := s.issueOnce(ctx, &issue{a: i.a, kind: i.kind, event: i.event, signatures: i.signatures}); !ok {
		return
	}
	s.mu.Lock()
	i.settled = true
	i.a.touch()
	s.mu.Unlock()
}
