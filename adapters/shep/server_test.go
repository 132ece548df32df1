package shep

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kandashub/topics"
	"kandashub/topics/payload"
)

const (
	asyncHead  = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><wsse:Security xmlns:wsse="w" s:mustUnderstand="1"/></s:Header><s:Body>`
	envTail    = `</s:Body></s:Envelope>`
	goodSender = `<sender><senderId>egov</senderId><password>pw</password></sender>`
)

// request writes an async sendMessage; replacements spoil it.
func asyncRequest(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(asyncHead + `<a:sendMessage xmlns:a="` + nsAsync + `"><request><messageInfo><messageId>{0f0e0d0c-0b0a-4908-8706-050403020100}</messageId>` +
		`<correlationId>7</correlationId><serviceId>S</serviceId><messageType>REQUEST</messageType><messageDate>2026-04-06T10:15:30.000+05:00</messageDate>` +
		goodSender + `<sessionId>x</sessionId></messageInfo><messageData><data><a>1</a></data></messageData></request></a:sendMessage>` + envTail)
}

func syncRequest(replace ...string) string {
	// Order and style as real senders break them (kz.md 1.2).
	return strings.NewReplacer(replace...).Replace(asyncHead + `<SendMessage xmlns="` + nsSync + `"><request xmlns=""><requestInfo><sessionId></sessionId><messageDate>2026-04-06T10:15:30</messageDate><routeId/>` +
		goodSender + `<properties></properties><serviceId>S</serviceId><messageId>m-2</messageId><correlationId></correlationId></requestInfo>` +
		`<requestData><data>&lt;a&gt;1&lt;/a&gt;</data></requestData></request></SendMessage>` + envTail)
}

func stateRequest(state string) string {
	return asyncHead + `<a:changeMassageStatusNotification xmlns:a="` + nsAsync + `"><request><notification><notificationId>n</notificationId>` +
		`<messageId>egov-1.0123456789abcdef</messageId><notificationDate>2026-04-06T10:20:03+05:00</notificationDate><messageState>` + state +
		`</messageState></notification><requestDate>2026-04-06T10:20:03+05:00</requestDate></request></a:changeMassageStatusNotification>` + envTail
}

func receiveRequest(status string) string {
	return asyncHead + `<a:sendDeliveryNotification xmlns:a="` + nsAsync + `"><request><notification><messageId>egov-1.0123456789abcdef</messageId>` +
		`<serviceId>S</serviceId><notificationDate>2026-04-06T10:20:03+05:00</notificationDate><deliveryStatus><receiveStatus>` + status +
		`</receiveStatus><resendMessage>RESEND</resendMessage></deliveryStatus></notification>` + goodSender + `</request></a:sendDeliveryNotification>` + envTail
}

// served is what came of one request.
type served struct {
	status int
	body   string
	in     []Incoming
}

func serve(t *testing.T, path, body string, accept error, edit ...func(*http.Request)) served {
	t.Helper()
	var out served
	h := NewServer(Config{
		Senders:  map[string]Account{"egov": {System: "egov", Password: "pw"}, "open": {System: "open"}},
		MaxBytes: 64 << 10,
		Now:      clock,
		Accept: func(_ context.Context, in Incoming) error {
			out.in = append(out.in, in)
			return accept
		},
	})
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out.status, out.body = w.Code, w.Body.String()
	return out
}

func basic(r *http.Request) { r.SetBasicAuth("egov", "pw") }

func TestServedMessages(t *testing.T) {
	date := time.Date(2026, 4, 6, 10, 15, 30, 0, zone)
	for name, c := range map[string]struct {
		path, body string
		want       Incoming
		answer     []string
	}{
		"async": {PathAsync, asyncRequest(), Incoming{
			System: "egov", Operation: OpSend, MessageID: "0f0e0d0c-0b0a-4908-8706-050403020100", CorrelationID: "7", ServiceID: "S",
			MessageType: "REQUEST", Time: date,
		}, []string{":sendMessageResponse ", "<messageId>0f0e0d0c-0b0a-4908-8706-050403020100</messageId><correlationId>7</correlationId><responseDate>2026-04-06T10:15:30.000+05:00"}},
		"sync": {PathSync, syncRequest(), Incoming{
			System: "egov", Operation: OpSendSync, MessageID: "m-2", ServiceID: "S", Time: date,
		}, []string{":SendMessageResponse ", "<responseInfo><messageId>", "<responseDate>", "<status><code>SCSS001</code><message>", "<responseData/>"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := serve(t, c.path, c.body, nil)
			if got.status != 200 || len(got.in) != 1 {
				t.Fatalf("status %d, %d accepted: %s", got.status, len(got.in), got.body)
			}
			if d := cmp.Diff(c.want, got.in[0], cmpopts.IgnoreFields(Incoming{}, "Data"), cmpopts.EquateApproxTime(0)); d != "" {
				t.Error(d)
			}
			if a := Content(got.in[0].Data); a == nil || a.Tag != "a" || a.Text() != "1" {
				t.Errorf("data is read as %v", a)
			}
			for _, want := range c.answer {
				if !strings.Contains(got.body, want) {
					t.Errorf("the answer lacks %s: %s", want, got.body)
				}
			}
			if strings.Contains(got.body, "sessionId") {
				t.Errorf("sessionId is SHEP's to fill: %s", got.body)
			}
			if slash := serve(t, strings.TrimSuffix(c.path, "/")+"/", c.body, nil); slash.status != 200 {
				t.Errorf("with a slash at the end: status %d", slash.status)
			}
			if bare := serve(t, strings.TrimSuffix(c.path, "/"), c.body, nil); bare.status != 200 {
				t.Errorf("without a slash at the end: status %d", bare.status)
			}
			if again := serve(t, c.path, c.body, nil); again.body != got.body {
				t.Errorf("a repeat is answered otherwise: %s", again.body)
			}
		})
	}
}

func TestServedCallbacks(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		state State
		want  string // of the receipt; empty: nothing to write
	}{
		"on delivery":   {stateRequest("ON_DELIVERY"), OnDelivery, ""},
		"delivered":     {stateRequest("DELIVERED"), Delivered, payload.DeliveryDelivered},
		"not delivered": {stateRequest("NOT_DELIVERED"), NotDelivered, payload.DeliveryNotDelivered},
		"stopped":       {stateRequest("DELIVERY_STOPPED"), DeliveryStopped, payload.DeliveryNotDelivered},
		"accepted":      {receiveRequest("MESSAGE_ACCEPTED"), Delivered, payload.DeliveryDelivered},
		"not accepted":  {receiveRequest("MESSAGE_NOT_ACCTEPTED"), NotDelivered, payload.DeliveryNotDelivered},
	} {
		t.Run(name, func(t *testing.T) {
			got := serve(t, PathAsync, c.body, nil, basic)
			if got.status != 200 || len(got.in) != 1 {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			in := got.in[0]
			if in.System != "egov" || in.State != c.state || in.MessageID != "egov-1.0123456789abcdef" || !in.IsCallback() {
				t.Errorf("read %+v", in)
			}
			m, ok, err := in.Receipt("egov", payload.TypeEgovReceipt)
			if err != nil || ok != (c.want != "") {
				t.Fatalf("receipt: %v, %v", ok, err)
			}
			if !ok {
				return
			}
			var d payload.Delivery
			if err := m.Decode(&d); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(payload.Delivery{ApplicationID: "egov-1", Notice: in.MessageID, Recipient: "egov", State: c.want}, d); diff != "" {
				t.Error(diff)
			}
			if m.ID != topics.DeriveID("delivery", in.MessageID, c.want) || m.Subject != "egov-1" || m.Source != "egov" {
				t.Errorf("message %+v", m)
			}
		})
	}
	t.Run("both roads make one message", func(t *testing.T) {
		a := serve(t, PathAsync, stateRequest("DELIVERED"), nil, basic).in[0]
		b := serve(t, PathAsync, strings.ReplaceAll(receiveRequest("MESSAGE_ACCEPTED"), "10:20:03", "11:00:00"), nil).in[0]
		ma, _, _ := a.Receipt("egov", payload.TypeEgovReceipt)
		mb, _, _ := b.Receipt("egov", payload.TypeEgovReceipt)
		if ma.Time.Equal(mb.Time) {
			t.Error("the test's times do not differ")
		}
		if ma.ID == "" || ma.ID != mb.ID || string(ma.Data) != string(mb.Data) {
			t.Errorf("%s %s and %s %s", ma.ID, ma.Data, mb.ID, mb.Data)
		}
	})
}

func TestForeignNotices(t *testing.T) {
	for _, id := range []string{"", "x", ".0123456789abcdef", "egov-1.0123456789ABCDEF", "egov-1.0123", strings.Repeat("a", 41) + ".0123456789abcdef", "7f0c1111-2222-4333-8444-555566667777"} {
		_, ok, err := Incoming{Operation: OpStateChanged, MessageID: id, State: Delivered}.Receipt("egov", payload.TypeEgovReceipt)
		if f := topics.FailureOf(err); err == nil || ok || f.Class != topics.Rejected {
			t.Errorf("%q: got %v, %v", id, ok, err)
		}
	}
	if app, ok := Application(topics.NoticeID("egov-1.2", "7f0c1111-2222-4333-8444-555566667777")); !ok || app != "egov-1.2" {
		t.Errorf("a notice id of ours reads as %q, %v", app, ok)
	}
}

func TestRefusedRequests(t *testing.T) {
	const secret = "Нұрланов"
	kafkaAway := errors.New("kafka: broker 10.0.0.1 " + secret)
	bad := topics.Fail(topics.Rejected, "schema", "field /applicant/iin: checksum")
	for name, c := range map[string]struct {
		path, body string
		accept     error
		side, code string
	}{
		"not XML":               {PathAsync, "hello", nil, "Client", CodeXML},
		"ends early":            {PathAsync, asyncRequest()[:200], nil, "Client", CodeXML},
		"DOCTYPE":               {PathAsync, "<!DOCTYPE x>" + asyncRequest(), nil, "Client", CodeDoctype},
		"too deep":              {PathAsync, asyncRequest("<a>1</a>", nested(70)), nil, "Client", CodeLimit},
		"too long":              {PathAsync, asyncRequest("<a>1</a>", strings.Repeat("x", 70<<10)), nil, "Client", CodeLimit},
		"content after":         {PathAsync, asyncRequest() + "<x/>", nil, "Client", CodeXML},
		"no envelope":           {PathAsync, "<a/>", nil, "Client", CodeMessage},
		"two in Body":           {PathAsync, asyncRequest("</a:sendMessage>", "</a:sendMessage><b/>"), nil, "Client", CodeMessage},
		"two bodies":            {PathAsync, asyncRequest("</s:Body>", "</s:Body><s:Body/>"), nil, "Client", CodeMessage},
		"status is not ours":    {PathAsync, asyncRequest("sendMessage", "getMessageStatus"), nil, "Client", CodeOperation},
		"sync on async":         {PathAsync, syncRequest(), nil, "Client", CodeOperation},
		"async on sync":         {PathSync, asyncRequest(), nil, "Client", CodeOperation},
		"wrong password":        {PathAsync, asyncRequest("pw", secret), nil, "Client", CodeAuth},
		"unknown sender":        {PathAsync, asyncRequest(">egov<", ">"+secret+"<"), nil, "Client", CodeAuth},
		"no password":           {PathAsync, asyncRequest("<password>pw</password>", ""), nil, "Client", CodeAuth},
		"account without one":   {PathAsync, asyncRequest("egov", "open", "<password>pw</password>", ""), nil, "Client", CodeAuth},
		"no sender":             {PathAsync, asyncRequest(goodSender, ""), nil, "Client", CodeAuth},
		"two senders":           {PathAsync, asyncRequest(goodSender, goodSender+goodSender), nil, "Client", CodeMessage},
		"callback of a nobody":  {PathAsync, stateRequest("DELIVERED"), nil, "Client", CodeAuth},
		"no messageId":          {PathSync, syncRequest("<messageId>m-2</messageId>", "<messageId/>"), nil, "Client", CodeMessage},
		"messageId twice":       {PathSync, syncRequest("<messageId>m-2</messageId>", "<messageId>m-2</messageId><messageId>m-3</messageId>"), nil, "Client", CodeMessage},
		"messageId with spaces": {PathSync, syncRequest("m-2", "m 2"), nil, "Client", CodeMessage},
		"messageId too long":    {PathSync, syncRequest("m-2", strings.Repeat("m", 101)), nil, "Client", CodeMessage},
		"no serviceId":          {PathSync, syncRequest("<serviceId>S</serviceId>", ""), nil, "Client", CodeMessage},
		"no date":               {PathSync, syncRequest("<messageDate>2026-04-06T10:15:30</messageDate>", ""), nil, "Client", CodeMessage},
		"a date that is none":   {PathSync, syncRequest("2026-04-06T10:15:30", secret), nil, "Client", CodeMessage},
		"data twice":            {PathAsync, asyncRequest("<data>", "<data/><data>"), nil, "Client", CodeMessage},
		"a bad message":         {PathAsync, asyncRequest(), bad, "Client", CodeMessage},
		"Kafka away":            {PathAsync, asyncRequest(), kafkaAway, "Server", CodeUnavailable},
		"Kafka away, sync":      {PathSync, syncRequest(), kafkaAway, "Server", CodeUnavailable},
		"not rejected for good": {PathAsync, asyncRequest(), topics.Fail(topics.Unavailable, "produce", "%s", secret), "Server", CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			got := serve(t, c.path, c.body, c.accept)
			if got.status != 500 || (c.accept == nil && len(got.in) != 0) {
				t.Errorf("status %d, %d accepted", got.status, len(got.in))
			}
			inner, err := open([]byte(got.body))
			if err != nil || inner.Tag != "Fault" {
				t.Fatalf("no fault: %v: %s", err, got.body)
			}
			if f := readFault(inner); f.Side != c.side || f.Code != c.code {
				t.Errorf("got %s %s, want %s %s", f.Side, f.Code, c.side, c.code)
			}
			if strings.Contains(got.body, secret) || strings.Contains(got.body, "10.0.0.1") {
				t.Errorf("the fault holds what it must not: %s", got.body)
			}
		})
	}
	t.Run("fault elements", func(t *testing.T) {
		for path, name := range map[string]string{PathSync: "SendMessageFault1_SendMessageFault", PathAsync: "sendMessageFault1_sendMessageFault"} {
			if got := serve(t, path, "x", nil); !strings.Contains(got.body, "<detail><t:"+name+" xmlns:t=") {
				t.Errorf("%s: %s", path, got.body)
			}
		}
		got := serve(t, PathAsync, stateRequest("LOST"), nil, basic)
		if !strings.Contains(got.body, "changeMassageStatusNotificationFault1_changeMassageStatusNotificationFault") {
			t.Error(got.body)
		}
	})
	t.Run("a request that breaks off is to be repeated", func(t *testing.T) {
		got := serve(t, PathAsync, "", nil, func(r *http.Request) { r.Body = brokenBody{} })
		if !strings.Contains(got.body, "soap:Server") {
			t.Error(got.body)
		}
	})
	t.Run("only POST", func(t *testing.T) {
		got := serve(t, PathAsync, "", nil, func(r *http.Request) { r.Method = http.MethodGet })
		if got.status != http.StatusMethodNotAllowed {
			t.Errorf("status %d", got.status)
		}
	})
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
func (brokenBody) Close() error             { return nil }
