// Package migpolice has ЦС «Миграционная полиция» generate an IIN, through
// SHEP's sync channel, for a person whom ГБД ФЛ does not know (Rules 329, p. 10).
//
// Generating is C3: the system does not honour our message id, so every call
// makes a new IIN, and nobody can be asked what became of one but ГБД ФЛ. A call
// whose outcome is unclear is therefore never repeated by machine. What keeps
// two messages from generating for one person are the markers (see Markers).
//
// A refusal is an answer. Beyond SHEP's own faults, all of these are Uncertain,
// since an IIN may have been made: a status code other than SCSS001 (status),
// an answer that is not understood or belongs to another request (unreadable),
// and an IIN that is none, or not this person's by birth date and sex (bad_iin).
//
// The system's message format is not public. Ours is in wire.go alone, so that
// the real one can be dropped in.
package migpolice

import (
	"cmp"
	"context"
	"strings"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/iin"
	"kandashub/topics/payload"
)

// Effect is the effect contract of Generate.
const Effect = topics.C3

// Config says how the system is reached. Only HTTP and Sender have no default.
type Config struct {
	HTTP      adapters.Config
	Sender    shep.Sender
	Path      string           // of SHEP's sync channel; default /bip-sync-wss-gost/
	ServiceID string           // default MIGPOLICE_IIN_GENERATE, ours
	Now       func() time.Time // default time.Now
}

// An Adapter calls the system. It is safe for concurrent use.
type Adapter struct {
	shep      *shep.Client
	serviceID string
}

// New returns an adapter. Nothing is called yet.
func New(cfg Config) (*Adapter, error) {
	client, err := shep.Connect(cfg.HTTP, cmp.Or(cfg.Path, shep.UsualSync), cfg.Sender, cfg.Now)
	if err != nil {
		return nil, err
	}
	return &Adapter{shep: client, serviceID: cmp.Or(cfg.ServiceID, "MIGPOLICE_IIN_GENERATE")}, nil
}

// A Request names one generation.
type Request struct {
	MessageID   string
	Application string // its id: SHEP's correlationId
}

// Generated is the answer: an IIN, or the code of a refusal.
type Generated struct {
	IIN     string
	Refused string // a code of the system; "other" where it is not safe to show
}

// Generate has an IIN made for p. Every call makes another one.
func (a *Adapter) Generate(ctx context.Context, r Request, p payload.Person) (Generated, error) {
	data, err := shep.Encode(namespace, requestOf(r.MessageID, p))
	if err != nil {
		return Generated{}, topics.Fail(topics.Rejected, "internal", "%w", err)
	}
	answer, err := a.shep.SendSync(ctx, "generate-iin", shep.SyncRequest{
		MessageID:     r.MessageID,
		CorrelationID: r.Application,
		ServiceID:     a.serviceID,
		Data:          data,
	})
	if err != nil {
		return Generated{}, err
	}
	if answer.Code != shep.StatusOK {
		return Generated{}, topics.Fail(topics.Uncertain, "status", "status code %s", shep.SafeCode(answer.Code))
	}
	var w wireResponse
	content := shep.Content(answer.Data)
	if content == nil || content.Tag != "generateIinResponse" {
		return Generated{}, topics.Fail(topics.Uncertain, "unreadable", "the answer is no generateIinResponse")
	}
	if err := shep.Decode(content, &w); err != nil {
		return Generated{}, topics.Fail(topics.Uncertain, "unreadable", "%w", err)
	}
	switch {
	case w.RequestID != r.MessageID:
		return Generated{}, topics.Fail(topics.Uncertain, "unreadable", "the answer belongs to another request")
	case (w.IIN == "") == (w.Refusal == nil):
		return Generated{}, topics.Fail(topics.Uncertain, "unreadable", "the answer holds neither or both of iin and refusal")
	case w.Refusal != nil:
		return Generated{Refused: shep.SafeCode(w.Refusal.Code)}, nil
	case !fits(w.IIN, p):
		return Generated{}, topics.Fail(topics.Uncertain, "bad_iin", "the IIN in the answer is none, or not of this birth date and sex")
	}
	return Generated{IIN: w.IIN}, nil
}

// fits says whether s is an IIN that p can have. Of a birth date known in part
// only that part is compared; a seventh digit of 0 says nothing (kz.md 3).
func fits(s string, p payload.Person) bool {
	n, err := iin.Parse(s)
	if err != nil {
		return false
	}
	if n.Century == 0 {
		return true
	}
	return string(n.Sex) == p.Sex && strings.HasPrefix(n.BirthDate.Format(time.DateOnly), p.BirthDate)
}
