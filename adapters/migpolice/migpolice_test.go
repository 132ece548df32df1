package migpolice_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/migpolice"
	"kandashub/adapters/shep"
	"kandashub/mocks"
	mock "kandashub/mocks/migpolice"
	"kandashub/topics"
	"kandashub/topics/iin"
	"kandashub/topics/payload"
)

func newAdapter(t *testing.T, h http.Handler) *migpolice.Adapter {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	a, err := migpolice.New(migpolice.Config{
		HTTP:   adapters.Config{System: "migpolice", URL: srv.URL},
		Sender: shep.Sender{ID: "hub_test", Password: "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var (
	request = migpolice.Request{MessageID: "m-1", Application: "egov-1"}
	person  = payload.Person{
		Surname: "Тестбай", Name: "Аян", BirthDate: "1899-01-01", Sex: "male", Citizenship: "MNG", Nationality: "казах",
		Document: &payload.Document{Kind: "passport", Series: "E", Number: "1000001", IssuedBy: "орган", IssuedOn: "1920-05-01", ExpiresOn: "1930-05-01"},
	}
)

// The mock takes nothing but the contract, and makes an IIN for each call.
func TestGenerate(t *testing.T) {
	env := mocks.Env{Dir: t.TempDir(), Register: mocks.NewRegister()}
	system, err := mock.New(env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { system.Ledger.Close() })
	a := newAdapter(t, system.Handler)
	for _, tc := range []struct {
		name    string
		change  func(*payload.Person)
		refused string
	}{
		{"whole", func(*payload.Person) {}, ""},
		{"one name, no document", func(p *payload.Person) { p.Surname, p.Document = "", nil }, ""},
		{"born on 29 February", func(p *payload.Person) { p.Name, p.BirthDate, p.Document = "Б", "1896-02-29", nil }, ""},
		{"year of birth only", func(p *payload.Person) { p.Name, p.BirthDate, p.Document = "В", "1850", nil }, ""},
		{"a woman", func(p *payload.Person) { p.Name, p.Sex, p.Document = "Г", "female", nil }, ""},
		{"a citizen", func(p *payload.Person) { p.Citizenship = "KAZ" }, "NOT_FOREIGNER"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := person
			tc.change(&p)
			got, err := a.Generate(context.Background(), request, p)
			if err != nil || got.Refused != tc.refused {
				t.Fatalf("refused %q, error %v", got.Refused, err)
			}
			if tc.refused == "" && (iin.Check(got.IIN) != nil || !env.Register.Has(got.IIN)) {
				t.Fatal("what was made is no IIN, or not in the register")
			}
		})
	}
	if n := env.Register.SecondIINs(); n != 0 {
		t.Fatalf("%d persons got a second IIN", n)
	}
	if _, err := a.Generate(context.Background(), request, person); err != nil || env.Register.SecondIINs() != 1 {
		t.Fatalf("a repeat makes a second IIN; error %v, counted %d", err, env.Register.SecondIINs())
	}
}

func envelope(code, content string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><t:SendMessageResponse xmlns:t="http://bip.bee.kz/SyncChannel/v10/Types"><response>` +
		`<responseInfo><messageId>r</messageId><responseDate>2026-04-06T10:15:31+05:00</responseDate><status><code>` + code + `</code><message>m</message></status></responseInfo>` +
		`<responseData><data>` + content + `</data></responseData></response></t:SendMessageResponse></s:Body></s:Envelope>`
}

func answered(inner string) string {
	return `<k:generateIinResponse xmlns:k="urn:kandashub:migpolice:iin:v1"><requestId>m-1</requestId>` + inner + `</k:generateIinResponse>`
}

// What is not a clear answer may have made an IIN.
func TestUnclearAnswers(t *testing.T) {
	for _, tc := range []struct{ name, body, code string }{
		{"status code", envelope("FAILURE", answered("<iin>990101100010</iin>")), "status"},
		{"nothing", envelope("SCSS001", ""), "unreadable"},
		{"another element", envelope("SCSS001", "<ok/>"), "unreadable"},
		{"neither", envelope("SCSS001", answered("")), "unreadable"},
		{"both", envelope("SCSS001", answered("<iin>990101100010</iin><refusal><code>X</code></refusal>")), "unreadable"},
		{"two IINs", envelope("SCSS001", answered("<iin>990101100010</iin><iin>990101100111</iin>")), "unreadable"},
		{"of another request", envelope("SCSS001", strings.Replace(answered("<iin>990101100010</iin>"), "m-1", "m-2", 1)), "unreadable"},
		{"wrong control digit", envelope("SCSS001", answered("<iin>990101100011</iin>")), "bad_iin"},
		{"of another sex", envelope("SCSS001", answered("<iin>990101200017</iin>")), "bad_iin"},
		{"of another birth date", envelope("SCSS001", answered("<iin>040229100109</iin>")), "bad_iin"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAdapter(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tc.body) }))
			got, err := a.Generate(context.Background(), request, person)
			if f := topics.FailureOf(err); err == nil || f.Class != topics.Uncertain || f.Code != tc.code {
				t.Fatalf("answer %+v, failure %v; want uncertain %s", got, err, tc.code)
			}
		})
	}
}

func TestRefusalCodeIsSafe(t *testing.T) {
	for code, want := range map[string]string{"NOT_FOREIGNER": "NOT_FOREIGNER", "990101100010": "other"} {
		a := newAdapter(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, envelope("SCSS001", answered("<refusal><code>"+code+"</code><text>Тестбай</text></refusal>")))
		}))
		if got, err := a.Generate(context.Background(), request, person); err != nil || got.Refused != want {
			t.Errorf("refused %q, error %v; want %q", got.Refused, err, want)
		}
	}
}
