package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"kandashub/mocks/samples"
	mockshep "kandashub/mocks/shep"
	"kandashub/topics"
	"kandashub/topics/payload"
	"kandashub/topics/servertest"
)

// The paths and services of the hub's SHEP endpoints.
const (
	shepSync  = "/shep/bip-sync-wss-gost/"
	shepAsync = "/shep/bip-async"

	applicationNamespace = "urn:kandashub:application:v1"
)

// soap posts an envelope, with the account of a system as Basic credentials,
// and returns the response element, or the fault's side and code.
func (w *world) soap(path, system, envelope string) (response *etree.Element, fault string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+w.door+path, strings.NewReader(envelope))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header["SOAPAction"] = []string{`""`}
	req.SetBasicAuth(system, w.tokens[system])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.heard(string(body))
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(body); err != nil {
		w.t.Fatalf("status %d, no XML: %s", resp.StatusCode, body)
	}
	if f := doc.FindElement("/Envelope/Body/Fault"); f != nil {
		if resp.StatusCode != http.StatusInternalServerError {
			w.t.Errorf("a fault with status %d; SOAP 1.1 wants 500", resp.StatusCode)
		}
		return nil, f.FindElement("faultcode").Text() + " " + f.FindElement("detail/*/errorCode").Text()
	}
	if response = doc.FindElement("/Envelope/Body/*/response"); response == nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("status %d without a response: %s", resp.StatusCode, body)
	}
	return response, ""
}

