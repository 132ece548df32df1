package kandas

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kandashub/mocks"

	"github.com/google/go-cmp/cmp"
)

func TestUsualPath(t *testing.T) {
	w := newWorld(t)
	f := newForm("migration-1", func(f *form) {
		f.Family = []person{{Ref: "p1", Surname: "Үлгіұлы", Name: "Бала", BirthDate: "1898-01-02", Kinship: "son", Citizenship: "MNG"}}
	})
	if a := w.post("applications", "m1", f); a.Status != "accepted" {
		t.Fatalf("answer %+v", a)
	}
	w.until("the IIN request", func() bool { return len(w.requests) == 1 })
	request := w.requests[0]
	w.post("iins", "m2", iins{ApplicationID: f.ApplicationID, RequestID: request.RequestID, Persons: []iinResult{
		{Ref: "p0", Status: "found", IIN: "800501100018"}, {Ref: "p1", Status: "generated", IIN: "980102100024"},
	}})
	w.seen(f.ApplicationID, "certificate-issued", 1)
	w.until("four events", func() bool { return len(w.events) == 4 })

	events, ids := w.ofApplication(f.ApplicationID)
	if events[0].Registration == nil || events[1].Recommendation == nil || events[2].Decision == nil || events[3].Certificate == nil {
		t.Errorf("events in a wrong order: %+v", events)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(ids))); len(unique) != 4 {
		t.Errorf("ids are not unique: %v", ids)
	}
	for i, e := range events {
		if diff := cmp.Diff([]string{"migration", "monitoring"}, e.Recipients); diff != "" {
			t.Errorf("recipients of event %d: %s", i, diff)
		}
		if e.Text.KK == "" || e.Text.RU == "" {
			t.Errorf("event %d lacks a text", i)
		}
		if signed := i >= 2; good(e.Signature) != signed {
			t.Errorf("event %d: signature %+v", i, e.Signature)
		}
	}
	c := events[3].Certificate
	if c.IIN != "800501100018" || len(c.Minors) != 1 || c.Minors[0].IIN != "980102100024" {
		t.Errorf("certificate %+v", c)
	}
	want := []string{"register", "registered", "iin-requested", "record-iins", "recommended", "decided", "certificate-issued"}
	if diff := cmp.Diff(want, w.operations(f.ApplicationID)); diff != "" {
		t.Error(diff)
	}
}

func TestRepeatsGetTheFirstAnswer(t *testing.T) {
	w := newWorld(t)
	f := newForm("egov-1")
	first := w.post("applications", "m1", f)
	w.seen("egov-1", "iin-requested", 1)
	if again := w.post("applications", "m1", f); again != first {
		t.Errorf("a repeat got %+v, the first %+v", again, first)
	}
	if other := w.post("applications", "m2", f); other.Status != "refused" {
		t.Errorf("the same application under another id got %+v", other)
	}
	w.recordIINs("egov-1", found)
	w.recordIINs("egov-1", found)
	w.seen("egov-1", "certificate-issued", 1)

	repeats := 0
	for _, e := range w.system.Ledger.Effects() {
		if e.Repeat {
			repeats++
		}
	}
	if repeats != 2 {
		t.Errorf("%d repeats in the ledger, want 2", repeats)
	}
	if got := count(w.operations("egov-1"), "registered"); got != 1 {
		t.Errorf("registered %d times", got)
	}
}

func TestPackageRefused(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, kind string
		document   string
		change     func(*form)
	}{
		{"missing attachment", "incomplete", "ethnicity-proof", func(f *form) { f.Attachments = f.Attachments[:2] }},
		{"expired attachment", "expired", "id-copy", func(f *form) { f.Attachments[1].ExpiresOn = "2020-01-01" }},
		{"expired passport", "expired", "passport", func(f *form) { f.Applicant.Document.ExpiresOn = "2020-01-01" }},
		{"extension with an expired passport", "expired", "passport", func(f *form) {
			f.Service, f.Attachments = "kandas.extend", nil
			f.Applicant.Document.ExpiresOn = "2020-01-01"
		}},
	} {
		id := "statecorp-" + strings.ReplaceAll(c.name, " ", "-")
		w.post("applications", id, newForm(id, c.change))
		w.seen(id, "package-refused", 1)
		w.until("its event", func() bool { return slices.ContainsFunc(w.events, func(e event) bool { return e.ApplicationID == id }) })
		events, _ := w.ofApplication(id)
		p := events[0].PackageRefusal
		if p == nil || p.Kind != c.kind || !slices.Contains(p.Documents, c.document) || !good(events[0].Signature) {
			t.Errorf("%s: event %+v", c.name, events[0])
		}
		if ops := w.operations(id); slices.Contains(ops, "registered") {
			t.Errorf("%s: %v", c.name, ops)
		}
	}
}

