package egov_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
	"kandashub/adapters/egov"
	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/payload"
)

var messageID = regexp.MustCompile(`<messageId>([^<]*)</messageId>`)

func TestConformance(t *testing.T) {
	n := notification("decided", func(e *payload.Event) {
		e.Decision = &payload.Decision{Result: "assign", Number: "D-1", Date: "2026-04-09", IIN: "960229100018", FullName: "Әбіл О'Қасым-ұлы"}
		e.Signature = &payload.Signature{Format: "cms", Value: "c2lnbmVk"}
	})
	adaptertest.Run(t, adaptertest.Subject{
		New: func(url string) (adaptertest.Call, error) {
			a, err := egov.New(egov.Config{HTTP: adapters.Config{URL: url}, Sender: shep.Sender{ID: "hub", Password: "hidden"}})
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, id string) error {
				_, err := a.Notify(ctx, id, "", n)
				return err
			}, nil
		},
		Good: func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a:sendMessageResponse xmlns:a="http://bip.bee.kz/AsyncChannel/v10/Types">`+
				`<response><messageId>m</messageId><responseDate>2026-04-06T10:20:01+05:00</responseDate></response></a:sendMessageResponse></s:Body></s:Envelope>`)
		},
		IDIn: func(_ *http.Request, body []byte) string {
			if m := messageID.FindSubmatch(body); m != nil {
				return string(m[1])
			}
			return ""
		},
		Effect:  topics.C2,
		Secrets: []string{"960229100018", "Қасым", "hidden", "c2lnbmVk"},
	})
}
