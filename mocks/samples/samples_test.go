package samples

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const testRun = "mabcdef01"

func all(t *testing.T) []Flow {
	t.Helper()
	flows := Flows(testRun, 1)
	if len(flows) < 25 {
		t.Fatalf("%d flows, want all of them", len(flows))
	}
	return flows
}

func persons(flows []Flow) []Person {
	var list []Person
	for _, f := range flows {
		for _, a := range f.Applications {
			list = append(append(list, a.Applicant.Person), a.Family...)
		}
	}
	return list
}

func TestFlowsAreWellFormed(t *testing.T) {
	names, ids := map[string]bool{}, map[string]bool{}
	valid := regexp.MustCompile(`^(migration|egov|statecorp)-` + testRun + `-[a-z0-9-]+$`)
	for _, f := range all(t) {
		if f.Name == "" || f.About == "" || names[f.Name] {
			t.Errorf("flow %q has no name of its own or says nothing about itself", f.Name)
		}
		names[f.Name] = true
		ours := map[string]bool{}
		for _, a := range f.Applications {
			if !valid.MatchString(a.ApplicationID) || len(a.ApplicationID) > 40 || ids[a.ApplicationID] {
				t.Errorf("%s: application id %q", f.Name, a.ApplicationID)
			}
			ids[a.ApplicationID], ours[a.ApplicationID] = true, true
		}
		filed := 0
		for _, s := range f.Steps {
			if s.Path == "/_file" {
				filed++
			}
		}
		if filed != len(f.Applications) || filed == 0 {
			t.Errorf("%s files %d of %d applications", f.Name, filed, len(f.Applications))
		}
		for _, x := range f.Expected {
			if x.System == "" || x.Operation == "" || x.Count < 0 || len(x.Applications) == 0 {
				t.Errorf("%s expects %+v", f.Name, x)
			}
			for _, a := range x.Applications {
				if !ours[a] {
					t.Errorf("%s expects something of another flow's application %s", f.Name, a)
				}
			}
		}
	}
}

func TestPeopleAreInvented(t *testing.T) {
	for _, p := range persons(all(t)) {
		born, err := time.Parse(day, fullDate(p.BirthDate))
		if err != nil || born.Year() < 1850 || born.Year() > 1899 {
			t.Errorf("born %s", p.BirthDate)
		}
		if p.Surname+p.Name == "" {
			t.Error("a person without any name")
		}
	}
}

func TestRegisterIsConsistent(t *testing.T) {
	iins := map[string]bool{}
	for _, f := range all(t) {
		for _, p := range f.Persons {
			if iins[p.IIN] {
				t.Errorf("%s: IIN given twice", f.Name)
			}
			iins[p.IIN] = true
			digit, ok := checkDigit(p.IIN[:11])
			if !ok || p.IIN[11] != digit {
				t.Errorf("%s: check digit", f.Name)
			}
			if b := p.BirthDate; p.IIN[:6] != b[2:4]+b[5:7]+b[8:] {
				t.Errorf("%s: IIN and birth date differ", f.Name)
			}
			if want := map[string]byte{"male": '1', "female": '2'}[p.Sex]; p.IIN[6] != want {
				t.Errorf("%s: IIN and sex differ", f.Name)
			}
		}
	}
}

// kz.md 3 has these.
func TestCheckDigit(t *testing.T) {
	for _, good := range []string{"990101100010", "990101100111", "990101200017", "990101200804", "040229100109", "040229100014"} {
		if d, ok := checkDigit(good[:11]); !ok || d != good[11] {
			t.Errorf("%s: digit %c, %v", good, d, ok)
		}
	}
	for _, none := range []string{"99010110010", "99010120083"} {
		if _, ok := checkDigit(none); ok {
			t.Errorf("%s has no valid check digit", none)
		}
	}
}

