package shep

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"kandashub/adapters"
	"kandashub/topics"
)

var someTime = time.Date(2026, 4, 6, 5, 15, 30, 0, time.UTC)

func clock() time.Time { return someTime }

type form struct {
	XMLName struct{} `xml:"form"`
	Name    string   `xml:"name"`
}

// gateway answers every request with status and body, and keeps the last one.
type gateway struct {
	status int
	body   string
	got    *http.Request
	sent   []byte
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.got = r
	g.sent, _ = io.ReadAll(r.Body)
	w.WriteHeader(g.status)
	io.WriteString(w, g.body)
}

func newTestClient(t *testing.T, g *gateway) *Client {
	t.Helper()
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	h, err := adapters.NewClient(adapters.Config{System: "egov", URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return NewClient(h, "/bip", Sender{ID: "hub_test", Password: "p<&w"}, clock)
}

func someData(t *testing.T) *etree.Element {
	t.Helper()
	d, err := Encode("urn:test", form{Name: `Әл-Фараби «"»`})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	syncAnswer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><wsse:Security xmlns:wsse="w" s:mustUnderstand="1"><x/></wsse:Security></s:Header><s:Body>
<n:SendMessageResponse xmlns:n="http://bip.bee.kz/SyncChannel/v10/Types"><response><responseInfo><messageId>r-1</messageId><correlationId/>
<responseDate>2026-04-06T10:15:31.120+05:00</responseDate><status><code>SCSS001</code><message>ok</message></status>
<sessionId>{0f0e0d0c-0b0a-4908-8706-050403020100}</sessionId></responseInfo><responseData><data><a>1</a></data></responseData></response></n:SendMessageResponse></s:Body></s:Envelope>`

	// In the 1.2 envelope, other prefixes, sessionId first, the payload as a string.
	soap12Answer = `<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body>
<SendMessageResponse xmlns="http://bip.bee.kz/SyncChannel/v10/Types"><response xmlns=""><responseData><data xmlns="http://www.w3.org/2001/XMLSchema-instance" type="xsd:string">&lt;?xml version="1.0"?&gt;&lt;a&gt;1&lt;/a&gt;</data></responseData>
<responseInfo><sessionId>0f0e0d0c-0b0a-4908-8706-050403020100</sessionId><status><message/><code>SCSS001</code></status><messageId>r-1</messageId></responseInfo></response></SendMessageResponse></env:Body></env:Envelope>`

	ackAnswer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a:sendMessageResponse xmlns:a="http://bip.bee.kz/AsyncChannel/v10/Types"><response>
<messageId>m-1</messageId><correlationId>1000001</correlationId><responseDate>2026-04-06T10:20:01+05:00</responseDate></response></a:sendMessageResponse></s:Body></s:Envelope>`
)

func stateAnswer(state string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a:getMessageStatusResponse xmlns:a="http://bip.bee.kz/AsyncChannel/v10/Types"><response>
<messageState>` + state + `</messageState><status><statusCode>200</statusCode><statusMessage>OK</statusMessage></status></response></a:getMessageStatusResponse></s:Body></s:Envelope>`
}

func faultAnswer(side, code, text string) string {
	return fmt.Sprintf(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>%s</faultcode><faultstring>%s</faultstring><detail>
<t:SendMessageFault1_SendMessageFault xmlns:t="http://bip.bee.kz/SyncChannel/v10/Types"><errorCode>%s</errorCode><errorMessage>%s</errorMessage><errorDate>2026-04-06T10:15:31+05:00</errorDate>
</t:SendMessageFault1_SendMessageFault></detail></s:Fault></s:Body></s:Envelope>`, side, text, code, text)
}

func TestOutgoingEnvelopes(t *testing.T) {
	for golden, call := range map[string]struct {
		answer string
		do     func(c *Client) error
	}{
		"SendMessage.xml": {syncAnswer, func(c *Client) error {
			_, err := c.SendSync(t.Context(), "x", SyncRequest{MessageID: "m-1", CorrelationID: "c-1", ServiceID: "GBDFL_UniversalServiceSync", Data: someData(t)})
			return err
		}},
		"sendMessage-async.xml": {ackAnswer, func(c *Client) error {
			_, err := c.SendAsync(t.Context(), "x", AsyncRequest{MessageID: "egov-1.0123456789abcdef", CorrelationID: "1000001",
				ServiceID: "KANDAS_STATUS_NOTIFICATION", MessageType: TypeNotification, Data: someData(t)})
			return err
		}},
		"getMessageStatus.xml": {stateAnswer("DELIVERED"), func(c *Client) error {
			_, err := c.Status(t.Context(), "egov-1.0123456789abcdef")
			return err
		}},
	} {
		t.Run(golden, func(t *testing.T) {
			g := &gateway{status: 200, body: call.answer}
			if err := call.do(newTestClient(t, g)); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile("testdata/" + golden)
			if err != nil {
				t.Fatal(err)
			}
			same(t, parseElement(t, string(want)), parseElement(t, string(g.sent)))
			if a := g.got.Header["Soapaction"]; len(a) != 1 || a[0] != `""` {
				t.Errorf("SOAPAction is %q", a)
			}
			if ct := g.got.Header.Get("Content-Type"); ct != "text/xml; charset=utf-8" {
				t.Errorf("Content-Type is %q", ct)
			}
		})
	}
}

// same holds two trees against each other: names, namespaces, order and text,
// whatever the prefixes and the indentation.
func same(t *testing.T, want, got *etree.Element) {
	t.Helper()
	if want.Tag != got.Tag || want.NamespaceURI() != got.NamespaceURI() {
		t.Errorf("%s: got {%s}%s, want {%s}%s", want.GetPath(), got.NamespaceURI(), got.Tag, want.NamespaceURI(), want.Tag)
		return
	}
	w, g := want.ChildElements(), got.ChildElements()
	if len(w) != len(g) {
		t.Errorf("%s: %d children, want %d", want.GetPath(), len(g), len(w))
		return
	}
	if len(w) == 0 && strings.TrimSpace(want.Text()) != got.Text() {
		t.Errorf("%s: text %q, want %q", want.GetPath(), got.Text(), want.Text())
	}
	for i := range w {
		same(t, w[i], g[i])
	}
}

func TestSyncAnswersReadLeniently(t *testing.T) {
	for name, body := range map[string]string{"SOAP 1.1": syncAnswer, "SOAP 1.2": soap12Answer} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, &gateway{status: 200, body: body})
			a, err := c.SendSync(t.Context(), "x", SyncRequest{MessageID: "m", ServiceID: "s", Data: someData(t)})
			if err != nil {
				t.Fatal(err)
			}
			if a.Code != StatusOK || a.MessageID != "r-1" || a.SessionID != "0f0e0d0c-0b0a-4908-8706-050403020100" ||
				a.Data.SelectElement("a").Text() != "1" {
				t.Errorf("read %+v", a)
			}
		})
	}
	t.Run("another status code is an answer", func(t *testing.T) {
		c := newTestClient(t, &gateway{status: 200, body: strings.Replace(syncAnswer, "SCSS001", "FAILURE", 1)})
		a, err := c.SendSync(t.Context(), "x", SyncRequest{MessageID: "m", ServiceID: "s", Data: someData(t)})
		if err != nil || a.Code != "FAILURE" {
			t.Errorf("got %+v, %v", a, err)
		}
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	const secret = "NURLANOV"
	for name, c := range map[string]struct {
		status int
		body   string
		class  topics.Class
		code   string
		pause  string
	}{
		"Client fault":             {500, faultAnswer("s:Client", "SVC_ERRFORMAT", secret), topics.Rejected, "soap_client", ""},
		"Client fault, detailed":   {500, faultAnswer("Client.Data", "X", secret), topics.Rejected, "soap_client", ""},
		"Client fault in a 200":    {200, faultAnswer("s:Client", "", secret), topics.Rejected, "soap_client", ""},
		"Client fault in a 400":    {400, faultAnswer("s:Client", "", secret), topics.Rejected, "soap_client", ""},
		"Server fault":             {500, faultAnswer("s:Server", "SE_PROCESSOR", secret), topics.Uncertain, "soap_server", ""},
		"Server fault in a 400":    {400, faultAnswer("s:Server", "", secret), topics.Uncertain, "soap_server", ""},
		"fault of another kind":    {500, faultAnswer(secret, secret, secret), topics.Uncertain, "soap_server", ""},
		"wrong password":           {500, faultAnswer("s:Client", CodeAuth, secret), topics.Unavailable, "soap_auth", "auth"},
		"signature refused":        {500, faultAnswer("wsse:FailedCheck", "", secret), topics.Unavailable, "soap_auth", "auth"},
		"envelope not understood":  {500, faultAnswer("s:MustUnderstand", "", secret), topics.Unavailable, "soap_target", "target"},
		"SOAP 1.2 sender":          {400, `<e:Envelope xmlns:e="u"><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code></e:Fault></e:Body></e:Envelope>`, topics.Rejected, "soap_client", ""},
		"SOAP 1.2 receiver":        {500, `<e:Envelope xmlns:e="u"><e:Body><e:Fault><e:Code><e:Value>e:Receiver</e:Value></e:Code></e:Fault></e:Body></e:Envelope>`, topics.Uncertain, "soap_server", ""},
		"500 without an envelope":  {500, secret, topics.Uncertain, "http_500", ""},
		"400 without an envelope":  {400, secret, topics.Rejected, "http_400", ""},
		"500 with a good answer":   {500, syncAnswer, topics.Uncertain, "http_500", ""},
		"502 with a Client fault":  {502, faultAnswer("s:Client", "", secret), topics.Uncertain, "http_502", ""},
		"404 with a Client fault":  {404, faultAnswer("s:Client", "", secret), topics.Unavailable, "http_404", "target"},
		"no XML":                   {200, secret, topics.Uncertain, "unreadable", ""},
		"a page":                   {200, "<html><body>" + secret + "</body></html>", topics.Uncertain, "unreadable", ""},
		"cut":                      {200, syncAnswer[:len(syncAnswer)/2], topics.Uncertain, "unreadable", ""},
		"with a DOCTYPE":           {200, "<!DOCTYPE x>" + syncAnswer, topics.Uncertain, "unreadable", ""},
		"of another operation":     {200, ackAnswer, topics.Uncertain, "unreadable", ""},
		"without a status":         {200, strings.Replace(syncAnswer, "<code>SCSS001</code>", "", 1), topics.Uncertain, "unreadable", ""},
		"with two responses":       {200, strings.Replace(syncAnswer, "<response>", "<response/><response>", 1), topics.Uncertain, "unreadable", ""},
		"with data twice":          {200, strings.Replace(syncAnswer, "<data>", "<data/><data>", 1), topics.Uncertain, "unreadable", ""},
		"with an empty body":       {200, `<Envelope><Body/></Envelope>`, topics.Uncertain, "unreadable", ""},
		"with elements for a code": {200, strings.Replace(syncAnswer, "SCSS001", "<x>"+secret+"</x>", 1), topics.Uncertain, "unreadable", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cl := newTestClient(t, &gateway{status: c.status, body: c.body})
			_, err := cl.SendSync(t.Context(), "x", SyncRequest{MessageID: "m", ServiceID: "s", Data: someData(t)})
			if err == nil {
				t.Fatal("no error")
			}
			f := topics.FailureOf(err)
			if f.Class != c.class || f.Code != c.code || f.Pause != c.pause {
				t.Errorf("got %s %s pause %q, want %s %s pause %q", f.Class, f.Code, f.Pause, c.class, c.code, c.pause)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "p<&w") {
				t.Errorf("the error holds what it must not: %v", err)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		state   State
		arrived bool
	}{
		"on delivery":        {200, stateAnswer("ON_DELIVERY"), OnDelivery, true},
		"delivered":          {200, stateAnswer("DELIVERED"), Delivered, true},
		"not delivered":      {200, stateAnswer("NOT_DELIVERED"), NotDelivered, true},
		"stopped":            {200, stateAnswer("DELIVERY_STOPPED"), DeliveryStopped, true},
		"definitely unknown": {500, faultAnswer("s:Client", CodeUnknownID, ""), UnknownID, false},
	} {
		t.Run(name, func(t *testing.T) {
			cl := newTestClient(t, &gateway{status: c.status, body: c.body})
			if s, err := cl.Status(t.Context(), "m"); err != nil || s != c.state {
				t.Errorf("got %s, %v", s, err)
			}
			if s, arrived, err := cl.Arrived(t.Context(), "m"); err != nil || arrived != c.arrived || State(s) != c.state {
				t.Errorf("got %s, %v, %v", s, arrived, err)
			}
		})
	}
	for name, g := range map[string]*gateway{
		"another state":          {status: 200, body: stateAnswer("LOST")},
		"another Client fault":   {status: 500, body: faultAnswer("s:Client", "X", "")},
		"the code from a Server": {status: 500, body: faultAnswer("s:Server", CodeUnknownID, "")},
		"no envelope":            {status: 404, body: CodeUnknownID},
	} {
		t.Run(name+" is no answer", func(t *testing.T) {
			_, arrived, err := newTestClient(t, g).Arrived(t.Context(), "m")
			if f := topics.FailureOf(err); err == nil || arrived || f.Class != topics.Unavailable {
				t.Errorf("got %v, %v", arrived, err)
			}
		})
	}
}

func TestSafeCode(t *testing.T) {
	for code, want := range map[string]string{
		"SCSS001": "SCSS001", "SE_PROCESSOR": "SE_PROCESSOR", "ERROR": "ERROR", "HUB-TEST-01": "HUB-TEST-01",
		"": "other", "990101100010": "other", "N12345678": "other", "Нұрланов": "other", "NURLANOV": "other", "Nurlanov": "other", "A B": "other",
	} {
		if got := SafeCode(code); got != want {
			t.Errorf("SafeCode(%q) = %q", code, got)
		}
	}
}
