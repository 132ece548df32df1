package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kandashub/adapters/gbdfl"
	"kandashub/adapters/migpolice"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// The rules of the routes iin-lookup and iin-generate (domain.md 3.2). A request
// for IINs travels whole: iin-lookup settles the first person who is not yet
// settled, and writes the request on, with what is known now, until all are.
//
//	kandas.iin-requests ─> iin-lookup ── others unsettled ──> gbdfl.lookups ─> iin-lookup
//	                        │     └───── all settled ───────> iin.results
//	                        └─ not found ─> migpolice.generations ─> iin-generate ─> gbdfl.lookups

// maxLookupAge is how old a lookup may be for its generation to be called.
const maxLookupAge = time.Hour

// A personRegister is what iin-lookup asks: ГБД ФЛ.
type personRegister interface {
	FindByIIN(ctx context.Context, r gbdfl.Request, iin string) (gbdfl.Answer, error)
	FindByName(ctx context.Context, r gbdfl.Request, p payload.Person) (gbdfl.Answer, error)
	FindByDocument(ctx context.Context, r gbdfl.Request, number string) (gbdfl.Answer, error)
}

// An iinGenerator is what iin-generate calls: ЦС «Миграционная полиция».
type iinGenerator interface {
	Generate(ctx context.Context, r migpolice.Request, p payload.Person) (migpolice.Generated, error)
}

// lookupOperation finds one person in the register.
func lookupOperation(register personRegister) topics.Operation {
	return topics.Operation{
		System: "gbdfl",
		Name:   "find-person",
		Effect: gbdfl.Effect,
		Do: func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
			return lookUp(ctx, register, m)
		},
	}
}

// lookUp settles the first unsettled person by the register, or has an IIN
// generated. After an unclear generation it only looks: an IIN that the register
// knows is "found", whoever had it made; if the register knows none, a person
// decides.
func lookUp(ctx context.Context, register personRegister, m topics.Message) ([]topics.Reply, error) {
	r, err := iinRequest(m)
	if err != nil {
		return nil, err
	}
	i := r.Unsettled()
	if i < 0 {
		return lookedUp(r), nil
	}
	if r.Generation != nil && r.Generation.Ref != r.Persons[i].Ref {
		return nil, topics.Fail(topics.Rejected, "schema", "generation.ref is not the first unsettled person")
	}
	result, err := findPerson(ctx, register, m, r.Persons[i].Person)
	switch {
	case err != nil:
		return nil, err
	case result != nil:
		r.Persons[i].Result, r.Generation = result, nil
		return lookedUp(r), nil
	case r.Generation != nil:
		return nil, topics.Fail(topics.Undecided, "iin_not_found_after_generation",
			"an IIN may have been generated, and the register does not know it")
	}
	return []topics.Reply{{Topic: "migpolice.generations", Type: payload.TypeIINGeneration, Data: r}}, nil
}

// lookedUp is what follows when a person is settled: the next one, or the
// result. Its id derives from the request alone: no request has two results.
func lookedUp(r *payload.IINRequest) []topics.Reply {
	if r.Unsettled() >= 0 {
		return toLookup(r)
	}
	return []topics.Reply{{
		Topic: "iin.results", Type: payload.TypeIINResult, Data: r, ID: topics.DeriveID(r.RequestID, "iin.results"),
	}}
}

func toLookup(r *payload.IINRequest) []topics.Reply {
	return []topics.Reply{{Topic: "gbdfl.lookups", Type: payload.TypeIINLookup, Data: r}}
}

// iinRequest reads the payload of every message of the two routes.
func iinRequest(m topics.Message) (*payload.IINRequest, error) {
	r, err := decode[payload.IINRequest](m)
	if err != nil {
		return nil, err
	}
	if m.Type == payload.TypeIINRequested && r.RequestID != m.ID {
		// The result's id derives from it: two requests would share one result.
		return nil, topics.Fail(topics.Rejected, "schema", "request_id is not the ce_id of the request")
	}
	return &r, nil
}

// findPerson asks the register for p; nil means that it surely does not know p.
// Each search has an id of its own, derived from the message's.
//
// An IIN that is stated is looked up first, and used if its holder is p. If the
// register does not know it, p is searched like anybody, but never given a new
// IIN: an officer has to see what is wrong with the stated one.
func findPerson(ctx context.Context, register personRegister, m topics.Message, p payload.Person) (*payload.PersonResult, error) {
	request := func(id string) gbdfl.Request { return gbdfl.Request{MessageID: id, Application: m.Subject} }
	if p.IIN != "" {
		byIIN, err := register.FindByIIN(ctx, request(topics.DeriveID(m.ID, "iin")), p.IIN)
		if err != nil {
			return nil, err
		}
		if len(byIIN.Persons) > 0 {
			return judge(p, byIIN.Persons, stated), nil
		}
	}
	persons, err := findByDocument(ctx, register, p.Document, func(spelling string) gbdfl.Request {
		return request(topics.DeriveID(m.ID, "document", spelling))
	})
	if err != nil {
		return nil, err
	}
	byName, err := register.FindByName(ctx, request(m.ID), p)
	if err != nil {
		return nil, err
	}
	persons = distinct(append(persons, byName.Persons...))
	if len(persons) > 0 {
		return judge(p, persons, searched), nil
	}
	if p.IIN != "" {
		return &payload.PersonResult{Status: payload.IINAmbiguous, Reason: payload.ReasonIINUnknown}, nil
	}
	return nil, nil
}

