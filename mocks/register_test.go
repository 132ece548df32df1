package mocks

import (
	"testing"
	"testing/synctest"
	"time"
)

var ayan = Person{
	IIN: "990101100010", Surname: "Тестбай", Name: "Аян", BirthDate: "1899-01-01", Sex: "male", Citizenship: "MNG",
	Documents: []Document{{Kind: "passport", Series: "E", Number: "1000001"}},
}

// with returns ayan changed.
func with(change func(*Person)) Person {
	p := copyPerson(ayan)
	change(&p)
	return p
}

func TestRegisterFind(t *testing.T) {
	r := NewRegister()
	oneName := with(func(p *Person) { p.IIN, p.Surname, p.Documents = "990101100020", "", nil })
	r.Add(ayan, oneName)
	for _, tc := range []struct {
		name string
		got  []Person
		iin  string
	}{
		{"by iin", r.FindByIIN("990101100010"), "990101100010"},
		{"by names in capitals", r.FindByName("ТЕСТБАЙ", "АЯН", "", "1899-01-01"), "990101100010"},
		{"a part absent is a part the person has not", r.FindByName("", "Аян", "", "1899-01-01"), "990101100020"},
		{"a patronymic that the person has not", r.FindByName("Тестбай", "Аян", "Ерлан", "1899-01-01"), ""},
		{"another birth date", r.FindByName("Тестбай", "Аян", "", "1899-01-02"), ""},
		{"by document", r.FindByDocument("1000001"), "990101100010"},
		{"unknown document", r.FindByDocument("1000002"), ""},
		{"unknown iin", r.FindByIIN("990101100111"), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.iin == "" {
				if len(tc.got) != 0 {
					t.Fatalf("found %d, want none", len(tc.got))
				}
				return
			}
			if len(tc.got) != 1 || tc.got[0].IIN != tc.iin {
				t.Fatalf("found %v, want %s alone", tc.got, tc.iin)
			}
		})
	}
}

func TestEnrolIsSeenAfterTheLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegister()
		r.Enrol(ayan, time.Second)
		if n := len(r.FindByIIN(ayan.IIN)); n != 0 || !r.Has(ayan.IIN) {
			t.Fatalf("found %d before the lag, has %v", n, r.Has(ayan.IIN))
		}
		time.Sleep(time.Second) // of the bubble's own clock
		if n := len(r.FindByIIN(ayan.IIN)); n != 1 {
			t.Fatalf("found %d after the lag", n)
		}
	})
}

func TestSecondIIN(t *testing.T) {
	for _, tc := range []struct {
		name   string
		other  Person
		second bool
	}{
		{"the same again", ayan, true},
		{"same document, Latin names", with(func(p *Person) { p.Surname, p.Name = "TESTBAI", "AIAN" }), true},
		{"same names, no document", with(func(p *Person) { p.Documents = nil }), true},
		{"same names, document of another kind", with(func(p *Person) { p.Documents[0].Kind = "birth-certificate" }), true},
		{"namesake with another passport", with(func(p *Person) { p.Documents[0].Number = "1000002" }), false},
		{"twin without document", with(func(p *Person) { p.Name, p.Documents = "Баян", nil }), false},
		{"same names, another country", with(func(p *Person) { p.Citizenship = "CHN" }), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := NewRegister()
			r.Add(ayan)
			if got := r.Enrol(tc.other, 0); got != tc.second {
				t.Fatalf("second = %v, want %v", got, tc.second)
			}
			if want := map[bool]int{true: 1}[tc.second]; r.SecondIINs() != want {
				t.Fatalf("counted %d, want %d", r.SecondIINs(), want)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	r := NewRegister()
	r.Add(ayan)
	if !r.Update(ayan.IIN, func(p *Person) { p.DeathDate = "1950-01-01" }) || r.FindByIIN(ayan.IIN)[0].DeathDate == "" {
		t.Fatal("the death is not in the register")
	}
	if r.Update("990101100111", func(*Person) {}) {
		t.Fatal("updated a person who is not there")
	}
}
