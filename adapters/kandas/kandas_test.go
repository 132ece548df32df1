package kandas

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kandashub/adapters"
	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/payload"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func newClient(t *testing.T, url string) *Client {
	t.Helper()
	c, err := adapters.NewClient(adapters.Config{System: "kandas", URL: url, Metrics: observability.NewMetrics(prometheus.NewRegistry())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return New(c)
}

var (
	sampleApplication = payload.Application{
		ApplicationID: "egov-1",
		Service:       "kandas.assign",
		Applicant:     payload.Applicant{Person: payload.Person{Ref: "p0", Surname: "Үлгіұлы", BirthDate: "1880-05-01"}, Address: "Үлгі көшесі 1"},
		Consent:       payload.Consent{Given: true},
	}
	sampleIINs = payload.IINRequest{
		ApplicationID: "egov-1",
		RequestID:     "q1",
		Persons: []payload.PersonRequest{
			{
				Person: payload.Person{Ref: "p0", Surname: "Үлгіұлы", BirthDate: "1880-05-01"},
				Result: &payload.PersonResult{Status: payload.IINGenerated, IIN: "800501100018"},
			},
			{
				Person: payload.Person{Ref: "p1", Surname: "Үлгіқызы"},
				Result: &payload.PersonResult{Status: payload.IINAmbiguous, Reason: payload.ReasonSeveral, Matches: 2},
			},
		},
	}
	sampleDelivery = payload.Delivery{ApplicationID: "egov-1", Notice: "egov-1.0d9f3c526b1a5d0e", Recipient: "egov", State: payload.DeliveryDelivered}
	sampleRequest  = payload.CertificateRequest{ApplicationID: "egov-1", RequestID: "q2", Certificate: "KZ-1", IIN: "800501100018", Reason: "lost", FiledAt: "2026-11-22T10:00:00+05:00"}
)

// operations are the four, each with a sample.
var operations = map[string]struct {
	call func(ctx context.Context, c *Client, id string) (Answer, error)
	path string
	body string // what must be in the body
}{
	"register": {
		func(ctx context.Context, c *Client, id string) (Answer, error) {
			return c.Register(ctx, id, sampleApplication)
		},
		"/api/v1/applications", `"surname":"Үлгіұлы"`,
	},
	"record-iins": {
		func(ctx context.Context, c *Client, id string) (Answer, error) {
			return c.RecordIINs(ctx, id, sampleIINs)
		},
		"/api/v1/iins",
		`{"application_id":"egov-1","request_id":"q1","persons":[{"ref":"p0","status":"generated","iin":"800501100018"},{"ref":"p1","status":"ambiguous","reason":"several","matches":2}]}`,
	},
	"record-delivery": {
		func(ctx context.Context, c *Client, id string) (Answer, error) {
			return c.RecordDelivery(ctx, id, sampleDelivery)
		},
		"/api/v1/deliveries", `{"application_id":"egov-1","notice":"egov-1.0d9f3c526b1a5d0e","recipient":"egov","state":"delivered"}`,
	},
	"request-certificate": {
		func(ctx context.Context, c *Client, id string) (Answer, error) {
			return c.RequestCertificate(ctx, id, sampleRequest)
		},
		"/api/v1/certificate-requests",
		`{"application_id":"egov-1","request_id":"q2","certificate":"KZ-1","iin":"800501100018","reason":"lost","filed_at":"2026-11-22T10:00:00+05:00"}`,
	},
}

func TestRequests(t *testing.T) {
	for name, o := range operations {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if r.Method != http.MethodPost || r.URL.Path != o.path {
					t.Errorf("%s %s, want POST %s", r.Method, r.URL.Path, o.path)
				}
				if got := r.Header.Get("X-Message-ID"); got != "m1" {
					t.Errorf("message id %q", got)
				}
				if got := r.Header.Get("Content-Type"); got != "application/json" {
					t.Errorf("content type %q", got)
				}
				if !strings.Contains(string(body), o.body) {
					t.Errorf("body %s, want in it %s", body, o.body)
				}
				io.WriteString(w, `{"status":"accepted"}`)
			}))
			defer server.Close()
			answer, err := o.call(t.Context(), newClient(t, server.URL), "m1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Answer{Accepted: true}, answer); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       Answer
		class      topics.Class
	}{
		{"accepted", `{"status":"accepted"}`, Answer{Accepted: true}, ""},
		{"refused", `{"status":"refused","reason":"application_known"}`, Answer{Reason: "application_known"}, ""},
		{"refused with a text that may be personal", `{"status":"refused","reason":"Үлгіұлы is known"}`, Answer{Reason: "other"}, ""},
		{"refused without a reason", `{"status":"refused"}`, Answer{Reason: "other"}, ""},
		{"unknown status", `{"status":"perhaps"}`, Answer{}, topics.Uncertain},
		{"no status", `{}`, Answer{}, topics.Uncertain},
		{"not JSON", `accepted`, Answer{}, topics.Uncertain},
		{"another shape", `{"status":1}`, Answer{}, topics.Uncertain},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.body) }))
			defer server.Close()
			answer, err := newClient(t, server.URL).RecordDelivery(t.Context(), "m1", sampleDelivery)
			if diff := cmp.Diff(c.want, answer); diff != "" {
				t.Error(diff)
			}
			if c.class == "" && err != nil || c.class != "" && topics.FailureOf(err).Class != c.class {
				t.Errorf("error %v, want class %q", err, c.class)
			}
		})
	}
}

// A request with a person who is not settled must not go out.
func TestUnsettledIINsAreNotRecorded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") }))
	defer server.Close()
	unsettled := payload.IINRequest{Persons: []payload.PersonRequest{{Person: payload.Person{Ref: "p0"}}}}
	_, err := newClient(t, server.URL).RecordIINs(t.Context(), "m1", unsettled)
	if f := topics.FailureOf(err); err == nil || f.Class != topics.Rejected || f.Code != "unsettled" {
		t.Errorf("error %v", err)
	}
}
