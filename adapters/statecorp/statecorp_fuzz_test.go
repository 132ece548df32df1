package statecorp

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"kandashub/adapters/shep"
	"kandashub/topics"
)

// Whatever document the State Corporation sends, it becomes one message on one
// of its topics, or is refused for good.
func FuzzIncoming(f *testing.F) {
	f.Add(false, `<receipt><notice>statecorp-1.0123456789abcdef</notice><state>delivered</state><at>2026-04-06T10:15:30+05:00</at></receipt>`)
	f.Add(false, `<certificate_request><application_id>statecorp-1</application_id><request_id>r</request_id><reason>lost</reason><filed_at>x</filed_at></certificate_request>`)
	f.Add(false, `<application><application_id>statecorp-1</application_id><service>kandas.assign</service></application>`)
	f.Add(true, `statecorp-1.0123456789abcdef`)
	a := &Adapter{}
	f.Fuzz(func(t *testing.T, callback bool, content string) {
		in := shep.Incoming{System: System, Operation: shep.OpSend, MessageID: "m-1", Time: time.Unix(1, 0)}
		if callback {
			in.Operation, in.State, in.MessageID = shep.OpStateChanged, shep.Delivered, content
		} else {
			root, err := shep.Parse([]byte(content))
			if err != nil {
				return
			}
			in.Data = etree.NewElement("data")
			in.Data.AddChild(root)
		}
		topic, m, ok, err := a.Incoming(in)
		if err != nil {
			var failure *topics.Failure
			if ok || !errors.As(err, &failure) || failure.Class != topics.Rejected {
				t.Fatalf("ok %v, refused by %v", ok, err)
			}
			return
		}
		if !ok || m.ID == "" || m.Type == "" || m.Source != System || len(m.Data) == 0 ||
			!slices.Contains([]string{TopicApplications, TopicCertificateRequests, TopicReceipts}, topic) {
			t.Fatalf("ok %v on %s: %+v", ok, topic, m)
		}
	})
}
