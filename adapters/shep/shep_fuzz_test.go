package shep

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kandashub/adapters"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// personal is what may be personal data in a fuzzed document: letters that no
// text of ours holds, and long runs of digits.
var personal = regexp.MustCompile(`\p{Cyrillic}{2,}|[0-9]{6,}`)

// quotes says whether a text of ours repeats what may be personal in a document.
func quotes(text, document string) bool {
	return slices.ContainsFunc(personal.FindAllString(document, -1), func(s string) bool { return strings.Contains(text, s) })
}

// Whatever is posted to a served channel, it is accepted once, with all that a
// message must have, or refused by a fault that repeats nothing of it.
func FuzzServe(f *testing.F) {
	for _, body := range []string{
		asyncRequest(), syncRequest(), stateRequest("DELIVERED"), receiveRequest("MESSAGE_NOT_ACCTEPTED"), soap12Answer,
		asyncRequest("2026-04-06T10:15:30.000+05:00", "0000-01-01T00:00:00"), syncRequest("m-2", "{Нұрланов 990101100010}"),
	} {
		f.Add(true, body)
		f.Add(false, body)
	}
	f.Fuzz(func(t *testing.T, async bool, body string) {
		path := PathSync
		if async {
			path = PathAsync
		}
		got := serve(t, path, body, nil, basic)
		inner, err := open([]byte(got.body))
		if err != nil {
			t.Fatalf("the answer is no envelope: %v: %s", err, got.body)
		}
		if got.status != http.StatusOK {
			side := readFault(inner).Side
			if got.status != http.StatusInternalServerError || len(got.in) != 0 || inner.Tag != "Fault" || side != "Client" || quotes(got.body, body) {
				t.Fatalf("status %d, %d accepted: %s", got.status, len(got.in), got.body)
			}
			return
		}
		if len(got.in) != 1 || inner.Tag != got.in[0].Operation+"Response" {
			t.Fatalf("%d accepted: %s", len(got.in), got.body)
		}
		in := got.in[0]
		if in.System != "egov" || in.MessageID == "" || len(in.MessageID) > maxID || in.Time.IsZero() || strings.ContainsAny(in.MessageID, " \n\r\t\x00") {
			t.Fatalf("accepted %+v", in)
		}
		if in.IsCallback() != slices.Contains([]State{OnDelivery, Delivered, NotDelivered, DeliveryStopped}, in.State) || !in.IsCallback() && in.ServiceID == "" {
			t.Fatalf("accepted %+v", in)
		}
		if m, ok, err := in.Receipt("egov", payload.TypeEgovReceipt); ok != (err == nil && m.Subject != "") {
			t.Fatalf("receipt %+v, %v, %v", m, ok, err)
		}
	})
}

// Whatever a gateway answers, it is an answer of the schema, or a failure that
// repeats nothing of it. Only a definite word makes a message one that never
// arrived.
func FuzzAnswers(f *testing.F) {
	f.Add(200, syncAnswer)
	f.Add(200, soap12Answer)
	f.Add(200, ackAnswer)
	f.Add(200, stateAnswer("NOT_DELIVERED"))
	f.Add(500, faultAnswer("soap:Client", CodeUnknownID, "Нұрланов 990101100010"))
	f.Add(400, faultAnswer("wsse:FailedCheck", "", ""))
	f.Add(503, "<html>")
	g := &gateway{}
	srv := httptest.NewServer(http.HandlerFunc(g.ServeHTTP))
	f.Cleanup(srv.Close)
	h, err := adapters.NewClient(adapters.Config{System: "egov", URL: srv.URL})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(h.Close)
	c := NewClient(h, "/bip", Sender{ID: "hub_test", Password: "p"}, clock)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip("not a final status")
		}
		g.status, g.body = status, body
		answer, err := c.SendSync(t.Context(), "x", SyncRequest{MessageID: "m", ServiceID: "s", Data: someData(t)})
		failureKnown(t, err, body)
		if err == nil && answer.Code == "" {
			t.Fatalf("an answer without a code: %+v", answer)
		}
		_, err = c.SendAsync(t.Context(), "x", AsyncRequest{MessageID: "m", ServiceID: "s", MessageType: TypeNotification, Data: someData(t)})
		failureKnown(t, err, body)
		state, arrived, err := c.Arrived(t.Context(), "m")
		failureKnown(t, err, body)
		known := slices.Contains([]State{OnDelivery, Delivered, NotDelivered, DeliveryStopped}, State(state))
		if arrived != (err == nil && known) || !arrived && err == nil && !strings.Contains(body, CodeUnknownID) {
			t.Fatalf("arrived %v in state %q, %v: %s", arrived, state, err, body)
		}
	})
}

func failureKnown(t *testing.T, err error, body string) {
	t.Helper()
	if err == nil {
		return
	}
	var f *topics.Failure
	if !errors.As(err, &f) || f.Code == "" || quotes(err.Error(), body) {
		t.Fatalf("failed with %v", err)
	}
}

// What Decode takes, it has understood whole: written and read again it is the
// same. Its errors name no value.
func FuzzDecode(f *testing.F) {
	a, err := Encode("urn:test", payload.Application{
		ApplicationID: "egov-1", Service: "kandas.assign", FiledAt: "2026-04-06T10:00:00+05:00", Provider: "МИО",
		Applicant: payload.Applicant{Person: payload.Person{Ref: "p0", Surname: "Үлгі", BirthDate: "1899", Sex: "male", Citizenship: "MNG"}},
		Family:    []payload.Person{{Ref: "p1", BirthDate: "1899-05", Sex: "female", Citizenship: "XXA"}},
		Purpose:   payload.Purpose{Kind: "employer", Employer: &payload.Employer{Name: "X", Profession: "miller"}},
		Consent:   payload.Consent{Given: true, At: "2026-04-06T10:00:00+05:00"},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(writeXML(newDocument(Content(a)))))
	f.Add(`<x:certificate_request xmlns:x="u"><application_id>a</application_id><iin/><reason> lost&#13;</reason></x:certificate_request>`)
	f.Add(`<application><applicant><contacts/>990101100010</applicant><family><person/></family><Нұрланов>1</Нұрланов></application>`)
	f.Fuzz(func(t *testing.T, doc string) {
		agree[payload.Application](t, doc)
		agree[payload.CertificateRequest](t, doc)
	})
}

func agree[T any](t *testing.T, doc string) {
	t.Helper()
	root, err := Parse([]byte(doc))
	if err != nil {
		return
	}
	var first, second T
	if err := Decode(root, &first); err != nil {
		if quotes(err.Error(), doc) {
			t.Fatalf("the error holds a value: %v", err)
		}
		return
	}
	data, err := Encode("urn:test", first)
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	if err := Decode(Content(data), &second); err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Fatalf("read again it is another one: %s", d)
	}
}
