package migpolice_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
	"kandashub/adapters/migpolice"
	"kandashub/adapters/shep"
	"kandashub/mocks"
	mock "kandashub/mocks/migpolice"
	mockshep "kandashub/mocks/shep"
	"kandashub/topics"
)

var wireID = regexp.MustCompile(`<messageId>([^<]*)</messageId>`)

func soapFault(name, side string, class topics.Class) adaptertest.Fault {
	return adaptertest.Fault{Name: name, Class: class, Answer: func(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
		mockshep.Fault(w, side, "SendMessage", "SE_PROCESSOR", "no such "+person.Surname)
	}}
}

func TestConformance(t *testing.T) {
	system, err := mock.New(mocks.Env{Dir: t.TempDir(), Register: mocks.NewRegister()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { system.Ledger.Close() })
	adaptertest.Run(t, adaptertest.Subject{
		New: func(url string) (adaptertest.Call, error) {
			a, err := migpolice.New(migpolice.Config{
				HTTP:   adapters.Config{System: "migpolice", URL: url, Token: "t0ken"},
				Sender: shep.Sender{ID: "hub_test", Password: "s3cret"},
			})
			return func(ctx context.Context, id string) error {
				_, err := a.Generate(ctx, migpolice.Request{MessageID: id, Application: "egov-1"}, person)
				return err
			}, err
		},
		Good: system.Handler.ServeHTTP,
		IDIn: func(_ *http.Request, body []byte) string {
			if id := wireID.FindSubmatch(body); id != nil {
				return string(id[1])
			}
			return ""
		},
		Effect:  migpolice.Effect,
		Secrets: []string{person.Surname, person.Name, person.BirthDate, person.Document.Number, "s3cret", "t0ken"},
		More: []adaptertest.Fault{
			soapFault("SOAP Server fault", "Server", topics.Uncertain),
			soapFault("SOAP Client fault", "Client", topics.Rejected),
		},
	})
}
