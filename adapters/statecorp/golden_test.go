package statecorp_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/shep"
	"kandashub/adapters/statecorp"
	"kandashub/topics/payload"
)

// golden are notices that fill every element of the three forms at least once.
func golden() []payload.Notification {
	certificate := payload.Certificate{
		Number: "C-1", MIO: "МИО", FullName: "О'Қасым-ұлы Ә.", Sex: "male", BirthPlace: "Өлгий & <1>", BirthDate: "1896-02-29", Citizenship: "MNG",
		IIN: "990101100010", ValidFrom: "2026-04-10", ValidTo: "2027-04-10", AssignedOn: "2026-04-10", RequestID: "q-1",
	}
	family := certificate
	family.Minors = []payload.Minor{{FullName: "Ән", BirthDate: "1899-05", IIN: "990101100010"}, {FullName: "Гүл", BirthDate: "1899"}}
	first := certificate
	first.RequestID = ""
	all := []payload.Notification{
		notification("registered", func(e *payload.Event) {
			e.Registration = &payload.Registration{Number: "K-1", Date: "2026-04-06"}
		}),
		notification("package-refused", func(e *payload.Event) {
			e.PackageRefusal = &payload.PackageRefusal{Number: "R-1", Date: "2026-04-06", Documents: []string{"passport", ""}}
		}),
		notification("recommended", func(e *payload.Event) {
			e.Text, e.Recommendation = payload.Text{}, &payload.Recommendation{Result: "assign", Protocol: "P-1", Date: "2026-04-07"}
		}),
		notification("hearing-set", func(e *payload.Event) {
			e.Hearing = &payload.Hearing{Place: "Астана", Grounds: []string{"3", "19-1"}, At: "2026-04-08T09:00:00+05:00"}
		}),
		notification("decided", decision("refuse")),
		notification("decided", decision("extend")),
		notification("decided", decision("refuse-extension")),
		notification("decided", func(e *payload.Event) {
			e.Decision = &payload.Decision{Result: "extend", Grounds: []string{"3"}, Until: "2027-04-09", IIN: "990101100010"}
		}),
		notification("certificate-issued", func(e *payload.Event) { e.Certificate = &first }),
		notification("certificate-issued", func(e *payload.Event) { e.Certificate = &certificate }),
		notification("certificate-issued", func(e *payload.Event) { e.Certificate = &family }),
	}
	for i := range all {
		all[i].Event.Signature = &payload.Signature{Format: "cms", Value: "QkJC\r\n", Data: "QkJC"}
	}
	all[0].Event.Signature, all[1].Event.Signature = nil, &payload.Signature{}
	return all
}

// What goes out is the same to the byte, one notice in a line.
func TestNoticesAreWrittenSo(t *testing.T) {
	var got bytes.Buffer
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(&got, r.Body) //nolint:errcheck
		got.WriteByte('\n')
		io.WriteString(w, `<Envelope><Body><sendMessageResponse><response/></sendMessageResponse></Body></Envelope>`) //nolint:errcheck
	}))
	defer srv.Close()
	a, err := statecorp.New(statecorp.Config{
		HTTP: adapters.Config{URL: srv.URL}, Sender: shep.Sender{ID: "hub", Password: "x"},
		Now: func() time.Time { return time.Date(2026, 4, 6, 5, 15, 30, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range golden() {
		if _, err := a.Notify(t.Context(), app+".0123456789abcdef", "c-1", n); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/notices.xml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("written\n%swant\n%s", got.Bytes(), want)
	}
}
