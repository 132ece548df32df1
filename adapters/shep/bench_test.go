package shep

import "testing"

// benchRequest is a notice as egov.kz gets them.
func benchRequest() AsyncRequest {
	return AsyncRequest{
		MessageID: "egov-test-1.0123456789abcdef", CorrelationID: "egov-test-1", ServiceID: "KANDAS_STATUS_NOTIFICATION", MessageType: TypeNotification,
		Data: Document{Root: "notification", Namespace: "urn:test", Content: func(w Writer) {
			w.In("updatedValues", func(w Writer) {
				w.Text("code", "processing_status")
				w.In("values", func(w Writer) {
					w.Text("kkValue", "Өтініш тіркелді")
					w.Text("ruValue", "Заявление зарегистрировано <&>")
				})
			})
			w.Text("externalRequestId", "egov-test-1")
			w.Text("issuedAt", "2026-04-06T10:00:00+05:00")
			w.Set("number", "D-1")
			w.Texts("grounds", "ground", []string{"3", "19-1"})
		}},
	}
}

func readAck(doc []byte) bool {
	texts, ok := quick(doc, OpSend+"Response", []string{"messageId", "sessionId", "responseDate"})
	return ok && texts[0] != ""
}

func BenchmarkEncode(b *testing.B) {
	c, m := NewClient(nil, "", Sender{ID: "hub", Password: "p"}, clock), benchRequest()
	b.ReportAllocs()
	for b.Loop() {
		c.asyncEnvelope(m)
	}
}

func BenchmarkDecode(b *testing.B) {
	doc := []byte(ackAnswer)
	b.ReportAllocs()
	for b.Loop() {
		if !readAck(doc) {
			b.Fatal("not read")
		}
	}
}