// findByDocument asks for who has d, by its number as stated, and, until somebody
// is found, by the other spellings under which a register may hold it: who is
// overlooked gets a second IIN. Of another spelling only those count who have d
// and not just its number.
func findByDocument(
	ctx context.Context, register personRegister, d *payload.Document, request func(spelling string) gbdfl.Request,
) ([]gbdfl.Person, error) {
	if !gbdfl.Searchable(d) {
		return nil, nil
	}
	for i, number := range spellings(*d) {
		found, err := register.FindByDocument(ctx, request(strconv.Itoa(i)), number)
		if err != nil {
			return nil, err
		}
		persons := found.Persons
		if i > 0 {
			persons = slices.DeleteFunc(persons, func(p gbdfl.Person) bool { return !hasDocument(p, *d) })
		}
		if len(persons) > 0 {
			return persons, nil
		}
	}
	return nil, nil
}

// generateOperation has an IIN generated for the first unsettled person. The key
// of the person markers is never rotated, and at least migpolice.MinMarkerKey
// bytes long.
func generateOperation(office iinGenerator, key []byte, settle time.Duration) (topics.Operation, error) {
	if len(key) < migpolice.MinMarkerKey {
		return topics.Operation{}, fmt.Errorf("the key of the person markers has %d bytes, at least %d are needed", len(key), migpolice.MinMarkerKey)
	}
	return topics.Operation{
		System: "migpolice",
		Name:   "generate-iin",
		Effect: migpolice.Effect,
		Settle: settle,
		Do: func(ctx context.Context, m topics.Message) ([]topics.Reply, error) {
			return generate(ctx, office, m)
		},
		// Nobody can say what became of a call but the register.
		Ask: func(_ context.Context, m topics.Message, sent time.Time) ([]topics.Reply, bool, error) {
			replies, err := lookForGenerated(m, m.ID, sent)
			return replies, err == nil, err
		},
		Markers: func(m topics.Message) ([]string, error) { return markersOf(key, m) },
		Voided:  voidGenerations,
		Freed:   refusedToGenerate,
		Taken:   lookForGenerated,
		Stale:   staleLookup,
	}, nil
}

// generate calls the system once. A refusal is an answer: an officer decides.
func generate(ctx context.Context, office iinGenerator, m topics.Message) ([]topics.Reply, error) {
	r, err := iinRequest(m)
	if err != nil {
		return nil, err
	}
	i := r.Unsettled()
	if i < 0 {
		return toLookup(r), nil
	}
	made, err := office.Generate(ctx, migpolice.Request{MessageID: m.ID, Application: m.Subject}, r.Persons[i].Person)
	if err != nil {
		return nil, err
	}
	r.Persons[i].Result = &payload.PersonResult{Status: payload.IINGenerated, IIN: made.IIN}
	if made.IIN == "" {
		r.Persons[i].Result = &payload.PersonResult{Status: payload.IINStopped, Reason: payload.ReasonRefused}
	}
	return toLookup(r), nil
}

// voidGenerations are those of which a person has found out that they never
// happened (domain.md 3.2, "none was generated").
func voidGenerations(m topics.Message) (voided []topics.VoidedCall) {
	r, err := iinRequest(m)
	if err != nil {
		return nil
	}
	for _, g := range r.Voided {
		if since, err := time.Parse(time.RFC3339Nano, g.Since); err == nil { // the schema says so
			voided = append(voided, topics.VoidedCall{MessageID: g.MessageID, Since: since})
		}
	}
	return voided
}

// refusedToGenerate says that the system has made no IIN for the person that m
// asks for, and never will for this message.
func refusedToGenerate(m topics.Message, replies []topics.Reply) bool {
	asked, err := iinRequest(m)
	if err != nil || len(replies) == 0 {
		return false
	}
	i := asked.Unsettled()
	r, ok := replies[0].Data.(*payload.IINRequest)
	return ok && i >= 0 && r.Persons[i].Result != nil && r.Persons[i].Result.Reason == payload.ReasonRefused
}

// lookForGenerated hands the question whether the message holder has had an IIN
// generated over to iin-lookup.
func lookForGenerated(m topics.Message, holder string, since time.Time) ([]topics.Reply, error) {
	r, err := iinRequest(m)
	if err != nil {
		return nil, err
	}
	if i := r.Unsettled(); i >= 0 {
		r.Generation = &payload.Generation{
			Ref: r.Persons[i].Ref, Since: since.UTC().Format(time.RFC3339Nano), MessageID: holder,
		}
	}
	return toLookup(r), nil
}

// staleLookup sends a message back whose lookup is too old, or older than a loss
// of claims: somebody may have had an IIN generated for the person since.
func staleLookup(m topics.Message, now, lost time.Time) ([]topics.Reply, bool) {
	if now.Sub(m.Time) <= maxLookupAge && !m.Time.Before(lost) {
		return nil, false
	}
	r, err := iinRequest(m)
	if err != nil {
		return nil, false // the call rejects it
	}
	return toLookup(r), true
}

// markersOf names the person for whom m generates.
func markersOf(key []byte, m topics.Message) ([]string, error) {
	r, err := iinRequest(m)
	if err != nil {
		return nil, err
	}
	i := r.Unsettled()
	if i < 0 {
		return nil, nil // nothing is called
	}
	return migpolice.Markers(key, r.Persons[i].Person), nil
}
