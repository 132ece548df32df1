package shep

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
	"kandashub/topics"
)

func answerWith(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// soapFaults are faults in SOAP's own terms, beside those of HTTP.
func soapFaults() []adaptertest.Fault {
	fault := func(name, side, code string, class topics.Class, pause string) adaptertest.Fault {
		return adaptertest.Fault{Name: name, Class: class, Pause: pause,
			Answer: func(w http.ResponseWriter, r *http.Request, _ func() *httptest.ResponseRecorder) {
				request, _ := io.ReadAll(r.Body)
				// Faults explain themselves by what they did not like.
				answerWith(500, faultAnswer(side, code, "<![CDATA["+string(request)+"]]>"))(w, r)
			}}
	}
	return []adaptertest.Fault{
		fault("SOAP Client", "s:Client", "SVC_ERRFORMAT", topics.Rejected, ""),
		fault("SOAP Server", "s:Server", "SE_PROCESSOR", topics.Uncertain, ""),
		fault("SOAP Client, credentials", "s:Client", CodeAuth, topics.Unavailable, "auth"),
		fault("SOAP MustUnderstand", "s:MustUnderstand", "", topics.Unavailable, "target"),
	}
}

func TestConformance(t *testing.T) {
	idIn := func(r *http.Request, body []byte) string {
		e, err := Parse(body)
		if err != nil {
			return "unreadable"
		}
		if id := e.FindElement(".//messageId"); id != nil {
			return id.Text()
		}
		return "none"
	}
	for name, c := range map[string]struct {
		effect topics.Effect
		good   string
		call   func(ctx context.Context, c *Client, id string) error
	}{
		"SendSync": {topics.ReadOnly, syncAnswer, func(ctx context.Context, c *Client, id string) error {
			_, err := c.SendSync(ctx, "find", SyncRequest{MessageID: id, ServiceID: "s", Data: someData(t)})
			return err
		}},
		"SendAsync": {topics.C2, ackAnswer, func(ctx context.Context, c *Client, id string) error {
			_, err := c.SendAsync(ctx, "notify", AsyncRequest{MessageID: id, ServiceID: "s", MessageType: TypeNotification, Data: someData(t)})
			return err
		}},
		"Status": {topics.ReadOnly, stateAnswer("DELIVERED"), func(ctx context.Context, c *Client, id string) error {
			_, err := c.Status(ctx, id)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Subject{
				New: func(url string) (adaptertest.Call, error) {
					h, err := adapters.NewClient(adapters.Config{System: "egov", URL: url})
					if err != nil {
						return nil, err
					}
					cl := NewClient(h, "/bip", Sender{ID: "hub_test", Password: "p<&w"}, nil)
					return func(ctx context.Context, id string) error { return c.call(ctx, cl, id) }, nil
				},
				Good:    answerWith(200, c.good),
				IDIn:    idIn,
				Effect:  c.effect,
				Secrets: []string{"Әл-Фараби", "p<&w", "p&lt;&amp;w"},
				More:    soapFaults(),
			})
		})
	}
}
