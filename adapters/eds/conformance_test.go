package eds_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
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

// told is what the documents of these tests state.
var told = eds.Statement{
	ApplicationID: "egov-2026-1", EventType: payload.TypeDecided, Number: "17", Date: "2026-11-22", Result: "assign",
}

// document states told, in its own words where replacements say so.
func document(replace ...string) string {
	const doc = `<s:statement xmlns:s="urn:kandashub:statement:v1"><application_id>egov-2026-1</application_id>` +
		`<event_type>kz.kandas.application.decided.v1</event_type><number>17</number><date>2026-11-22</date>` +
		`<result>assign</result><decision><number>other</number><full_name>Үлгіұлы</full_name></decision></s:statement>`
	return strings.NewReplacer(replace...).Replace(doc)
}

func TestConformance(t *testing.T) {
	content := base64.StdEncoding.EncodeToString([]byte(document()))
	for name, tc := range map[string]struct {
		signature payload.Signature
		good      string
		refine    map[string]topics.Class
	}{
		"xml": {
			payload.Signature{Format: "xml", Value: mocks.SignXML(document())},
			`{"status":200,"message":"OK","valid":true,"signers":[` + certificate + `]}`,
			nil,
		},
		"cms": {
			payload.Signature{Format: "cms", Value: mocks.SignCMS([]byte(document())), Data: content},
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
						_, err := eds.New(client).Verify(ctx, tc.signature, told)
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
