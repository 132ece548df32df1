// Package gbdfl asks ГБД ФЛ, the state register of persons, through SHEP's sync
// channel. It only reads: every operation may be repeated freely.
//
// The register searches by one of three things (kz.md 2.1): an IIN; names and
// birth date; the number of a document. In a search by names a part that is
// absent says that the person has no such part, so one-name persons are found
// by sending less. Nothing found is an answer: an Answer without persons.
// Whether what is found is the person that was meant, and whether that person
// may go on (Person.Stop), is for the caller to decide.
//
// What the register says is sorted so, beyond SHEP's own faults:
//
//	status code other than SCSS001       Uncertain, status: the provider failed; asked again
//	messageResult other than 00000       Rejected, result: its codes are not public, and a
//	                                     code that we do not know must never pass for "no such
//	                                     person", who would be given a second IIN
//	an answer to another request, or     Uncertain, unreadable
//	one that is not as the schema says
//	an IIN that is none                  Rejected, bad_iin: no repeat makes it better
package gbdfl

import (
	"cmp"
	"context"
	"strings"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// Effect is the effect contract of every operation: it changes nothing.
const Effect = topics.ReadOnly

// Config says how the register is reached. Only HTTP, Sender and SenderCode
// have no default.
type Config struct {
	HTTP       adapters.Config
	Sender     shep.Sender
	SenderCode string           // given to us by the register on agreement
	Path       string           // of SHEP's sync channel; default /bip-sync-wss-gost/
	ServiceID  string           // default GBDFL_UniversalServiceSync
	Now        func() time.Time // default time.Now
}

// An Adapter asks the register. It is safe for concurrent use.
type Adapter struct {
	shep       *shep.Client
	senderCode string
	serviceID  string
	now        func() time.Time
}

// New returns an adapter. Nothing is called yet.
func New(cfg Config) (*Adapter, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	client, err := shep.Connect(cfg.HTTP, cmp.Or(cfg.Path, shep.UsualSync), cfg.Sender, cfg.Now)
	if err != nil {
		return nil, err
	}
	return &Adapter{
		shep: client, senderCode: cfg.SenderCode, serviceID: cmp.Or(cfg.ServiceID, "GBDFL_UniversalServiceSync"), now: cfg.Now,
	}, nil
}

// A Request names one search. MessageID is at most 36 Latin characters on the
// wire; a longer or other one is replaced by an id derived from it.
type Request struct {
	MessageID   string
	Application string // its id: SHEP's correlationId
}

// An Answer holds the persons who match, none if there are none.
type Answer struct{ Persons []Person }

// A Person is what the register says about one person. Dates are YYYY-MM-DD.
type Person struct {
	IIN          string
	Surname      string
	Name         string
	Patronymic   string
	LatinSurname string // of live answers, not in the schema
	LatinName    string
	BirthDate    string
	DeathDate    string
	Documents    []Document // each once, also those that are no longer valid
	Removed      bool       // the record was taken out
	Excluded     bool       // the IIN was struck off
}

// A Document of a person in the register.
type Document struct {
	Type      string // the register's code: 001 passport, 002 ID card, 015 foreign passport
	Series    string
	Number    string
	BeginDate string
}

// Why an IIN in the register must not be used.
const (
	StopRemoved  = "removed"
	StopExcluded = "excluded"
	StopDead     = "dead"
)

// Stop returns why the person's IIN must not be used, or "".
func (p Person) Stop() string {
	switch {
	case p.Removed:
		return StopRemoved
	case p.Excluded:
		return StopExcluded
	case p.DeathDate != "":
		return StopDead
	}
	return ""
}

// FindByIIN returns who has the IIN.
func (a *Adapter) FindByIIN(ctx context.Context, r Request, iin string) (Answer, error) {
	return a.find(ctx, "find-by-iin", r, criteria{{"iin", iin}})
}

// FindByName returns who has exactly the names of p, which must be at least one
// of surname and name, and its birth date. Day and month that are unknown are
// sent as 01 (see payload.WholeDate).
func (a *Adapter) FindByName(ctx context.Context, r Request, p payload.Person) (Answer, error) {
	if strings.TrimSpace(p.Surname) == "" && strings.TrimSpace(p.Name) == "" || p.BirthDate == "" {
		return Answer{}, topics.Fail(topics.Rejected, "criteria", "a search by names needs a birth date and surname or name")
	}
	return a.find(ctx, "find-by-name", r, criteria{
		{"surname", p.Surname}, {"name", p.Name}, {"patronymic", p.Patronymic}, {"birthDate", payload.WholeDate(p.BirthDate)},
	})
}

// FindByDocument returns who has or had a document of this number. The register
// does not search birth certificates; see Searchable.
func (a *Adapter) FindByDocument(ctx context.Context, r Request, number string) (Answer, error) {
	return a.find(ctx, "find-by-document", r, criteria{{"documentNumber", number}})
}

// Searchable says whether the register can search for the document: there is
// one, and it is no birth certificate.
func Searchable(d *payload.Document) bool {
	return d != nil && d.Kind != "birth-certificate" && strings.TrimSpace(d.Number) != ""
}

// find calls once with one group of criteria.
func (a *Adapter) find(ctx context.Context, operation string, r Request, c criteria) (Answer, error) {
	id := messageID(r.MessageID)
	answer, err := a.shep.SendSync(ctx, operation, shep.SyncRequest{
		MessageID:     id,
		CorrelationID: r.Application,
		ServiceID:     a.serviceID,
		Data:          requestData(id, a.senderCode, a.now(), c),
	})
	if err != nil {
		return Answer{}, err
	}
	if answer.Code != shep.StatusOK {
		return Answer{}, topics.Fail(topics.Uncertain, "status", "status code %s", shep.SafeCode(answer.Code))
	}
	return readAnswer(id, answer.Data)
}

// messageID returns id as the register takes it: at most 36 Latin characters.
func messageID(id string) string {
	if id == "" || len(id) > 36 {
		return topics.DeriveID("gbdfl", id)
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return topics.DeriveID("gbdfl", id)
		}
	}
	return id
}
