package kandas

import (
	"context"
	"io"
	"net/http"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
)

func TestConformance(t *testing.T) {
	for name, o := range operations {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Subject{
				New: func(url string) (adaptertest.Call, error) {
					client, err := adapters.NewClient(adapters.Config{System: "kandas", URL: url, Token: "mock-token"})
					if err != nil {
						return nil, err
					}
					t.Cleanup(client.Close)
					return func(ctx context.Context, id string) error {
						_, err := o.call(ctx, New(client), id)
						return err
					}, nil
				},
				Good:    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"status":"accepted"}`) },
				IDIn:    func(r *http.Request, _ []byte) string { return r.Header.Get("X-Message-ID") },
				Effect:  Effect,
				Secrets: []string{"Үлгіұлы", "Үлгіқызы", "Үлгі көшесі", "1880-05-01", "800501100018", "mock-token"},
			})
		})
	}
}
