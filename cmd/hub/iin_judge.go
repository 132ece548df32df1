package main

import (
	"slices"
	"strings"
	"unicode"

	"kandashub/adapters/gbdfl"
	"kandashub/topics/payload"
)

// Is the person whom the register returned the one that was meant?

// distinct drops whom two searches found.
func distinct(persons []gbdfl.Person) []gbdfl.Person {
	var out []gbdfl.Person
	for _, p := range persons {
		if !slices.ContainsFunc(out, func(q gbdfl.Person) bool { return q.IIN == p.IIN }) {
			out = append(out, p)
		}
	}
	return out
}

// judge makes a result of whom the register returned, at least one. An IIN is
// used only where one person is returned, who is p by what differs tells, and
// whose record is in force; all else is for an officer. differs returns the
// reason why one person is not surely p, or "".
func judge(p payload.Person, persons []gbdfl.Person, differs func(payload.Person, gbdfl.Person) string) *payload.PersonResult {
	r := &payload.PersonResult{Status: payload.IINAmbiguous, Matches: len(persons)}
	if len(persons) > 1 {
		r.Reason = payload.ReasonSeveral
		return r
	}
	known := persons[0]
	if r.Reason = differs(p, known); r.Reason != "" {
		return r
	}
	if r.Reason = known.Stop(); r.Reason != "" {
		r.Status = payload.IINStopped
		return r
	}
	r.Status, r.IIN = payload.IINFound, known.IIN
	return r
}

// searched judges whom a search by document or by names has found. A document
// of p that the register does not know of this person means a namesake, or a
// renewed passport; a person of whom it knows no document at all contradicts
// nothing. Who has the document and another given name may be a twin, one digit
// away; a surname changes by marriage.
func searched(p payload.Person, known gbdfl.Person) string {
	switch {
	case !bornAlike(p, known):
		return payload.ReasonBirthDiffers
	case p.Document != nil && len(known.Documents) > 0 && !hasDocument(known, *p.Document):
		return payload.ReasonDocumentDiffers
	case otherName(p, known):
		return payload.ReasonNamesDiffer
	}
	return ""
}

// otherName says whether the register has p's given name in the same alphabet,
// and it is another one.
func otherName(p payload.Person, known gbdfl.Person) bool {
	inAlphabet := false
	for _, name := range []string{known.Name, known.LatinName} {
		if alphabet(name) == nil || alphabet(name) != alphabet(p.Name) {
			continue
		}
		if payload.NormalName(name) == payload.NormalName(p.Name) {
			return false
		}
		inAlphabet = true
	}
	return inAlphabet
}

// alphabet is that of a name's first letter; nil for none of the two.
func alphabet(name string) *unicode.RangeTable {
	for _, letter := range name {
		for _, table := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic} {
			if unicode.Is(table, letter) {
				return table
			}
		}
	}
	return nil
}

// stated judges the holder of the IIN that p states: born on the same day, and
// of the same surname and name, in either alphabet, or with the same document.
func stated(p payload.Person, known gbdfl.Person) string {
	switch {
	case !bornAlike(p, known):
		return payload.ReasonBirthDiffers
	case p.Document != nil && hasDocument(known, *p.Document),
		sameNames(p, known.Surname, known.Name), sameNames(p, known.LatinSurname, known.LatinName):
		return ""
	}
	return payload.ReasonNamesDiffer
}

// bornAlike compares what is known of p's birth date.
func bornAlike(p payload.Person, known gbdfl.Person) bool {
	return strings.HasPrefix(known.BirthDate, p.BirthDate)
}

func sameNames(p payload.Person, surname, name string) bool {
	return payload.NormalName(p.Surname) == payload.NormalName(surname) && payload.NormalName(p.Name) == payload.NormalName(name)
}

// spellings are the numbers under which a register may hold d, as stated first:
// without what is no letter or digit, with the series in front, and without a
// series that stands in the number.
func spellings(d payload.Document) []string {
	whole := payload.NormalNumber(d.Series, d.Number)
	out := []string{d.Number}
	for _, s := range []string{payload.NormalNumber("", d.Number), whole, strings.TrimLeftFunc(whole, unicode.IsLetter)} {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// hasDocument says whether d is among the person's documents. A series that one
// side leaves out does not tell them apart.
func hasDocument(known gbdfl.Person, d payload.Document) bool {
	return slices.ContainsFunc(known.Documents, func(k gbdfl.Document) bool {
		if k.Series == "" || d.Series == "" {
			if payload.NormalNumber("", k.Number) == payload.NormalNumber("", d.Number) {
				return true
			}
		}
		return payload.NormalNumber(k.Series, k.Number) == payload.NormalNumber(d.Series, d.Number)
	})
}
