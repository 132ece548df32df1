package target

import "fmt"

const (
	namespaceSOAP  = "http://schemas.xmlsoap.org/soap/envelope/"
	namespaceAsync = "http://bip.bee.kz/AsyncChannel/v10/Types"
	date           = "2026-11-21T09:00:00.000+05:00"
)

func envelope(body string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="%s"><soap:Header/><soap:Body>%s</soap:Body></soap:Envelope>`,
		namespaceSOAP, body)
}

// respondSOAP says that the gateway has taken a message over.
func respondSOAP(out, notice []byte) []byte {
	return respond(out, "200 OK", "text/xml; charset=utf-8", envelope(fmt.Sprintf(
		`<ns2:sendMessageResponse xmlns:ns2="%s"><response><messageId>%s</messageId><responseDate>%s</responseDate></response></ns2:sendMessageResponse>`,
		namespaceAsync, notice, date)))
}

// respondState says what became of a message after an unclear outcome.
func respondState(out []byte, seen bool) []byte {
	if !seen {
		return respond(out, "500 Internal Server Error", "text/xml; charset=utf-8", envelope(fmt.Sprintf(
			`<soap:Fault><faultcode>soap:Client</faultcode><faultstring>no message of that id</faultstring><detail>`+
				`<ns2:getMessageStatusFault xmlns:ns2="%s"><errorCode>MESSAGE_NOT_FOUND</errorCode></ns2:getMessageStatusFault></detail></soap:Fault>`,
			namespaceAsync)))
	}
	return respond(out, "200 OK", "text/xml; charset=utf-8", envelope(fmt.Sprintf(
		`<ns2:getMessageStatusResponse xmlns:ns2="%s"><response><messageState>DELIVERED</messageState><responseDate>%s</responseDate></response></ns2:getMessageStatusResponse>`,
		namespaceAsync, date)))
}
