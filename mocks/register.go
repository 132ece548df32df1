package mocks

import (
	"strings"
	"sync"
	"time"
)

// A Document is one identity document in the register of persons. The register
// keeps documents that are no longer valid, too.
type Document struct {
	Kind      string `json:"kind"` // passport, id-card, birth-certificate, stateless-id, other
	Series    string `json:"series,omitempty"`
	Number    string `json:"number"`
	BeginDate string `json:"begin_date,omitempty"` // YYYY-MM-DD
	EndDate   string `json:"end_date,omitempty"`   // YYYY-MM-DD
	Invalid   bool   `json:"invalid,omitempty"`
}

// A Person is one record of the register of persons. The main names are as
// registered, in Cyrillic, or in Latin for a foreigner entered from the machine
// readable zone of a passport; the Latin ones are only shown, never searched.
type Person struct {
	IIN          string     `json:"iin"`
	Surname      string     `json:"surname,omitempty"`
	Name         string     `json:"name,omitempty"`
	Patronymic   string     `json:"patronymic,omitempty"`
	LatinSurname string     `json:"latin_surname,omitempty"`
	LatinName    string     `json:"latin_name,omitempty"`
	BirthDate    string     `json:"birth_date"`  // YYYY-MM-DD; unknown day and month are 01
	Sex          string     `json:"sex"`         // male or female
	Citizenship  string     `json:"citizenship"` // ISO 3166-1 alpha-3; XXA is stateless
	Documents    []Document `json:"documents,omitempty"`
	Removed      bool       `json:"removed,omitempty"`    // the record was taken out
	Excluded     bool       `json:"excluded,omitempty"`   // the IIN was struck off
	DeathDate    string     `json:"death_date,omitempty"` // YYYY-MM-DD
}

// A Register is the register of persons that the mocks of ГБД ФЛ (which reads
// it) and of ЦС «Миграционная полиция» (which enrols in it) share. It is safe
// for concurrent use.
type Register struct {
	mu      sync.RWMutex
	records []record
	second  int
}

// record is a person with the moment from which searches see it.
type record struct {
	person  Person
	visible time.Time
}

// NewRegister returns an empty register.
func NewRegister() *Register { return &Register{} }

// Add puts persons in that were registered long ago: searches see them at once,
// and they count for no violation.
func (r *Register) Add(persons ...Person) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range persons {
		r.records = append(r.records, record{person: copyPerson(p)})
	}
}

// Enrol puts in a person with a new IIN. Searches see it only after the lag that
// real replication has. It returns whether the same person had an IIN already:
// that is the harm the hub exists to prevent, and SecondIINs counts it.
func (r *Register) Enrol(p Person, lag time.Duration) (second bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range r.records {
		if same(known.person, p) {
			second = true
			r.second++
			break
		}
	}
	r.records = append(r.records, record{copyPerson(p), time.Now().Add(lag)})
	return second
}

// SecondIINs is how many IINs were given to persons who had one.
func (r *Register) SecondIINs() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.second
}

// Has says whether an IIN is given, visible or not.
func (r *Register) Has(iin string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, k := range r.records {
		if k.person.IIN == iin {
			return true
		}
	}
	return false
}

// Update changes the record of an IIN, for example when the person dies, and
// says whether there is one.
func (r *Register) Update(iin string, change func(*Person)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.records {
		if r.records[i].person.IIN == iin {
			change(&r.records[i].person)
			return true
		}
	}
	return false
}

// FindByIIN returns who has the IIN.
func (r *Register) FindByIIN(iin string) []Person {
	return r.find(func(p Person) bool { return p.IIN == iin })
}

// FindByName returns who has exactly these names and this birth date
// (YYYY-MM-DD). A part that is empty means that the person has no such part; it
// is no wildcard (kz.md 2.1). Case is not looked at; every other difference is
// a difference.
func (r *Register) FindByName(surname, name, patronymic, birthDate string) []Person {
	return r.find(func(p Person) bool {
		return p.BirthDate == birthDate && equalNames(p, Person{Surname: surname, Name: name, Patronymic: patronymic})
	})
}

// FindByDocument returns who has or had a document with this number. Birth
// certificates are not searched (kz.md 2.1).
func (r *Register) FindByDocument(number string) []Person {
	return r.find(func(p Person) bool {
		for _, d := range p.Documents {
			if d.Kind != "birth-certificate" && strings.EqualFold(d.Number, number) {
				return true
			}
		}
		return false
	})
}

// find returns the visible persons that match, oldest record first.
func (r *Register) find(match func(Person) bool) []Person {
	now := time.Now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Person
	for _, k := range r.records {
		if !k.visible.After(now) && match(k.person) {
			found = append(found, copyPerson(k.person))
		}
	}
	return found
}

// same says whether two records are about one human being: one document, or
// names, birth date and citizenship alike with no two documents of one kind that
// differ. Twins differ in name or document; namesakes differ in document.
func same(a, b Person) bool {
	if a.Citizenship != b.Citizenship || a.BirthDate != b.BirthDate {
		return false
	}
	differ := false
	for _, x := range a.Documents {
		for _, y := range b.Documents {
			if x.Kind != y.Kind {
				continue
			}
			if strings.EqualFold(x.Series+x.Number, y.Series+y.Number) { // also where the number holds the series
				return true
			}
			differ = true
		}
	}
	return !differ && equalNames(a, b)
}

func equalNames(a, b Person) bool {
	return sameName(a.Surname, b.Surname) && sameName(a.Name, b.Name) && sameName(a.Patronymic, b.Patronymic)
}

// sameName compares as the register does: without regard to case and to spaces
// at the ends.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

func copyPerson(p Person) Person {
	p.Documents = append([]Document(nil), p.Documents...)
	return p
}