// applicationXML is a form as a portal sends it through SHEP.
func applicationXML(t *testing.T, a any) string {
	t.Helper()
	form, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	data, err := mockshep.XML("application", applicationNamespace, form)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (w *world) sender(system string) string {
	return "<sender><senderId>" + system + "</senderId><password>" + w.tokens[system] + "</password></sender>"
}

// syncMessage carries data as an escaped string, as is seen on the wire.
func (w *world) syncMessage(system, id, service, data string) string {
	return mockshep.Envelope(`<s:SendMessage xmlns:s="` + mockshep.NamespaceSync + `"><request><requestInfo><messageId>` + id + `</messageId><serviceId>` + service +
		`</serviceId><messageDate>` + mockshep.Now() + `</messageDate>` + w.sender(system) + `</requestInfo><requestData><data>` +
		mockshep.Escape(data) + `</data></requestData></request></s:SendMessage>`)
}

// asyncMessage carries data inline.
func (w *world) asyncMessage(system, id, service, data string) string {
	return mockshep.Envelope(`<s:sendMessage xmlns:s="` + mockshep.NamespaceAsync + `"><request><messageInfo><messageId>` + id + `</messageId><correlationId>17</correlationId><serviceId>` +
		service + `</serviceId><messageType>REQUEST</messageType><messageDate>` + mockshep.Now() + `</messageDate>` + w.sender(system) +
		`</messageInfo><messageData><data>` + data + `</data></messageData></request></s:sendMessage>`)
}

// TestApplicationsThroughSHEP files by both channels, twice each: one effect.
func TestApplicationsThroughSHEP(t *testing.T) {
	w := newWorld(t)
	w.start()
	for _, c := range []struct {
		name, path, service string
		envelope            func(system, id, service, data string) string
		answeredID          string
	}{
		{"egov", shepSync, "EGOV_KANDAS_APPLICATION", w.syncMessage, "responseInfo/messageId"},
		{"egov", shepAsync, "EGOV_KANDAS_APPLICATION", w.asyncMessage, "messageId"},
		{"statecorp", shepSync, "STATECORP_KANDAS_APPLICATION", w.syncMessage, "responseInfo/messageId"},
		{"statecorp", shepAsync, "STATECORP_KANDAS_APPLICATION", w.asyncMessage, "messageId"},
	} {
		t.Run(c.name+c.path, func(t *testing.T) {
			w.in(t)
			a := w.quietly(w.application(c.name))
			id := servertest.Unique("message-")
			message := c.envelope(c.name, id, c.service, applicationXML(t, a))
			answered := map[string]bool{}
			for range 3 {
				response, fault := w.soap(c.path, c.name, message)
				if fault != "" {
					t.Fatalf("fault %s", fault)
				}
				answered[response.FindElement(c.answeredID).Text()] = true
			}
			if len(answered) != 1 {
				t.Errorf("repeats are answered with other ids: %v", answered)
			}
			w.awaitEffect("kandas", "register", a.ApplicationID)
			w.awaitCommittedBy("register")
			for _, r := range w.recordsOf(c.name+".applications", a.ApplicationID, "") {
				if headerOf(r, "ce_id") != id || headerOf(r, "ce_source") != c.name {
					t.Errorf("messageId %s of %s is written as %q", id, c.name, r.Headers)
				}
			}
			if n := w.calls["kandas"].with("/applications", a.ApplicationID); n != 1 {
				t.Errorf("kandas was called %d times for one message", n)
			}
		})
	}
}

// TestReceiptsThroughSHEP tells of notices by both callbacks: kandas hears of
// each state once, and never of a state before the one it knows.
func TestReceiptsThroughSHEP(t *testing.T) {
	w := newWorld(t)
	w.start()
	a := w.quietly(w.application("egov"))
	_, fault := w.soap(shepAsync, "egov", w.asyncMessage("egov", servertest.Unique("message-"), "EGOV_KANDAS_APPLICATION", applicationXML(t, a)))
	if fault != "" {
		t.Fatal(fault)
	}
	// The mock's own callback of the notice of registration.
	w.awaitEffects(samples.Expected{System: "kandas", Operation: "record-delivery", Applications: []string{a.ApplicationID}, Detail: "egov delivered", Count: 1})

	stateChanged := func(notice, state string) string {
		return mockshep.Envelope(`<s:changeMassageStatusNotification xmlns:s="` + mockshep.NamespaceAsync + `"><request><notification><notificationId>1</notificationId><messageId>` +
			notice + `</messageId><notificationDate>` + mockshep.Now() + `</notificationDate><messageState>` + state + `</messageState></notification><requestDate>` +
			mockshep.Now() + `</requestDate></request></s:changeMassageStatusNotification>`)
	}
	delivery := func(notice, status string) string {
		return mockshep.Envelope(`<s:sendDeliveryNotification xmlns:s="` + mockshep.NamespaceAsync + `"><request><notification><messageId>` + notice +
			`</messageId><serviceId>KANDAS_STATUS_NOTIFICATION</serviceId><notificationDate>` + mockshep.Now() + `</notificationDate><deliveryStatus><receiveStatus>` + status +
			`</receiveStatus></deliveryStatus></notification><requestDate>` + mockshep.Now() + `</requestDate></request></s:sendDeliveryNotification>`)
	}
	notice := func() string { return topics.NoticeID(a.ApplicationID, topics.DeriveID(servertest.Unique(""))) }
	for _, c := range []struct {
		name, state string
		message     func(notice string) string
	}{
		{"DELIVERED", payload.DeliveryDelivered, func(n string) string { return stateChanged(n, "DELIVERED") }},
		{"NOT_DELIVERED", payload.DeliveryNotDelivered, func(n string) string { return stateChanged(n, "NOT_DELIVERED") }},
		{"DELIVERY_STOPPED", payload.DeliveryNotDelivered, func(n string) string { return stateChanged(n, "DELIVERY_STOPPED") }},
		{"MESSAGE_ACCEPTED", payload.DeliveryDelivered, func(n string) string { return delivery(n, "MESSAGE_ACCEPTED") }},
		{"MESSAGE_NOT_ACCTEPTED", payload.DeliveryNotDelivered, func(n string) string { return delivery(n, "MESSAGE_NOT_ACCTEPTED") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.in(t)
			n := notice()
			for range 2 {
				if _, fault := w.soap(shepAsync, "egov", c.message(n)); fault != "" {
					t.Fatalf("fault %s", fault)
				}
			}
			servertest.Eventually(t, "kandas is told", func() bool { return w.calls["kandas"].with("/deliveries", n) > 0 })
			w.awaitCommittedBy("delivered")
			if w.calls["kandas"].with("/deliveries", n) != 1 || w.calls["kandas"].with("/deliveries", n, `"`+c.state+`"`) != 1 {
				t.Errorf("%d calls about the notice, %d that it is %s; want one", w.calls["kandas"].with("/deliveries", n),
					w.calls["kandas"].with("/deliveries", n, `"`+c.state+`"`), c.state)
			}
		})
	}
	t.Run("ON_DELIVERY says nothing new", func(t *testing.T) {
		w.in(t)
		n := notice()
		if _, fault := w.soap(shepAsync, "egov", stateChanged(n, "ON_DELIVERY")); fault != "" {
			t.Fatalf("fault %s", fault)
		}
		w.awaitCommittedBy("delivered")
		if calls := w.calls["kandas"].with("/deliveries", n); calls != 0 {
			t.Errorf("%d calls about it", calls)
		}
	})
	t.Run("a notice that is none of ours", func(t *testing.T) {
		w.in(t)
		if _, fault := w.soap(shepAsync, "egov", stateChanged("0b7d8a2e", "DELIVERED")); fault != "soap:Client BAD_MESSAGE" {
			t.Errorf("fault %q", fault)
		}
	})
}

// TestSHEPRefusesBadInput sends what can never be taken over: a Client fault
// names the reason, and nothing is written.
func TestSHEPRefusesBadInput(t *testing.T) {
	w := newWorld(t)
	w.start()
	spoiled := func(f func(form map[string]any)) func(a *samples.Application) string {
		return func(a *samples.Application) string {
			m := w.filed(a)
			change(t, f)(&m)
			return w.asyncMessage("egov", m.ID, "EGOV_KANDAS_APPLICATION", applicationXML(t, m.Data))
		}
	}
	good := func(a *samples.Application) string {
		return w.asyncMessage("egov", servertest.Unique("message-"), "EGOV_KANDAS_APPLICATION", applicationXML(t, a))
	}
	replaced := func(old, by string) func(a *samples.Application) string {
		return func(a *samples.Application) string {
			message := good(a)
			if !strings.Contains(message, old) {
				t.Fatalf("the message holds no %s", old)
			}
			return strings.Replace(message, old, by, 1)
		}
	}
	for _, c := range []struct {
		name    string
		message func(a *samples.Application) string
		fault   string
		reason  string // a word of the fault's text
	}{
		{"DOCTYPE", replaced("<soap:Envelope", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><soap:Envelope`), "soap:Client DOCTYPE", "DOCTYPE"},
		{"XML too deep", replaced("<applicant>", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)+"<applicant>"), "soap:Client LIMIT", "deep"},
		{"truncated", func(a *samples.Application) string { m := good(a); return m[:len(m)/2] }, "soap:Client BAD_XML", ""},
		{"not XML", func(*samples.Application) string { return `{"application_id": "egov-1"}` }, "soap:Client BAD_XML", ""},
		{"empty", func(*samples.Application) string { return "" }, "soap:Client BAD_XML", ""},
		{"too large", replaced("<provider>", "<provider>"+strings.Repeat("х", 1<<20)), "soap:Client LIMIT", "longer"},
		{"no id", func(a *samples.Application) string {
			return w.asyncMessage("egov", "", "EGOV_KANDAS_APPLICATION", applicationXML(t, a))
		}, "soap:Client BAD_MESSAGE", "messageId"},
		{"unknown operation", replaced("s:sendMessage ", "s:getMessages "), "soap:Client ", ""},
		{"wrong password", replaced(w.tokens["egov"], "0123456789abcdef"), "soap:Client AUTH_FAILED", ""},
		{"unknown sender", replaced("<senderId>egov", "<senderId>nobody"), "soap:Client AUTH_FAILED", ""},
		{"another's sender", replaced("<senderId>egov", "<senderId>migration"), "soap:Client AUTH_FAILED", ""},
		{"unknown field", replaced("<applicant>", "<more>1</more><applicant>"), "soap:Client BAD_MESSAGE", "an element in /application is unknown"},
		{"text between fields", replaced("<applicant>", "<applicant>текст"), "soap:Client BAD_MESSAGE", "text"},
		{"schema violated", spoiled(func(f map[string]any) { delete(f, "applicant") }), "soap:Client BAD_MESSAGE", "schema"},
		{"consent missing", spoiled(func(f map[string]any) { delete(f, "consent") }), "soap:Client BAD_MESSAGE", "consent"},
		{"IIN checksum", spoiled(func(f map[string]any) { f["applicant"].(map[string]any)["iin"] = "990101200018" }), "soap:Client BAD_MESSAGE", "iin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.in(t)
			a := w.application("egov")
			_, fault := w.soap(shepAsync, "egov", c.message(a))
			if !strings.HasPrefix(fault, c.fault) || !strings.Contains(w.answers[len(w.answers)-1], c.reason) {
				t.Errorf("fault %q, want %q that names %q: %s", fault, c.fault, c.reason, w.answers[len(w.answers)-1])
			}
			if n := len(w.recordsOf("egov.applications", a.ApplicationID, "")); n != 0 {
				t.Errorf("%d records were written all the same", n)
			}
		})
	}
	t.Run("the connection ends in the middle", func(t *testing.T) {
		w.in(t)
		a := w.application("egov")
		message := good(a)
		w.halfRequest(shepAsync, message)
		if status, _ := w.get("/readyz"); status != http.StatusOK {
			t.Errorf("/readyz says %d afterwards", status)
		}
		if n := len(w.recordsOf("egov.applications", a.ApplicationID, "")); n != 0 {
			t.Errorf("%d records were written", n)
		}
	})
}

// halfRequest sends half of a body that was announced whole, and hangs up.
func (w *world) halfRequest(path, body string) {
	w.t.Helper()
	conn := w.dial(w.door)
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: hub\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body[:len(body)/2])
}
