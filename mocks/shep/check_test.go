package shep

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const valid = `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header/><soap:Body>` +
	`<t:SendMessage xmlns:t="http://bip.bee.kz/SyncChannel/v10/Types"><request><requestInfo><messageId>m</messageId><correlationId>c</correlationId>` +
	`<serviceId>s</serviceId><messageDate>2026-04-06T10:15:30.000+05:00</messageDate><sender><senderId>h</senderId><password>p</password></sender>` +
	`<properties><key>k</key><value>v</value></properties><properties><key>k</key><value>v</value></properties></requestInfo>` +
	`<requestData><data><x:any xmlns:x="u"><y/></x:any></data></requestData></request></t:SendMessage></soap:Body></soap:Envelope>`

func request(body string, edit ...func(http.Header)) (*http.Request, []byte) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", `""`)
	for _, e := range edit {
		e(r.Header)
	}
	return r, []byte(body)
}

// TestReadIsStrict spoils a valid message in every way that the schema knows.
func TestReadIsStrict(t *testing.T) {
	q, err := Read(request(valid))
	if err != nil {
		t.Fatal(err)
	}
	if q.Operation != "SendMessage" || q.MessageID != "m" || q.CorrelationID != "c" || q.ServiceID != "s" || q.SenderID != "h" ||
		q.Password != "p" || q.Data.SelectElement("any") == nil {
		t.Errorf("read %+v", q)
	}
	for name, replace := range map[string][]string{
		"SOAP 1.2":                {"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"},
		"wrapper in no namespace": {"t:SendMessage", "SendMessage"},
		"wrapper in another":      {"SyncChannel/v10/Types", "AsyncChannel/v10/Types"},
		"children qualified":      {"<request>", `<request xmlns="http://bip.bee.kz/SyncChannel/v10/Types">`},
		"one child qualified":     {"<serviceId>s</serviceId>", `<t:serviceId>s</t:serviceId>`},
		"order":                   {"<correlationId>c</correlationId><serviceId>s</serviceId>", "<serviceId>s</serviceId><correlationId>c</correlationId>"},
		"no messageId":            {"<messageId>m</messageId>", ""},
		"empty optional":          {"<correlationId>c</correlationId>", "<correlationId/>"},
		"serviceId twice":         {"<serviceId>s</serviceId>", "<serviceId>s</serviceId><serviceId>s</serviceId>"},
		"sessionId filled":        {"</requestInfo>", "<sessionId>{0}</sessionId></requestInfo>"},
		"an unknown element":      {"</requestInfo>", "<more/></requestInfo>"},
		"UTC":                     {"+05:00", "Z"},
		"no requestData":          {"<requestData><data><x:any xmlns:x=\"u\"><y/></x:any></data></requestData>", ""},
		"data twice":              {"<data>", "<data/><data>"},
		"data qualified":          {"<data>", `<data xmlns="v">`},
		"a DOCTYPE":               {"<soap:Envelope", "<!DOCTYPE x><soap:Envelope"},
		"elements in a text":      {"<messageId>m</messageId>", "<messageId><a/></messageId>"},
		"an unknown operation":    {"SendMessage", "Send"},
		"capital letter":          {"t:SendMessage", "t:sendMessage"},
		"two in Body":             {"</soap:Body>", "<a/></soap:Body>"},
		"two bodies":              {"</soap:Body>", "</soap:Body><soap:Body/>"},
		"ends early":              {"</soap:Body></soap:Envelope>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.NewReplacer(replace...).Replace(valid)
			if body == valid {
				t.Fatal("nothing is spoiled")
			}
			if _, err := Read(request(body)); err == nil {
				t.Error("accepted")
			}
		})
	}
	for name, edit := range map[string]func(http.Header){
		"no SOAPAction":      func(h http.Header) { h.Del("SOAPAction") },
		"a SOAPAction":       func(h http.Header) { h.Set("SOAPAction", `"SendMessage"`) },
		"SOAPAction no text": func(h http.Header) { h.Set("SOAPAction", "") },
		"application/xml":    func(h http.Header) { h.Set("Content-Type", "application/xml; charset=utf-8") },
		"no charset":         func(h http.Header) { h.Set("Content-Type", "text/xml") },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(request(valid, edit)); err == nil {
				t.Error("accepted")
			}
		})
	}
}
