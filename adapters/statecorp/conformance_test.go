package statecorp_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
	"kandashub/adapters/shep"
	"kandashub/adapters/statecorp"
	"kandashub/topics"
	"kandashub/topics/payload"
)

var messageID = regexp.MustCompile(`<messageId>([^<]*)</messageId>`)

func TestConformance(t *testing.T) {
	for name, n := range map[string]payload.Notification{
		"notify":            notification("decided", decision("refuse")),
		"deliver-extension": notification("decided", decision("extend")),
		"answer-certificate": notification("certificate-issued", func(e *payload.Event) {
			e.Certificate = &payload.Certificate{Number: "C-1", RequestID: "q-1", FullName: "Әбіл О'Қасым-ұлы", IIN: "960229100018"}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Subject{
				New: func(url string) (adaptertest.Call, error) {
					a, err := statecorp.New(statecorp.Config{HTTP: adapters.Config{URL: url}, Sender: shep.Sender{ID: "hub", Password: "hidden"}})
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
						`<response><messageId>m</messageId></response></a:sendMessageResponse></s:Body></s:Envelope>`)
				},
				IDIn: func(_ *http.Request, body []byte) string {
					if m := messageID.FindSubmatch(body); m != nil {
						return string(m[1])
					}
					return ""
				},
				Effect:  topics.C2,
				Secrets: []string{"960229100018", "Қасым", "hidden"},
			})
		})
	}
}