func TestRefusalWithHearing(t *testing.T) {
	w := newWorld(t)
	w.script("egov-2", Script{Recommendation: "refuse", Hearing: true, Missions: true, Grounds: []string{"3", "19-1"}})
	w.post("applications", "m", newForm("egov-2"))
	w.recordIINs("egov-2", found)
	w.seen("egov-2", "decided", 1)
	w.until("all events", func() bool { return len(w.events) == 4 })
	events, _ := w.ofApplication("egov-2")
	if diff := cmp.Diff([]string{"egov", "notify", "missions", "monitoring"}, events[2].Recipients); diff != "" {
		t.Error(diff)
	}
	if h := events[2].Hearing; h == nil || h.Place == "" || !slices.Equal(h.Grounds, []string{"3", "19-1"}) {
		t.Errorf("hearing %+v", events[2])
	}
	if d := events[3].Decision; d == nil || d.Result != "refuse" || !slices.Equal(d.Grounds, []string{"3", "19-1"}) {
		t.Errorf("decision %+v", events[3])
	}
}

func TestOfficer(t *testing.T) {
	w := newWorld(t)
	w.post("applications", "m", newForm("migration-2"))
	w.recordIINs("migration-2", iinResult{Status: "ambiguous", Reason: "several", Matches: 2})
	w.seen("migration-2", "officer-needed", 1)
	if ops := w.operations("migration-2"); slices.Contains(ops, "recommended") {
		t.Errorf("the application did not wait: %v", ops)
	}
	w.script("migration-2", Script{Officer: "settle"})
	w.seen("migration-2", "certificate-issued", 1)
}

func TestWithdrawn(t *testing.T) {
	w := newWorld(t)
	w.script("migration-3", Script{Withdraw: "died"})
	w.post("applications", "m", newForm("migration-3"))
	w.seen("migration-3", "closed", 1)
	w.recordIINs("migration-3", found)
	want := []string{"register", "registered", "iin-requested", "closed", "record-iins"}
	if diff := cmp.Diff(want, w.operations("migration-3")); diff != "" {
		t.Error(diff)
	}
}

func TestExtensionClock(t *testing.T) {
	w := newWorld(t)
	deliver := func(notice, recipient, state, event string) {
		t.Helper()
		id, _, _ := strings.Cut(notice, ".")
		w.post("deliveries", notice+state, delivery{ApplicationID: id, Notice: notice, Recipient: recipient, State: state, EventID: event})
	}
	no := false
	decision := map[string]string{}
	for _, id := range []string{"statecorp-4", "migration-4"} {
		w.script(id, Script{IIN: &no})
		w.post("applications", id, newForm(id, func(f *form) { f.Service, f.Attachments = "kandas.extend", nil }))
		w.seen(id, "decided", 1)
		w.until("its events", func() bool {
			n := 0
			for _, e := range w.events {
				if e.ApplicationID == id {
					n++
				}
			}
			return n == 2
		})
		_, ids := w.ofApplication(id)
		decision[id] = ids[1]
		deliver(id+".a", "statecorp", "delivered", "") // of which event, nobody knows
	}
	_, ids := w.ofApplication("statecorp-4")
	deliver("statecorp-4.a", "statecorp", "accepted", ids[0])
	deliver("statecorp-4.b", "statecorp", "accepted", decision["statecorp-4"])
	deliver("statecorp-4.b", "statecorp", "not-delivered", "")
	deliver("migration-4.b", "migration", "delivered", "")
	deliver("migration-4.b", "migration", "accepted", decision["migration-4"])
	deliver("migration-4.c", "statecorp", "delivered", "")
	if ops := w.operations(""); slices.Contains(ops, "clock-closed") {
		t.Errorf("a clock closed too early: %v", ops)
	}
	deliver("statecorp-4.b", "statecorp", "delivered", "")                     // accepted before
	deliver("migration-4.c", "statecorp", "accepted", decision["migration-4"]) // accepted after
	if ops := w.operations(""); slices.Contains(ops, "violation") {
		t.Errorf("violations: %v", ops)
	}
	for _, id := range []string{"statecorp-4", "migration-4"} {
		if got := count(w.operations(id), "clock-closed"); got != 1 {
			t.Errorf("%s: the clock closed %d times", id, got)
		}
		events, _ := w.ofApplication(id)
		if last := events[len(events)-1]; last.Decision == nil || last.Decision.Until == "" || !slices.Contains(last.Recipients, "statecorp") {
			t.Errorf("%s: decision %+v", id, last)
		}
	}
}

