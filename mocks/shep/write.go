package shep

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Now is a time as SHEP writes it, with +05:00.
func Now() string {
	return time.Now().In(time.FixedZone("", 5*60*60)).Format("2006-01-02T15:04:05.000-07:00")
}

// Escape makes text ready to stand in XML.
func Escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) //nolint:errcheck // a strings.Builder never fails
	return b.String()
}

// Envelope puts a SOAP 1.1 envelope around a body.
func Envelope(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` +
		`<soap:Envelope xmlns:soap="` + NamespaceSOAP + `"><soap:Header/><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

// Answer answers with the content of operation's response element.
func Answer(w http.ResponseWriter, namespace, operation, response string) {
	body := Envelope(fmt.Sprintf(`<ns2:%[1]sResponse xmlns:ns2="%[2]s"><response>%[3]s</response></ns2:%[1]sResponse>`,
		operation, namespace, response))
	send(w, http.StatusOK, body)
}

// AnswerSync answers a SendMessage with a status code of the receiving system
// and the content of its data element; empty for none.
func AnswerSync(w http.ResponseWriter, q Request, messageID, code, data string) {
	var b strings.Builder
	fmt.Fprintf(&b, `<responseInfo><messageId>%s</messageId>`, Escape(messageID))
	if q.CorrelationID != "" {
		fmt.Fprintf(&b, `<correlationId>%s</correlationId>`, Escape(q.CorrelationID))
	}
	fmt.Fprintf(&b, `<responseDate>%s</responseDate><status><code>%s</code><message>Message has been processed successfully</message></status>`,
		Now(), Escape(code))
	b.WriteString(`<sessionId>{0f0e0d0c-0b0a-4908-8706-050403020100}</sessionId></responseInfo><responseData>`)
	if data != "" {
		b.WriteString("<data>" + data + "</data>")
	}
	b.WriteString("</responseData>")
	Answer(w, NamespaceSync, "SendMessage", b.String())
}

// Fault answers with a SOAP fault: side is Client or Server, code the ErrorInfo's
// errorCode.
func Fault(w http.ResponseWriter, side, operation, code, text string) {
	namespace := NamespaceAsync
	if op, ok := operations[operation]; ok {
		namespace = op.namespace
	} else {
		operation = "sendMessage"
	}
	send(w, http.StatusInternalServerError, Envelope(fmt.Sprintf(
		`<soap:Fault><faultcode>soap:%[1]s</faultcode><faultstring>%[4]s</faultstring><detail>`+
			`<ns2:%[2]sFault1_%[2]sFault xmlns:ns2="%[5]s"><errorCode>%[3]s</errorCode><errorMessage>%[4]s</errorMessage>`+
			`<errorDate>%[6]s</errorDate></ns2:%[2]sFault1_%[2]sFault></detail></soap:Fault>`,
		side, operation, Escape(code), Escape(text), namespace, Now())))
}

func send(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(body)) //nolint:errcheck // the caller may have gone
}
