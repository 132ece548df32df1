package egov_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/egov"
	"kandashub/adapters/shep"
	"kandashub/topics/payload"
)

// golden are notices that fill every element of the form at least once.
func golden() []payload.Notification {
	sig := &payload.Signature{Format: "xml", Value: "<a>\r\n<b c=\"&quot;\"/>\t'\x01\xff\uFFFE</a>", Data: "AA=="}
	return []payload.Notification{
		registered(),
		notification("package-refused", func(e *payload.Event) {
			e.Signature, e.PackageRefusal = sig, &payload.PackageRefusal{Number: "R-1 & <2>", Date: "2026-04-06"}
		}),
		notification("recommended", func(e *payload.Event) {
			e.Text, e.Recommendation = payload.Text{}, &payload.Recommendation{Result: "assign", Date: "2026-04-07"}
		}),
		notification("hearing-set", func(e *payload.Event) {
			e.Hearing = &payload.Hearing{Place: "Астана", Grounds: []string{"3", ""}, At: "2026-04-08T09:00:00+05:00"}
		}),
		notification("decided", func(e *payload.Event) {
			e.Decision = &payload.Decision{Result: "extend", Grounds: []string{"3", "19-1"}, Number: "D-1", Date: "2026-04-09", Until: "2027-04-09", IIN: "990101100010"}
		}),
		notification("certificate-issued", func(e *payload.Event) {
			e.Signature = &payload.Signature{}
			e.Certificate = &payload.Certificate{Number: "C-1", AssignedOn: "2026-04-10", ValidTo: "2027-04-10", IIN: "990101100010"}
		}),
	}
}

// What goes out is the same to the byte, one notice in a line.
func TestNoticesAreWrittenSo(t *testing.T) {
	var got bytes.Buffer
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(&got, r.Body) //nolint:errcheck
		got.WriteByte('\n')
		io.WriteString(w, ack) //nolint:errcheck
	}))
	defer srv.Close()
	a, err := egov.New(egov.Config{
		HTTP: adapters.Config{URL: srv.URL}, Sender: shep.Sender{ID: "hub", Password: "x"},
		Now: func() time.Time { return time.Date(2026, 4, 6, 5, 15, 30, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range golden() {
		if _, err := a.Notify(t.Context(), app+".0123456789abcdef", "", n); err != nil {
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
