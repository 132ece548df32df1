package gbdfl_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
	"kandashub/adapters/gbdfl"
	"kandashub/adapters/shep"
	"kandashub/mocks"
	mock "kandashub/mocks/gbdfl"
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
	env := mocks.Env{Dir: t.TempDir(), Register: mocks.NewRegister()}
	env.Register.Add(record)
	system, err := mock.New(env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { system.Ledger.Close() })
	for name, find := range map[string]func(context.Context, *gbdfl.Adapter, gbdfl.Request) (gbdfl.Answer, error){
		"by IIN": func(ctx context.Context, a *gbdfl.Adapter, r gbdfl.Request) (gbdfl.Answer, error) {
			return a.FindByIIN(ctx, r, record.IIN)
		},
		"by name": func(ctx context.Context, a *gbdfl.Adapter, r gbdfl.Request) (gbdfl.Answer, error) {
			return a.FindByName(ctx, r, person)
		},
		"by document": func(ctx context.Context, a *gbdfl.Adapter, r gbdfl.Request) (gbdfl.Answer, error) {
			return a.FindByDocument(ctx, r, person.Document.Number)
		},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Subject{
				New: func(url string) (adaptertest.Call, error) {
					a, err := gbdfl.New(gbdfl.Config{
						HTTP:       adapters.Config{System: "gbdfl", URL: url, Token: "t0ken"},
						Sender:     shep.Sender{ID: "hub_test", Password: "s3cret"},
						SenderCode: "HUBTEST",
					})
					return func(ctx context.Context, id string) error {
						_, err := find(ctx, a, gbdfl.Request{MessageID: id, Application: "egov-1"})
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
				Effect:  gbdfl.Effect,
				Secrets: []string{record.IIN, person.Surname, person.Name, person.BirthDate, person.Document.Number, "s3cret", "t0ken"},
				More: []adaptertest.Fault{
					soapFault("SOAP Server fault", "Server", topics.Uncertain),
					soapFault("SOAP Client fault", "Client", topics.Rejected),
				},
			})
		})
	}
}
