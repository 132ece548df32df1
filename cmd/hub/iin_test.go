package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/adapters/gbdfl"
	"kandashub/adapters/migpolice"
	"kandashub/topics"
	"kandashub/topics/iin"
	"kandashub/topics/payload"
)

var markerKey = bytes.Repeat([]byte("k"), migpolice.MinMarkerKey)

// A register of persons in memory, which keeps the ids of its searches.
type fakeRegister struct {
	persons []gbdfl.Person
	fail    error
	ids     []string
}

func (f *fakeRegister) find(r gbdfl.Request, match func(gbdfl.Person) bool) (gbdfl.Answer, error) {
	f.ids = append(f.ids, r.MessageID)
	var a gbdfl.Answer
	for _, p := range f.persons {
		if match(p) {
			a.Persons = append(a.Persons, p)
		}
	}
	return a, f.fail
}

func (f *fakeRegister) FindByIIN(_ context.Context, r gbdfl.Request, iin string) (gbdfl.Answer, error) {
	return f.find(r, func(p gbdfl.Person) bool { return p.IIN == iin })
}

func (f *fakeRegister) FindByName(_ context.Context, r gbdfl.Request, q payload.Person) (gbdfl.Answer, error) {
	return f.find(r, func(p gbdfl.Person) bool {
		return p.Surname == q.Surname && p.Name == q.Name && p.Patronymic == q.Patronymic && p.BirthDate == payload.WholeDate(q.BirthDate)
	})
}

func (f *fakeRegister) FindByDocument(_ context.Context, r gbdfl.Request, number string) (gbdfl.Answer, error) {
	return f.find(r, func(p gbdfl.Person) bool {
		for _, d := range p.Documents {
			if d.Number == number && d.Type != "" { // birth certificates have none
				return true
			}
		}
		return false
	})
}

// An office that makes the next IIN, or refuses, or fails.
type fakeOffice struct {
	serial  int
	refused string
	fail    error
	made    []gbdfl.Person // whom the register will know
}

func (f *fakeOffice) Generate(_ context.Context, _ migpolice.Request, p payload.Person) (migpolice.Generated, error) {
	if f.fail != nil || f.refused != "" {
		return migpolice.Generated{Refused: f.refused}, f.fail
	}
	birth, err := time.Parse(time.DateOnly, payload.WholeDate(p.BirthDate))
	if err != nil {
		return migpolice.Generated{}, topics.Fail(topics.Rejected, "schema", "birth date")
	}
	for {
		f.serial++
		if s, ok := iin.New(birth, p.Sex == "male", f.serial); ok {
			f.made = append(f.made, known(p, s))
			return migpolice.Generated{IIN: s}, nil
		}
	}
}

// known is p as the register holds it.
func known(p payload.Person, iin string) gbdfl.Person {
	k := gbdfl.Person{IIN: iin, Surname: p.Surname, Name: p.Name, Patronymic: p.Patronymic, BirthDate: payload.WholeDate(p.BirthDate)}
	if d := p.Document; d != nil {
		doc := gbdfl.Document{Type: "015", Series: d.Series, Number: d.Number}
		if d.Kind == "birth-certificate" {
			doc.Type = ""
		}
		k.Documents = []gbdfl.Document{doc}
	}
	return k
}

// someone is a person of the tests, changed.
func someone(ref string, change func(*payload.Person)) payload.Person {
	p := payload.Person{
		Ref: ref, Surname: "Тестбай", Name: "Аян", Patronymic: "Ерланұлы", BirthDate: "1899-01-01", Sex: "male", Citizenship: "MNG",
		Document: &payload.Document{Kind: "passport", Series: "E", Number: "1000001"},
	}
	if change != nil {
		change(&p)
	}
	return p
}

const (
	requestID = "1d7c3f0e-0000-4000-8000-000000000001"
	ayanIIN   = "990101100010"
	otherIIN  = "990101100111"
)

func iinRequestOf(persons ...payload.Person) payload.IINRequest {
	r := payload.IINRequest{ApplicationID: "egov-1", RequestID: requestID}
	for _, p := range persons {
		r.Persons = append(r.Persons, payload.PersonRequest{Person: p})
	}
	return r
}

