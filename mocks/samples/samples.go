// Package samples is what the world is tried with: flows, each a short story
// about one or more applications from filing to certificate, with the people
// in it, what the register of persons knows of them beforehand, and the effects
// that must be seen at each system when the story is through.
//
// The people are invented and were born 1850 to 1899, so that no name, IIN or
// document is a living person's. Everyone who is hard for software is among
// them: twins, people with one name, families of twelve, the same person in two
// alphabets. Forms are complete (Rules 329, annex 1).
//
// Flows returns all stories; a Flow's Steps are calls at the mock systems'
// driver endpoints; a Flow's Expected effects are compared with their ledgers.
package samples

import (
	"net/http"

	"kandashub/mocks"
)

// A Flow is one story.
type Flow struct {
	Name  string // short and unique, for example iin-found
	About string // one line for a reader

	// Alone is set where a fault is switched on that would strike whoever
	// comes first: such a flow is started before the others, and the next one
	// waits until its faults have struck.
	Alone bool

	Persons      []mocks.Person // in the register before the story begins
	Applications []*Application // all that are filed
	Steps        []Step         // in order
	Expected     []Expected
}

// A Step is one call at a mock system's driver endpoint.
type Step struct {
	System string
	Method string
	Path   string
	Body   any // as JSON

	// After, where set, is what must have been seen before this step.
	After *Expected
}

// Expected is an effect that must be seen at a system exactly Count times, over
// all of Applications together. A Count of zero says that it must never happen.
type Expected struct {
	System       string   `json:"system"`
	Operation    string   `json:"operation"`
	Applications []string `json:"applications"`
	Detail       string   `json:"detail,omitempty"` // words that its detail contains; empty: any
	Count        int      `json:"count"`
}

// The dead letters of the hub count as effects of a system of this name, with
// the route as operation: whoever runs the flows reads them from the topics.
const Hub = "hub"

// file files an application where it says it was filed.
func (f *Flow) file(channel string, a *Application) {
	f.Applications = append(f.Applications, a)
	f.Steps = append(f.Steps, Step{System: channel, Method: http.MethodPost, Path: "/_file", Body: a})
}

// script tells the commission and the МИО, inside kandas, how they will act.
func (f *Flow) script(a *Application, s Script) {
	f.Steps = append(f.Steps, Step{System: "kandas", Method: http.MethodPut, Path: "/_scripts/" + a.ApplicationID, Body: s})
}

// fault switches faults on at a system.
func (f *Flow) fault(system string, faults ...mocks.Fault) {
	f.Alone = true
	f.Steps = append(f.Steps, Step{System: system, Method: http.MethodPut, Path: "/_faults", Body: faults})
}

// expect adds an effect that each of the applications must see count times.
func (f *Flow) expect(system, operation, detail string, count int, applications ...*Application) {
	for _, a := range applications {
		f.Expected = append(f.Expected, Expected{
			System: system, Operation: operation, Applications: []string{a.ApplicationID}, Detail: detail, Count: count,
		})
	}
}

// expectAmong adds an effect that the applications together must see count
// times.
func (f *Flow) expectAmong(system, operation string, count int, applications ...*Application) {
	e := Expected{System: system, Operation: operation, Count: count}
	for _, a := range applications {
		e.Applications = append(e.Applications, a.ApplicationID)
	}
	f.Expected = append(f.Expected, e)
}

// PersonalValues returns every name, IIN, document number, phone, address and
// e-mail of the flows, of Flows("sample", 1) where none are given. Nothing of
// it may ever be seen in a log line, a metric or an error.
func PersonalValues(flows ...Flow) []string {
	if len(flows) == 0 {
		flows = Flows("sample", 1)
	}
	v := values{}
	for _, f := range flows {
		for _, p := range f.Persons {
			v.add(p.IIN, p.Surname, p.Name, p.Patronymic, p.LatinSurname, p.LatinName)
			for _, d := range p.Documents {
				v.add(d.Number)
			}
		}
		for _, a := range f.Applications {
			v.application(a)
		}
	}
	return v.list
}

// values is a list without repetition.
type values struct {
	list []string
	seen map[string]bool
}

func (v *values) add(all ...string) {
	if v.seen == nil {
		v.seen = map[string]bool{}
	}
	for _, s := range all {
		if s != "" && !v.seen[s] {
			v.seen[s] = true
			v.list = append(v.list, s)
		}
	}
}

func (v *values) application(a *Application) {
	for _, p := range append([]Person{a.Applicant.Person}, a.Family...) {
		v.add(p.IIN, p.Surname, p.Name, p.Patronymic)
		if p.Document != nil {
			v.add(p.Document.Number)
		}
	}
	v.add(a.Applicant.Address)
	v.contacts(a.Applicant.Contacts)
	if r := a.Purpose.Family; r != nil {
		v.add(r.IIN, r.FullName, r.IDNumber, r.Address)
		v.contacts(r.Contacts)
	}
	if e := a.Purpose.Employer; e != nil {
		v.add(e.Representative, e.Address)
		v.contacts(e.Contacts)
	}
}

func (v *values) contacts(c Contacts) { v.add(c.Phone, c.Email) }
