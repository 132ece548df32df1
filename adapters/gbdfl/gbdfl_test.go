package gbdfl_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/adapters"
	"kandashub/adapters/gbdfl"
	"kandashub/adapters/shep"
	"kandashub/mocks"
	mock "kandashub/mocks/gbdfl"
	"kandashub/topics"
	"kandashub/topics/payload"
)

func newAdapter(t *testing.T, h http.Handler) *gbdfl.Adapter {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	a, err := gbdfl.New(gbdfl.Config{
		HTTP:       adapters.Config{System: "gbdfl", URL: srv.URL},
		Sender:     shep.Sender{ID: "hub_test", Password: "secret"},
		SenderCode: "HUBTEST",
		Now:        func() time.Time { return time.Date(2026, 4, 6, 5, 15, 30, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var request = gbdfl.Request{MessageID: "1d7c3f0e-0000-4000-8000-000000000001", Application: "egov-1"}

// person is searched in all the tests; record is what the register knows.
var (
	person = payload.Person{
		Surname: "Тестбай", Name: "Аян", BirthDate: "1899-01-01", Sex: "male", Citizenship: "MNG",
		Document: &payload.Document{Kind: "passport", Series: "E", Number: "1000001"},
	}
	record = mocks.Person{
		IIN: "990101100010", Surname: "ТЕСТБАЙ", Name: "АЯН", LatinSurname: "TESTBAI", LatinName: "AIAN",
		BirthDate: "1899-01-01", Sex: "male", Citizenship: "MNG",
		Documents: []mocks.Document{
			{Kind: "passport", Series: "E", Number: "1000001", BeginDate: "1920-05-01"},
			{Kind: "birth-certificate", Number: "77"},
		},
	}
	answer = gbdfl.Person{
		IIN: "990101100010", Surname: "ТЕСТБАЙ", Name: "АЯН", LatinSurname: "TESTBAI", LatinName: "AIAN", BirthDate: "1899-01-01",
		Documents: []gbdfl.Document{{Type: "015", Series: "E", Number: "1000001", BeginDate: "1920-05-01"}, {Number: "77"}},
	}
)

// The mock takes nothing but the public format, so what it answers was sent to
// the letter.
func TestFindAtTheRegister(t *testing.T) {
	env := mocks.Env{Dir: t.TempDir(), Register: mocks.NewRegister()}
	env.Register.Add(record)
	env.Register.Add(mocks.Person{IIN: "990101200017", Name: "Айгүл", BirthDate: "1899-01-01", Sex: "female", Citizenship: "UZB"})
	system, err := mock.New(env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { system.Ledger.Close() })
	a := newAdapter(t, system.Handler)
	ctx := context.Background()
	for _, tc := range []struct {
		name string
		find func() (gbdfl.Answer, error)
		want []string // IINs
	}{
		{"by IIN", func() (gbdfl.Answer, error) { return a.FindByIIN(ctx, request, "990101100010") }, []string{"990101100010"}},
		{"unknown IIN", func() (gbdfl.Answer, error) { return a.FindByIIN(ctx, request, "990101100111") }, nil},
		{"by names", func() (gbdfl.Answer, error) { return a.FindByName(ctx, request, person) }, []string{"990101100010"}},
		{"one name, year of birth only", func() (gbdfl.Answer, error) {
			return a.FindByName(ctx, request, payload.Person{Name: " Айгүл ", BirthDate: "1899"})
		}, []string{"990101200017"}},
		{"by document", func() (gbdfl.Answer, error) { return a.FindByDocument(ctx, request, "1000001") }, []string{"990101100010"}},
		{"an id that is too long, and not Latin", func() (gbdfl.Answer, error) {
			return a.FindByIIN(ctx, gbdfl.Request{MessageID: strings.Repeat("й", 60), Application: "egov-1"}, "990101100010")
		}, []string{"990101100010"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.find()
			if err != nil {
				t.Fatal(err)
			}
			var iins []string
			for _, p := range got.Persons {
				iins = append(iins, p.IIN)
			}
			if !cmp.Equal(iins, tc.want) {
				t.Fatalf("found %v, want %v", iins, tc.want)
			}
		})
	}
	t.Run("what an answer holds", func(t *testing.T) {
		got, err := a.FindByIIN(ctx, request, "990101100010")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]gbdfl.Person{answer}, got.Persons); diff != "" {
			t.Fatal(diff) // the passport comes twice on the wire
		}
	})
	for _, e := range system.Ledger.Effects() {
		if e.Operation != "find" || e.Application != "egov-1" {
			t.Errorf("effect %+v", e)
		}
	}
}

func TestSearchWithoutCriteria(t *testing.T) {
	a := newAdapter(t, http.NotFoundHandler())
	for _, p := range []payload.Person{{BirthDate: "1899-01-01", Patronymic: "Ерланұлы"}, {Surname: "Тестбай"}} {
		_, err := a.FindByName(context.Background(), request, p)
		if f := topics.FailureOf(err); f.Class != topics.Rejected || f.Code != "criteria" {
			t.Errorf("failure %v", f)
		}
	}
}

func TestStop(t *testing.T) {
	for _, tc := range []struct {
		change func(*mocks.Person)
		want   string
	}{
		{func(*mocks.Person) {}, ""},
		{func(p *mocks.Person) { p.Removed = true }, gbdfl.StopRemoved},
		{func(p *mocks.Person) { p.Excluded = true }, gbdfl.StopExcluded},
		{func(p *mocks.Person) { p.DeathDate = "1950-01-01" }, gbdfl.StopDead},
	} {
		env := mocks.Env{Dir: t.TempDir(), Register: mocks.NewRegister()}
		p := record
		tc.change(&p)
		env.Register.Add(p)
		system, err := mock.New(env)
		if err != nil {
			t.Fatal(err)
		}
		got, err := newAdapter(t, system.Handler).FindByIIN(context.Background(), request, p.IIN)
		if err != nil || len(got.Persons) != 1 || got.Persons[0].Stop() != tc.want {
			t.Errorf("want stop %q, got %v, error %v", tc.want, got, err)
		}
		system.Ledger.Close()
	}
}

// envelope puts the content of a data element into a good SHEP answer.
func envelope(code, data string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><t:SendMessageResponse xmlns:t="http://bip.bee.kz/SyncChannel/v10/Types"><response>` +
		`<responseInfo><messageId>r</messageId><responseDate>2026-04-06T10:15:31+05:00</responseDate><status><code>` + code + `</code><message>m</message></status></responseInfo>` +
		`<responseData>` + data + `</responseData></response></t:SendMessageResponse></s:Body></s:Envelope>`
}

// found is the content of a good answer with the given persons.
func found(persons string) string {
	return `<messageId>r</messageId><requestId>` + request.MessageID + `</requestId><messageResult><code>00000</code></messageResult>` + persons
}

const oneRecord = `<persons><person><iin>990101100010</iin><birthDate>1899-01-01+05:00</birthDate><deathDate/><excludeStatus><excludeReason/></excludeStatus><removed>false</removed></person></persons>`

// What is read leniently, and what is never taken for an answer.
func TestAnswers(t *testing.T) {
	bare := gbdfl.Person{IIN: "990101100010", BirthDate: "1899-01-01"}
	for _, tc := range []struct {
		name, body  string
		want        []gbdfl.Person
		class, code string
	}{
		{"empty optionals", envelope("SCSS001", `<data>`+found(oneRecord)+`</data>`), []gbdfl.Person{bare}, "", ""},
		{"other prefixes", envelope("SCSS001", `<data xmlns="urn:x">`+found(oneRecord)+`</data>`), []gbdfl.Person{bare}, "", ""},
		{"a document as a string", envelope("SCSS001", `<data><![CDATA[<?xml version="1.0"?><r:Response xmlns:r="u">`+found(oneRecord)+`</r:Response>]]></data>`), []gbdfl.Person{bare}, "", ""},
		{"no persons: nobody", envelope("SCSS001", `<data>`+found("")+`</data>`), nil, "", ""},
		{"empty persons: nobody", envelope("SCSS001", `<data>`+found("<persons/>")+`</data>`), nil, "", ""},
		{"another status code", envelope("FAILURE", `<data>`+found(oneRecord)+`</data>`), nil, "uncertain", "status"},
		{"another result is not nobody", envelope("SCSS001", `<data>`+strings.Replace(found(""), ">00000<", ">00042<", 1)+`</data>`), nil, "rejected", "result"},
		{"no result", envelope("SCSS001", `<data><requestId>`+request.MessageID+`</requestId></data>`), nil, "uncertain", "unreadable"},
		{"no data", envelope("SCSS001", ""), nil, "uncertain", "unreadable"},
		{"an answer to another request", envelope("SCSS001", `<data>`+strings.Replace(found(oneRecord), "000000000001<", "000000000002<", 1)+`</data>`), nil, "uncertain", "unreadable"},
		{"an IIN that is none", envelope("SCSS001", `<data>`+found(strings.Replace(oneRecord, "990101100010", "990101100011", 1))+`</data>`), nil, "rejected", "bad_iin"},
		{"two IINs in one person", envelope("SCSS001", `<data>`+found(strings.Replace(oneRecord, "<iin>", "<iin>990101100111</iin><iin>", 1))+`</data>`), nil, "uncertain", "unreadable"},
		{"no birth date", envelope("SCSS001", `<data>`+found(strings.Replace(oneRecord, "1899-01-01+05:00", "", 1))+`</data>`), nil, "uncertain", "unreadable"},
		{"removed perhaps", envelope("SCSS001", `<data>`+found(strings.Replace(oneRecord, ">false<", ">maybe<", 1))+`</data>`), nil, "uncertain", "unreadable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAdapter(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tc.body) }))
			got, err := a.FindByIIN(context.Background(), request, "990101100010")
			if tc.class != "" {
				if f := topics.FailureOf(err); err == nil || string(f.Class) != tc.class || f.Code != tc.code {
					t.Fatalf("answer %v, failure %v; want %s %s", got, err, tc.class, tc.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Persons); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestRequestOnTheWire(t *testing.T) {
	var got []byte
	a := newAdapter(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		io.WriteString(w, envelope("SCSS001", `<data>`+found("")+`</data>`))
	}))
	if _, err := a.FindByName(context.Background(), request, person); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/find-by-name.xml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), strings.ReplaceAll(string(got), "><", ">\n<")); diff != "" {
		t.Fatal(diff)
	}
}