func iinMessage(t *testing.T, kind, id string, r any) topics.Message {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return topics.Message{ID: id, Type: kind, Source: "kandas", Subject: "egov-1", Data: data, Time: time.Date(2026, 4, 6, 5, 0, 0, 0, time.UTC)}
}

// one returns the request in the only reply, and its topic.
func one(t *testing.T, replies []topics.Reply, err error) (string, payload.IINRequest) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(replies) != 1 {
		t.Fatalf("%d replies, want one", len(replies))
	}
	r, ok := replies[0].Data.(*payload.IINRequest)
	if !ok {
		t.Fatalf("the reply holds a %T", replies[0].Data)
	}
	return replies[0].Topic, *r
}

func TestLookupOfOnePerson(t *testing.T) {
	ayan := known(someone("p0", nil), ayanIIN)
	changed := func(change func(*gbdfl.Person)) gbdfl.Person {
		p := ayan
		change(&p)
		return p
	}
	latin := func(p *payload.Person) { p.Surname, p.Name, p.Patronymic = "TESTBAI", "AIAN", "" }
	for _, tc := range []struct {
		name     string
		person   payload.Person
		register []gbdfl.Person
		want     *payload.PersonResult // nil: to be generated
		searches int
	}{
		{"unknown by document and names", someone("p0", nil), nil, nil, 3},
		{"found", someone("p0", nil), []gbdfl.Person{ayan}, &payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 2},
		{"found by document alone, in another alphabet", someone("p0", latin), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 2},
		{"found by names alone, no document stated", someone("p0", func(p *payload.Person) { p.Document = nil }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 1},
		{"found by names, the register knows no document", someone("p0", nil), []gbdfl.Person{changed(func(p *gbdfl.Person) { p.Documents = nil })},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 3},
		{"a child by names: its birth certificate is not searched", someone("p0", func(p *payload.Person) { p.Document.Kind = "birth-certificate" }),
			[]gbdfl.Person{changed(func(p *gbdfl.Person) { p.Documents = []gbdfl.Document{{Number: "E1000001"}} })},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 1},
		{"the register leaves the series out", someone("p0", nil), []gbdfl.Person{changed(func(p *gbdfl.Person) { p.Documents = []gbdfl.Document{{Type: "015", Number: "1000001"}} })},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 2},
		{"a namesake with another passport", someone("p0", func(p *payload.Person) { p.Document.Number = "1000002" }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "ambiguous", Reason: "document_differs", Matches: 1}, 3},
		{"one number, another series", someone("p0", func(p *payload.Person) { p.Document.Series = "G" }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "ambiguous", Reason: "document_differs", Matches: 1}, 2},
		{"one document, another birth date", someone("p0", func(p *payload.Person) { p.BirthDate = "1898-01-01" }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "ambiguous", Reason: "birth_date_differs", Matches: 1}, 2},
		{"two namesakes", someone("p0", func(p *payload.Person) { p.Document = nil }), []gbdfl.Person{ayan, changed(func(p *gbdfl.Person) { p.IIN = otherIIN })},
			&payload.PersonResult{Status: "ambiguous", Reason: "several", Matches: 2}, 1},
		{"document and names of two persons", someone("p0", nil), []gbdfl.Person{
			changed(func(p *gbdfl.Person) { p.Documents = nil }),
			changed(func(p *gbdfl.Person) { p.IIN, p.Name = otherIIN, "Баян" }),
		}, &payload.PersonResult{Status: "ambiguous", Reason: "several", Matches: 2}, 2},
		{"the passport of a twin", someone("p0", func(p *payload.Person) { p.Name = "Баян" }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "ambiguous", Reason: "names_differ", Matches: 1}, 2},
		{"the passport of a twin, in Latin as the register has it", someone("p0", latin), []gbdfl.Person{changed(func(p *gbdfl.Person) { p.LatinName = "BAIAN" })},
			&payload.PersonResult{Status: "ambiguous", Reason: "names_differ", Matches: 1}, 2},
		{"another surname, by marriage", someone("p0", func(p *payload.Person) { p.Surname = "Үлгібаева" }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 2},
		{"the series stands in the number, the names in Latin", someone("p0", func(p *payload.Person) { latin(p); p.Document.Series, p.Document.Number = "", "e 1000001" }),
			[]gbdfl.Person{ayan}, &payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 4},
		{"the register has the series in the number, and Latin names are stated", someone("p0", latin),
			[]gbdfl.Person{changed(func(p *gbdfl.Person) { p.Documents = []gbdfl.Document{{Type: "015", Number: "E1000001"}} })},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 3},
		{"the number in another spelling, of another series", someone("p0", func(p *payload.Person) { latin(p); p.Document.Series, p.Document.Number = "", "G1000001" }),
			[]gbdfl.Person{ayan}, nil, 3},
		{"removed", someone("p0", nil), []gbdfl.Person{changed(func(p *gbdfl.Person) { p.Removed = true })},
			&payload.PersonResult{Status: "stopped", Reason: "removed", Matches: 1}, 2},
		{"struck off", someone("p0", nil), []gbdfl.Person{changed(func(p *gbdfl.Person) { p.Excluded = true })},
			&payload.PersonResult{Status: "stopped", Reason: "excluded", Matches: 1}, 2},
		{"dead", someone("p0", nil), []gbdfl.Person{changed(func(p *gbdfl.Person) { p.DeathDate = "1950-01-01" })},
			&payload.PersonResult{Status: "stopped", Reason: "dead", Matches: 1}, 2},
		{"one name only", someone("p0", func(p *payload.Person) { p.Surname, p.Patronymic, p.Document = "", "", nil }), []gbdfl.Person{ayan}, nil, 1},
		{"year of birth only", someone("p0", func(p *payload.Person) { p.BirthDate = "1899" }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 2},
		{"a twin", someone("p0", func(p *payload.Person) { p.Name, p.Document.Number = "Баян", "1000002" }), []gbdfl.Person{ayan}, nil, 3},
		{"stated IIN, it is the person", someone("p0", func(p *payload.Person) { p.IIN = ayanIIN }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 1},
		{"stated IIN, names in Latin, another document", someone("p0", func(p *payload.Person) { latin(p); p.IIN, p.Document.Number = ayanIIN, "2" }),
			[]gbdfl.Person{changed(func(p *gbdfl.Person) { p.LatinSurname, p.LatinName = "Testbai", "Aian" })},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 1},
		{"stated IIN of another person", someone("p0", func(p *payload.Person) { p.IIN, p.Surname, p.Document = ayanIIN, "Басқа", nil }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "ambiguous", Reason: "names_differ", Matches: 1}, 1},
		{"stated IIN of a dead person", someone("p0", func(p *payload.Person) { p.IIN = ayanIIN }), []gbdfl.Person{changed(func(p *gbdfl.Person) { p.DeathDate = "1950-01-01" })},
			&payload.PersonResult{Status: "stopped", Reason: "dead", Matches: 1}, 1},
		{"stated IIN unknown, the person known", someone("p0", func(p *payload.Person) { p.IIN = otherIIN }), []gbdfl.Person{ayan},
			&payload.PersonResult{Status: "found", IIN: ayanIIN, Matches: 1}, 3},
		{"stated IIN unknown, the person too", someone("p0", func(p *payload.Person) { p.IIN = otherIIN }), nil,
			&payload.PersonResult{Status: "ambiguous", Reason: "iin_unknown"}, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fakeRegister{persons: tc.register}
			replies, err := lookUp(context.Background(), f, iinMessage(t, payload.TypeIINRequested, requestID, iinRequestOf(tc.person)))
			topic, r := one(t, replies, err)
			if diff := cmp.Diff(tc.want, r.Persons[0].Result); diff != "" {
				t.Fatal(diff)
			}
			want := "iin.results"
			if tc.want == nil {
				want = "migpolice.generations"
			}
			if topic != want {
				t.Fatalf("written to %s, want %s", topic, want)
			}
			seen := map[string]bool{}
			for _, id := range f.ids {
				seen[id] = true
			}
			if len(f.ids) != tc.searches || len(seen) != tc.searches {
				t.Fatalf("%d searches with %d ids, want %d", len(f.ids), len(seen), tc.searches)
			}
		})
	}
}

func TestLookupGoesOnToTheNextPerson(t *testing.T) {
	first, second := someone("p0", nil), someone("p1", func(p *payload.Person) { p.Name, p.Document = "Баян", nil })
	f := &fakeRegister{persons: []gbdfl.Person{known(first, ayanIIN)}}
	ctx := context.Background()

	replies, err := lookUp(ctx, f, iinMessage(t, payload.TypeIINRequested, requestID, iinRequestOf(first, second)))
	topic, r := one(t, replies, err)
	if topic != "gbdfl.lookups" || r.Persons[0].Result == nil || r.Persons[1].Result != nil || replies[0].ID != "" {
		t.Fatalf("to %s: %v", topic, r.Persons)
	}

	f.persons = append(f.persons, known(second, otherIIN))
	replies, err = lookUp(ctx, f, iinMessage(t, payload.TypeIINLookup, "m-2", r))
	topic, r = one(t, replies, err)
	if topic != "iin.results" || r.Unsettled() >= 0 || replies[0].ID != topics.DeriveID(requestID, "iin.results") {
		t.Fatalf("to %s with id %s", topic, replies[0].ID)
	}

	// Settled by iin-generate: nothing is asked, the result has the same id.
	f.ids = nil
	again, err := lookUp(ctx, f, iinMessage(t, payload.TypeIINLookup, "m-3", r))
	if topic, _ := one(t, again, err); topic != "iin.results" || again[0].ID != replies[0].ID || len(f.ids) != 0 {
		t.Fatalf("to %s with id %s after %d searches", topic, again[0].ID, len(f.ids))
	}
}

func TestLookupAfterAnUnclearGeneration(t *testing.T) {
	p := someone("p0", nil)
	r := iinRequestOf(p, someone("p1", func(p *payload.Person) { p.Name = "Баян" }))
	r.Generation = &payload.Generation{Ref: "p0", Since: "2026-04-06T05:00:00Z", MessageID: "m-1"}
	m := iinMessage(t, payload.TypeIINLookup, "m-2", r)

	_, err := lookUp(context.Background(), &fakeRegister{}, m)
	if f := topics.FailureOf(err); err == nil || f.Class != topics.Undecided || f.Code != "iin_not_found_after_generation" {
		t.Fatalf("not found: %v", err)
	}

	replies, err := lookUp(context.Background(), &fakeRegister{persons: []gbdfl.Person{known(p, ayanIIN)}}, m)
	topic, got := one(t, replies, err)
	if topic != "gbdfl.lookups" || got.Generation != nil || got.Persons[0].Result.Status != payload.IINFound || got.Persons[0].Result.IIN != ayanIIN {
		t.Fatalf("found: to %s with %v", topic, got.Persons[0].Result)
	}
}

func TestWhatIsRejected(t *testing.T) {
	wrongRef := iinRequestOf(someone("p0", nil))
	wrongRef.Generation = &payload.Generation{Ref: "p9"}
	for name, m := range map[string]topics.Message{
		"request_id is not ce_id":      iinMessage(t, payload.TypeIINRequested, "another", iinRequestOf(someone("p0", nil))),
		"generation of another person": iinMessage(t, payload.TypeIINLookup, "m-1", wrongRef),
		"not the form":                 iinMessage(t, payload.TypeIINLookup, "m-1", map[string]any{"persons": 1}),
	} {
		_, err := lookUp(context.Background(), &fakeRegister{}, m)
		if f := topics.FailureOf(err); err == nil || f.Class != topics.Rejected || f.Code != "schema" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFailuresPassThrough(t *testing.T) {
	away := topics.Fail(topics.Unavailable, "connect", "refused")
	m := iinMessage(t, payload.TypeIINRequested, requestID, iinRequestOf(someone("p0", nil)))
	if _, err := lookUp(context.Background(), &fakeRegister{fail: away}, m); topics.FailureOf(err) != away {
		t.Errorf("lookup: %v", err)
	}
	if _, err := generate(context.Background(), &fakeOffice{fail: away}, m); topics.FailureOf(err) != away {
		t.Errorf("generate: %v", err)
	}
}

func TestGenerate(t *testing.T) {
	m := iinMessage(t, payload.TypeIINGeneration, "m-1", iinRequestOf(someone("p0", nil)))
	for _, tc := range []struct {
		name   string
		office *fakeOffice
		want   payload.PersonResult
	}{
		{"an IIN", &fakeOffice{}, payload.PersonResult{Status: payload.IINGenerated, IIN: ayanIIN}},
		{"refused", &fakeOffice{refused: "NOT_FOREIGNER"}, payload.PersonResult{Status: payload.IINStopped, Reason: payload.ReasonRefused}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			replies, err := generate(context.Background(), tc.office, m)
			topic, r := one(t, replies, err)
			if diff := cmp.Diff(tc.want, *r.Persons[0].Result); topic != "gbdfl.lookups" || diff != "" {
				t.Fatalf("to %s: %s", topic, diff)
			}
		})
	}
	t.Run("all settled: nothing is called", func(t *testing.T) {
		r := iinRequestOf(someone("p0", nil))
		r.Persons[0].Result = &payload.PersonResult{Status: payload.IINFound, IIN: ayanIIN}
		office := &fakeOffice{}
		replies, err := generate(context.Background(), office, iinMessage(t, payload.TypeIINGeneration, "m-1", r))
		if topic, _ := one(t, replies, err); topic != "gbdfl.lookups" || len(office.made) != 0 {
			t.Fatalf("to %s, %d made", topic, len(office.made))
		}
	})
}

func TestGenerateOperation(t *testing.T) {
	if _, err := generateOperation(&fakeOffice{}, []byte("short"), time.Second); err == nil {
		t.Fatal("a short key of the markers is taken")
	}
	op, err := generateOperation(&fakeOffice{}, markerKey, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	m := iinMessage(t, payload.TypeIINGeneration, "m-1", iinRequestOf(someone("p0", nil)))
	since := time.Date(2026, 4, 6, 10, 0, 0, 0, time.FixedZone("", 5*60*60))

	t.Run("ask hands the question over", func(t *testing.T) {
		replies, arrived, err := op.Ask(context.Background(), m, since)
		topic, r := one(t, replies, err)
		want := payload.Generation{Ref: "p0", Since: "2026-04-06T05:00:00Z", MessageID: "m-1"}
		if diff := cmp.Diff(&want, r.Generation); !arrived || topic != "gbdfl.lookups" || diff != "" {
			t.Fatalf("arrived %v, to %s: %s", arrived, topic, diff)
		}
	})
	t.Run("taken names the holder", func(t *testing.T) {
		replies, err := op.Taken(m, "m-9", since)
		if _, r := one(t, replies, err); r.Generation.MessageID != "m-9" || r.Generation.Ref != "p0" {
			t.Fatalf("generation %v", r.Generation)
		}
	})
	t.Run("what was found out is of the marker that was asked about", func(t *testing.T) {
		marked := since.Add(123 * time.Millisecond)
		replies, err := op.Taken(m, "m-9", marked)
		_, r := one(t, replies, err)
		r.Voided = append(r.Voided, *r.Generation)
		got := op.Voided(iinMessage(t, payload.TypeIINGeneration, "m-2", r))
		if len(got) != 1 || got[0].MessageID != "m-9" || !got[0].Since.Equal(marked) {
			t.Fatalf("void is %v, want m-9 of %s", got, marked)
		}
	})
	t.Run("stale after an hour", func(t *testing.T) {
		if _, stale := op.Stale(m, m.Time.Add(time.Hour), m.Time); stale {
			t.Fatal("stale at one hour")
		}
		replies, stale := op.Stale(m, m.Time.Add(time.Hour+time.Second), time.Time{})
		topic, r := one(t, replies, nil)
		if !stale || topic != "gbdfl.lookups" || r.Generation != nil || r.Unsettled() != 0 {
			t.Fatalf("stale %v, to %s", stale, topic)
		}
	})
	t.Run("stale after a loss of claims", func(t *testing.T) {
		if _, stale := op.Stale(m, m.Time, m.Time.Add(time.Millisecond)); !stale {
			t.Fatal("a lookup from before the loss is not stale")
		}
	})
	t.Run("markers are of the first unsettled person", func(t *testing.T) {
		r := iinRequestOf(someone("p0", nil), someone("p1", func(p *payload.Person) { p.Name, p.Document = "Баян", nil }))
		r.Persons[0].Result = &payload.PersonResult{Status: payload.IINFound, IIN: ayanIIN}
		got, err := op.Markers(iinMessage(t, payload.TypeIINGeneration, "m-1", r))
		if err != nil || !cmp.Equal(got, migpolice.Markers(markerKey, r.Persons[1].Person)) {
			t.Fatalf("markers %v, error %v", got, err)
		}
	})
}

// follow carries a request through both routes until its result.
func follow(t *testing.T, register *fakeRegister, office *fakeOffice, r payload.IINRequest) payload.IINRequest {
	t.Helper()
	m := iinMessage(t, payload.TypeIINRequested, r.RequestID, r)
	topic := "kandas.iin-requests"
	for step := range 100 {
		var replies []topics.Reply
		var err error
		if topic == "migpolice.generations" {
			replies, err = generate(context.Background(), office, m)
			register.persons = append(register.persons, office.made...)
			office.made = nil
		} else {
			replies, err = lookUp(context.Background(), register, m)
		}
		if topic, r = one(t, replies, err); topic == "iin.results" {
			return r
		}
		m = iinMessage(t, replies[0].Type, topics.DeriveID(m.ID, fmt.Sprint(step)), r)
	}
	t.Fatal("no result after 100 messages")
	return r
}

func statuses(r payload.IINRequest) string {
	var out []string
	for _, p := range r.Persons {
		out = append(out, p.Result.Status)
	}
	return strings.Join(out, " ")
}

func TestFamilies(t *testing.T) {
	twelve := make([]payload.Person, 12)
	for i := range twelve {
		twelve[i] = someone(fmt.Sprintf("p%d", i), func(p *payload.Person) {
			p.Name, p.BirthDate = fmt.Sprintf("Аян%d", i), fmt.Sprintf("18%d-02", 70+i)
			p.Document = nil
		})
	}
	t.Run("twelve, every third known", func(t *testing.T) {
		register := &fakeRegister{}
		for i, p := range twelve {
			if i%3 == 0 {
				s, ok := iin.New(time.Date(1870+i, 2, 1, 0, 0, 0, 0, time.UTC), true, 9000)
				if !ok {
					t.Fatal("serial 9000 has no control digit for this birth date")
				}
				register.persons = append(register.persons, known(p, s))
			}
		}
		got := statuses(follow(t, register, &fakeOffice{}, iinRequestOf(twelve...)))
		if want := strings.TrimSpace(strings.Repeat("found generated generated ", 4)); got != want {
			t.Fatalf("got %s", got)
		}
	})
	t.Run("twins get an IIN each", func(t *testing.T) {
		twin := func(ref, name, number string) payload.Person {
			return someone(ref, func(p *payload.Person) { p.Name, p.Document.Number = name, number })
		}
		r := follow(t, &fakeRegister{}, &fakeOffice{}, iinRequestOf(twin("p0", "Хасан", "1000001"), twin("p1", "Хусан", "1000002")))
		if statuses(r) != "generated generated" || r.Persons[0].Result.IIN == r.Persons[1].Result.IIN {
			t.Fatalf("got %s", statuses(r))
		}
	})
	t.Run("a child of both parents, one after the other", func(t *testing.T) {
		child := someone("p1", func(p *payload.Person) { p.Document.Kind = "birth-certificate" })
		parent := func(name string) payload.Person {
			return someone("p0", func(p *payload.Person) { p.Name, p.Document = name, nil })
		}
		register, office := &fakeRegister{}, &fakeOffice{}
		first := follow(t, register, office, iinRequestOf(parent("Әке"), child))
		second := follow(t, register, office, iinRequestOf(parent("Ана"), child))
		if statuses(first) != "generated generated" || statuses(second) != "generated found" ||
			first.Persons[1].Result.IIN != second.Persons[1].Result.IIN {
			t.Fatalf("got %s, then %s", statuses(first), statuses(second))
		}
	})
	t.Run("one-name persons", func(t *testing.T) {
		alone := func(ref, surname, name string) payload.Person {
			return someone(ref, func(p *payload.Person) {
				p.Surname, p.Name, p.Patronymic, p.Document = surname, name, "", nil
			})
		}
		r := follow(t, &fakeRegister{}, &fakeOffice{}, iinRequestOf(alone("p0", "Тестбай", ""), alone("p1", "", "Тестбай")))
		if statuses(r) != "generated generated" {
			t.Fatalf("got %s", statuses(r))
		}
	})
	t.Run("the same person twice in one request", func(t *testing.T) {
		r := follow(t, &fakeRegister{}, &fakeOffice{}, iinRequestOf(someone("p0", nil), someone("p1", nil)))
		if statuses(r) != "generated found" || r.Persons[0].Result.IIN != r.Persons[1].Result.IIN {
			t.Fatalf("got %s", statuses(r))
		}
	})
}
