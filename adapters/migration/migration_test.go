package migration_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kandashub/adapters"
	"kandashub/adapters/adaptertest"
	"kandashub/adapters/migration"
	"kandashub/mocks"
	mock "kandashub/mocks/migration"
	"kandashub/topics"
	"kandashub/topics/payload"
)

const application = "migration-1"

// samples is one notification of each kind.
func samples() map[string]payload.Notification {
	out := map[string]payload.Notification{}
	for kind, e := range map[string]payload.Event{
		"registered":      {Registration: &payload.Registration{Number: "7", Date: "2026-11-21"}},
		"package-refused": {PackageRefusal: &payload.PackageRefusal{Number: "8", Recipient: "Үлгіұлы", Kind: "expired", Documents: []string{"id-copy"}}},
		"recommended":     {Recommendation: &payload.Recommendation{Result: "assign", Protocol: "9", Date: "2026-11-21"}},
		"hearing-set":     {Hearing: &payload.Hearing{Grounds: []string{"1", "19-1"}, Place: "Астана", At: "2026-11-25T10:00:00+05:00"}},
		"decided": {Decision: &payload.Decision{Result: "assign", Number: "10", FullName: "Үлгіұлы Үлгі", BirthDate: "1880-05-01",
			Address: "Үлгі көшесі 5", IIN: "800501100018"}},
		"certificate-issued": {Certificate: &payload.Certificate{Number: "11", FullName: "Үлгіұлы Үлгі", BirthDate: "1880-05-01",
			Minors: []payload.Minor{{FullName: "Үлгіқызы Гүл", BirthDate: "1899-02-01"}}}},
	} {
		if kind != "registered" && kind != "recommended" {
			e.Signature = &payload.Signature{Format: "xml", Value: mocks.SignXML("<a></a>")}
		}
		e.ApplicationID = application
		e.Recipients = []string{"migration"}
		e.IssuedAt = "2026-11-22T09:00:00+05:00"
		e.Text = payload.Text{KK: "Құрметті Үлгіұлы", RU: "Уважаемый Үлгіұлы"}
		out[kind] = payload.Notification{ApplicationID: application, Recipient: "migration", Kind: kind, EventID: "e-" + kind, Event: e}
	}
	return out
}

func newClient(t *testing.T, url string) *migration.Client {
	t.Helper()
	c, err := adapters.NewClient(adapters.Config{System: "migration", URL: url, Token: "s3cret-token"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return migration.New(c)
}

func TestConformance(t *testing.T) {
	for kind, n := range samples() {
		t.Run(kind, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Subject{
				New: func(url string) (adaptertest.Call, error) {
					c := newClient(t, url)
					return func(ctx context.Context, id string) error {
						_, err := c.Show(ctx, id, n)
						return err
					}, nil
				},
				Good: func(w http.ResponseWriter, r *http.Request) {
					io.WriteString(w, `{"notice":"`+r.Header.Get("X-Message-ID")+`","shown_at":"2026-11-22T09:00:01+05:00"}`) //nolint:errcheck
				},
				IDIn:    func(r *http.Request, _ []byte) string { return r.Header.Get("X-Message-ID") },
				Effect:  migration.Effect,
				Secrets: []string{"Үлгіұлы", "Үлгіқызы", "Үлгі көшесі", "800501100018", "1880-05-01", "s3cret-token"},
			})
		})
	}
}

// The mock takes nothing but what the portal's API says: every kind fits, and a
// repeat shows nothing twice.
func TestAgainstTheMock(t *testing.T) {
	s, err := mock.New(mocks.Env{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Ledger.Close() })
	srv := httptest.NewServer(s.Handler)
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL)
	for kind, n := range samples() {
		notice := topics.NoticeID(application, n.EventID)
		first, err := c.Show(t.Context(), notice, n)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		again, err := c.Show(t.Context(), notice, n)
		if err != nil || !again.At.Equal(first.At) {
			t.Errorf("%s: repeat says %v (%v), want the first answer %v", kind, again.At, err, first.At)
		}
	}
	repeats := map[bool]int{}
	for _, e := range s.Ledger.Effects() {
		repeats[e.Repeat]++
	}
	if diff := cmp.Diff(map[bool]int{false: 6, true: 6}, repeats); diff != "" {
		t.Errorf("effects and repeats (-want +got):\n%s", diff)
	}
}

func TestBadNotificationIsNotSent(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1") // a call would be unavailable
	for name, spoil := range map[string]func(*payload.Notification){
		"unknown kind":    func(n *payload.Notification) { n.Kind = "praised" },
		"without details": func(n *payload.Notification) { n.Event.Decision = nil },
		"without Kazakh":  func(n *payload.Notification) { n.Event.Text.KK = "" },
		"without Russian": func(n *payload.Notification) { n.Event.Text.RU = "" },
	} {
		n := samples()["decided"]
		spoil(&n)
		if _, err := c.Show(t.Context(), "id", n); topics.FailureOf(err).Code != "schema" {
			t.Errorf("%s: error %v, want a schema failure", name, err)
		}
	}
}

func TestAnswerOfAnotherNoticeIsUnclear(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"notice": "other", "shown_at": "2026-11-22T09:00:01+05:00"}) //nolint:errcheck
	}))
	t.Cleanup(srv.Close)
	_, err := newClient(t, srv.URL).Show(t.Context(), "id", samples()["decided"])
	if f := topics.FailureOf(err); f.Class != topics.Uncertain {
		t.Errorf("error %v, want an uncertain one", err)
	}
}
