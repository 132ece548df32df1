package eds_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
	"kandashub/adapters/eds"
	"kandashub/mocks"
	"kandashub/topics"
	"kandashub/topics/payload"
)

const certificate = `{"valid":true,"revocations":[{"revoked":false,"by":"OCSP","reason":"OK"}],
	"notBefore":"2020-01-01T00:00:00.000+00:00","notAfter":"2999-01-01T00:00:00.000+00:00",
	"keyUsage":"SIGN","keyUser":["ORGANIZATION","CEO"]}`

func TestConformance(t *testing.T) {
	for name, tc := range map[string]struct {
		signature payload.Signature
		good      string
		refine    map[string]topics.Class
	}{
		"xml": {
			payload.Signature{Format: "xml", Value: mocks.SignXML("<decision><name>Үлгіұлы</name></decision>")},
			`{"status":200,"message":"OK","valid":true,"signers":[` + certificate + `]}`,
			nil,
		},
		"cms": {
			payload.Signature{Format: "cms", Value: mocks.SignCMS([]byte("Үлгіұлы"))},
			`{"status":200,"message":"OK","valid":true,"signers":[{"certificates":[` + certificate + `]}]}`,
			map[string]topics.Class{"400": adaptertest.Answer}, // a CMS that cannot be read is a bad one
		},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Subject{
				New: func(url string) (adaptertest.Call, error) {
					client, err := adapters.NewClient(adapters.Config{System: "eds", URL: url})
					if err != nil {
						return nil, err
					}
					t.Cleanup(client.Close)
					return func(ctx context.Context, _ string) error {
						_, err := eds.New(client).Verify(ctx, tc.signature)
						return err
					}, nil
				},
				Good:    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tc.good) }, //nolint:errcheck
				Effect:  eds.Effect,
				Secrets: []string{"Үлгіұлы", tc.signature.Value},
				Refine:  tc.refine,
			})
		})
	}
}