func TestBadSignatureIsIssuedAnew(t *testing.T) {
	w := newWorld(t)
	w.script("egov-5", Script{BadSignature: true})
	w.post("applications", "m", newForm("egov-5"))
	w.recordIINs("egov-5", found)
	w.until("the decision", func() bool { return len(w.events) == 3 })
	events, ids := w.ofApplication("egov-5")
	if s := events[2].Signature; s == nil || good(s) {
		t.Fatalf("signature %+v", s)
	}
	for range 2 { // the hub's message may come twice
		err := w.out.write(t.Context(), message{Topic: topicRejections, Key: "egov-5", ID: "r1", Type: "x", Time: time.Now(),
			Payload: encode(rejection{ApplicationID: "egov-5", EventID: ids[2], Reason: "signature_invalid"})})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.seen("egov-5", "certificate-issued", 1)
	w.until("all events", func() bool { return len(w.events) == 5 })
	events, ids = w.ofApplication("egov-5")
	if events[3].Decision == nil || !good(events[3].Signature) || ids[3] == ids[2] || events[4].Certificate == nil {
		t.Errorf("after the rejection: %+v", events[3:])
	}
	if got := count(w.operations("egov-5"), "rejection-received"); got != 1 {
		t.Errorf("%d rejections received, want 1", got)
	}
}

func TestOtherContentIsSignedWell(t *testing.T) {
	w := newWorld(t)
	w.script("egov-11", Script{OtherContent: true})
	w.post("applications", "m", newForm("egov-11"))
	w.recordIINs("egov-11", found)
	w.until("the decision", func() bool { return len(w.events) == 3 })
	events, _ := w.ofApplication("egov-11")
	if s := events[2].Signature; !good(s) || signs(t, s, events[2].Decision.Number) {
		t.Errorf("signature %+v of the decision %s", s, events[2].Decision.Number)
	}
}

// signs says whether the signed document has this number.
func signs(t *testing.T, s *signature, number string) bool {
	t.Helper()
	doc := []byte(s.Value)
	if s.Format == "cms" {
		doc = mocks.CMSContent(s.Value)
	}
	var d struct {
		XMLName xml.Name `xml:"urn:kandashub:statement:v1 statement"`
		Number  string   `xml:"number"`
	}
	if err := xml.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	return d.Number == number
}

// What a system that honours ids would never say: its callers may not use one id
// for two things, nor tell a recipient of what is not for it.
func TestViolations(t *testing.T) {
	w := newWorld(t)
	w.post("applications", "m", newForm("egov-12"))
	w.seen("egov-12", "iin-requested", 1)
	w.until("the registration", func() bool { return len(w.events) == 1 })
	violations := func() int { return count(w.operations("egov-12"), "violation") }
	d := delivery{ApplicationID: "egov-12", Notice: "egov-12.a", Recipient: "egov", State: "accepted", EventID: w.ids[0]}
	w.post("deliveries", "d1", d)
	w.post("deliveries", "d1", d)
	if n := violations(); n != 0 {
		t.Fatalf("%d violations before any", n)
	}
	other := d
	other.State = "delivered"
	w.post("deliveries", "d1", other)
	if n := violations(); n != 1 {
		t.Errorf("one id for two deliveries: %d violations", n)
	}
	d.Recipient = "statecorp"
	w.post("deliveries", "d2", d)
	if n := violations(); n != 2 {
		t.Errorf("a recipient was told of what is not for it: %d violations", n)
	}
}

func TestRevocationUnknown(t *testing.T) {
	w := newWorld(t)
	w.script("egov-6", Script{RevocationUnknownMS: 60_000})
	w.post("applications", "m", newForm("egov-6"))
	w.recordIINs("egov-6", found)
	w.until("the certificate", func() bool { return len(w.events) == 4 })
	events, _ := w.ofApplication("egov-6")
	known := func(s *signature) time.Time {
		name := mocks.XMLSigner(s.Value)
		if s.Format == "cms" {
			name = mocks.CMSSigner(s.Value)
		}
		_, at := mocks.RevocationKnown(name)
		return at
	}
	if at := known(events[2].Signature); !good(events[2].Signature) || !at.After(time.Now()) {
		t.Errorf("known at %v", at)
	}
	if at := known(events[3].Signature); !at.IsZero() {
		t.Errorf("the second signature: known at %v", at)
	}
}

func TestCertificateRequest(t *testing.T) {
	w := newWorld(t)
	ask := certificateRequest{ApplicationID: "statecorp-7", RequestID: "q1", Reason: "lost"}
	if a := w.post("certificate-requests", "q0", ask); a.Status != "refused" {
		t.Errorf("a certificate that nobody issued: %+v", a)
	}
	w.post("applications", "m", newForm("statecorp-7"))
	w.recordIINs("statecorp-7", found)
	w.seen("statecorp-7", "certificate-issued", 1)
	if a := w.post("certificate-requests", "q1", ask); a.Status != "accepted" {
		t.Fatalf("answer %+v", a)
	}
	w.seen("statecorp-7", "certificate-issued", 2)
	w.until("both certificates", func() bool { return len(w.events) == 5 })
	events, _ := w.ofApplication("statecorp-7")
	first, again := events[3].Certificate, events[4].Certificate
	if again == nil || again.RequestID != "q1" || again.Number != first.Number || !good(events[4].Signature) {
		t.Errorf("issued again: %+v", events[4])
	}
	if diff := cmp.Diff([]string{"statecorp", "monitoring"}, events[4].Recipients); diff != "" {
		t.Error(diff)
	}
}

func TestSecondIINIsAViolation(t *testing.T) {
	w := newWorld(t)
	same := func(f *form) { f.Applicant.Document.Number = "E1234567" }
	for i, iin := range []string{"800501100018", "800501100018", "800501100028"} {
		id := fmt.Sprintf("migration-8%d", i)
		w.post("applications", id, newForm(id, same))
		w.recordIINs(id, iinResult{Status: "generated", IIN: iin})
		if got, want := count(w.operations(""), "violation"), i/2; got != want {
			t.Errorf("after %d applications: %d violations, want %d", i+1, got, want)
		}
	}
}

func TestRequestsThatDoNotFit(t *testing.T) {
	w := newWorld(t)
	w.post("applications", "m", newForm("egov-9"))
	w.seen("egov-9", "iin-requested", 1)
	w.until("the IIN request", func() bool { return len(w.requests) == 1 })
	request := w.requests[0].RequestID
	for _, c := range []struct {
		name, path, body string
		status           int
		answer           string
	}{
		{"not JSON", "applications", `{`, 422, ""},
		{"no consent", "applications", `{"application_id":"a","service":"kandas.assign","applicant":{"ref":"p0"}}`, 422, ""},
		{"unknown service", "applications", `{"application_id":"a","service":"x","applicant":{"ref":"p0"},"consent":{"given":true}}`, 422, ""},
		{"IINs for an unknown application", "iins", `{"application_id":"a"}`, 200, "refused"},
		{"IINs nobody asked for", "iins", `{"application_id":"egov-9","request_id":"x"}`, 200, "refused"},
		{"IINs for nobody", "iins", `{"application_id":"egov-9","request_id":"` + request + `"}`, 422, ""},
		{"IIN of an ambiguous person", "iins", `{"application_id":"egov-9","request_id":"` + request + `","persons":[{"ref":"p0","status":"ambiguous","iin":"1"}]}`, 422, ""},
		{"delivery of an unknown state", "deliveries", `{"application_id":"egov-9","notice":"egov-9.n","recipient":"egov","state":"x"}`, 422, ""},
		{"delivery for an unknown application", "deliveries", `{"application_id":"a","notice":"a.n","recipient":"egov","state":"accepted"}`, 200, "refused"},
		{"delivery of another application's notice", "deliveries", `{"application_id":"egov-9","notice":"a.n","recipient":"egov","state":"accepted"}`, 422, ""},
		{"certificate request without an id", "certificate-requests", `{"application_id":"egov-9"}`, 422, ""},
	} {
		status, a := w.call(http.MethodPost, "/api/v1/"+c.path, c.name, c.body)
		if status != c.status || a.Status != c.answer {
			t.Errorf("%s: HTTP %d %+v, want %d %s", c.name, status, a, c.status, c.answer)
		}
	}
	for name, body := range map[string]string{"unknown field": `{"x":1}`, "unknown decision": `{"decision":"x"}`, "unknown ground": `{"grounds":["6"]}`} {
		if status, _ := w.call(http.MethodPut, "/_scripts/a", "", body); status != http.StatusBadRequest {
			t.Errorf("script with %s: HTTP %d", name, status)
		}
	}
}

func TestFaultKeepsTheEffect(t *testing.T) {
	w := newWorld(t)
	w.system.Faults.Set(mocks.Fault{Operation: "register", Times: 1, Status: 503, After: true})
	status, _ := w.call(http.MethodPost, "/api/v1/applications", "m", newForm("egov-10"))
	if status != 503 {
		t.Fatalf("HTTP %d, want 503", status)
	}
	if a := w.post("applications", "m", newForm("egov-10")); a.Status != "accepted" {
		t.Errorf("the repeat got %+v", a)
	}
	w.seen("egov-10", "iin-requested", 1)
	if got := count(w.operations("egov-10"), "register"); got != 1 {
		t.Errorf("registered %d times", got)
	}
}