// Everyone of domain.md 3.5 whom the form alone shows.
func TestHardPeopleAreThere(t *testing.T) {
	everyone := persons(all(t))
	letters := ""
	for _, p := range everyone {
		letters += strings.ToLower(p.Surname + p.Name + p.Patronymic)
	}
	for _, r := range "әғқңөұүһі'’-" {
		if !strings.ContainsRune(letters, r) {
			t.Errorf("no name with %c", r)
		}
	}
	has := func(what string, is func(Person) bool) {
		if !slices.ContainsFunc(everyone, is) {
			t.Errorf("nobody %s", what)
		}
	}
	has("without a patronymic", func(p Person) bool { return p.Surname != "" && p.Name != "" && p.Patronymic == "" })
	has("with one name only", func(p Person) bool { return p.Surname == "" && p.Patronymic == "" })
	has("in Latin", func(p Person) bool { return regexp.MustCompile(`^[A-Z]+$`).MatchString(p.Surname) })
	has("born on 29 February", func(p Person) bool { return strings.HasSuffix(p.BirthDate, "-02-29") })
	has("with an unknown day", func(p Person) bool { return len(p.BirthDate) == len("1871-05") })
	has("with unknown day and month", func(p Person) bool { return len(p.BirthDate) == len("1868") })
	for _, c := range []string{"MNG", "CHN", "UZB", "TUR", "IRN", "XXA"} {
		has("of "+c, func(p Person) bool { return p.Citizenship == c })
	}
	twins, twelve := false, false
	for _, f := range all(t) {
		for _, a := range f.Applications {
			twelve = twelve || len(a.Family) == 11
			for i, p := range a.Family {
				for _, q := range a.Family[:i] {
					twins = twins || p.Surname == q.Surname && p.Patronymic == q.Patronymic && p.BirthDate == q.BirthDate &&
						p.Name != q.Name && p.Document.Series == q.Document.Series && p.Document.Number != q.Document.Number
				}
			}
		}
	}
	if !twins || !twelve {
		t.Errorf("twins: %v, family of twelve: %v", twins, twelve)
	}
}

func TestSameSeedSamePeople(t *testing.T) {
	times := cmpopts.IgnoreFields(Application{}, "FiledAt", "Consent")
	if d := cmp.Diff(Flows(testRun, 7), Flows(testRun, 7), times); d != "" {
		t.Errorf("the same run and seed differ:\n%s", d)
	}
	// A person is known by name and birth date, or by document.
	known := map[string]bool{}
	for _, p := range persons(Flows(testRun, 7)) {
		known[p.Surname+"|"+p.Name+"|"+p.Patronymic+"|"+p.BirthDate] = true
		if p.Document != nil {
			known[p.Document.Number] = true
		}
	}
	for _, p := range persons(Flows("mabcdef02", 7)) {
		if known[p.Surname+"|"+p.Name+"|"+p.Patronymic+"|"+p.BirthDate] || p.Document != nil && known[p.Document.Number] {
			t.Error("a later run names a person of an earlier one")
		}
	}
}

func TestPersonalValues(t *testing.T) {
	flows := all(t)
	values := PersonalValues(flows...)
	for _, p := range persons(flows) {
		for _, v := range []string{p.Surname, p.Name, p.Patronymic, p.IIN} {
			if v != "" && !slices.Contains(values, v) {
				t.Errorf("a name or IIN of %s is missing", p.Ref)
			}
		}
	}
	for _, v := range values {
		// Shorter ones would be found in any log by chance.
		if len([]rune(v)) < 4 {
			t.Errorf("%q is too short to be searched for", v)
		}
	}
	if len(PersonalValues()) < len(flows) {
		t.Error("no values without flows")
	}
}

func TestStepsAreJSON(t *testing.T) {
	for _, f := range all(t) {
		for _, s := range f.Steps {
			if b, err := json.Marshal(s.Body); err != nil || len(b) < 2 {
				t.Errorf("%s %s: %v", f.Name, s.Path, err)
			}
		}
	}
}
