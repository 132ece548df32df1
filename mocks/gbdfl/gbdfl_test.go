package gbdfl

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kandashub/mocks"
)

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

const messageDate = `<messageDate>2026-04-06T10:15:30.000+05:00</messageDate>`

// search posts one SendMessage whose data element has these attributes and this
// content.
func search(s *mocks.System, attrs, content string) *httptest.ResponseRecorder {
	body := `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header/><soap:Body>` +
		`<t:SendMessage xmlns:t="http://bip.bee.kz/SyncChannel/v10/Types"><request><requestInfo><messageId>m-1</messageId>` +
		`<correlationId>egov-1</correlationId><serviceId>GBDFL_UniversalServiceSync</serviceId>` + messageDate +
		`<sender><senderId>hub</senderId></sender></requestInfo><requestData><data ` + attrs + `>` + content +
		`</data></requestData></request></t:SendMessage></soap:Body></soap:Envelope>`
	r := httptest.NewRequest(http.MethodPost, "/bip-sync-wss-gost/", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header["Soapaction"] = []string{`""`}
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return w
}

const (
	typed = `xmlns:cs="http://message.persistence.interactive.nat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="cs:Request"`
	head  = `<messageId>m-1</messageId>` + messageDate + `<senderCode>HUBTEST</senderCode>`
)

// Only a request to the letter is answered; every other one is a Client fault
// and no effect.
func TestStrictRequests(t *testing.T) {
	long := strings.Repeat("m", 37)
	for _, tc := range []struct {
		name, attrs, content string
		good                 bool
	}{
		{"by iin", typed, head + `<iin>990101100010</iin>`, true},
		{"by one name", typed, head + `<surname>ТЕСТБАЙ</surname><birthDate>1899-01-01</birthDate>`, true},
		{"by document", typed, head + `<documentNumber>E1</documentNumber>`, true},
		{"no type", ``, head + `<iin>990101100010</iin>`, false},
		{"type of another namespace", strings.Replace(typed, "message.", "person.", 1), head + `<iin>990101100010</iin>`, false},
		{"qualified child", typed, head + `<cs:iin>990101100010</cs:iin>`, false},
		{"no criteria", typed, head, false},
		{"two groups", typed, head + `<iin>990101100010</iin><documentNumber>E1</documentNumber>`, false},
		{"names without a birth date", typed, head + `<surname>ТЕСТБАЙ</surname>`, false},
		{"patronymic alone", typed, head + `<patronymic>А</patronymic><birthDate>1899-01-01</birthDate>`, false},
		{"part of a birth date", typed, head + `<surname>ТЕСТБАЙ</surname><birthDate>1899</birthDate>`, false},
		{"wrong order", typed, head + `<name>АЯН</name><surname>ТЕСТБАЙ</surname><birthDate>1899-01-01</birthDate>`, false},
		{"empty part", typed, head + `<surname>ТЕСТБАЙ</surname><name></name><birthDate>1899-01-01</birthDate>`, false},
		{"element twice", typed, head + `<iin>990101100010</iin><iin>990101100010</iin>`, false},
		{"unknown element", typed, head + `<iin>990101100010</iin><more>1</more>`, false},
		{"another messageId than the envelope's", typed, strings.Replace(head, "m-1", "m-2", 1) + `<iin>990101100010</iin>`, false},
		{"messageId too long", typed, strings.Replace(head, "m-1", long, 1) + `<iin>990101100010</iin>`, false},
		{"no senderCode", typed, strings.Replace(head, "<senderCode>HUBTEST</senderCode>", "", 1) + `<iin>990101100010</iin>`, false},
		{"time without offset", typed, strings.Replace(head, "+05:00", "", 1) + `<iin>990101100010</iin>`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := newSystem(t)
			w := search(s, tc.attrs, tc.content)
			if good := w.Code == http.StatusOK; good != tc.good {
				t.Fatalf("status %d, want good %v: %s", w.Code, tc.good, w.Body)
			}
			if !tc.good && !strings.Contains(w.Body.String(), "soap:Client") {
				t.Fatalf("no Client fault: %s", w.Body)
			}
			if want := map[bool]int{true: 1}[tc.good]; len(s.Ledger.Effects()) != want {
				t.Fatalf("%d effects, want %d", len(s.Ledger.Effects()), want)
			}
		})
	}
}

func TestPersonsAreAdded(t *testing.T) {
	s, register := newSystem(t)
	put := func(body string) int {
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_persons", strings.NewReader(body)))
		return w.Code
	}
	if code := put(`[{"iin":"990101100010","name":"Аян","birth_date":"1899-01-01","sex":"male","citizenship":"MNG"}]`); code != http.StatusNoContent {
		t.Fatalf("status %d", code)
	}
	if code := put(`[{"unknown":1}]`); code != http.StatusBadRequest {
		t.Fatalf("an unknown field: status %d", code)
	}
	if len(register.FindByIIN("990101100010")) != 1 {
		t.Fatal("the person is not in the register")
	}
	w := search(s, typed, head+`<name>аян</name><birthDate>1899-01-01</birthDate>`)
	if !strings.Contains(w.Body.String(), "<iin>990101100010</iin>") || !strings.Contains(w.Body.String(), "<requestId>m-1</requestId>") {
		t.Fatalf("answer %s", w.Body)
	}
	e := s.Ledger.Effects()
	if len(e) != 1 || e[0].Application != "egov-1" || e[0].ID != "m-1" || e[0].Detail != fmt.Sprintf("by name: %d found", 1) {
		t.Fatalf("ledger %+v", e)
	}
}
