package migpolice

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kandashub/mocks"
)

// The control digits against kz.md 3.
func TestMakeIIN(t *testing.T) {
	for _, tc := range []struct {
		date, sex string
		serial    int
		want      string
	}{
		{"1899-01-01", "male", 1, "990101100010"},
		{"1899-01-01", "male", 11, "990101100111"}, // second row of weights
		{"1899-01-01", "male", 10, ""},             // no control digit
		{"1899-01-01", "female", 1, "990101200017"},
		{"1899-01-01", "female", 80, "990101200804"},
		{"1899-01-01", "female", 83, ""},
		{"1804-02-29", "male", 10, "040229100109"},
		{"1804-02-29", "male", 1, "040229100014"},
		{"1799-01-01", "male", 1, ""},
		{"1899-01-01", "male", 10_000, ""},
		{"1899", "male", 1, ""},
	} {
		got, ok := makeIIN(tc.date, tc.sex, tc.serial)
		if got != tc.want || ok != (tc.want != "") {
			t.Errorf("makeIIN(%s, %s, %d) = %q, %v; want %q", tc.date, tc.sex, tc.serial, got, ok, tc.want)
		}
	}
}

func newSystem(t *testing.T) (*mocks.System, *mocks.Register) {
	t.Helper()
	register := mocks.NewRegister()
	s, err := New(mocks.Env{Dir: t.TempDir(), Register: register})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Ledger.Close() })
	return s, register
}

// sendMessage is one SendMessage with this content of data.
func sendMessage(url, content string) *http.Request {
	body := `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<t:SendMessage xmlns:t="http://bip.bee.kz/SyncChannel/v10/Types"><request><requestInfo><messageId>m-1</messageId>` +
		`<correlationId>egov-1</correlationId><serviceId>MIGPOLICE_IIN_GENERATE</serviceId><messageDate>2026-04-06T10:15:30+05:00</messageDate>` +
		`<sender><senderId>hub</senderId></sender></requestInfo><requestData><data>` + content +
		`</data></requestData></request></t:SendMessage></soap:Body></soap:Envelope>`
	r := httptest.NewRequest(http.MethodPost, url+"/bip-sync-wss-gost/", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", `""`)
	return r
}

func post(s *mocks.System, content string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, sendMessage("", content))
	return w
}

func form(inner string) string {
	return `<k:generateIin xmlns:k="urn:kandashub:migpolice:iin:v1"><requestId>m-1</requestId><person>` + inner + `</person></k:generateIin>`
}

const ayan = `<surname>Тестбай</surname><name>Аян</name><birthDate>1899-01-01</birthDate><sex>male</sex><citizenship>MNG</citizenship>`

func TestStrictRequests(t *testing.T) {
	for _, tc := range []struct {
		name, content string
		good          bool
	}{
		{"least", form(ayan), true},
		{"with document", form(ayan + `<document><kind>passport</kind><number>1</number></document>`), true},
		{"year of birth only", form(strings.Replace(ayan, "1899-01-01", "1899", 1)), true},
		{"nothing", ``, false},
		{"root in another namespace", strings.Replace(form(ayan), ":iin:v1", ":iin:v2", 1), false},
		{"qualified child", form(strings.ReplaceAll(ayan, "sex>", "k:sex>")), false},
		{"wrong order", form(`<name>Аян</name><surname>Т</surname><birthDate>1899-01-01</birthDate><sex>male</sex><citizenship>MNG</citizenship>`), false},
		{"no name", form(`<birthDate>1899-01-01</birthDate><sex>male</sex><citizenship>MNG</citizenship>`), false},
		{"unknown sex", form(strings.Replace(ayan, ">male<", ">other<", 1)), false},
		{"document without number", form(ayan + `<document><kind>passport</kind></document>`), false},
		{"empty element", form(ayan + `<nationality></nationality>`), false},
		{"another requestId than the envelope's", strings.Replace(form(ayan), "m-1", "m-2", 1), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := newSystem(t)
			w := post(s, tc.content)
			if good := w.Code == http.StatusOK; good != tc.good {
				t.Fatalf("status %d, want good %v: %s", w.Code, tc.good, w.Body)
			}
			if want := map[bool]int{true: 1}[tc.good]; len(s.Ledger.Effects()) != want {
				t.Fatalf("%d effects, want %d", len(s.Ledger.Effects()), want)
			}
		})
	}
}

func TestARepeatIsAViolation(t *testing.T) {
	s, register := newSystem(t)
	post(s, form(ayan))
	post(s, form(ayan))
	var got []string
	for _, e := range s.Ledger.Effects() {
		got = append(got, e.Operation)
	}
	if strings.Join(got, " ") != "generate generate violation" || register.SecondIINs() != 1 {
		t.Fatalf("ledger %v, second IINs %d", got, register.SecondIINs())
	}
}

// Who asks in person is told which IIN a message has led to.
func TestGeneratedFor(t *testing.T) {
	s, register := newSystem(t)
	ask := func(id string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_generated/"+id, nil))
		return w
	}
	if w := ask("m-1"); w.Code != http.StatusNotFound {
		t.Fatalf("before: status %d", w.Code)
	}
	post(s, form(ayan))
	var made struct{ IIN string }
	if w := ask("m-1"); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &made) != nil || !register.Has(made.IIN) {
		t.Errorf("after: status %d, %s", w.Code, w.Body)
	}
	if w := ask("m-2"); w.Code != http.StatusNotFound {
		t.Errorf("of another message: status %d", w.Code)
	}
}

// An unclear outcome: after the effect it is in the register, before it is not.
func TestUnclearOutcomes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault mocks.Fault
		known int
	}{
		{"reset after the effect", mocks.Fault{Operation: "generate", Reset: true}, 1},
		{"lost before the effect", mocks.Fault{Operation: "generate", HangBeforeMS: 1, Reset: true}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, register := newSystem(t)
			lag := httptest.NewRecorder()
			s.Handler.ServeHTTP(lag, httptest.NewRequest(http.MethodPut, "/_lag", strings.NewReader(`{"ms":0}`)))
			if lag.Code != http.StatusNoContent {
				t.Fatalf("lag: status %d", lag.Code)
			}
			s.Faults.Set(tc.fault)
			srv := httptest.NewServer(s.Handler)
			defer srv.Close()
			if resp, err := http.DefaultTransport.RoundTrip(sendMessage(srv.URL, form(ayan))); err == nil {
				resp.Body.Close()
				t.Fatalf("an answer came: status %d", resp.StatusCode)
			}
			if n := len(register.FindByName("Тестбай", "Аян", "", "1899-01-01")); n != tc.known {
				t.Fatalf("the register knows %d, want %d", n, tc.known)
			}
		})
	}
}
